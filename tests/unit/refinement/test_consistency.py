"""Fluxes that close: by hand, by the general solver, and better than apart."""

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import ConfigError, DataFileError, MissingVariableError
from uflux_stats.refinement import Refiner
from uflux_stats.refinement.consistency import (
    CONSISTENT,
    Consistency,
    fit_consistency,
    reconcile_held_out,
)
from uflux_stats.refinement.validation import validation_metrics
from uflux_stats.stats.reconcile import reconcile

ALIKE = Consistency(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), 2, 1)
UNLIKE = Consistency(((3.0, 1.2, -1.0), (1.2, 2.5, 0.7), (-1.0, 0.7, 2.0)), 2, 1)


def fluxes(*values: object) -> xr.Dataset:
    attrs = {"units": "gC m-2 d-1"}
    return xr.Dataset(
        {name: ("site", np.atleast_1d(value), attrs)
         for name, value in zip(CONSISTENT, values, strict=True)}
    )  # fmt: skip


def made(towers: int = 60, months: int = 12) -> xr.Dataset:
    """Towers whose three fluxes are predicted with errors of their own, each alike in size."""
    rng = np.random.default_rng(2)
    gpp = rng.uniform(4.0, 12.0, (towers, months))
    reco = rng.uniform(4.0, 8.0, (towers, months))
    data = {
        name: (("source", "site", "time"),
               np.stack([true, true, true + rng.normal(0.0, 1.0, true.shape)]))
        for name, true in {"GPP": gpp, "RECO": reco, "NEE": reco - gpp}.items()
    }  # fmt: skip
    data["GPP"][1][:, 3, 2] = np.nan
    known = np.where(np.isfinite(data["GPP"][1][0]), 0.0, np.nan)
    return xr.Dataset(
        {
            **data,
            "NEE_spread": (("site", "time"), known),
            "fold": (("site", "time"), np.zeros_like(gpp) + np.arange(towers)[:, None] % 5),
        },
        coords={"source": ["observed", "baseline", "refined"], "site": np.arange(towers)},
    )


def test_a_gap_is_shared_by_equal_errors() -> None:
    closed = ALIKE.reconcile(fluxes(9.0, 5.0, -1.0))
    found = [closed[f"{name}_reconciled"].item() for name in CONSISTENT]
    assert found == [8.0, 6.0, -2.0]
    assert closed["NEE_reconciled"].attrs["units"] == "gC m-2 d-1"


def test_as_the_general_solver() -> None:
    rng = np.random.default_rng(1)
    given = fluxes(rng.uniform(0, 3, 300), rng.uniform(0, 3, 300), rng.normal(0, 3, 300))
    closed = UNLIKE.reconcile(given)
    # there NEP is told, and errors are shared through the factor of their covariance
    turn = np.diag([1.0, 1.0, -1.0])
    factor = np.linalg.cholesky(turn @ np.array(UNLIKE.covariance) @ turn)
    shared = xr.DataArray(factor, dims=("flux", "source"), coords={"flux": ["GPP", "RECO", "NEP"]})
    told = given.assign(NEP=-given["NEE"].assign_attrs(units="")).drop_vars("NEE")
    told["NEP"].attrs = given["NEE"].attrs
    expected = reconcile(told, xr.zeros_like(told), shared=shared).adjusted
    assert int((expected == 0.0).to_dataarray().any("variable").sum()) > 20
    np.testing.assert_allclose(closed["GPP_reconciled"], expected["GPP"], atol=1e-4)
    np.testing.assert_allclose(closed["RECO_reconciled"], expected["RECO"], atol=1e-4)
    np.testing.assert_allclose(closed["NEE_reconciled"], -expected["NEP"], atol=1e-4)


def test_closes_to_the_last_digit_and_stays_positive(refiner: Refiner, towers: xr.Dataset) -> None:
    predicted = refiner.predict(towers)
    closed = UNLIKE.reconcile(predicted)
    assert closed["GPP_reconciled"].dims == predicted["GPP"].dims
    difference = closed["RECO_reconciled"] - closed["GPP_reconciled"]
    np.testing.assert_array_equal(closed["NEE_reconciled"], difference)
    assert float(closed["GPP_reconciled"].min()) >= 0.0
    assert float(closed["RECO_reconciled"].min()) >= 0.0
    missing = predicted["GPP"].isnull()
    np.testing.assert_array_equal(closed["NEE_reconciled"].isnull(), missing)


def test_what_closes_already_is_not_moved() -> None:
    closed = UNLIKE.reconcile(fluxes([4.0, 0.0], [1.0, 2.0], [-3.0, 2.0]))
    np.testing.assert_allclose(closed["GPP_reconciled"], [4.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(closed["NEE_reconciled"], [-3.0, 2.0], atol=1e-6)


def test_the_nearest_of_all_that_close() -> None:
    rng = np.random.default_rng(8)
    given = np.array([6.0, 2.0, -1.0])
    closed = UNLIKE.reconcile(fluxes(*given))
    found = np.array([closed[f"{name}_reconciled"].item() for name in CONSISTENT])
    inverse = np.linalg.inv(np.array(UNLIKE.covariance))

    def size(moved: np.ndarray) -> float:
        return float((moved - given) @ inverse @ (moved - given))

    for gpp, reco in found[:2] + rng.normal(0.0, 0.3, (50, 2)):
        assert size(np.array([gpp, reco, reco - gpp])) >= size(found)


def test_errors_that_close_already_leave_nothing_to_reconcile() -> None:
    held_out = made()
    held_out["NEE"] = held_out["RECO"] - held_out["GPP"]
    with pytest.raises(ConfigError, match="nothing to reconcile"):
        fit_consistency(held_out)


def test_independent_errors_shrink_by_a_third_of_their_variance() -> None:
    held_out = made()
    closed = reconcile_held_out(held_out)
    before, after = (validation_metrics(data).sel(source="refined") for data in (held_out, closed))
    for name in CONSISTENT:
        ratio = (after["rmse"] / before["rmse"]).sel(variable=name).item() ** 2
        assert ratio == pytest.approx(2.0 / 3.0, abs=0.06)
        assert after["n"].sel(variable=name).item() == 60 * 12 - 1


def test_each_tower_weighs_the_same() -> None:
    held_out = made(towers=4).isel(site=[0, 1])
    held_out["RECO"][2, 0, 1:] = np.nan
    found = fit_consistency(held_out)
    error = (held_out["RECO"][2] - held_out["RECO"][0]).values
    expected = (error[0, 0] ** 2 + np.mean(error[1] ** 2)) / 2.0
    assert found.covariance[1][1] == pytest.approx(expected)
    assert (found.months, found.towers) == (13, 2)


def test_round_trip_and_refusals() -> None:
    assert Consistency.from_json(UNLIKE.to_json()) == UNLIKE
    for text in ("{", "[]", '{"covariance": [[1.0]], "months": 1, "towers": 1}'):
        with pytest.raises(DataFileError, match="fit it again"):
            Consistency.from_json(text)
    held_out = made(towers=5)
    with pytest.raises(MissingVariableError, match="no \\['RECO'\\]"):
        fit_consistency(held_out.drop_vars("RECO"))
    with pytest.raises(MissingVariableError, match="no \\['NEE'\\]"):
        UNLIKE.reconcile(held_out.drop_vars("NEE"))
    with pytest.raises(ConfigError, match="hold out more towers"):
        fit_consistency(held_out.assign(NEE=held_out["NEE"] * np.nan))
