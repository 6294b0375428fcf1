"""Edges: a perfect line, an absent part, a gap of years, monthly stocks."""

import numpy as np
import pytest
import xarray as xr

from uflux_stats.stats.conservation import stock_change
from uflux_stats.stats.iav import iav_contribution
from uflux_stats.stats.trend import trend


def test_a_perfect_line_is_a_trend_after_prewhitening_too() -> None:
    line = xr.DataArray(np.arange(20.0), {"year": np.arange(2001, 2021)}, ("year",))
    found = trend(line, method="theil_sen", prewhiten=True)
    assert found["slope"].item() == 1.0
    assert found["p"].item() < 1e-6


def test_an_absent_part_takes_no_share_from_the_others() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, 20))
    values[1] = np.nan
    axes = {"region": ["a", "b", "c"], "year": np.arange(2001, 2021)}
    shares = iav_contribution(xr.DataArray(values, axes, ("region", "year")))
    assert shares.sum().item() == pytest.approx(1.0)
    assert np.isnan(shares.sel(region="b").item())
    assert shares.attrs["absent_parts"] == 1


def pools(**axes: object) -> xr.Dataset:
    ((dim, labels),) = axes.items()
    values = xr.DataArray(100.0 + 12.0 * np.arange(len(labels)), {dim: labels}, (dim,))
    stock = values.assign_attrs(units="gC m-2")
    return xr.Dataset(dict.fromkeys(("cVeg", "cLitter", "cSoil"), stock))


def test_no_change_is_told_over_a_gap_of_years() -> None:
    change = stock_change(pools(year=[2001, 2002, 2003, 2007, 2008]))
    assert change.sel(year=2002).item() == 36.0
    assert np.isnan(change.sel(year=2007).item())


def test_of_monthly_stocks_december_counts() -> None:
    months = xr.date_range("2001-01", periods=36, freq="MS")
    change = stock_change(pools(time=months))
    assert change["year"].values.tolist() == [2002, 2003]
    np.testing.assert_allclose(change, 3 * 12 * 12.0)
