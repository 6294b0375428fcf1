"""Where the allocation is emulated well: r2 and relative error of every place on a map."""

from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.emulation.validation import BLOCK
from uflux_stats.stats.metrics import score

METRICS: Final = {"r2": "r2", "nrmse": "nrmse_mean"}
"""Metrics of a map, and their names in ``score``."""
FEWEST_MONTHS: Final = 24
FEWEST_CELLS: Final = 20
"""A place needs as many pairs for an r2 of its own."""
EDGES: Final = {"lat": -90.0, "lon": -180.0}
"""Where blocks begin."""
OVER: Final = "over"
"""Attribute: what the metrics of a place are taken over."""


def skill_over_months(predictions: xr.Dataset) -> xr.Dataset:
    """Score the held-out months of every cell.

    Parameters
    ----------
    predictions : xr.Dataset, (source, time, lat, lon)
        Of ``cross_emulate_months``.

    Returns
    -------
    xr.Dataset, (metric, lat, lon) [1]
        ``r2`` (1 - SSE/SST) and ``nrmse`` (RMSE over mean) of each variable; missing in cells with
        fewer than 24 months.

    Examples
    --------
    >>> time = xr.date_range("2001-01", periods=36, freq="MS")
    >>> wave = np.sin(np.arange(36.0))
    >>> pair = np.stack([wave + 2, 0.5 * wave + 2])[:, :, None, None]
    >>> axes = {"source": ["observed", "emulated"], "time": time, "lat": [0.0], "lon": [0.0]}
    >>> months = xr.Dataset({"NPP": (tuple(axes), pair)}, axes)
    >>> round(skill_over_months(months).NPP.sel(metric="r2").item(), 2)
    0.75
    """
    found = {str(name): _scored(pairs, "time", FEWEST_MONTHS)
             for name, pairs in predictions.data_vars.items()}  # fmt: skip
    return xr.Dataset(found, attrs={OVER: "months of each cell"})


def skill_over_blocks(predictions: xr.Dataset) -> xr.Dataset:
    """Score the held-out cells of every block of 10 degrees, and lay it out on the cells.

    Parameters
    ----------
    predictions : xr.Dataset, (source, lat, lon)
        Of ``cross_emulate``, one member, on a regular grid.

    Returns
    -------
    xr.Dataset, (metric, lat, lon) [1]
        As of ``skill_over_months``; missing in blocks with fewer than 20 pairs, and where a cell
        has none.
    """
    number, place = {}, {}
    for axis, edge in EDGES.items():
        number[f"{axis}_block"], place[axis] = _blocks(predictions[axis], edge)
    there = (place["lat"] >= 0) & (place["lon"] >= 0)
    found = {}
    for name, pairs in predictions.data_vars.items():
        blocks = pairs.drop_vars(list(place)).isel(place).where(there)
        field = _scored(blocks, [f"{axis}_within" for axis in place], FEWEST_CELLS).isel(number)
        field = field.assign_coords({axis: pairs[axis] for axis in place})
        found[str(name)] = field.where(pairs.notnull().all("source"))
    return xr.Dataset(found, attrs={OVER: f"cells of each block of {BLOCK:.0f} degrees"})


def _blocks(axis: xr.DataArray, edge: float) -> tuple[xr.DataArray, xr.DataArray]:
    """Blocks along an axis from an edge, as cells are held out by.

    Returns
    -------
    number : xr.DataArray, (axis,)
        Of the block of each cell.
    place : xr.DataArray, (axis_block, axis_within)
        Cells of each block, filled up with -1.
    """
    _, number = np.unique(np.floor((axis.values - edge) / BLOCK), return_inverse=True)
    before = pd.Series(number).groupby(number).cumcount().to_numpy()
    place = np.full((number.max() + 1, before.max() + 1), -1)
    place[number, before] = np.arange(len(number))
    dims = (f"{axis.name}_block", f"{axis.name}_within")
    return xr.DataArray(number, dims=axis.dims), xr.DataArray(place, dims=dims)


def _scored(pairs: xr.DataArray, dim: str | list[str], fewest: int) -> xr.DataArray:
    """Return r2 and nRMSE over dimensions, (metric, ...)."""
    observed, emulated = (pairs.sel(source=s, drop=True) for s in ("observed", "emulated"))
    found = score(observed, emulated, dim=dim)
    parts = [found[name].where(found["n"] >= fewest) for name in METRICS.values()]
    both = xr.concat(parts, xr.Variable("metric", list(METRICS)), combine_attrs="drop")
    return both.assign_attrs(units="1")
