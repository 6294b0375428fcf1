"""Stocks through time: their yearly change against NEP, and two ways to make them, compared."""

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.emulation.applying import RATIO
from uflux_stats.errors import CalendarError, MissingVariableError
from uflux_stats.stats.conservation import POOLS

WAYS: Final = {"integrated": "", "ratio": RATIO}
"""Pools integrated through time, and as the direct ratio to yearly NPP; how their names end."""
LAGS: Final = range(6)
LEAST_YEARS: Final = 3


def stock_balance(
    totals: xr.Dataset, *, nep: str = "NEP", lags: Iterable[int] = LAGS
) -> pd.DataFrame:
    """Compare the yearly change of all pools with NEP of the same year and of years before.

    Parameters
    ----------
    totals : xr.Dataset, (member, year, region)
        ``nep`` [PgC yr-1] and pools [PgC] at the end of each year, of two or more years in a row;
        the mean over members is taken.
    nep : str
        Name of the net flux.
    lags : iterable of int
        Years by which the pools follow; those that leave less than one year are left out.

    Returns
    -------
    pandas.DataFrame
        ``way`` ("integrated", "ratio"), ``region``, ``lag``, ``year`` (of the change),
        ``stock_change`` and ``NEP`` [PgC yr-1].

    Raises
    ------
    MissingVariableError
        If NEP or all pools are missing.
    CalendarError
        If there are less than two years.
    """
    pools = [pool for pool in POOLS if pool in totals]
    if nep not in totals or not pools:
        raise MissingVariableError(
            f"totals: expected {nep} and pools, got {sorted(map(str, totals.data_vars))}; add them"
        )
    years = totals["year"].values
    if len(years) < 2:
        raise CalendarError("totals: expected two years or more, got one; a change needs two")
    mean = totals.mean("member")
    flux = mean[nep].transpose("year", "region").values
    tables = []
    for way, ending in WAYS.items():
        if not all(pool + ending in mean for pool in pools):
            continue
        stock = np.sum([mean[p + ending].transpose("year", "region").values for p in pools], axis=0)
        change = np.diff(stock, axis=0)
        for lag in lags:
            # the change of year y with NEP of year y - lag
            first = max(lag - 1, 0)
            if first >= len(change):
                continue
            before = flux[1 + first - lag : len(flux) - lag]
            pair = {"stock_change": change[first:], "NEP": before}
            rows = _rows(years[1 + first :], mean["region"].values, pair)
            tables.append(rows.assign(way=way, lag=lag))
    columns = ["way", "region", "lag", "year", "stock_change", "NEP"]
    return pd.concat(tables, ignore_index=True)[columns]


def _rows(years: np.ndarray, regions: np.ndarray, fields: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Lay fields (year, region) out, one row per year and region."""
    labels = {"region": np.tile(regions, len(years)), "year": np.repeat(years, len(regions))}
    return pd.DataFrame(labels | {name: values.ravel() for name, values in fields.items()})


def balance_by_lag(balance: pd.DataFrame) -> pd.DataFrame:
    """Sum the balance of the stocks up for every way, region and lag.

    Parameters
    ----------
    balance : pandas.DataFrame
        Of ``stock_balance``.

    Returns
    -------
    pandas.DataFrame
        ``way``, ``region``, ``lag``, number of years ``n``, ``imbalance`` (mean of change minus
        NEP) and ``rms`` of the difference [PgC yr-1], correlation ``r`` of change and NEP (three
        years or more).
    """
    rows = []
    for (way, region, lag), group in balance.groupby(["way", "region", "lag"], sort=False):
        change, nep = (group[name].to_numpy(np.float64) for name in ("stock_change", "NEP"))
        gap = change - nep
        varied = len(gap) >= LEAST_YEARS and change.std() > 0 and nep.std() > 0
        rows.append(
            {
                "way": way,
                "region": region,
                "lag": lag,
                "n": len(gap),
                "imbalance": gap.mean(),
                "rms": np.sqrt((gap**2).mean()),
                "r": np.corrcoef(change, nep)[0, 1] if varied else np.nan,
            }
        )
    return pd.DataFrame(rows)


def stock_ways(totals: xr.Dataset) -> pd.DataFrame:
    """Compare pools integrated through time with the direct ratio to yearly NPP.

    Parameters
    ----------
    totals : xr.Dataset, (member, year, region)
        Pools ``X`` and ``X_ratio`` [PgC].

    Returns
    -------
    pandas.DataFrame
        ``pool``, ``region``; per way the mean over years and members (``integrated``, ``ratio``)
        [PgC], its ``_trend`` (least squares) and ``_variability`` (standard deviation of the
        yearly changes) [PgC yr-1]; without rows where there are no ratios beside.
    """
    rows = []
    mean = totals.mean("member")
    for pool in (name for name in POOLS if name + RATIO in mean):
        for region in mean["region"].values:
            row: dict[str, str | float] = {"pool": pool, "region": str(region)}
            for way, ending in WAYS.items():
                series = mean[pool + ending].sel(region=region).values.astype(np.float64)
                row |= {f"{way}{name}": value for name, value in _of_series(series).items()}
            rows.append(row)
    return pd.DataFrame(rows)


def _of_series(series: np.ndarray) -> dict[str, float]:
    if not np.isfinite(series).all():
        return dict.fromkeys(("", "_trend", "_variability"), float("nan"))
    slope = np.polynomial.Polynomial.fit(np.arange(len(series)), series, 1).convert().coef
    return {
        "": float(series.mean()),
        "_trend": float(slope[1]) if len(slope) > 1 else 0.0,
        "_variability": float(np.diff(series).std()),
    }
