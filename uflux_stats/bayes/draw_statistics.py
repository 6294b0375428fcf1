"""Statistics of draws at land cells, laid out on the grid and named."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import xarray as xr

from uflux_stats.bayes.land import Floats, LandCells
from uflux_stats.schema import CARBON_FLUX, variable

QUANTILES: Final = (0.05, 0.5, 0.95)


def paired(gpp: Floats, reco: Floats) -> Floats:
    """NEP of every draw with its member of GPP (member, month, cell) [gC m-2 d-1]."""
    members = np.arange(reco.shape[-1]) % len(gpp)
    return np.asarray(np.moveaxis(gpp, 0, -1)[..., members] - reco)


def statistics(flux: Floats, cells: LandCells) -> Floats:
    """Quantiles, mean and standard deviation over the draws, (statistic, month, cell)."""
    ordered = np.sort(flux, axis=-1)
    last = flux.shape[-1] - 1
    picked = [ordered[..., round(share * last)] for share in QUANTILES]
    found = np.stack([*picked, flux.mean(axis=-1), flux.std(axis=-1)])
    found[:, ~cells.known] = np.nan
    return found


def spread_out(values: Floats, cells: LandCells, shape: tuple[int, ...]) -> Floats:
    """Put values of land cells at their places, (statistic, month, lat, lon)."""
    whole = np.full((len(values), *shape), np.nan, np.float32)
    row, column = cells.place
    whole[:, :, row, column] = values
    return whole


def labelled(statistics: Mapping[str, Any], axes: Mapping[str, xr.DataArray]) -> xr.Dataset:
    """Name the statistics: quantiles first, then mean and standard deviation."""
    dims, count = tuple(axes), len(QUANTILES)
    named: dict[str, Any] = {}
    for name, values in statistics.items():
        attrs = dict(variable(name).attrs)
        named[f"{name}_quantile"] = (("quantile", *dims), values[:count], attrs)
        named[f"{name}_mean"] = (dims, values[count], attrs)
        named[f"{name}_sd"] = (dims, values[count + 1], {"units": CARBON_FLUX})
    return xr.Dataset(named, coords={**axes, "quantile": list(QUANTILES)})
