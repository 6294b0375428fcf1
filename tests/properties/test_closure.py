"""Closed budgets add up in every cell, month and member, whatever goes in."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from uflux_stats.emulation.closure import Ratios, by_ratios, close, separate
from uflux_stats.emulation.prior import LEAST_VARIANCE, Given, Shares, prior
from uflux_stats.emulation.stocks import Months, Turnover, by_ratio, integrate, with_parts
from uflux_stats.stats.conservation import BUDGETS, FLUX_FLOOR, relative, residual

SHAPE = (40, 12)


def random_case(seed, *, nep=True, rh=True):
    rng = np.random.default_rng(seed)
    gpp = np.maximum(rng.normal(4, 5, SHAPE), 0).astype(np.float32)
    reco = np.maximum(rng.normal(4, 4, SHAPE), 0).astype(np.float32)
    error = {name: rng.uniform(0.05, 2, SHAPE) for name in ("GPP", "RECO", "NEP")}
    net = (gpp - reco + rng.normal(0, 2, SHAPE)).astype(np.float32)
    shares = [rng.uniform(0.02, 0.98, SHAPE).astype(np.float32) for _ in range(2)]
    spreads = [rng.uniform(0.03, 0.3, SHAPE) for _ in range(2)]
    given_fluxes = Given(gpp, reco, net if nep else None, error)
    return given_fluxes, Shares(shares[0], shares[1] if rh else None, *spreads)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.booleans(), st.booleans())
def test_exact_closes_and_is_never_negative(seed, nep, rh):
    closed, _ = close(*random_case(seed, nep=nep, rh=rh))
    for name, budget in BUDGETS.items():
        terms = [closed[term] for term in budget.names]
        size = relative(residual(closed, name), terms, floor=FLUX_FLOOR)
        assert float(size.max()) <= 1e-6
    for name in ("GPP", "RECO", "Ra", "Rh"):
        assert float(closed[name].min()) >= 0.0
    assert closed["NPP"].dtype == np.float32


def test_exact_moves_nothing_that_is_closed():
    gpp = np.array([[8.0, 2.0]], np.float32)
    cue, share = np.array([[0.5, 0.4]]), np.array([[0.4, 0.25]])
    # RECO such that both ways to Ra agree
    reco = ((1 - cue) * gpp / (1 - share)).astype(np.float64)
    error = {name: np.full((1, 2), 0.3) for name in ("GPP", "RECO", "NEP")}
    spread = np.full((1, 2), 0.1)
    closed, found = close(Given(gpp, reco, gpp - reco, error), Shares(cue, share, spread, spread))
    for name in found.adjustment:
        assert float(abs(found.adjustment[name]).max()) < 1e-9
    assert float(found.chi_square.max()) < 1e-12
    np.testing.assert_allclose(closed["NPP"], cue * gpp, rtol=1e-6)


def general_solution(x, weight, names):
    """The nearest closed budget by a solver that knows nothing of it."""
    at = {name: place for place, name in enumerate(names)}
    rows = np.zeros((len(BUDGETS), len(names)))
    for row, budget in zip(rows, BUDGETS.values(), strict=True):
        row[at[budget.left]] = 1
        for name, sign in budget.right:
            row[at[name]] = -sign
    found = minimize(
        lambda y: (y - x) @ weight @ (y - x),
        np.maximum(x, 0.1),
        jac=lambda y: 2 * weight @ (y - x),
        bounds=[(0, None) if n in ("GPP", "RECO", "Ra", "Rh") else (None, None) for n in names],
        constraints={"type": "eq", "fun": lambda y: rows @ y, "jac": lambda _: rows},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    return found.x


@pytest.mark.parametrize("seed", range(4))
def test_exact_equals_a_general_solver(seed):
    case = random_case(seed)
    fluxes, shared = prior(*case)
    closed, _ = close(*case)
    names = list(fluxes)
    for place in ((0, 0), (7, 3), (21, 11)):
        x = np.array([fluxes[n].values[place] for n in names])
        errors = shared.sel(flux=names).values[place]
        covariance = errors @ errors.T + LEAST_VARIANCE * np.eye(len(names))
        best = general_solution(x, np.linalg.inv(covariance), names)
        ours = np.array([closed[n].values[place] for n in names], dtype=float)
        np.testing.assert_allclose(ours, best, atol=3e-3)


def test_open_modes_leave_the_budget_open_and_say_what_they_are():
    case, shares = random_case(1)
    alone = separate(case, shares)
    assert float(abs(residual(alone, "RECO")).max()) < 1e-5
    assert float(abs(residual(alone, "GPP")).mean()) > 0.1
    ratio = np.full(SHAPE, 3.0, np.float32)
    paper = by_ratios(case, Ratios(ratio, ratio, ratio))
    np.testing.assert_allclose(paper["NPP"] + paper["Ra"], 2 / 3 * paper["GPP"], rtol=1e-5)
    np.testing.assert_allclose(paper["NEP"], paper["NPP"] - paper["Rh"], rtol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.booleans())
def test_pools_change_by_what_flows(seed, litter):
    rng = np.random.default_rng(seed)
    cells, years = 15, 6
    npp = rng.uniform(0.5, 4, (cells, 12 * years))
    rh = npp * rng.uniform(0.7, 1.1, (cells, 12 * years))
    days = np.tile([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], years).astype(float)

    def rate(low, high):
        return rng.uniform(low, high, (cells, years))

    turnover = Turnover(rate(0.02, 1), rate(0.01, 0.1), rate(0.2, 1) if litter else None,
                        rate(0.02, 0.5), rate(0.02, 0.98))  # fmt: skip
    pools, raised = integrate(Months(npp, rh, days), turnover)
    assert (raised == 0).all()
    whole = sum(pools.values())
    flow = ((npp - rh) * days).reshape(cells, years, 12).sum(axis=2)
    np.testing.assert_allclose(np.diff(whole, axis=1), flow[:, 1:], atol=1e-6)
    parts = with_parts(pools, turnover)
    np.testing.assert_allclose(parts["cLeaf"] + parts["cWood"] + parts["cRoot"], pools["cVeg"])
    assert all((values >= 0).all() for values in parts.values())


def test_steady_state_stays():
    npp, days = np.full((1, 48), 2.0), np.full(48, 365.25 / 12)
    one = np.full((1, 4), 1.0)
    turnover = Turnover(0.1 * one, 0.05 * one, 0.5 * one, None, None)
    pools, _ = integrate(Months(npp, npp, days), turnover)
    steady = by_ratio(Months(npp, npp, days).yearly_npp, turnover)
    np.testing.assert_allclose(pools["cVeg"], steady["cVeg"], rtol=1e-2)
    np.testing.assert_allclose(pools["cLitter"], steady["cLitter"], rtol=5e-2)
    assert isinstance(steady["cVeg"], np.ndarray)


def test_soil_held_what_it_was_to_lose_and_that_is_counted():
    npp, days = np.full((1, 24), 0.1), np.full(24, 30.0)
    one = np.full((1, 2), 1.0)
    rates = Turnover(one, 10 * one, None, None, None)
    pools, raised = integrate(Months(npp, 50 * npp, days), rates)
    steady = 0.1 * 30 * 12 / 10
    lost = 49 * 0.1 * 30 * 24
    # what vegetation gains over the two years it does not give to the soil
    assert raised.item() == pytest.approx(lost - steady - (0.1 * 30 * 12 - pools["cVeg"][0, -1]))
    assert pools["cSoil"].min() == pytest.approx(0.0, abs=1e-9)
    change = np.diff(sum(pools.values()), axis=1)
    np.testing.assert_allclose(change, -49 * npp[:, 12:].sum() * 30.0)


def test_datasets_keep_units():
    closed, _ = close(*random_case(0))
    assert all(closed[name].attrs["units"] == "gC m-2 d-1" for name in closed)
    assert isinstance(closed, xr.Dataset)
