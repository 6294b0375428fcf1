"""One series as a model of statsmodels, for whoever wants its whole summary."""

from typing import Any, Final, Literal

import numpy as np
import xarray as xr

from uflux_stats.checks import require_array
from uflux_stats.choices import require_choice
from uflux_stats.errors import DimensionError, RangeError
from uflux_stats.stats.yearly import require_years, yearly_means

Model = Literal["ols", "newey_west", "glsar"]
MODELS: Final[tuple[Model, ...]] = ("ols", "newey_west", "glsar")


def trend_model(series: xr.DataArray, *, model: Model = "ols", maxlags: int = 1) -> Any:
    """Fit a straight line to one series with statsmodels and return its results.

    ``trend`` does the same for any number of series at once, and more; this is for one series whose
    summary, residuals and tests are wanted.

    Parameters
    ----------
    series : xr.DataArray, (year,) or (time,) [any unit]
        Monthly data are averaged to calendar years; missing years are left out.
    model : {"ols", "newey_west", "glsar"}
        Least squares; with Newey-West errors; with AR(1) errors estimated iteratively.
    maxlags : int
        Of Newey-West.

    Returns
    -------
    statsmodels results
        Parameters ``const`` [unit, at the mean year] and ``year`` [unit per year].

    Raises
    ------
    ConfigError
        If the model is unknown.
    RangeError
        If ``maxlags`` is negative, or as large as the number of years.
    DimensionError
        If there is more than one dimension.
    CalendarError
        If fewer than four years are known.

    Examples
    --------
    >>> sink = xr.DataArray([1.0, 3.0, 2.0, 4.0, 5.0], {"year": range(2001, 2006)}, dims="year")
    >>> round(float(trend_model(sink).params["year"]), 3)
    0.9
    """
    # statsmodels takes a second to load, and only this needs it
    import pandas as pd
    import statsmodels.api as sm

    require_choice(model, MODELS, name="model")
    if maxlags < 0:
        raise RangeError(f"maxlags: expected at least 0, got {maxlags}; 1 is usual for years")
    require_array(series, name="series")
    if series.ndim != 1:
        raise DimensionError(
            f"series: expected one dimension, got {[*map(str, series.dims)]}; "
            "select one series, or use trend for all of them"
        )
    yearly = yearly_means(series).dropna("year")
    require_years(yearly.size, name="series")
    if model == "newey_west" and maxlags >= yearly.size:
        raise RangeError(
            f"maxlags: expected fewer than the {yearly.size} years, got {maxlags}; "
            "1 is usual for years"
        )
    years = yearly["year"].values.astype(float)
    line = sm.add_constant(pd.DataFrame({"year": years - years.mean()}))
    values = np.asarray(yearly.values, dtype=float)
    if model == "glsar":
        return sm.GLSAR(values, line, rho=1).iterative_fit()
    if model == "newey_west":
        kinds = {"maxlags": maxlags}
        return sm.OLS(values, line).fit(cov_type="HAC", cov_kwds=kinds)
    return sm.OLS(values, line).fit()
