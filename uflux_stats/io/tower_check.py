"""Check tower files one by one: what each holds, lacks and loses."""

from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import pandas as pd

from uflux_stats.errors import DataFileError, UfluxError
from uflux_stats.io.archives import files_under
from uflux_stats.io.data_check import Checker, DataReport
from uflux_stats.io.drops import Reason
from uflux_stats.io.fluxnet import site_metadata
from uflux_stats.io.fluxnet_columns import FluxnetOptions, driver_columns, target_columns
from uflux_stats.io.fluxnet_files import TowerFile, tower_files
from uflux_stats.io.fluxnet_names import STEPS, is_family, parse_tower_name
from uflux_stats.io.fluxnet_table import WRONG_UNIT, TowerTable, read_table
from uflux_stats.io.fluxnet_twice import require_distinct
from uflux_stats.schema import FLUXES, MISSING_CLASS

KIND: Final = "flux towers"
PROSE: Final = ("lacks", "dropped", "faults")
_OPTIONS: Final = FluxnetOptions()
_COLUMNS: Final = (*driver_columns(_OPTIONS), *target_columns(_OPTIONS))
_NAMES: Final = [column.name for column in _COLUMNS]
_USUAL: Final = frozenset({Reason.LOW_QUALITY, Reason.MISSING, Reason.ABSENT})
"""Reasons that every tower has, counted by the months that are left."""


def holds_towers(path: Path) -> bool:
    """Tell from names whether a file, archive or folder holds tower files."""
    try:
        names = [file.name for file in files_under(path)]
        return any(parse_tower_name(name) or is_family(name) for name in names)
    except UfluxError:
        return False


def check_towers(path: Path) -> DataReport:
    """Check every tower at the default quality: months of each flux, what lacks, what is wrong.

    Parameters
    ----------
    path : Path
        As for ``read_fluxnet``.

    Returns
    -------
    DataReport
        A row for each site: step and years of its file, months that are left of each flux,
        drivers and metadata that lack, what was dropped and why, and what makes it unreadable.

    Raises
    ------
    DataFileError
        If nothing there gives months.
    """
    files, drops = tower_files(path)
    sites = site_metadata(path, None)
    rows, tables = [], []
    for file in files:
        try:
            table, years = read_table(file, _COLUMNS, _OPTIONS.qc), file.years
        except UfluxError as error:
            rows.append(_unread_row(file, error))
        else:
            tables.append(table)
            rows.append(_row(file, table, years, sites))
    found = pd.DataFrame(rows)
    unread = int(found["faults"].astype(bool).sum())
    summary = (
        f"{len(found)} sites, {unread} unreadable, {int(found['months'].sum())} months; "
        f"{sum(drop.n for drop in drops)} files passed over; months left at quality 0.8 by flux"
    )
    return DataReport(KIND, path, summary + _together(tables), found, PROSE, bool(tables))


def _together(tables: list[TowerTable]) -> str:
    try:
        require_distinct(tables)
    except DataFileError as error:
        return f"; not readable together: {error}"
    return ""


TOWER_CHECKER: Final = Checker(KIND, holds_towers, check_towers)


def _unread_row(file: TowerFile, error: UfluxError) -> dict[str, Any]:
    nothing = {"years": "", "months": 0} | dict.fromkeys(FLUXES, 0)
    prose = {"lacks": [], "dropped": [], "faults": [str(error)]}
    return {"site": file.site, "step": STEPS[file.step]} | nothing | prose


def _row(
    file: TowerFile, table: TowerTable, years: tuple[int, int], sites: pd.DataFrame
) -> dict[str, Any]:
    left = {flux: int(table.values[flux].notna().sum()) for flux in FLUXES}
    lacking = [name for name in _NAMES if not table.values[name].notna().any()]
    first, last = years
    return {
        "site": file.site, "step": STEPS[file.step], "years": f"{first}-{last}",
        "months": len(table.values), **left,
        "lacks": " ".join([*lacking, *_unknown(file.site, sites)]),
        "dropped": _told(table), "faults": [],
    }  # fmt: skip


def _unknown(site: str, sites: pd.DataFrame) -> list[str]:
    """Statics of a site that neither a table nor metadata tell."""
    if site not in sites.index:
        return ["metadata"]
    known = sites.loc[[site]]
    unknown = known.isna() | (known[["IGBP", "KOPPEN"]] == MISSING_CLASS).reindex_like(known)
    return [str(name) for name in known.columns[unknown.iloc[0].to_numpy(dtype=bool)]]


def _told(table: TowerTable) -> list[str]:
    """Tell what was dropped, each reason once with all variables that it met."""
    met: dict[str, list[str]] = defaultdict(list)
    for drop in table.drops:
        if drop.n and drop.reason not in _USUAL:
            most = drop.reason == Reason.RANGE and drop.n > WRONG_UNIT * len(table.values)
            hint = " (a wrong unit or an undeclared fill value?)" if most else ""
            met[str(drop.reason)].append(f"{drop.variable} {drop.n}{hint}")
    return [f"{', '.join(found)}: {reason}" for reason, found in met.items()]
