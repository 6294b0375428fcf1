"""A tower's own months calibrate its predictions: by hand, recovered, and without peeking."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import ConfigError, DataFileError, MissingVariableError
from uflux_stats.refinement import RefineOptions, Refiner, refine
from uflux_stats.refinement.adaptation import Adaptation, fit_adaptation
from uflux_stats.refinement.adaptation_skill import (
    GAPS,
    GIVEN,
    adaptation_skill,
    gap_trials,
    new_tower_trials,
    own_line,
    own_mean_year,
)
from uflux_stats.refinement.closing import close_gaps
from uflux_stats.refinement.error_model import ErrorModel, Months, fit_error_model

OFFSET_ONLY = ErrorModel(2.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0)
YEARS = 4


def made(towers: int = 40, *, offset: float = 1.5, noise: float = 0.4, seed: int = 0) -> xr.Dataset:
    """Held-out NEE whose error is an offset of each tower, and noise."""
    rng = np.random.default_rng(seed)
    months = 12 * YEARS
    season = 3.0 * np.sin(2.0 * np.pi * np.arange(months) / 12.0)
    predicted = season + rng.normal(0.0, 0.3, (towers, months))
    error = rng.normal(0.0, offset, (towers, 1)) + rng.normal(0.0, noise, (towers, months))
    flux = np.stack([predicted + error, predicted, predicted])
    fold = np.repeat(np.arange(towers, dtype=float)[:, np.newaxis], months, axis=1)
    return xr.Dataset(
        {"NEE": (("source", "site", "time"), flux), "fold": (("site", "time"), fold)},
        coords={
            "source": ["observed", "baseline", "refined"],
            "site": [f"XX-{number:02d}" for number in range(towers)],
            "time": xr.date_range("2001-01", periods=months, freq="MS"),
        },
    )


def pair(held_out: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """Predicted and observed fluxes."""
    fluxes = held_out.drop_vars("fold")
    return tuple(fluxes.sel(source=one, drop=True) for one in ("refined", "observed"))


def test_an_offset_is_shrunk_as_by_hand() -> None:
    given = Months(0, np.arange(3.0), np.ones(3), np.array([1.0, 2.0, 3.0]))
    wanted = Months(0, np.array([40.0]), np.ones(1), np.full(1, np.nan))
    error, spread = OFFSET_ONLY.condition(given, wanted)
    kept = 3 * 4.0 / (3 * 4.0 + 1.0)
    assert error[0] == pytest.approx(kept * 2.0)
    assert spread[0] == pytest.approx(np.sqrt(4.0 / 13.0 + 1.0))
    error, spread = OFFSET_ONLY.condition(given.at(slice(0)), wanted)
    assert (error[0], spread[0]) == (0.0, pytest.approx(np.sqrt(5.0)))


def test_a_season_returns_and_a_fading_error_does_not() -> None:
    july, next_july, next_january = (
        Months(0, np.array([month]), np.ones(1), np.ones(1)) for month in (6.0, 18.0, 24.0)
    )
    seasonal = ErrorModel(0.0, 0.0, 1.0, 0.0, 1.0, 0.1, 0.0)
    assert seasonal.condition(july, next_july)[0] > 0.9
    assert seasonal.condition(july, next_january)[0] < 0.2
    fading = ErrorModel(0.0, 0.0, 0.0, 1.0, 2.0, 0.1, 0.0)
    assert fading.condition(july, next_july)[0] < 0.01


def test_the_sizes_of_the_errors_are_recovered() -> None:
    rng = np.random.default_rng(3)
    truth = ErrorModel(0.0, 0.4, 0.0, 0.6, 4.0, 0.3, 0.0)
    month = np.arange(36.0)
    towers = []
    for site in range(60):
        predicted = rng.uniform(0.0, 6.0, 36)
        covariance = truth.covariance((month, month), (predicted, predicted)) + 0.09 * np.eye(36)
        towers.append(
            Months(site, month, predicted, rng.multivariate_normal(month * 0, covariance))
        )
    found = fit_error_model(towers)
    assert found.share == pytest.approx(0.4, rel=0.25)
    assert found.fading == pytest.approx(0.6, rel=0.25)
    assert found.memory == pytest.approx(4.0, rel=0.4)
    assert np.hypot(found.offset, found.season) < 0.25


def test_gaps_are_filled_flagged_and_observations_kept() -> None:
    adaptation = fit_adaptation(made(seed=1))
    predicted, observed = pair(made(6, seed=2))
    gappy = observed.copy(deep=True)
    gappy["NEE"][0, 5:9] = np.nan
    gappy["NEE"][1] = np.nan
    predicted["NEE"][0, 8] = np.nan
    predicted["NEE"][2, 0] = np.nan
    filled = adaptation.fill(predicted, gappy)
    assert filled.NEE_flag.values[0, 4:10].tolist() == [0, 1, 1, 1, 2, 0]
    assert (filled.NEE_flag.values[1] == 1).all()
    known = gappy["NEE"].notnull()
    np.testing.assert_array_equal(filled.NEE.where(known), gappy["NEE"])
    assert filled.NEE_lower.where(known).isnull().all()
    inside = (filled.NEE_lower < filled.NEE) & (filled.NEE_upper > filled.NEE)
    assert bool(inside.where(filled.NEE_flag == 1, True).all())
    np.testing.assert_allclose(filled.NEE_adapted[1], predicted["NEE"][1])
    width = (filled.NEE_upper - filled.NEE_lower).mean("time")
    assert width[1] > 2.0 * width[0]
    assert filled.NEE.attrs["units"] == "gC m-2 d-1"


def test_the_hidden_months_are_better_told_and_lie_in_the_intervals() -> None:
    adaptation = fit_adaptation(made(seed=4))
    predicted, observed = pair(made(60, seed=5))
    hidden = observed.isel(time=slice(12, None))
    shown = observed.where(observed.time < hidden.time[0])
    filled = adaptation.fill(predicted, shown).sel(time=hidden.time)
    error, before = filled.NEE - hidden.NEE, predicted.NEE.sel(time=hidden.time) - hidden.NEE
    assert float((error**2).mean()) < 0.2 * float((before**2).mean())
    inside = (filled.NEE_lower <= hidden.NEE) & (filled.NEE_upper >= hidden.NEE)
    assert float(inside.mean()) == pytest.approx(0.9, abs=0.04)


def test_fluxes_into_plants_are_not_negative() -> None:
    held_out = made(seed=6).rename(NEE="GPP")
    predicted, observed = pair(held_out)
    filled = fit_adaptation(held_out).fill(predicted, observed.where(observed.time.dt.year == 2001))
    for name in ("GPP_adapted", "GPP_lower", "GPP_upper"):
        assert float(filled[name].min()) >= 0.0


def test_round_trip_and_refusals() -> None:
    held_out = made(8)
    found = fit_adaptation(held_out)
    assert Adaptation.from_json(found.to_json()) == found
    for text in ("{", "[]", '{"level": 0.9, "models": {"NEE": {}}, "factor": {}}'):
        with pytest.raises(DataFileError, match=r"adaptation: .*fit it again"):
            Adaptation.from_json(text)
    with pytest.raises(MissingVariableError, match="expected some of \\['NEE'\\]"):
        found.fill(*(data.rename(NEE="LE") for data in pair(held_out)))
    with pytest.raises(MissingVariableError, match="expected predictions of a flux"):
        fit_adaptation(held_out[["fold"]].assign_coords(source=held_out.source))


def three_fluxes(towers: int = 30, *, seed: int = 0) -> xr.Dataset:
    """Held-out GPP, RECO and NEE of a closed budget; NEE is predicted best."""
    parts = {
        "GPP": made(towers, offset=1.0, noise=0.6, seed=seed) + 8.0,
        "RECO": made(towers, offset=1.0, noise=0.6, seed=seed + 100) + 8.0,
    }
    gpp, reco = parts["GPP"]["NEE"], parts["RECO"]["NEE"]
    error = made(towers, offset=0.1, noise=0.1, seed=seed + 200)["NEE"]
    nee = (reco - gpp).sel(source="observed", drop=True) + error
    nee = nee - error.sel(source="observed", drop=True)
    return xr.Dataset({"GPP": gpp, "RECO": reco, "NEE": nee, "fold": made(towers)["fold"]})


def test_filled_fluxes_close_where_one_was_not_observed() -> None:
    adaptation = fit_adaptation(three_fluxes(seed=7))
    predicted, truth = pair(three_fluxes(12, seed=8))
    shown = truth.where(truth.time.dt.year != 2003)
    shown["NEE"][:, 0] = np.nan
    shown["GPP"][:, 1] = np.nan
    shown["NEE"][:, 2] += 0.5
    filled = adaptation.fill(predicted, shown)
    gap = filled.GPP_reconciled - filled.RECO_reconciled + filled.NEE_reconciled
    closed = gap.drop_isel(time=2)
    # where all were observed the tower has the last word
    np.testing.assert_allclose(closed, 0.0, atol=1e-9)
    np.testing.assert_allclose(gap[:, 2], 0.5)
    for name in ("GPP", "RECO", "NEE"):
        known = shown[name].notnull()
        moved = filled[f"{name}_reconciled"]
        np.testing.assert_array_equal(moved.where(known), shown[name])
        assert moved.attrs["units"] == "gC m-2 d-1"
    np.testing.assert_allclose(filled.NEE_reconciled[:, 0], truth.NEE[:, 0])
    hidden = truth.time.dt.year == 2003

    def worst(suffix: str) -> float:
        left = (filled[f"GPP{suffix}"] - truth.GPP).where(hidden)
        return float((left**2).mean())

    assert worst("_reconciled") < 0.8 * worst("")
    assert Adaptation.from_json(adaptation.to_json()) == adaptation


def test_what_is_filled_is_not_negative_and_closes() -> None:
    correlation = ((1.0, 0.2, -0.3), (0.2, 1.0, 0.4), (-0.3, 0.4, 1.0))
    rng = np.random.default_rng(0)
    dims = ("site", "time")
    filled = xr.Dataset({
        name: (dims, values)
        for name, values in {
            "GPP": rng.uniform(0.0, 0.3, (20, 10)),
            "RECO": rng.uniform(0.0, 0.3, (20, 10)),
            "NEE": rng.normal(0.0, 2.0, (20, 10)),
        }.items()
    })  # fmt: skip
    spread = xr.full_like(filled, 1.0).assign(NEE=xr.zeros_like(filled.NEE))
    closed = close_gaps(filled, spread, correlation)
    gap = closed.GPP_reconciled - closed.RECO_reconciled + closed.NEE_reconciled
    np.testing.assert_allclose(gap, 0.0, atol=1e-5)
    assert min(float(closed.GPP_reconciled.min()), float(closed.RECO_reconciled.min())) >= 0.0
    np.testing.assert_array_equal(closed.NEE_reconciled, filled.NEE)


def test_an_observed_flux_below_zero_closes_with_what_is_filled() -> None:
    """GPP of -0.5 was observed: RECO is held at zero, and NEE makes up for both."""
    given = zip(("GPP", "RECO", "NEE"), (-0.5, 0.1, 0.0), (0.0, 1.0, 1.0), strict=True)
    filled, spread = (
        xr.Dataset({name: (("site", "time"), [[value]]) for name, value in values})
        for values in zip(*(((name, flux), (name, error)) for name, flux, error in given),
                          strict=True)
    )  # fmt: skip
    closed = close_gaps(filled, spread, ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))
    found = [closed[f"{name}_reconciled"].item() for name in ("GPP", "RECO", "NEE")]
    np.testing.assert_allclose(found, [-0.5, 0.0, 0.5], atol=1e-5)


def test_one_flux_alone_is_not_reconciled() -> None:
    found = fit_adaptation(made(8))
    assert found.correlation is None
    assert not [name for name in found.fill(*pair(made(8))) if "reconciled" in str(name)]


def test_skill_grows_with_the_months_given_and_gaps_are_told() -> None:
    held_out = made(16)
    grown = adaptation_skill(held_out, new_tower_trials, draws=1).set_index(["way", "size"])
    assert grown.loc["adapted"].index.tolist() == list(GIVEN)
    rmse = grown.loc["adapted", "rmse"]
    assert rmse[24] < rmse[3] < 0.6 * rmse[0]
    assert grown.loc[("unchanged", 24), "rmse"] == pytest.approx(rmse[0])
    assert grown["months"].nunique() == 1
    assert np.isnan(grown.loc[("own mean year", 0), "r2"])
    gaps = adaptation_skill(held_out, gap_trials, draws=1).set_index(["way", "size"])
    assert gaps.loc["adapted"].index.tolist() == list(GAPS)
    assert (gaps.loc["adapted", "rmse"] < gaps.loc["own mean year", "rmse"]).all()


def test_nothing_told_is_given() -> None:
    rng = np.random.default_rng(0)
    month = np.delete(np.arange(60.0), [7, 30])
    tower = Months(0, month, month, month)
    for trials in (new_tower_trials, gap_trials):
        for trial in trials(tower, rng):
            assert not set(trial.given.month) & set(trial.wanted.month)
            assert len(trial.wanted) > 0


def test_what_it_is_held_against() -> None:
    given = Months(0, np.array([0.0, 12.0, 3.0]), np.ones(3), np.array([1.0, 3.0, 8.0]))
    wanted = Months(0, np.array([24.0, 29.0]), np.full(2, 2.0), np.zeros(2))
    assert own_mean_year(given, wanted).tolist() == [1.0, 3.0]
    line = Months(0, np.arange(3.0), np.arange(3.0), 1.0 + 2.0 * np.arange(3.0))
    np.testing.assert_allclose(own_line(line, wanted), [5.0, 5.0])
    assert own_line(given, wanted).tolist() == [0.0, 0.0]


def test_a_refiner_adapts_to_a_tower_it_has_not_seen(
    towers: xr.Dataset, quick: RefineOptions, tmp_path: Path
) -> None:
    own, others = towers.isel(site=[0]), towers.isel(site=slice(1, None))
    refiner = refine(others, options=quick)
    with pytest.raises(ConfigError, match="expected a dataset of read_fluxnet, got str"):
        refiner.adapt("my_tower.csv")
    with pytest.raises(MissingVariableError, match="split='tower'"):
        refiner.adapt(own)
    with pytest.raises(ConfigError, match="not learned from, got \\['XX-01'\\]"):
        refiner.adapt(others.isel(site=[0]))
    refiner.validate("tower", members=1)
    filled = refiner.adapt(own)
    assert set(filled.data_vars) >= {"GPP", "RECO_lower", "NEE_flag", "LE_adapted"}
    assert bool(filled.GPP.notnull().all())
    assert own.GPP.isnull().any()
    loaded = Refiner.load(refiner.save(tmp_path / "refiner"))
    again = loaded.adapt(own, fit_adaptation(refiner.validation["tower"]))
    xr.testing.assert_identical(again, filled)
    with pytest.raises(ConfigError, match="not learned from, got \\['XX-01'\\]"):
        loaded.adapt(others.isel(site=[0]), fit_adaptation(refiner.validation["tower"]))
    budget = filled.RECO_reconciled - filled.GPP_reconciled - filled.NEE_reconciled
    gaps = (filled[["GPP_flag", "RECO_flag", "NEE_flag"]].to_dataarray() == 1).any("variable")
    assert bool(gaps.any())
    np.testing.assert_allclose(budget.where(gaps, 0.0), 0.0, atol=1e-9)


def test_a_split_by_months_tells_nothing_of_new_towers(
    towers: xr.Dataset, quick: RefineOptions
) -> None:
    refiner = refine(towers.isel(site=slice(1, None)), options=quick)
    refiner.validate("random", folds=2, members=1)
    with pytest.raises(MissingVariableError, match="split='tower'"):
        refiner.adapt(towers.isel(site=[0]))
    with pytest.raises(ConfigError, match="whole"):
        fit_adaptation(refiner.validation["random"])
