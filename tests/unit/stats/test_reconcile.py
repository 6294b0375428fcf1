"""Reconciliation: closed, nearest, never negative where it must not be."""

import numpy as np
import pytest
import xarray as xr
from scipy import optimize

from uflux_stats.errors import GridError, MissingVariableError, RangeError, UnitsError
from uflux_stats.stats.conservation import BUDGETS, conservation
from uflux_stats.stats.reconcile import NON_NEGATIVE, constraint_matrix, reconcile

NAMES = ("NEP", "GPP", "RECO", "Ra", "Rh", "NPP")


def budget_of(cells: int, seed: int = 0) -> tuple[xr.Dataset, xr.Dataset]:
    random = np.random.default_rng(seed)
    centre = {"NEP": 0.5, "GPP": 2.0, "RECO": 1.5, "Ra": 1.0, "Rh": 0.5, "NPP": 1.0}
    fluxes = {
        name: ("cell", centre[name] + 1.5 * random.normal(size=cells), {"units": "gC m-2 d-1"})
        for name in NAMES
    }
    variances = {name: ("cell", random.uniform(0.05, 2.0, cells)) for name in NAMES}
    return xr.Dataset(fluxes), xr.Dataset(variances)


def test_every_budget_closes_and_nothing_is_negative() -> None:
    fluxes, variances = budget_of(5000)
    closed = reconcile(fluxes, variances)
    table = conservation(closed.adjusted).to_frame()
    assert table["max_relative"].max() < 1e-12
    assert all((closed.adjusted[name] >= 0).all() for name in NON_NEGATIVE)
    assert closed.held.max() >= 2
    assert not np.isnan(closed.chi_square).any()


def test_equals_a_quadratic_program() -> None:
    fluxes, variances = budget_of(60, seed=3)
    closed = reconcile(fluxes, variances)
    x = np.stack([fluxes[name].values for name in NAMES], axis=1)
    s = np.stack([variances[name].values for name in NAMES], axis=1)
    rows = constraint_matrix(list(BUDGETS.values()), list(NAMES))
    bounds = [(0, None) if name in NON_NEGATIVE else (None, None) for name in NAMES]
    found = np.stack([closed.adjusted[name].values for name in NAMES], axis=1)
    assert (closed.held > 0).sum() > 10
    for given, spread, nearest in zip(x, s, found, strict=True):
        program = optimize.minimize(
            lambda z, g=given, v=spread: ((z - g) ** 2 / v).sum(),
            np.zeros(len(NAMES)),
            jac=lambda z, g=given, v=spread: 2 * (z - g) / v,
            bounds=bounds,
            constraints={"type": "eq", "fun": lambda z: rows @ z, "jac": lambda _: rows},
            options={"ftol": 1e-14, "maxiter": 500},
        )
        np.testing.assert_allclose(nearest, program.x, atol=2e-5)
        cost = ((nearest - given) ** 2 / spread).sum()
        assert cost <= program.fun * (1 + 1e-9)


def test_a_case_by_hand() -> None:
    """RECO 5, Ra 3, Rh 1 miss by 1: equal variances share it in thirds, and chi-square is 1/3."""
    unit = {"units": "gC m-2 d-1"}
    fluxes = xr.Dataset({"RECO": ((), 5.0, unit), "Ra": ((), 3.0, unit), "Rh": ((), 1.0, unit)})
    closed = reconcile(fluxes, xr.ones_like(fluxes))
    assert closed.adjustment["RECO"].item() == pytest.approx(-1 / 3)
    assert closed.adjustment["Rh"].item() == pytest.approx(1 / 3)
    assert closed.chi_square.item() == pytest.approx(1 / 3)
    assert closed.posterior_variance["Ra"].item() == pytest.approx(2 / 3)
    assert closed.freedom == 1


def test_a_closed_budget_is_not_moved() -> None:
    fluxes, variances = budget_of(200)
    once = reconcile(fluxes, variances).adjusted
    again = reconcile(once, variances)
    assert float(abs(again.adjustment).max().to_array().max()) < 1e-12
    assert float(again.chi_square.max()) < 1e-20


def test_chi_square_has_its_distribution_where_errors_are_as_stated() -> None:
    random = np.random.default_rng(4)
    unit = {"units": "gC m-2 d-1"}
    truth = {"NEP": 4.0, "GPP": 20.0, "RECO": 16.0, "Ra": 10.0, "Rh": 6.0, "NPP": 10.0}
    sd = {"NEP": 0.3, "GPP": 0.8, "RECO": 0.5, "Ra": 0.6, "Rh": 0.2, "NPP": 0.4}
    noisy = {n: ("cell", v + sd[n] * random.normal(size=20000), unit) for n, v in truth.items()}
    closed = reconcile(xr.Dataset(noisy), xr.Dataset({n: v**2 for n, v in sd.items()}))
    assert float(closed.chi_square.mean()) == pytest.approx(3.0, abs=0.06)
    for name, value in truth.items():
        error = closed.adjusted[name] - value
        assert float(error.var()) == pytest.approx(
            float(closed.posterior_variance[name].mean()), rel=0.05
        )


def test_a_variance_of_zero_gets_a_floor() -> None:
    fluxes, variances = budget_of(50)
    closed = reconcile(fluxes + 5.0 * 0, variances.assign(GPP=variances["GPP"] * 0))
    assert not np.isnan(closed.chi_square).any()


def test_missing_cells_stay_missing_and_dask_agrees() -> None:
    fluxes, variances = budget_of(100)
    fluxes["GPP"][7] = np.nan
    closed = reconcile(fluxes, variances)
    lazy = reconcile(fluxes.chunk(cell=30), variances.chunk(cell=30))
    assert np.isnan(closed.adjusted["Rh"][7])
    assert int(closed.adjusted["Rh"].notnull().sum()) == 99
    xr.testing.assert_allclose(lazy.adjusted.compute(), closed.adjusted)


def test_bad_input_is_named() -> None:
    fluxes, variances = budget_of(4)
    with pytest.raises(MissingVariableError, match="fluxes: expected all variables of a budget"):
        reconcile(fluxes[["GPP", "Ra"]], variances)
    with pytest.raises(MissingVariableError, match="variances: expected"):
        reconcile(fluxes, variances.drop_vars("Rh"))
    with pytest.raises(RangeError, match=r"variances\.Rh: expected no negative"):
        reconcile(fluxes, variances.assign(Rh=-variances["Rh"]))
    with pytest.raises(UnitsError, match=r"fluxes\.GPP"):
        reconcile(fluxes.assign(GPP=fluxes["GPP"].assign_attrs(units="kgC m-2 s-1")), variances)
    placed, moved = (
        data.assign_coords(cell=cells)
        for data, cells in ((fluxes, [0, 1, 2, 3]), (variances, [1, 2, 3, 4]))
    )
    with pytest.raises(GridError, match="fluxes, variances"):
        reconcile(placed, moved)


def test_shared_errors_equal_a_quadratic_program() -> None:
    """The same nearest budget as minimising with the whole inverse covariance."""
    fluxes, variances = budget_of(40, seed=7)
    shared = np.random.default_rng(8).normal(0, 1.0, (40, len(NAMES), 3))
    errors = xr.DataArray(shared, {"flux": list(NAMES)}, ("cell", "flux", "source"))
    closed = reconcile(fluxes, variances, shared=errors)
    x = np.stack([fluxes[name].values for name in NAMES], axis=1)
    s = np.stack([variances[name].values for name in NAMES], axis=1)
    weights = np.linalg.inv(s[:, :, None] * np.eye(len(NAMES)) + shared @ shared.transpose(0, 2, 1))
    rows = constraint_matrix(list(BUDGETS.values()), list(NAMES))
    bounds = [(0, None) if name in NON_NEGATIVE else (None, None) for name in NAMES]
    found = np.stack([closed.adjusted[name].values for name in NAMES], axis=1)
    assert (closed.held > 0).sum() > 5
    for given, weight, nearest, cost in zip(
        x, weights, found, closed.chi_square.values, strict=True
    ):
        program = optimize.minimize(
            lambda z, g=given, w=weight: (z - g) @ w @ (z - g),
            np.zeros(len(NAMES)),
            jac=lambda z, g=given, w=weight: 2 * w @ (z - g),
            bounds=bounds,
            constraints={"type": "eq", "fun": lambda z: rows @ z, "jac": lambda _: rows},
            options={"ftol": 1e-14, "maxiter": 500},
        )
        np.testing.assert_allclose(nearest, program.x, atol=5e-5)
        assert cost == pytest.approx((nearest - given) @ weight @ (nearest - given), rel=1e-6)
        assert cost <= program.fun * (1 + 1e-9)


def test_an_error_that_keeps_the_budget_moves_with_it() -> None:
    """An error common to GPP and NPP cannot open GPP = NPP + Ra: their own errors alone count."""
    unit = {"units": "gC m-2 d-1"}
    given = {"NPP": 4.0, "GPP": 8.0, "Ra": 5.0}
    fluxes = xr.Dataset({name: ((), value, unit) for name, value in given.items()})
    own = xr.Dataset(dict.fromkeys(given, ((), 0.01)))
    common = xr.DataArray([[2.0], [2.0], [0.0]], {"flux": list(given)}, ("flux", "source"))
    closed = reconcile(fluxes, own, shared=common)
    assert [round(closed.adjustment[n].item(), 6) for n in given] == pytest.approx(
        [-1 / 3, 1 / 3, -1 / 3], abs=1e-6
    )
    assert closed.chi_square.item() == pytest.approx(1 / 0.03)
    with pytest.raises(MissingVariableError, match=r"shared: expected .* got no \['Ra'\]"):
        reconcile(fluxes, own, shared=common.isel(flux=slice(2)))
