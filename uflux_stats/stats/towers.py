"""Trends at flux towers with long records, and how many of them are significant."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.checks import require_dims, require_variables
from uflux_stats.errors import MissingVariableError
from uflux_stats.schema import IGBP_CLASSES
from uflux_stats.stats.result import Result
from uflux_stats.stats.seasonality import anomalies
from uflux_stats.stats.trend import field_significance, trend

CARBON_FLUXES: Final = ("GPP", "RECO", "NEE")
LONG_RECORD: Final = 10
"""Years from which a record of a tower counts as long."""
FEWEST_MONTHS: Final = 9


def tower_years(flux: xr.DataArray, *, min_months: int = FEWEST_MONTHS) -> xr.DataArray:
    """Give the yearly anomalies of a flux, in spite of gaps.

    Each month is first taken relative to the tower's own mean for that calendar month, so that a
    missing winter does not look like a productive year.

    Parameters
    ----------
    flux : xr.DataArray, (site, time)
        Monthly, any unit.
    min_months : int
        Fewest months of a year that counts.

    Returns
    -------
    xr.DataArray, (site, year) [unit of ``flux``]
        Missing where too few months are there.
    """
    months = anomalies(flux)
    years = months["time"].dt.year.rename("year")
    grouped = months.groupby(years)
    yearly = grouped.mean("time").where(grouped.count("time") >= min_months)
    return yearly.rename(flux.name).assign_attrs(flux.attrs)


def tower_trends(
    towers: xr.Dataset,
    *,
    variables: Iterable[str] = CARBON_FLUXES,
    min_years: int = LONG_RECORD,
    min_months: int = FEWEST_MONTHS,
    level: float = 0.05,
    **how: Any,
) -> Result:
    """Estimate the trend of each flux at each tower with a long enough record.

    Parameters
    ----------
    towers : xr.Dataset, (site, time)
        With the ``variables`` [gC m-2 d-1] and, for tables by type, ``IGBP`` (site,).
    variables : iterable of str
        Fluxes to test.
    min_years : int
        Fewest years with enough months.
    min_months : int
        Fewest months of a year that counts.
    level : float
        False discovery rate over the towers, for each flux.
    **how
        As in ``trend``: ``method``, ``confidence``, options of the method. By default the towers
        together tell how long fluxes remember (``shared_memory``).

    Returns
    -------
    Result, (variable, site)
        As from ``trend``, of the yearly anomalies [gC m-2 d-1 yr-1]; ``significant`` says which
        stand at the false discovery rate; sites without any trend are left out.

    Raises
    ------
    MissingVariableError
        If a variable is missing, or no tower has a long enough record.
    DimensionError
        If ``site`` or ``time`` is missing.
    """
    names = list(variables)
    require_variables(towers, names, name="towers")
    require_dims(towers, ["site", "time"], name="towers")
    remember = {"shared_memory": True} if how.get("method", "ols_ar1") == "ols_ar1" else {}
    options = remember | how
    long = {name: _long_records(towers[name].load(), min_years, min_months) for name in names}
    if not any(bool(values.notnull().any()) for values in long.values()):
        raise MissingVariableError(
            f"towers: expected a tower with {min_years} years of {min_months} months, got none; "
            "lower min_years or min_months"
        )
    found = []
    for yearly in long.values():
        data = trend(yearly, **options).data
        data["significant"] = field_significance(data["p"], level=level)
        found.append(data)
    joined = xr.concat(found, pd.Index(names, name="variable"), combine_attrs="override")
    joined = joined.assign_attrs(found[0].attrs, level=level, min_years=min_years)
    if "IGBP" in towers:
        joined = joined.assign_coords(IGBP=("site", _class_names(towers["IGBP"])))
    kept = joined["slope"].notnull().any("variable")
    return Result(joined.isel(site=np.flatnonzero(kept.values)), "Trends at towers")


def _long_records(flux: xr.DataArray, min_years: int, min_months: int) -> xr.DataArray:
    yearly = tower_years(flux, min_months=min_months)
    return yearly.where(yearly.count("year") >= min_years)


def trends_by_type(trends: Result) -> pd.DataFrame:
    """Count rising and falling fluxes per land cover type.

    Parameters
    ----------
    trends : Result
        From ``tower_trends``, with ``IGBP``.

    Returns
    -------
    pd.DataFrame
        One row per ``variable`` and ``IGBP``: ``towers``, ``rising`` and ``falling`` (slope of
        either sign), ``rising_significant`` and ``falling_significant`` (at the false discovery
        rate), ``median_slope`` [unit of the slope].

    Raises
    ------
    MissingVariableError
        If there is no ``IGBP``.
    """
    if "IGBP" not in trends.data.coords:
        raise MissingVariableError(
            "trends: expected the coordinate 'IGBP', got none; give towers that have IGBP"
        )
    frame = trends.data[["slope", "significant"]].to_dataframe().reset_index().dropna()
    sure = frame["significant"].astype(bool)
    frame = frame.assign(
        rising=frame["slope"] > 0,
        falling=frame["slope"] < 0,
        rising_significant=(frame["slope"] > 0) & sure,
        falling_significant=(frame["slope"] < 0) & sure,
    )
    grouped = frame.groupby(["variable", "IGBP"])
    counts = ["rising", "falling", "rising_significant", "falling_significant"]
    table = grouped[counts].sum().assign(median_slope=grouped["slope"].median())
    table.insert(0, "towers", grouped.size())
    return table.reset_index()


def _class_names(codes: xr.DataArray) -> list[str]:
    if codes.dtype.kind in "OUST":
        return [str(code) for code in codes.values]
    return [IGBP_CLASSES.get(int(c), "unknown") if np.isfinite(c) else "unknown" for c in codes]
