"""One series through statsmodels agrees with the vectorised trend."""

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import CalendarError, ConfigError, DimensionError
from uflux_stats.stats.trend import trend, trend_model


@pytest.fixture
def series() -> xr.DataArray:
    values = np.random.default_rng(1).normal(size=20).cumsum()
    values[7] = np.nan
    return xr.DataArray(values, {"year": np.arange(2003, 2023)}, ("year",), attrs={"units": "PgC"})


@pytest.mark.parametrize("model", ["ols", "newey_west"])
def test_slope_is_that_of_trend(series: xr.DataArray, model: str) -> None:
    options = {"maxlags": 1} if model == "newey_west" else {}
    fitted = trend_model(series, model=model)
    assert fitted.params["year"] == pytest.approx(
        trend(series, method=model, **options)["slope"].item(), rel=1e-10
    )


def test_autocorrelated_errors_are_wider() -> None:
    rng = np.random.default_rng(3)
    noise = np.zeros(200)
    for step in range(1, 200):
        noise[step] = 0.8 * noise[step - 1] + rng.normal()
    series = xr.DataArray(noise, {"year": np.arange(200) + 1800}, ("year",))
    plain, aware = (trend_model(series, model=name).bse["year"] for name in ("ols", "glsar"))
    assert aware > 1.5 * plain


def test_bad_input_is_named(series: xr.DataArray) -> None:
    with pytest.raises(ConfigError, match="model: expected one of"):
        trend_model(series, model="spline")
    with pytest.raises(DimensionError, match="one dimension"):
        trend_model(series.expand_dims(region=2))
    with pytest.raises(CalendarError, match="at least 4 years"):
        trend_model(series.isel(year=slice(0, 3)))
