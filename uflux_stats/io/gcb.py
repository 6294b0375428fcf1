"""The land sink of the Global Carbon Budget, as published in its workbook."""

from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
import openpyxl
import xarray as xr
from openpyxl.utils.exceptions import InvalidFileException

from uflux_stats.errors import DataFileError

SHEET: Final = "Terrestrial Sink"
CITATION: Final = (
    "Friedlingstein et al. (2023), Global Carbon Budget 2023, Earth Syst. Sci. Data 15, 5301-5369, "
    "doi 10.5194/essd-15-5301-2023"
)
MEAN_COLUMN: Final = "Multi-model mean"
SPREAD_COLUMN: Final = "Model Spread (sd)"


def read_gcb_land_sink(path: str | Path) -> xr.Dataset:
    """Read the land sink of each vegetation model from the workbook of the Global Carbon Budget.

    Parameters
    ----------
    path : path
        ``Global_Carbon_Budget_2023v1.1.xlsx``; its sheet "Terrestrial Sink" is read.

    Returns
    -------
    xr.Dataset
        ``S_LAND`` (model, year) [PgC yr-1], positive into the land, and as printed beside it
        ``printed_mean`` and ``printed_sd`` (year) [PgC yr-1] over the models.

    Raises
    ------
    DataFileError
        If the file or sheet is missing, or the sheet has another layout.

    References
    ----------
    Friedlingstein, P. et al. (2023), Earth Syst. Sci. Data 15, 5301-5369,
    doi 10.5194/essd-15-5301-2023.
    """
    rows = _rows(Path(path))
    header_at = next((i for i, row in enumerate(rows) if row and row[0] == "Year"), None)
    if header_at is None:
        raise DataFileError(
            f"path: expected a row that starts with 'Year' in sheet {SHEET!r}, got none in {path}; "
            "is it the workbook of the Global Carbon Budget?"
        )
    header = ["" if cell is None else str(cell).strip() for cell in rows[header_at]]
    body = [row for row in rows[header_at + 1 :] if isinstance(row[0], int | float)]
    models = _model_columns(header, path)
    years = np.array([int(row[0]) for row in body])

    def column(index: int) -> list[float]:
        return [np.nan if row[index] is None else float(row[index]) for row in body]

    unit = {"units": "PgC yr-1"}
    sink = np.array([column(index) for index in models])
    return xr.Dataset(
        {
            "S_LAND": (("model", "year"), sink, {**unit, "long_name": "land carbon sink"}),
            "printed_mean": ("year", column(header.index(MEAN_COLUMN)), unit),
            "printed_sd": ("year", column(header.index(SPREAD_COLUMN)), unit),
        },
        coords={"model": [header[index] for index in models], "year": years},
        attrs={"source": CITATION},
    )


def _rows(path: Path) -> list[tuple[Any, ...]]:
    if not path.is_file():
        raise DataFileError(f"path: expected a workbook, got no file {path}; check the name")
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (OSError, KeyError, ValueError, BadZipFile, InvalidFileException) as error:
        raise DataFileError(
            f"path: expected an xlsx workbook, got {path.name} ({error}); download it again"
        ) from error
    try:
        if SHEET not in book.sheetnames:
            raise DataFileError(
                f"path: expected a sheet {SHEET!r}, got {book.sheetnames}; "
                "is it the workbook of the Global Carbon Budget?"
            )
        return [tuple(row) for row in book[SHEET].iter_rows(max_row=200, values_only=True)]
    finally:
        book.close()


def _model_columns(header: list[str], path: str | Path) -> list[int]:
    """Columns of the models: after the budget's own number, up to the mean over models."""
    if MEAN_COLUMN not in header or SPREAD_COLUMN not in header:
        raise DataFileError(
            f"path: expected columns {[MEAN_COLUMN, SPREAD_COLUMN]} in {path}, got {header}; "
            "only the workbook of the 2023 budget is known"
        )
    return [i for i in range(2, header.index(MEAN_COLUMN)) if header[i]]
