"""What the land around a tower looks like: fixed filters over the cells of a gridded climate.

Two hundred towers are two hundred images, too few to learn filters from. These are the first ones
that a convolution learns: mean and contrast of a window of 5 by 5 cells, and its two gradients.
"""

from dataclasses import replace
from typing import Final

import numpy as np
import xarray as xr

from uflux_stats.refinement.table import TrainingTable

REACH: Final = 2
"""Cells to each side."""
FIELDS: Final = ("TA", "P", "SWIN", "VPD", "FAPAR", "DEM", "C4")


def with_neighbourhood(table: TrainingTable, drivers: xr.Dataset) -> TrainingTable:
    """Append the filters of the window about each tower to the predictors.

    Parameters
    ----------
    table : TrainingTable
    drivers : xr.Dataset, (month, lat, lon)
        A gridded climatology; yearly means are seen.
    """
    seen = np.stack([filters(window(drivers[name], table.towers)) for name in FIELDS], axis=1)
    columns = seen.reshape(len(seen), -1)[table.site].astype(np.float32)
    return replace(table, predictors=np.column_stack([table.predictors, columns]))


def window(field: xr.DataArray, towers: xr.Dataset) -> np.ndarray:
    """Cut the cells about each tower, (site, lat, lon); round the globe, missing at the poles."""
    over = [dim for dim in field.dims if dim not in ("lat", "lon")]
    values = field.mean(over).transpose("lat", "lon").values
    nearest = [
        field.indexes[axis].get_indexer(towers[axis].values, method="nearest")
        for axis in ("lat", "lon")
    ]
    offset = np.arange(-REACH, REACH + 1)
    rows, columns = (place[:, np.newaxis] + offset for place in nearest)
    inside = (rows >= 0) & (rows < values.shape[0])
    rows, columns = rows.clip(0, values.shape[0] - 1), columns % values.shape[1]
    cut = values[rows[:, :, np.newaxis], columns[:, np.newaxis, :]]
    return np.where(inside[:, :, np.newaxis], cut, np.nan)


def filters(cells: np.ndarray) -> np.ndarray:
    """Mean about the centre, contrast, and slopes to the north and east, (site, filter).

    Cells of the sea have no part; a tower without land about it has no filters.
    """
    known = np.isfinite(cells)
    count = known.sum((1, 2))
    some = np.where(count >= REACH, count, np.nan)
    mean = np.where(known, cells, 0.0).sum((1, 2)) / some
    apart = np.where(known, cells - mean[:, np.newaxis, np.newaxis], 0.0)
    contrast = np.sqrt((apart**2).sum((1, 2)) / some)
    ramp = np.arange(-REACH, REACH + 1.0)
    north = (apart * ramp[:, np.newaxis]).sum((1, 2)) / some
    east = (apart * ramp).sum((1, 2)) / some
    return np.stack([mean, contrast, north, east], axis=1)
