"""Check the tables that accompany towers: sites, fAPAR, BADM metadata, and CO2 of NOAA."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pandas as pd

from uflux_stats.errors import UfluxError
from uflux_stats.io.archives import PackedFile
from uflux_stats.io.badm import read_badm
from uflux_stats.io.co2 import is_noaa_co2, read_noaa_co2
from uflux_stats.io.data_check import Checker, DataReport
from uflux_stats.io.fluxnet_names import is_metadata
from uflux_stats.io.sites import read_fapar, read_sites
from uflux_stats.schema import MISSING_CLASS

KIND: Final = "tables of sites, fAPAR or CO2"
Told = dict[str, Any]


def holds_table(path: Path) -> bool:
    """Tell whether a file is one of the tables, by its name and first lines."""
    return path.is_file() and _kind(path) is not None


def check_table(path: Path) -> DataReport:
    """Check a table: how many sites or months it tells, and of how many it lacks what.

    Parameters
    ----------
    path : Path

    Returns
    -------
    DataReport
        One row for each column of what is read: values there and values that lack.

    Raises
    ------
    DataFileError
        If it is damaged.
    """
    found = _kind(path)
    if found is None:
        raise UfluxError(f"path: expected a table that holds_table knows, got {path}")
    kind, read = found
    table = read(path)
    blank = table.isna() | (table == MISSING_CLASS)
    rows = pd.DataFrame({
        "column": [str(name) for name in table],
        "there": [int((~blank[name]).sum()) for name in table],
        "lacking": [int(blank[name].sum()) for name in table],
        "min": [_end(table[name].mask(blank[name]), "min") for name in table],
        "max": [_end(table[name].mask(blank[name]), "max") for name in table],
    })  # fmt: skip
    return DataReport(KIND, path, f"{kind}, {len(table)} rows", rows)


TABLE_CHECKER: Final = Checker(KIND, holds_table, check_table)


def _kind(path: Path) -> tuple[str, Callable[[Path], pd.DataFrame]] | None:
    if is_metadata(path.name):
        return "site metadata (BADM)", lambda place: read_badm([PackedFile(place)])
    if is_noaa_co2(path):
        return "CO2 of NOAA", lambda place: read_noaa_co2(place).to_dataframe()[["CO2"]]
    if not path.name.lower().endswith((".csv", ".csv.gz")):
        return None
    try:
        head = set(pd.read_csv(path, nrows=0, encoding="utf-8-sig", comment="#"))
    except (pd.errors.ParserError, pd.errors.EmptyDataError, OSError, EOFError, ValueError):
        return None
    if {"site", "lat", "lon"} <= head:
        return "sites", read_sites
    if {"site", "time", "fapar"} <= head:
        return "fAPAR of sites", read_fapar
    return None


def _end(values: pd.Series, which: str) -> float | str:
    known = values.dropna()
    if known.empty:
        return float("nan")
    end = getattr(known, which)()
    return end if isinstance(end, str) else float(end)
