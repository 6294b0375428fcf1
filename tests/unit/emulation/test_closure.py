"""Closing a budget, on cells whose answer is known by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given as given_by
from hypothesis import settings
from hypothesis import strategies as st

from uflux_stats.emulation.closure import close, separate
from uflux_stats.emulation.predictors import preceding_mean
from uflux_stats.emulation.prior import SOURCES, Given, Shares, prior, unless_at_rest
from uflux_stats.emulation.stocks import Months, Turnover, by_ratio, integrate

MONTHS = 12


def whole(value: float) -> np.ndarray:
    return np.full((1, MONTHS), value, np.float32)


def given(gpp: float, reco: float, *, error: float, nep: float | None = None) -> Given:
    errors = {"GPP": whole(error), "RECO": whole(error)}
    if nep is not None:
        errors["NEP"] = whole(error)
    return Given(whole(gpp), whole(reco), None if nep is None else whole(nep), errors)


def shares(cue: float, rh: float | None, *, spread: float) -> Shares:
    return Shares(whole(cue), None if rh is None else whole(rh), whole(spread), whole(spread))


def test_what_agrees_is_not_moved() -> None:
    closed, how = close(given(8.0, 7.0, error=0.5, nep=1.0), shares(0.5, 3 / 7, spread=0.1))
    assert float(how.chi_square.max()) < 1e-9
    for name, value in {"GPP": 8, "RECO": 7, "NEP": 1, "NPP": 4, "Ra": 4, "Rh": 3}.items():
        np.testing.assert_allclose(closed[name], value, rtol=1e-6)


def test_certain_fluxes_stay_and_allocation_gives_way() -> None:
    """GPP 8 says Ra 4, RECO 6 says Ra 3: shares as uncertain each meet by errors 0.8 and 0.6."""
    closed, how = close(given(8.0, 6.0, error=1e-3), shares(0.5, 0.5, spread=0.1))
    np.testing.assert_allclose(closed["GPP"], 8.0, atol=1e-2)
    np.testing.assert_allclose(closed["RECO"], 6.0, atol=1e-2)
    np.testing.assert_allclose(closed["Ra"], 4 - 0.64, atol=1e-2)
    # the conflict is 1, its standard deviation sqrt(0.8 ** 2 + 0.6 ** 2) = 1
    np.testing.assert_allclose(how.chi_square, 1.0, rtol=1e-3)


def test_certain_shares_keep_their_ratio_and_fluxes_give_way() -> None:
    """Ra = GPP / 2 = RECO / 2 then, so that GPP and RECO meet in the middle."""
    closed, _ = close(given(8.0, 6.0, error=1.0), shares(0.5, 0.5, spread=1e-4))
    np.testing.assert_allclose(closed["GPP"], 7.0, atol=0.02)
    np.testing.assert_allclose(closed["NPP"] / closed["GPP"], 0.5, atol=2e-3)
    np.testing.assert_allclose(closed["Rh"] / closed["RECO"], 0.5, atol=2e-3)


def test_no_flux_is_negative_in_a_dark_month() -> None:
    closed, how = close(given(0.0, 0.2, error=0.05, nep=0.4), shares(0.5, 0.5, spread=0.1))
    assert all(float(closed[name].min()) >= 0 for name in ("GPP", "RECO", "Ra", "Rh"))
    assert float(how.held.max()) >= 1


@given_by(
    gpp=st.sampled_from([0.0, 3.0]), reco=st.sampled_from([0.0, 2.0]),
    nep=st.none() | st.floats(-3, 3), cue=st.floats(0.05, 0.95), rh=st.floats(0.05, 0.95),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_no_flux_is_made_where_all_members_rest(gpp, reco, nep, cue, rh) -> None:
    one = given(gpp, reco, error=0.3, nep=nep)
    errors = {n: unless_at_rest(one.error[n], getattr(one, n)[None]) for n in ("GPP", "RECO")}
    # photosynthesis rests in the first half of the year alone
    one.GPP[:, 6:] = 4.0
    errors["GPP"][:, 6:] = 0.3
    closed, _ = close(replace(one, error=one.error | errors), shares(cue, rh, spread=0.1))
    for name, value in (("GPP", gpp), ("RECO", reco)):
        if value == 0:
            assert (closed[name].values[:, :6] == 0).all()
    assert (closed["GPP"].values[:, 6:] > 0).any() or reco == 0
    np.testing.assert_allclose(closed["NPP"] + closed["Ra"], closed["GPP"], atol=1e-6)
    np.testing.assert_allclose(closed["Ra"] + closed["Rh"], closed["RECO"], atol=1e-6)
    assert all(float(closed[name].min()) >= 0 for name in ("GPP", "RECO", "Ra", "Rh"))


def test_a_missing_month_is_all_that_is_lost() -> None:
    one = given(8.0, 6.0, error=0.5)
    one.GPP[0, 3] = np.nan
    closed, _ = close(one, shares(0.5, 0.5, spread=0.1))
    assert np.flatnonzero(np.isnan(closed["GPP"].values[0])).tolist() == [3]
    assert np.isfinite(preceding_mean(one.GPP)).all()


def test_litter_is_never_negative_and_no_carbon_is_lost() -> None:
    """Plants that respire more than they have draw on litter, then on soil."""
    rates = (np.full((1, 1), rate) for rate in (0.5, 0.02, 5.0))
    npp = np.full((1, MONTHS), 1.0)
    npp[0, 6:] = -0.99
    months = Months(npp, np.zeros((1, MONTHS)), np.full(MONTHS, 30.4))
    turnover = Turnover(*rates, None, None)
    pools, raised = integrate(months, turnover)
    start = by_ratio(months.yearly_npp, turnover)
    assert pools["cLitter"].min() >= 0
    change = sum(pools[n][0, -1] - start[n][0, 0] for n in pools) - raised[0]
    assert change == pytest.approx(npp.sum() * 30.4)


def test_without_a_heterotrophic_share_rh_is_what_is_left() -> None:
    known = given(8.0, 6.0, error=0.5)
    closed, how = close(known, shares(0.5, None, spread=0.1))
    np.testing.assert_allclose(closed["Rh"], 2.0, atol=1e-6)
    assert float(how.chi_square.max()) < 1e-9
    assert "Rh" not in separate(known, shares(0.5, None, spread=0.1))


def test_errors_are_those_of_what_is_known() -> None:
    """First-order propagation: the error of NPP = CUE GPP, against a small change of each."""
    known, allocation = given(8.0, 6.0, error=0.5), shares(0.4, 0.5, spread=0.1)
    fluxes, shared = prior(known, allocation)
    assert shared["source"].values.tolist() == list(SOURCES)
    errors = shared.isel(site=0, time=0)
    assert errors.sel(flux="NPP", source="GPP").item() == pytest.approx(0.4 * 0.5)
    assert errors.sel(flux="NPP", source="CUE").item() == pytest.approx(8 * 0.1)
    # what moves NPP moves Ra of GPP the other way, as far as Ra listens to GPP
    ends = [fluxes["Ra"].values[0, 0]]
    ends += [(1 - 0.4) * 8, (1 - 0.5) * 6]
    trust = (ends[0] - ends[2]) / (ends[1] - ends[2])
    assert errors.sel(flux="Ra", source="CUE").item() == pytest.approx(-trust * 0.8)
