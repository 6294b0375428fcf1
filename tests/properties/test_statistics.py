"""Properties of statistics on generated arrays: invariance, closure, bounds."""

import numpy as np
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from uflux_stats.stats.conservation import conservation
from uflux_stats.stats.iav import iav_contribution
from uflux_stats.stats.reconcile import NON_NEGATIVE, reconcile
from uflux_stats.stats.trend import field_significance, trend

VALUES = st.integers(-80, 80).map(lambda number: number / 8)
NAMES = ("NEP", "GPP", "RECO", "Ra", "Rh", "NPP")


def yearly(rows: np.ndarray) -> xr.DataArray:
    return xr.DataArray(rows, {"year": 2000 + np.arange(rows.shape[1])}, ("region", "year"))


@settings(max_examples=40, deadline=None)
@given(arrays.arrays(float, (3, 12), elements=VALUES), st.sampled_from([-2.0, 0.5, 4.0]))
def test_trends_follow_scale_and_added_lines(rows: np.ndarray, scale: float) -> None:
    assume((np.ptp(rows, axis=1) > 0).all())
    steps = np.arange(12)
    assume((np.ptp(scale * rows + 0.25 * steps, axis=1) > 0).all())
    for method in ("ols", "ols_ar1", "newey_west", "theil_sen"):
        plain = trend(yearly(rows), method=method)
        moved = trend(yearly(scale * rows + 0.25 * steps), method=method)
        np.testing.assert_allclose(moved.slope, scale * plain.slope + 0.25, atol=1e-9)
        assert ((moved.low <= moved.slope + 1e-9) & (moved.slope <= moved.high + 1e-9)).all()
        assert ((plain.p >= 0) & (plain.p <= 1)).all()


@settings(max_examples=40, deadline=None)
@given(arrays.arrays(float, (4, 10), elements=VALUES), st.sampled_from(["ahlstrom", "covariance"]))
def test_contributions_sum_to_one(rows: np.ndarray, method: str) -> None:
    whole = rows.sum(axis=0)
    residual = whole - np.polyval(np.polyfit(np.arange(10), whole, 1), np.arange(10))
    assume(np.abs(residual).max() > 0.1)
    np.testing.assert_allclose(iav_contribution(yearly(rows), method=method).sum(), 1.0, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    arrays.arrays(float, (6, 20), elements=VALUES),
    arrays.arrays(float, (6, 20), elements=st.floats(0.01, 10)),
)
def test_reconciled_budgets_close(values: np.ndarray, spread: np.ndarray) -> None:
    unit = {"units": "gC m-2 d-1"}
    fluxes = xr.Dataset({n: ("cell", v, unit) for n, v in zip(NAMES, values, strict=True)})
    variances = xr.Dataset({n: ("cell", v) for n, v in zip(NAMES, spread, strict=True)})
    closed = reconcile(fluxes, variances)
    assert conservation(closed.adjusted).to_frame()["max_relative"].max() < 1e-9
    assert all((closed.adjusted[name] >= 0).all() for name in NON_NEGATIVE)
    for name in NAMES:
        assert (closed.posterior_variance[name] <= variances[name] * (1 + 1e-9)).all()


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(float, 30, elements=st.floats(0, 1)))
def test_field_significance_is_never_looser_than_each_cell(p: np.ndarray) -> None:
    found = field_significance(xr.DataArray(p, dims="cell"))
    assert (p[found.values] <= 0.05).all()
    assert found.attrs["significant"] <= found.attrs["significant_locally"]
