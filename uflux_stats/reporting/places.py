"""The places that reports are of, and the names they go by."""

from typing import Final

from uflux_stats.grid import CONTINENTS
from uflux_stats.reporting.reading import GLOBAL
from uflux_stats.schema import SCHEMA

_BEFORE: Final = "_before"
_KNOWN: Final = ("CO2", "FAPAR", "GPP")
"""Drivers better known by their symbols."""
CONTINENT_NAMES: Final = tuple(CONTINENTS.values())
ZONES: Final = ("northern extratropics", "tropics", "southern extratropics")
# legend of MCD12C1, IGBP scheme (Sulla-Menashe and Friedl 2018)
TYPES: Final[dict[str, str]] = {
    "ENF": "evergreen needleleaf forest",
    "EBF": "evergreen broadleaf forest",
    "DNF": "deciduous needleleaf forest",
    "DBF": "deciduous broadleaf forest",
    "MF": "mixed forest",
    "CSH": "closed shrubland",
    "OSH": "open shrubland",
    "WSA": "woody savanna",
    "SAV": "savanna",
    "GRA": "grassland",
    "WET": "permanent wetland",
    "CRO": "cropland",
    "CVM": "cropland and natural vegetation mosaic",
    "SNO": "snow and ice",
    "BSV": "barren or sparsely vegetated",
}
"""Land cover types that have fluxes; water and towns have none."""


def place_name(region: str) -> str:
    """Return the name of a region as it stands in a sentence, types in full.

    Examples
    --------
    >>> place_name("ENF"), place_name("Asia"), place_name("global")
    ('evergreen needleleaf forest (ENF)', 'Asia', 'all land')
    """
    if region == GLOBAL:
        return "all land"
    return f"{TYPES[region]} ({region})" if region in TYPES else region


def driver_name(driver: str) -> str:
    """Return a driver in words, with its short name.

    Examples
    --------
    >>> driver_name("TA"), driver_name("P_before")
    ('air temperature (TA)', 'precipitation, months before (P_before)')
    """
    plain = driver.removesuffix(_BEFORE)
    if plain not in SCHEMA:
        return driver
    when = ", months before" if driver != plain else ""
    return f"{SCHEMA[plain].long_name}{when} ({driver})"


def driver_words(driver: str) -> str:
    """Return a driver in words, as it stands in a sentence.

    Examples
    --------
    >>> driver_words("TA"), driver_words("P_before"), driver_words("CO2")
    ('air temperature', 'earlier precipitation', 'CO2')
    """
    plain = driver.removesuffix(_BEFORE)
    words = plain if plain not in SCHEMA or plain in _KNOWN else SCHEMA[plain].long_name
    return words if driver == plain else f"earlier {words}"


def place_title(region: str) -> str:
    """Return the name of a region as it stands in a heading.

    Examples
    --------
    >>> place_title("ENF")
    'Evergreen needleleaf forest (ENF)'
    """
    name = place_name(region)
    return name[0].upper() + name[1:]
