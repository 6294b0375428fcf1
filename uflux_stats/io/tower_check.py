"""Check tower files one by one: what each holds, lacks and loses."""

from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import pandas as pd

from uflux_stats.errors import UfluxError
from uflux_stats.io.archives import files_under
from uflux_stats.io.data_check import Checker, DataReport
from uflux_stats.io.drops import Drop, Reason
from uflux_stats.io.fluxnet import site_metadata
from uflux_stats.io.fluxnet_columns import FluxnetOptions, driver_columns, target_columns
from uflux_stats.io.fluxnet_files import TowerFile, tower_files
from uflux_stats.io.fluxnet_names import STEPS, is_family, parse_tower_name
from uflux_stats.io.fluxnet_table import read_table
from uflux_stats.schema import FLUXES, MISSING_CLASS

KIND: Final = "flux towers"
PROSE: Final = ("lacks", "dropped", "faults")
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
    rows = [_row(file, sites) for file in files]
    table = pd.DataFrame(rows)
    unread = int(table["faults"].astype(bool).sum())
    summary = (
        f"{len(table)} sites, {unread} unreadable, {int(table['months'].sum())} months; "
        f"{sum(drop.n for drop in drops)} files passed over; months left at quality 0.8 by flux"
    )
    return DataReport(KIND, path, summary, table, PROSE)


TOWER_CHECKER: Final = Checker(KIND, holds_towers, check_towers)


def _row(file: TowerFile, sites: pd.DataFrame) -> dict[str, Any]:
    options = FluxnetOptions()
    columns = (*driver_columns(options), *target_columns(options))
    row: dict[str, Any] = {"site": file.site, "step": STEPS[file.step]}
    try:
        table = read_table(file, columns, options.qc)
        first, last = file.years
    except UfluxError as error:
        left = dict.fromkeys(FLUXES, 0)
        return row | {"years": "", "months": 0} | left | {
            "lacks": [], "dropped": [], "faults": [str(error)],
        }  # fmt: skip
    left = {flux: int(table.values[flux].notna().sum()) for flux in FLUXES}
    lacking = [column.name for column in columns if not table.values[column.name].notna().any()]
    return row | {"years": f"{first}-{last}", "months": len(table.values)} | left | {
        "lacks": " ".join([*lacking, *_unknown(file.site, sites)]),
        "dropped": _told(table.drops),
        "faults": [],
    }  # fmt: skip


def _unknown(site: str, sites: pd.DataFrame) -> list[str]:
    """Statics of a site that neither a table nor metadata tell."""
    if site not in sites.index:
        return ["metadata"]
    known = sites.loc[[site]]
    unknown = known.isna() | (known[["IGBP", "KOPPEN"]] == MISSING_CLASS).reindex_like(known)
    return [str(name) for name in known.columns[unknown.iloc[0].to_numpy(dtype=bool)]]


def _told(drops: tuple[Drop, ...]) -> list[str]:
    """Tell what was dropped, each reason once with all variables that it met."""
    met: dict[str, list[str]] = defaultdict(list)
    for drop in drops:
        if drop.n and drop.reason not in _USUAL:
            met[str(drop.reason)].append(f"{drop.variable} {drop.n}")
    return [f"{', '.join(found)}: {reason}" for reason, found in met.items()]
