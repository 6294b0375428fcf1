"""Which files of a folder hold which variable of which vegetation model."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from uflux_stats.errors import DataFileError

FLUXES: Final = {"gpp": "GPP", "npp": "NPP", "ra": "Ra", "rh": "Rh", "nbp": "NBP"}
POOLS: Final = {
    name.lower(): name for name in ("cVeg", "cLeaf", "cWood", "cRoot", "cLitter", "cSoil")
}
KNOWN: Final = FLUXES | POOLS
PERIODS: Final = ("INIT", "FINAL")
"""First and last ten years of files that hold a mean over years and no time axis."""
CHANGE: Final = "CHANGE"
"""Files that hold the last year minus the tenth-last."""

_TRENDY: Final = re.compile(
    r"(?P<model>[^_]+)(?:_(?P<scenario>S\d\w*))?_(?P<variable>[A-Za-z]+)"
    r"(?:_(?:(?P<period>INIT|FINAL)_MEAN|(?P<change>CHANGE)))?"
)
_CMIP: Final = re.compile(
    r"(?P<variable>[A-Za-z]+)_(?:Lmon|Emon|Lyr|Eyr)_(?P<model>[^_]+)_(?P<scenario>[^_]+)"
    r"_(?:(?P<realisation>r\d[^_]*)(?:_.+)?|.+)"
)


@dataclass(frozen=True)
class ModelFile:
    """One file: ``period`` is INIT, FINAL, CHANGE, or empty for a file with a time axis.

    ``realisation`` is the run among several of one model, such as r1i1p1f1 of CMIP.
    """

    path: Path
    model: str
    variable: str
    scenario: str = ""
    period: str = ""
    realisation: str = ""

    @property
    def run(self) -> tuple[int, ...]:
        """Numbers of the realisation, by which runs are in order: r2 comes before r10."""
        return tuple(int(part) for part in re.findall(r"\d+", self.realisation))


def parse_name(path: Path) -> ModelFile | None:
    """Read model, variable, scenario and period from a file name; None if it is another file.

    Examples
    --------
    >>> file = parse_name(Path("CLM5.0_S3_gpp.nc"))
    >>> file.model, file.variable, file.scenario
    ('CLM5.0', 'GPP', 'S3')
    >>> file = parse_name(Path("gpp_Lmon_CESM2_historical_r1i1p1f1_gn_200001-201412.nc"))
    >>> file.model, file.realisation
    ('CESM2', 'r1i1p1f1')
    >>> parse_name(Path("JULES_cVeg_INIT_MEAN.nc")).period
    'INIT'
    """
    found = _CMIP.fullmatch(path.stem) or _TRENDY.fullmatch(path.stem)
    if found is None or found["variable"].lower() not in KNOWN:
        return None
    parts = found.groupdict()
    return ModelFile(
        path=path,
        model=parts["model"],
        variable=KNOWN[parts["variable"].lower()],
        scenario=parts.get("scenario") or "",
        period=parts.get("period") or parts.get("change") or "",
        realisation=parts.get("realisation") or "",
    )


def find_files(folder: str | Path, *, scenario: str | None = None) -> list[ModelFile]:
    """List the files of all models, also in folders below.

    Parameters
    ----------
    folder : str or Path
        Holds files like ``MODEL_S3_gpp.nc``, ``MODEL_gpp_FINAL_MEAN.nc`` or those of CMIP.
    scenario : str, optional
        Such as "S3" or "historical"; needed where the folder holds several.

    Returns
    -------
    list of ModelFile
        By model, variable and period.

    Raises
    ------
    DataFileError
        If there is no such folder, no such file in it, or several scenarios and none is chosen.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataFileError(f"path: expected a folder of model output, got {folder}; check it")
    named = [parse_name(path) for path in sorted(folder.rglob("*.nc"))]
    files = [file for file in named if file and scenario in (None, file.scenario)]
    if not files:
        wanted = f" of scenario {scenario}" if scenario else ""
        raise DataFileError(
            f"path: expected files like MODEL_S3_gpp.nc{wanted} in {folder}, got none; "
            f"{len(named)} other NetCDF files are there"
        )
    _require_one_scenario(files)
    return sorted(files, key=lambda file: (file.model, file.variable, file.period, file.path))


def _require_one_scenario(files: Iterable[ModelFile]) -> None:
    scenarios = sorted({file.scenario for file in files})
    if len(scenarios) > 1:
        raise DataFileError(
            f"scenario: expected one scenario, got {scenarios} in one folder; choose with scenario="
        )
