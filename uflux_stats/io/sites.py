"""Tables that accompany tower files: where and what each site is, and its fAPAR."""

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from uflux_stats.errors import DataFileError, RangeError
from uflux_stats.schema import IGBP_CLASSES, MISSING_CLASS

IGBP_CODES: Final = {name: code for code, name in IGBP_CLASSES.items()}
KOPPEN_LETTERS: Final = {"A": 1, "B": 2, "C": 3, "D": 4, "E": 5}
"""Main class by the first letter of a Koppen-Geiger code (Beck et al. 2018)."""
DOCUMENTED_C4: Final = {"C3": 0.0, "C4": 1.0}
UNKNOWN: Final = ("", "-", "UNK", "NA", "NAN", "-9999")


def read_csv_table(path: str | Path, needed: tuple[str, ...], *, name: str) -> pd.DataFrame:
    """Read a csv(.gz) as text and check that it has the ``needed`` columns.

    Raises
    ------
    DataFileError
        If the file is missing, empty, damaged or lacks a column.
    """
    path = Path(path)
    if not path.is_file():
        raise DataFileError(
            f"{name}: expected a csv file, got {path}, which is none; give its path"
        )
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, OSError, EOFError, ValueError) as why:
        raise DataFileError(
            f"{name}: expected a readable csv, got {path} ({why}); download or write it again"
        ) from why
    lacking = [column for column in needed if column not in table]
    if lacking:
        raise DataFileError(
            f"{name}: expected columns {lacking} in {path}, got {list(table)}; rename or add them"
        )
    return table


def _numbers(table: pd.DataFrame, column: str, *, name: str) -> pd.Series:
    """Read a column of text as numbers: NaN where empty, -9999, or where there is no column."""
    if column not in table:
        return pd.Series(np.nan, index=table.index)
    text = table[column].str.strip()
    numbers = pd.to_numeric(text.mask(text.str.upper().isin(UNKNOWN)), errors="coerce")
    wrong = numbers.isna() & ~text.str.upper().isin(UNKNOWN)
    if wrong.any():
        raise DataFileError(
            f"{name}: expected numbers in column {column!r}, got {text[wrong].iloc[0]!r}; "
            "correct it or leave it empty"
        )
    return numbers.astype(float).where(numbers != -9999)


def _require_between(values: pd.Series, low: float, high: float, *, name: str) -> None:
    wrong = values[(values < low) | (values > high)]
    if len(wrong):
        raise RangeError(
            f"{name}: expected {low:g} to {high:g}, got {wrong.iloc[0]:g}; correct the table"
        )


def _codes(table: pd.DataFrame, column: str, codes: dict[str, int]) -> pd.Series:
    """Translate class names to whole numbers; empty and unknown ones to ``MISSING_CLASS``."""
    if column not in table:
        return pd.Series(MISSING_CLASS, index=table.index)
    text = table[column].str.strip().str.upper()
    wrong = text[~text.isin(codes) & ~text.isin(UNKNOWN)]
    if len(wrong):
        raise DataFileError(
            f"sites: expected {column} to be one of {list(codes)}, got {wrong.iloc[0]!r}; "
            "correct it or leave it empty"
        )
    return text.map(codes).fillna(MISSING_CLASS).astype(int)


def _c4_share(table: pd.DataFrame) -> pd.Series:
    """Share of C4 plants: the documented type, else the map's percentage."""
    mapped = _numbers(table, "c4_percent", name="sites") / 100.0
    _require_between(mapped, 0, 1, name="sites.c4_percent / 100")
    if "c4_site" not in table:
        return mapped
    return table["c4_site"].str.strip().str.upper().map(DOCUMENTED_C4).fillna(mapped)


def read_sites(path: str | Path) -> pd.DataFrame:
    r"""Read a table of tower sites.

    Needed are the columns ``site``, ``lat`` and ``lon``; ``igbp`` (class name such as ENF),
    ``koppen`` (code such as Cfb), ``elev`` [m], ``c4_site`` (C3, C4 or anything else) and
    ``c4_percent`` [%] may lack. A site documented as C3 or C4 has a C4 share of 0 or 1 whatever
    the map says, because a map cell need not resemble the field in which the tower stands.

    Returns
    -------
    pandas.DataFrame
        Indexed by site, sorted: lat [degrees north], lon [degrees east], IGBP and KOPPEN [class]
        (255 where unknown), C4 [1], DEM [m] (NaN where unknown).

    Raises
    ------
    DataFileError
        If the file is missing, damaged, lacks a column, names a site twice or an unknown class.
    RangeError
        If a coordinate or percentage is impossible.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "sites.csv")
    ...     head = "site,lat,lon,igbp,koppen,elev,c4_site,c4_percent"
    ...     _ = path.write_text(head + "\nAA-Bbb,10,20,GRA,Aw,300,C3,45.0\n")
    ...     read_sites(path).loc["AA-Bbb", ["IGBP", "KOPPEN", "C4", "DEM"]].tolist()
    [10.0, 1.0, 0.0, 300.0]
    """
    table = read_csv_table(path, ("site", "lat", "lon"), name="sites")
    return site_table(table)


def site_table(table: pd.DataFrame) -> pd.DataFrame:
    """Check a table of sites as text and turn it into the columns of ``read_sites``.

    Raises
    ------
    DataFileError
        If a site is named twice, or a class is unknown.
    RangeError
        If a coordinate or percentage is impossible.
    """
    table = table.set_index(table["site"].str.strip())
    if not table.index.is_unique:
        twice = table.index[table.index.duplicated()][0]
        raise DataFileError(f"sites: expected each site once, got {twice} twice; keep one row")
    if "koppen" in table:
        table = table.assign(koppen=table["koppen"].str.strip().str[:1])
    sites = pd.DataFrame(
        {
            "lat": _numbers(table, "lat", name="sites"),
            "lon": _numbers(table, "lon", name="sites"),
            "IGBP": _codes(table, "igbp", IGBP_CODES),
            "KOPPEN": _codes(table, "koppen", KOPPEN_LETTERS),
            "C4": _c4_share(table),
            "DEM": _numbers(table, "elev", name="sites"),
        }
    )
    _require_between(sites["lat"], -90, 90, name="sites.lat")
    _require_between(sites["lon"], -180, 180, name="sites.lon")
    _require_between(sites["DEM"], -500, 9000, name="sites.elev")
    return sites.sort_index()


def read_fapar(path: str | Path) -> pd.DataFrame:
    r"""Read monthly fAPAR of tower sites from a csv or csv.gz.

    Needed are the columns ``site``, ``time`` (YYYY-MM) and ``fapar``; ``fapar_src`` says where a
    value comes from and may lack.

    Returns
    -------
    pandas.DataFrame
        Indexed by (site, time), sorted: FAPAR [1] (NaN where missing), source (text).

    Raises
    ------
    DataFileError
        If the file is missing, damaged, lacks a column, or gives a month of a site twice.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "fapar.csv")
    ...     _ = path.write_text("site,time,fapar\nAA-Bbb,2001-01,0.5\nAA-Bbb,2001-02,\n")
    ...     read_fapar(path)["FAPAR"].tolist()
    [0.5, nan]
    """
    table = read_csv_table(path, ("site", "time", "fapar"), name="fapar")
    time = pd.to_datetime(table["time"].str.strip(), format="%Y-%m", errors="coerce")
    if time.isna().any():
        raise DataFileError(
            f"fapar: expected time as YYYY-MM, got {table['time'][time.isna()].iloc[0]!r}; "
            "correct the column"
        )
    source = table["fapar_src"] if "fapar_src" in table else pd.Series("", index=table.index)
    values = {"FAPAR": _numbers(table, "fapar", name="fapar").to_numpy(), "source": source.array}
    index = pd.MultiIndex.from_arrays([table["site"].str.strip(), time], names=["site", "time"])
    if not index.is_unique:
        site, month = index[index.duplicated()][0]
        raise DataFileError(
            f"fapar: expected each month of a site once, got {site} {month:%Y-%m} twice; keep one"
        )
    return pd.DataFrame(values, index=index).sort_index()
