"""Carbon dioxide of the global atmosphere, month by month, from a table shipped in the package."""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.errors import CalendarError, DataFileError
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


def is_noaa_co2(path: Path) -> bool:
    """Tell by its name whether a file is a monthly table of CO2 by NOAA.

    Examples
    --------
    >>> is_noaa_co2(Path("co2_mm_gl.csv")), is_noaa_co2(Path("sites.csv"))
    (True, False)
    """
    name = path.name.lower().replace("-", "_")
    return name.startswith("co2_mm_") and name.endswith(".csv")


def read_noaa_co2(path: str | Path) -> xr.DataArray:
    """Read a monthly table of NOAA, such as ``co2_mm_gl.csv`` or ``co2_mm_mlo.csv``.

    Parameters
    ----------
    path : str or Path
        Comma-separated, after comments in #, with the columns year, month (or a date) and average.

    Returns
    -------
    xr.DataArray, (time,) [ppm]
        Month starts; values below zero, which stand for missing, are left out.

    Raises
    ------
    DataFileError
        If the file is missing, damaged, or has other columns.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as why:
        raise DataFileError(
            f"path: expected a readable csv of NOAA, got {path} ({why}); download it again"
        ) from why
    head, *rows = [line.split(",") for line in lines if line and not line.startswith("#")] or [[]]
    names = [name.strip().lower() for name in head]
    # some copies have more fields in a row than names
    table = pd.DataFrame([row[: len(names)] for row in rows if len(row) >= len(names)])
    table = table.set_axis(names[: table.shape[1]], axis=1)
    stamps = _months_of(table)
    if stamps is None or "average" not in table:
        raise DataFileError(
            f"path: expected columns average and year and month (or date), got {list(table)} in "
            f"{path}; take the monthly csv of NOAA"
        )
    values = pd.to_numeric(table["average"], errors="coerce").to_numpy(dtype=float)
    known = values > 0
    row = variable("CO2")
    coords = {"time": stamps[known].to_numpy()}
    return xr.DataArray(values[known], coords, dims="time", name="CO2", attrs=row.attrs)


def _months_of(table: pd.DataFrame) -> pd.DatetimeIndex | None:
    """Month starts from the columns year and month, or from dates such as 1982-01."""
    if {"year", "month"} <= set(table):
        text = table["year"].str.strip() + "-" + table["month"].str.strip()
    elif "date" in table:
        text = table["date"].str.strip().str[:7]
    else:
        return None
    months = pd.to_datetime(text, format="%Y-%m", errors="coerce")
    return None if months.isna().any() else pd.DatetimeIndex(months).as_unit("ns")
