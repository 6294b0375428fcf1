"""Measured annual soil respiration from the global database SRDB."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from uflux_stats.errors import DataFileError, MissingExtraError

CITATION: Final = (
    "Jian et al. (2021), A restructured and updated global soil respiration database (SRDB-V5), "
    "Earth Syst. Sci. Data 13, 255-267, doi 10.5194/essd-13-255-2021"
)
COLUMNS: Final = {"Latitude": "lat", "Longitude": "lon", "Year": "year", "Study_number": "study",
                  "Rs_annual": "Rs", "Rh_annual": "Rh", "Biome": "biome",
                  "Ecosystem_type": "ecosystem"}  # fmt: skip
HIGHEST: Final = {"Rs": 4000.0, "Rh": 2500.0}
"""Above these [gC m-2 yr-1] a value is taken for a fault: beyond the range that Bond-Lamberty and
Thomson (2010, doi 10.5194/bg-7-1915-2010) report for undisturbed soil."""
SLACK: Final = 1.0
"""Rh may exceed Rs by this share of it at most."""


def read_srdb(path: str | Path) -> pd.DataFrame:
    """Read annual soil respiration and its heterotrophic part, cleaned by stated rules.

    Left out, and counted: rows without a place; exact duplicates; rows without Rs and Rh; values
    not above zero or above 4000 (Rs) or 2500 (Rh) gC m-2 yr-1; Rh above Rs.

    Parameters
    ----------
    path : str or Path
        Table in Parquet or CSV with the columns of SRDB (Latitude, Longitude, Rs_annual,
        Rh_annual).

    Returns
    -------
    pandas.DataFrame
        ``lat``, ``lon`` [degrees], ``year``, ``study``, ``Rs``, ``Rh`` [gC m-2 yr-1] (NaN where not
        measured), ``biome``, ``ecosystem``. ``attrs["dropped"]`` counts what was left out by rule.

    Raises
    ------
    DataFileError
        If the file is missing or lacks a column.
    MissingExtraError
        If the file is Parquet and pyarrow is not installed.
    """
    table = _open(Path(path))
    lacking = [name for name in (*list(COLUMNS)[:2], "Rs_annual", "Rh_annual") if name not in table]
    if lacking:
        raise DataFileError(
            f"path: expected columns {list(COLUMNS)}, got no {lacking} in {path}; is it SRDB?"
        )
    return _cleaned(table.rename(columns=COLUMNS))


def _open(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise DataFileError(f"path: expected a file, got nothing at {path}; check it")
    if path.suffix.lower() == ".csv":
        return pd.read_csv(path)
    try:
        table: pd.DataFrame = pd.read_parquet(path, engine="pyarrow")
    except ImportError as error:
        raise MissingExtraError("pyarrow", "benchmarks") from error
    except (OSError, ValueError) as error:
        raise DataFileError(f"path: expected a Parquet table, got {path} ({error})") from error
    return table


def _cleaned(table: pd.DataFrame) -> pd.DataFrame:
    dropped: dict[str, int] = {}

    def keep(rows: pd.DataFrame, good: Any, rule: str) -> pd.DataFrame:
        dropped[rule] = int((~np.asarray(good)).sum())
        kept: pd.DataFrame = rows[good]
        return kept

    rows = keep(table, ~table.duplicated(), "duplicate row")
    placed = rows["lat"].between(-90, 90) & rows["lon"].between(-180, 180)
    rows = keep(rows, placed, "no place").copy()
    for name, highest in HIGHEST.items():
        good = (rows[name] > 0) & (rows[name] <= highest)
        dropped[f"{name} not in 0 to {highest:g}"] = int((rows[name].notna() & ~good).sum())
        rows[name] = rows[name].where(good)
    both = rows["Rh"] > SLACK * rows["Rs"]
    dropped["Rh above Rs"] = int(both.sum())
    rows.loc[both, ["Rs", "Rh"]] = np.nan
    rows = keep(rows, rows["Rs"].notna() | rows["Rh"].notna(), "neither Rs nor Rh")
    cleaned = rows[[name for name in COLUMNS.values() if name in rows]].reset_index(drop=True)
    cleaned.attrs = {"dropped": dropped, "citation": CITATION}
    return cleaned
