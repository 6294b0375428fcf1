"""Check gridded drivers: what is there, over which grid and period, and what is wrong with it."""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.errors import GridError, MissingExtraError, UfluxError
from uflux_stats.io.data_check import Checker, DataReport
from uflux_stats.io.drivers import read_drivers
from uflux_stats.io.grid_files import find_sources, is_gridded
from uflux_stats.io.regridding import STANDARD

KIND: Final = "gridded drivers"
PROSE: Final = ("dropped", "faults")
WANTED: Final = ("TA", "TS", "VPD", "SWIN", "LWIN", "RNET", "P", "FAPAR", "IGBP", "KOPPEN", "C4",
                 "DEM", "LANDFRAC")  # fmt: skip
"""What a run on a grid is given; it fills RNET, C4 and air pressure itself where they lack."""


def holds_drivers(path: Path) -> bool:
    """Tell from names whether a file or folder holds gridded files."""
    try:
        return all(is_gridded(source) for source in find_sources(path))
    except UfluxError:
        return False


def check_drivers(path: Path) -> DataReport:
    """Check files of gridded drivers together, or one by one where they cannot be read together.

    Parameters
    ----------
    path : Path
        As for ``read_drivers``.

    Returns
    -------
    DataReport
        A row for each driver: its name in the file, unit, grid, period, the share missing of the
        places with any driver, smallest and largest value, and what was dropped; or a row with
        what is wrong for each file that cannot be read.
    """
    try:
        rows, note = _rows_together(path)
    except (UfluxError, MissingExtraError) as error:
        rows = _file_rows(path)
        alone = len(find_sources(path)) == 1
        note = "" if alone else f"; not readable together: {error}"
    table = pd.DataFrame(rows)
    there = set(table["driver"])
    lacking = [name for name in WANTED if name not in there]
    wrong = int(table["faults"].astype(bool).sum())
    summary = f"{len(there & set(WANTED))} of {len(WANTED)} drivers, {wrong} files unreadable"
    summary += (f"; lacking {' '.join(lacking)}" if lacking else "") + note
    return DataReport(KIND, path, summary, table, PROSE, wrong < len(table))


DRIVER_CHECKER: Final = Checker(KIND, holds_drivers, check_drivers)


def _rows_together(path: Path) -> tuple[list[dict[str, Any]], str]:
    """Rows of all drivers, brought to one grid where they are on several, and a note on that."""
    try:
        return _driver_rows(path), ""
    except GridError:
        return _driver_rows(path, resolution=STANDARD), f"; brought to {STANDARD:g} degree"


def _driver_rows(path: Path, resolution: float | None = None) -> list[dict[str, Any]]:
    drivers = read_drivers(path, resolution=resolution)
    somewhere = _somewhere(drivers)
    dropped = json.loads(drivers.attrs["dropped"])
    return [
        _row(values, somewhere, [drop for drop in dropped if drop["variable"] == name])
        for name, values in drivers.data_vars.items()
    ]


def _file_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of each file on its own."""
    rows = []
    for source in find_sources(path):
        try:
            rows += _driver_rows(source)
        except (UfluxError, MissingExtraError) as error:
            rows.append({"driver": source.name, "dropped": [], "faults": [str(error)]})
    return rows


def _somewhere(drivers: xr.Dataset) -> xr.DataArray | None:
    """Places where any driver has data in some month."""
    maps = [
        values.notnull().any([dim for dim in values.dims if dim not in {"lat", "lon"}])
        for values in drivers.data_vars.values()
        if "lat" in values.dims
    ]
    return xr.concat(maps, "driver").any("driver").compute() if maps else None


def _row(
    values: xr.DataArray, somewhere: xr.DataArray | None, drops: list[dict[str, Any]]
) -> dict[str, Any]:
    known = values.notnull()
    expected = values.size
    if somewhere is not None and "lat" in values.dims:
        expected = int(somewhere.sum()) * values.size // somewhere.size
    found = xr.Dataset({"n": known.sum(), "low": values.min(), "high": values.max()}).compute()
    return {
        "driver": str(values.name),
        "in_file": values.attrs.get("original_name", ""),
        "units": values.attrs["units"],
        "grid": _grid(values),
        "period": _period(values),
        "missing": 1.0 - int(found["n"]) / expected if expected else np.nan,
        "min": float(found["low"]),
        "max": float(found["high"]),
        "dropped": [f"{drop['n']}: {drop['reason']}" for drop in drops],
        "faults": [],
    }


def _grid(values: xr.DataArray) -> str:
    if "lat" not in values.dims:
        return "none"
    steps = [abs(float(np.median(np.diff(values[axis])))) if values.sizes[axis] > 1 else np.nan
             for axis in ("lat", "lon")]  # fmt: skip
    return f"{values.sizes['lat']} x {values.sizes['lon']}, {steps[0]:.4g} x {steps[1]:.4g} degree"


def _period(values: xr.DataArray) -> str:
    if "time" in values.dims:
        first, last = values["time"].dt.strftime("%Y-%m").values[[0, -1]]
        return f"{first} to {last}"
    return "climatological year" if "month" in values.dims else "static"
