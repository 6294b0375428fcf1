"""The vegetation models whose output is known: where they are described and what to beware of."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class ModelEntry:
    """One vegetation model.

    Attributes
    ----------
    name
        As in the Global Carbon Budget.
    reference
        Author and year of its description.
    aliases
        Other names in file names.
    faults
        What is known to be unusual in its output.
    deep_soil
        Its soil carbon includes carbon far below the depth of the others (permafrost, peat), with
        turnover of another kind.
    per_land
        Values are per area of land, not of the whole cell.
    """

    name: str
    reference: str
    aliases: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    deep_soil: bool = False
    per_land: bool = True


_ENTRIES: Final = (
    ModelEntry("CABLE-POP", "Haverd 2018"),
    ModelEntry("CARDAMOM", "Smallman 2021", faults=("data assimilation, not a process model",)),
    ModelEntry("CLASSIC", "Melton 2020", aliases=("CLASSIC-N",)),
    ModelEntry("CLM5.0", "Lawrence 2019", aliases=("CLM5", "CLM6.0"),
               faults=("soil carbon to 8 m, permafrost included",), deep_soil=True),
    ModelEntry("DLEM", "You 2022"),
    ModelEntry("E3SM", "Yang 2023", aliases=("ELM",)),
    ModelEntry("EDv3", "Ma 2022", aliases=("ED",)),
    ModelEntry("IBIS", "Xia 2024"),
    ModelEntry("ISAM", "Shu 2020",
               faults=("deep soil carbon included", "TRENDY v11 cLeaf has broken coordinates"),
               deep_soil=True),
    ModelEntry("ISBA-CTRIP", "Delire 2020", faults=("grid ends at 60 S",)),
    ModelEntry("JSBACH", "Mauritsen 2019",
               faults=("Gaussian latitudes", "NPP exceeds GPP in about 1,300 cells")),
    ModelEntry("JULES", "Wiltshire 2021", aliases=("JULES-ES",),
               faults=("root carbon equals leaf carbon by construction",)),
    ModelEntry("LPJ-GUESS", "Smith 2014", faults=("NPP exceeds GPP or is negative in some cells",)),
    ModelEntry("LPJml", "Heinke 2022"),
    ModelEntry("LPJwsl", "Poulter 2011", aliases=("LPJ", "LPJ-wsl"),
               faults=("NPP negative in some cells",)),
    ModelEntry("LPX-Bern", "Lienert and Joos 2018", aliases=("LPX",),
               faults=("NPP exceeds GPP in some cells",)),
    ModelEntry("OCN", "Zaehle 2011"),
    ModelEntry("ORCHIDEE", "Vuichard 2019", aliases=("ORCHIDEEv3", "ORCHIDEE-CNP")),
    ModelEntry("SDGVM", "Walker 2017", faults=("leaf and wood carbon not written",)),
    ModelEntry("VISIT", "Kato 2013"),
    ModelEntry("YIBs", "Yue and Unger 2015", aliases=("YIBS",)),
    ModelEntry("VISIT-NIES", "Ito 2019", aliases=("VISIT-UT",),
               faults=("wood carbon above 100 kgC m-2 in some cells",)),
)  # fmt: skip

REGISTRY: Final[dict[str, ModelEntry]] = {entry.name: entry for entry in _ENTRIES}
"""The 21 models of the Global Carbon Budget 2023, and one that is in its predecessor alone."""

_BY_ALIAS: Final = {
    alias.lower(): entry for entry in _ENTRIES for alias in (entry.name, *entry.aliases)
}


def model_entry(name: str) -> ModelEntry | None:
    """Find a model by its name or an alias, whatever the case; None if it is not known.

    Examples
    --------
    >>> model_entry("LPJ").reference, model_entry("TWIN-ALDER")
    ('Poulter 2011', None)
    """
    return _BY_ALIAS.get(name.lower())
