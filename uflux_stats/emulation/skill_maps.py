"""Where the allocation is emulated well: r2 and relative error of every place on a map."""

from typing import Final

import numpy as np
import xarray as xr

from uflux_stats.emulation.validation import BLOCK
from uflux_stats.stats.metrics import score

METRICS: Final = {"r2": "r2", "nrmse": "nrmse_mean"}
"""Metrics of a map, and their names in ``score``."""
FEWEST_MONTHS: Final = 24
FEWEST_CELLS: Final = 20
"""A place needs as many pairs for an r2 of its own."""
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
    across = {str(axis): _cells_across(predictions[axis]) for axis in ("lat", "lon")}
    found = {}
    for name, pairs in predictions.data_vars.items():
        within = {axis: (f"{axis}_block", f"{axis}_within") for axis in across}
        blocks = pairs.drop_vars(list(across)).coarsen(across, boundary="pad").construct(within)
        scored = _scored(blocks, [inside for _, inside in within.values()], FEWEST_CELLS)
        places = {f"{axis}_block": xr.Variable(axis, np.arange(pairs.sizes[axis]) // cells)
                  for axis, cells in across.items()}  # fmt: skip
        field = scored.isel(places).assign_coords({axis: pairs[axis] for axis in across})
        found[str(name)] = field.where(pairs.notnull().all("source"))
    return xr.Dataset(found, attrs={OVER: f"cells of each block of {BLOCK:.0f} degrees"})


def _cells_across(axis: xr.DataArray) -> int:
    """Cells along a side of a block."""
    step = float(abs(axis[1] - axis[0]))
    return max(1, round(BLOCK / step))


def _scored(pairs: xr.DataArray, dim: str | list[str], fewest: int) -> xr.DataArray:
    """Return r2 and nRMSE over dimensions, (metric, ...)."""
    observed, emulated = (pairs.sel(source=s, drop=True) for s in ("observed", "emulated"))
    found = score(observed, emulated, dim=dim)
    parts = [found[name].where(found["n"] >= fewest) for name in METRICS.values()]
    both = xr.concat(parts, xr.Variable("metric", list(METRICS)), combine_attrs="drop")
    return both.assign_attrs(units="1")
