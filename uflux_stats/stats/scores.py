"""Scores of a model against a reference in the manner of ILAMB, from 0 (no skill) to 1 (perfect).

Each score is ``exp(-relative error)`` of one aspect, first per cell or tower, then averaged over
land area [1]_. The definitions are those of version 3 of the software, which differ from [1]_ in
two places: the bias is divided by the standard deviation of the reference in time, and timing is
scored by whole months. It has no score of variability between years; that one follows [1]_.

References
----------
.. [1] Collier, N. et al. (2018), J. Adv. Model. Earth Syst. 10, 2731-2754,
   doi 10.1029/2018MS001354.
"""

from typing import Final

import numpy as np
import xarray as xr

from uflux_stats.checks import require_dims, require_same_grid
from uflux_stats.errors import UnitsError
from uflux_stats.grid.cells import cell_area
from uflux_stats.stats import moments
from uflux_stats.stats.moments import ratio
from uflux_stats.stats.result import Result
from uflux_stats.stats.seasonality import anomalies, mean_year
from uflux_stats.stats.taylor import taylor

SCORES: Final = ("bias_score", "rmse_score", "seasonal_score", "interannual_score")
OVERALL_WEIGHTS: Final = {
    "bias_score": 1.0,
    "rmse_score": 2.0,
    "seasonal_score": 1.0,
    "interannual_score": 1.0,
    "spatial_score": 1.0,
}
"""Weights of the overall score, Collier et al. (2018), section 2.1."""
HALF_YEAR: Final = 6


def score_maps(
    reference: xr.DataArray, model: xr.DataArray, *, weights: xr.DataArray | None = None
) -> xr.Dataset:
    """Score every cell or tower.

    Parameters
    ----------
    reference, model : xr.DataArray, (time, ...)
        Monthly, in one unit, on exactly the same coordinates. A month counts where both have it.
    weights : xr.DataArray, (time,), optional
        Weight of each month; by default its days.

    Returns
    -------
    xr.Dataset, (...)
        ``bias``, ``rmse`` [unit of the data], ``shift`` [month], and ``bias_score``,
        ``rmse_score``, ``seasonal_score``, ``interannual_score`` [1]. Dask arrays stay lazy.

    Raises
    ------
    UnitsError
        If the units differ.
    GridError
        If the coordinates differ.
    DimensionError
        If ``time`` is missing.
    """
    _require_alike(reference, model)
    both = reference.notnull() & model.notnull()
    ref, mod = reference.where(both), model.where(both)
    days = ref["time"].dt.days_in_month.astype(np.float64) if weights is None else weights

    def mean(values: xr.DataArray) -> xr.DataArray:
        return values.weighted(days).mean("time")

    ref_off, mod_off = ref - mean(ref), mod - mean(mod)
    bias = mean(mod) - mean(ref)
    ref_sd = mean(ref_off**2) ** 0.5
    centred_rmse = mean((mod_off - ref_off) ** 2) ** 0.5
    shift = _month_of_maximum(mod) - _month_of_maximum(ref)
    shift = (shift + HALF_YEAR) % (2 * HALF_YEAR) - HALF_YEAR
    ref_iav, mod_iav = (mean(anomalies(values) ** 2) ** 0.5 for values in (ref, mod))
    unit = reference.attrs.get("units", "unknown")
    one = {"units": "1"}
    return xr.Dataset(
        {
            "bias": bias.assign_attrs(units=unit),
            "rmse": (mean((mod - ref) ** 2) ** 0.5).assign_attrs(units=unit),
            "shift": shift.assign_attrs(units="month"),
            "bias_score": _score(ratio(abs(bias), ref_sd)).assign_attrs(one),
            "rmse_score": _score(ratio(centred_rmse, ref_sd)).assign_attrs(one),
            "seasonal_score": (1 - abs(shift) / HALF_YEAR).assign_attrs(one),
            "interannual_score": _score(ratio(abs(mod_iav - ref_iav), ref_iav)).assign_attrs(one),
        }
    )


def ilamb_scores(
    reference: xr.DataArray,
    model: xr.DataArray,
    *,
    area: xr.DataArray | None = None,
    weights: xr.DataArray | None = None,
) -> Result:
    """Score a model as a whole: bias, RMSE, seasons, years, space, and overall.

    Parameters
    ----------
    reference, model : xr.DataArray, (time, lat, lon) or (time, site)
        Monthly, in one unit, on exactly the same coordinates.
    area : xr.DataArray, (lat, lon) [m2], optional
        Weight of the cells; by default the coordinate ``land_area`` of ``reference``, else the area
        of the cells. Towers count alike.
    weights : xr.DataArray, (time,), optional
        Weight of each month; by default its days.

    Returns
    -------
    Result
        The area mean of each score of ``score_maps``, ``spatial_score`` (of the map of means),
        ``overall`` (RMSE counts twice, as in the reference above) and ``overall_equal`` (plain
        mean of all but ``interannual_score``, as the software does).

    Raises
    ------
    UnitsError, GridError, DimensionError
        As in ``score_maps``.
    """
    maps = score_maps(reference, model, weights=weights)
    dims = [dim for dim in maps["bias"].dims if dim in {"lat", "lon", "site"}]
    cells = _cell_weights(maps["bias"], area)
    data = _average(maps, dims, cells)
    both = reference.notnull() & model.notnull()
    days = reference["time"].dt.days_in_month.astype(np.float64) if weights is None else weights
    means = [values.where(both).weighted(days).mean("time") for values in (reference, model)]
    data["spatial_score"] = taylor(*means, dim=dims)["score"]
    weighted = sum(weight * data[name] for name, weight in OVERALL_WEIGHTS.items())
    data["overall"] = weighted / sum(OVERALL_WEIGHTS.values())
    equal = [data[name] for name in OVERALL_WEIGHTS if name != "interannual_score"]
    data["overall_equal"] = sum(equal[1:], start=equal[0]) / len(equal)
    for name, variable in data.data_vars.items():
        variable.attrs["units"] = maps[name].attrs["units"] if name in maps else "1"
    return Result(data.assign_attrs(method="Collier et al. (2018)"), "Scores")


def _score(error: xr.DataArray) -> xr.DataArray:
    score: xr.DataArray = xr.apply_ufunc(np.exp, -error, dask="allowed")
    return score


def _month_of_maximum(values: xr.DataArray) -> xr.DataArray:
    year = mean_year(values)
    if year.chunks is not None:
        year = year.chunk({"month": -1})
    return year.fillna(-np.inf).argmax("month").where(year.notnull().any("month"))


def _cell_weights(field: xr.DataArray, area: xr.DataArray | None) -> xr.DataArray | None:
    if area is not None:
        require_same_grid(field, area, names="reference, area")
        return area.fillna(0.0)
    if "land_area" in field.coords:
        land: xr.DataArray = field.coords["land_area"].fillna(0.0)
        return land
    return cell_area(field["lat"], field["lon"]) if {"lat", "lon"} <= set(field.dims) else None


def _average(maps: xr.Dataset, dims: moments.Dims, weights: xr.DataArray | None) -> xr.Dataset:
    if weights is None:
        return maps.map(moments.mean, dim=dims)
    return maps.weighted(weights).mean(dims)


def _require_alike(reference: xr.DataArray, model: xr.DataArray) -> None:
    require_dims(reference, ["time"], name="reference")
    require_dims(model, ["time"], name="model")
    units = [values.attrs.get("units") for values in (reference, model)]
    if None not in units and units[0] != units[1]:
        raise UnitsError(
            f"model: expected units {units[0]!r} as the reference has, got {units[1]!r}; "
            "convert one of them (uflux_stats.units.convert)"
        )
    require_same_grid(reference, model, names="reference, model")
