"""Carbon dioxide of the global atmosphere, month by month, from a table shipped in the package."""

from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.errors import CalendarError
from uflux_stats.schema import variable


@cache
def _table() -> pd.Series:
    with (files("uflux_stats") / "data" / "co2_monthly.csv").open(encoding="utf-8") as stream:
        table = pd.read_csv(stream, usecols=["month", "co2"])
    months = pd.PeriodIndex(table["month"], freq="M")
    return pd.Series(table["co2"].to_numpy(dtype=float), index=months)


def co2_series(
    time: xr.DataArray, *, outside: Literal["raise", "missing"] = "raise"
) -> xr.DataArray:
    """Global monthly mean CO2 at the months of ``time``.

    From January 1979 the mean over the marine surface of the globe, before that Mauna Loa (from
    March 1958). The two are not adjusted to each other.

    Parameters
    ----------
    time : xr.DataArray, (time,)
        Dates; only their year and month count, and they may repeat or lack order.
    outside : {"raise", "missing"}
        What a month before or after the table gives: an error or NaN.

    Returns
    -------
    xr.DataArray, (time,) [ppm]
        On the coordinate of ``time``.

    Raises
    ------
    CalendarError
        If ``time`` holds no dates, or one outside the table and ``outside`` is "raise".

    References
    ----------
    Lan, X., Tans, P. and Thoning, K. W.: Trends in globally-averaged CO2 determined from NOAA
    Global Monitoring Laboratory measurements, doi 10.15138/9N0H-ZH07.

    Examples
    --------
    >>> time = xr.DataArray(pd.to_datetime(["1979-01-01", "2006-07-01"]), dims="time")
    >>> co2_series(time).values
    array([336.56, 380.07])
    """
    table = _table()
    if not np.issubdtype(time.dtype, np.datetime64) or bool(time.isnull().any()):
        raise CalendarError(
            f"time: expected dates (datetime64), got {time.dtype}; "
            "decode the time axis or give a climatology a year first"
        )
    months = pd.DatetimeIndex(time.values).to_period("M")
    beyond = months[~months.isin(table.index)]
    if len(beyond) and outside == "raise":
        raise CalendarError(
            f"time: expected months from {table.index[0]} to {table.index[-1]}, "
            f"got {beyond[0]}; give CO2 for other months yourself or take outside='missing'"
        )
    values = table.reindex(months).to_numpy()
    row = variable("CO2")
    return xr.DataArray(values, coords=time.coords, dims=time.dims, name="CO2", attrs=row.attrs)
