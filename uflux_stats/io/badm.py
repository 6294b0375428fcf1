"""Site metadata in the interchange format of BADM: one row for each value of a variable."""

import io
from collections.abc import Iterable
from typing import Final

import pandas as pd

from uflux_stats.errors import DataFileError
from uflux_stats.io.archives import PackedFile
from uflux_stats.io.sites import UNKNOWN, site_table

MAX_BADM_BYTES: Final = 200_000_000
COLUMNS: Final = ("SITE_ID", "VARIABLE", "DATAVALUE")
WANTED: Final = {
    "LOCATION_LAT": "lat",
    "LOCATION_LONG": "lon",
    "LOCATION_ELEV": "elev",
    "IGBP": "igbp",
    "CLIMATE_KOEPPEN": "koppen",
}
"""Variables of BADM and the columns of a site table that they are."""


def read_badm(files: Iterable[PackedFile]) -> pd.DataFrame:
    """Read places and classes of sites from BADM files.

    Of several values of a site the first counts. A site without a place is left out.

    Parameters
    ----------
    files : iterable of PackedFile
        Tables with the columns SITE_ID, VARIABLE and DATAVALUE, as csv (comma or semicolon) or
        xlsx; of files that tell the same of a site the first counts.

    Returns
    -------
    pandas.DataFrame
        As of ``read_sites``; C4 is NaN, since BADM has none.

    Raises
    ------
    DataFileError
        If a file is not such a table or names an unknown class.
    RangeError
        If a coordinate is impossible.
    """
    tables = [_values(file) for file in files]
    if not tables:
        return site_table(pd.DataFrame(columns=["site", "lat", "lon"], dtype=str))
    rows = pd.concat(tables)
    known = rows[rows["VARIABLE"].isin(WANTED) & ~rows["DATAVALUE"].str.upper().isin(UNKNOWN)]
    first = known.drop_duplicates(["SITE_ID", "VARIABLE"])
    wide = first.pivot(index="SITE_ID", columns="VARIABLE", values="DATAVALUE")
    named = wide.reindex(columns=list(WANTED)).rename(columns=WANTED).astype(object).fillna("")
    placed = named[(named["lat"] != "") & (named["lon"] != "")]
    return site_table(placed.rename_axis("site").reset_index())


def _values(file: PackedFile) -> pd.DataFrame:
    content = file.read(MAX_BADM_BYTES)
    try:
        table = _excel(content) if file.name.lower().endswith(".xlsx") else _csv(content)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, OSError, ValueError, KeyError) as why:
        raise DataFileError(
            f"sites: expected a BADM table, got {file.name} ({why}); download it again"
        ) from why
    if lacking := [name for name in COLUMNS if name not in table]:
        raise DataFileError(
            f"sites: expected columns {lacking} of a BADM table, got {list(table)[:6]} in "
            f"{file.name}; download it again"
        )
    return pd.DataFrame({name: table[name].fillna("").str.strip() for name in COLUMNS})


def _excel(content: bytes) -> pd.DataFrame:
    return pd.read_excel(io.BytesIO(content), dtype=str, engine="openpyxl")


def _csv(content: bytes) -> pd.DataFrame:
    """Read a csv; free text in it may hold anything, so lines of other shapes are passed over."""
    text = content.decode("utf-8-sig", errors="replace")
    head = text.split("\n", 1)[0]
    separator = max(",;\t", key=head.count)
    if separator == ",":
        return pd.read_csv(io.StringIO(text), dtype=str, on_bad_lines="skip")
    # semicolons are not quoted in FLX_AA-Flx_BIF_LATEST.csv; the value is all that follows
    rows = [line.rstrip("\r").split(separator, 4) for line in text.split("\n")[1:]]
    columns = head.strip().split(separator)
    return pd.DataFrame([row for row in rows if len(row) == len(columns)], columns=columns)
