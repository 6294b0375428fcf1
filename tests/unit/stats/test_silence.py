"""No statistic leaks a warning, whatever is missing, in memory or lazily."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from uflux_stats.stats import iav, moments, scores, seasonality, spread, taylor, trend

RANDOM = np.random.default_rng(0)


def cells(lazy: bool) -> xr.DataArray:
    """Six years of months: whole, all missing, constant, zero, nearly empty, one gap."""
    values = RANDOM.normal(size=(72, 6)) + 5
    values[:, 1], values[:, 2], values[:, 3] = np.nan, 3.0, 0.0
    values[5:, 4], values[7, 5] = np.nan, np.nan
    time = xr.date_range("2001-01", periods=72, freq="MS")
    array = xr.DataArray(values, {"time": time}, ("time", "site"), attrs={"units": "gC m-2 d-1"})
    return array.chunk(site=2, time=24) if lazy else array


def triple(values: xr.DataArray) -> xr.Dataset:
    return xr.Dataset({name: values * factor for name, factor in (("a", 1), ("b", 2), ("c", 3))})


STATISTICS: dict[str, Callable[[xr.DataArray], object]] = {
    **{name: lambda v, n=name: trend.trend(v, method=n).data for name in trend.METHODS},
    "prewhitened": lambda v: trend.trend(v, method="theil_sen", prewhiten=True).data,
    "ensemble_trend": lambda v: trend.ensemble_trend(v, member="site").data,
    "change_point": lambda v: trend.change_point(v).data,
    "field_significance": lambda v: trend.field_significance(trend.trend(v).p),
    "iav": lambda v: iav.iav(v).data,
    "detrend": iav.detrend,
    "extremes": lambda v: iav.extremes(v).data,
    "anomaly_correlation": lambda v: iav.anomaly_correlation(v, 2 * v),
    "contribution": lambda v: iav.iav_contribution(v, part="site"),
    "seasonal_cycle": lambda v: seasonality.seasonal_cycle(v).data,
    "anomalies": seasonality.anomalies,
    "spread": lambda v: spread.ensemble_spread(v, member="site").data,
    "scores": lambda v: scores.score_maps(v, v * 2),
    "ilamb": lambda v: scores.ilamb_scores(v, v * 2).data,
    "taylor": lambda v: taylor.taylor(v, v * 2, dim=["time"]),
    "collocation": lambda v: taylor.triple_collocation(triple(v), dim=["time"]).data,
    "hat": lambda v: taylor.triple_collocation(triple(v), dim=["time"], scaled=False).data,
    "variance": lambda v: moments.variance(v, "time"),
}


@pytest.mark.parametrize("lazy", [False, True], ids=["memory", "dask"])
@pytest.mark.parametrize("name", STATISTICS)
def test_no_warning_leaks(name: str, lazy: bool) -> None:
    values = cells(lazy)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        STATISTICS[name](values).load()
