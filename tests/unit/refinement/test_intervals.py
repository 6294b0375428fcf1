"""Intervals: quantiles by hand, coverage of unseen towers, and what is refused."""

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import ConfigError, DataFileError, MissingVariableError
from uflux_stats.refinement.intervals import Intervals, Scale, calibrate, coverage
from uflux_stats.schema import MISSING_CLASS


def made(
    towers: int, *, months: tuple[int, ...] = (12,), classes: int = 2, seed: int = 0
) -> xr.Dataset:
    """Held-out predictions of zero; towers have a bias and a noise of their own."""
    rng = np.random.default_rng(seed)
    error = rng.normal(0.0, 1.0, (towers, 1)) + rng.normal(0.0, 0.5, (towers, max(months)))
    for number in range(towers):
        error[number, months[number % len(months)] :] = np.nan
    known = np.where(np.isfinite(error), 0.0, np.nan)
    return xr.Dataset(
        {
            "NEE": (("source", "site", "time"), np.stack([error, known, known])),
            "NEE_spread": (("site", "time"), known + rng.uniform(0.5, 1.5, known.shape)),
            "fold": (("site", "time"), known + np.arange(towers)[:, None]),
            "IGBP": ("site", 1.0 + np.arange(towers) % classes),
        },
        coords={"source": ["observed", "baseline", "refined"]},
    )


def one_flux(errors: list[list[float]], igbp: list[float]) -> xr.Dataset:
    known = np.where(np.isfinite(errors), 0.0, np.nan)
    return xr.Dataset(
        {
            "GPP": (("source", "site", "time"), np.stack([errors, known, known])),
            "GPP_spread": (("site", "time"), known),
            "fold": (("site", "time"), known + np.arange(len(errors))[:, None]),
            "IGBP": ("site", igbp),
        },
        coords={"source": ["observed", "baseline", "refined"]},
    )


def half(found: Intervals, code: int, predicted: float = 0.0) -> float:
    """Half the width where the members agree."""
    return found.factor["GPP"][code] * float(found.scale["GPP"].of(0.0, predicted))


def test_each_tower_weighs_the_same() -> None:
    nan = np.nan
    held_out = one_flux([[1.0, 1.0, 1.0, 1.0, 1.0, 1.0], [5.0] + [nan] * 5], [1.0, 1.0])
    found = calibrate(held_out, level=0.6, normalised=False)
    assert [half(found, code) for code in (MISSING_CLASS, 1)] == pytest.approx([5.0, 5.0])
    assert half(calibrate(held_out, level=0.4), 1) == pytest.approx(1.0)


def test_a_class_borrows_from_the_others() -> None:
    errors = [[1.0]] + [[9.0]] * 40
    found = calibrate(one_flux(errors, [1.0] + [2.0] * 40), level=0.2)
    assert half(found, 1) == pytest.approx(1.0)  # its own tower is 1 of 4
    assert half(found, 2) == pytest.approx(9.0)  # the other is 1 of 41
    borrowed = calibrate(one_flux(errors, [1.0] + [2.0] * 40), level=0.3)
    assert half(borrowed, 1) == pytest.approx(9.0)


@pytest.mark.parametrize("normalised", [True, False])
def test_unseen_towers_are_covered_as_often_as_said(*, normalised: bool) -> None:
    table = coverage(made(400, months=(12, 36, 3)), normalised=normalised)
    whole = table[table["IGBP"] == MISSING_CLASS].iloc[0]
    assert whole["by_tower"] == pytest.approx(0.9, abs=0.02)
    assert whole["towers"] == 400
    assert whole["months"] == 134 * 12 + 133 * 36 + 133 * 3
    assert table["by_tower"].between(0.87, 0.93).all()


def test_coverage_is_measured_on_towers_that_did_not_calibrate() -> None:
    held_out = one_flux([[1.0, 1.0]] * 5 + [[50.0, 50.0]], [1.0] * 6)
    table = coverage(held_out, normalised=False).set_index("IGBP")
    assert table.loc[1, "by_tower"] == pytest.approx(5 / 6)
    assert table.loc[1, "error"] == pytest.approx(1 / 6)
    assert table.loc[1, "by_month"] == pytest.approx(5 / 6)


def test_width_follows_the_spread_of_the_members() -> None:
    members = xr.Dataset({"NEE": (("member", "site"), [[1.0, 0.0], [1.0, 4.0]])})
    bounds = Intervals(
        0.9, {"NEE": Scale(0.5, 1.0, 0.1)}, {"NEE": {MISSING_CLASS: 2.0, 1: 4.0}}
    ).bounds(members, xr.DataArray([1.0, 3.0], dims="site"))
    spread = np.sqrt(8.0)
    np.testing.assert_allclose(bounds["NEE_lower"], [-1.4, 2.0 - 2.0 * (0.7 + spread)], rtol=1e-6)
    np.testing.assert_allclose(bounds["NEE_upper"], [3.4, 2.0 + 2.0 * (0.7 + spread)], rtol=1e-6)
    assert bounds["NEE_upper"].attrs["units"] == "gC m-2 d-1"
    assert "90%" in bounds["NEE_upper"].attrs["long_name"]


def test_the_scale_is_the_line_that_the_errors_follow() -> None:
    rng = np.random.default_rng(5)
    held_out = one_flux([[0.0] * 200] * 30, [1.0] * 30)
    predicted, spread = rng.uniform(0.0, 8.0, (30, 200)), rng.uniform(0.0, 2.0, (30, 200))
    error = rng.normal(0.0, 1.0, (30, 200)) * (0.5 + 0.8 * spread + 0.25 * predicted)
    held_out["GPP"][:] = np.stack([predicted + error, predicted, predicted])
    held_out["GPP_spread"][:] = spread
    scale = calibrate(held_out).scale["GPP"]
    mean = np.sqrt(2.0 / np.pi)
    assert [scale.constant, scale.spread, scale.size] == pytest.approx(
        [0.5 * mean, 0.8 * mean, 0.25 * mean], abs=0.06
    )
    assert calibrate(held_out, normalised=False).scale["GPP"].spread == 0.0


def test_towers_without_error_have_narrow_intervals() -> None:
    found = calibrate(one_flux([[0.0, 0.0]] * 3, [1.0] * 3))
    assert half(found, 1) == 0.0


def test_productivity_is_not_negative() -> None:
    members = xr.Dataset({"GPP": (("member", "site"), [[1.0], [1.0]])})
    bounds = Intervals(0.9, {"GPP": Scale(1.0, 1.0, 0.0)}, {"GPP": {MISSING_CLASS: 3.0}}).bounds(
        members, xr.DataArray([np.nan], dims="site")
    )
    assert bounds["GPP_lower"].item() == 0.0
    assert bounds["GPP_upper"].item() == 4.0


def test_round_trip() -> None:
    found = calibrate(made(6))
    assert Intervals.from_json(found.to_json()) == found
    for text in ("{", "[]", "{}", '{"factor": {"GPP": 3}}'):
        with pytest.raises(DataFileError, match="fit it again"):
            Intervals.from_json(text)


def test_months_of_a_tower_in_several_folds_are_refused() -> None:
    held_out = made(4)
    held_out["fold"][0, 3] = 2.0
    with pytest.raises(ConfigError, match="split='tower'"):
        calibrate(held_out)


def test_what_cannot_be_meant() -> None:
    held_out = made(4)
    with pytest.raises(ConfigError, match="level: expected a share"):
        calibrate(held_out, level=1.0)
    with pytest.raises(ConfigError, match="two folds or more"):
        coverage(held_out.isel(site=[0]))
    with pytest.raises(MissingVariableError, match="predictions of a flux"):
        calibrate(held_out.drop_vars("NEE"))
    with pytest.raises(MissingVariableError, match="NEE"):
        calibrate(held_out).bounds(xr.Dataset(), held_out["IGBP"])
