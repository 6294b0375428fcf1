"""Held-out predictions: complete, reproducible, and scored as by hand."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import ConfigError
from uflux_stats.refinement import (
    RefineOptions,
    Refiner,
    ValidationOptions,
    cross_validate,
    refine,
)
from uflux_stats.refinement.fitting import fit_rows, predict_rows
from uflux_stats.refinement.table import TrainingTable, training_table
from uflux_stats.refinement.validation import validation_metrics
from uflux_stats.schema import FLUXES

FEW = ValidationOptions(folds=3, members=2, workers=1)


@pytest.fixture
def table(towers: xr.Dataset) -> TrainingTable:
    return training_table(towers)


@pytest.fixture
def held_out(table: TrainingTable, quick: RefineOptions) -> xr.Dataset:
    return cross_validate(table, "tower", quick, FEW)


def test_every_observation_is_predicted_once(held_out: xr.Dataset, towers: xr.Dataset) -> None:
    for name in FLUXES:
        assert held_out[name].dims == ("source", "site", "time")
        assert held_out[name].attrs["units"] == towers[name].attrs["units"]
        observed = held_out[name].sel(source="observed", drop=True)
        np.testing.assert_array_equal(observed, towers[name])
        seen = held_out[name].notnull()
        assert (seen == seen.isel(source=0)).all()
    np.testing.assert_array_equal(held_out["NEE_difference"][0], held_out["NEE"][0])
    xr.testing.assert_identical(held_out["lat"], towers["lat"])
    assert held_out.attrs == {
        "split": "tower", "folds": 3, "members": 2, "target": "residual"
    }  # fmt: skip


def test_a_fold_is_predicted_by_a_fit_to_the_others(
    held_out: xr.Dataset, table: TrainingTable, quick: RefineOptions
) -> None:
    fold = table.take(held_out["fold"])
    options = replace(quick, members=2)
    fit = fit_rows(table, fold != 1, options, [0, 1])
    process = {name: values[fold == 1] for name, values in table.baseline(fit.parameters).items()}
    members = predict_rows(fit, process, table.predictors[fold == 1], options)
    for name in FLUXES:
        observed = np.isfinite(table.observed[name][fold == 1])
        expected = np.stack([process[name], members[name].mean(axis=0, dtype=float)])
        found = held_out[name].sel(source=["baseline", "refined"])
        rows = np.stack([table.take(source)[fold == 1] for source in found])
        np.testing.assert_allclose(rows[:, observed], expected[:, observed], rtol=1e-12)


def test_difference_is_that_of_the_means(held_out: xr.Dataset) -> None:
    both = held_out["RECO"] - held_out["GPP"]
    modelled = {"source": ["baseline", "refined"]}
    seen = both.notnull() & held_out["NEE_difference"].notnull()
    np.testing.assert_allclose(
        held_out["NEE_difference"].where(seen).sel(modelled),
        both.where(seen).sel(modelled),
        rtol=1e-5,
        atol=1e-5,
    )


def test_workers_do_not_matter(
    held_out: xr.Dataset, table: TrainingTable, quick: RefineOptions
) -> None:
    how = ValidationOptions(folds=3, members=2, workers=3)
    xr.testing.assert_identical(cross_validate(table, "tower", quick, how), held_out)


def test_seed_matters(held_out: xr.Dataset, table: TrainingTable, quick: RefineOptions) -> None:
    other = cross_validate(table, "tower", replace(quick, seed=1), FEW)
    assert not other["GPP"].equals(held_out["GPP"])


def test_fold_of_each_row_is_told(held_out: xr.Dataset) -> None:
    fold = held_out["fold"]
    assert set(np.unique(fold)) - {np.nan} >= {0.0, 1.0, 2.0}
    assert (fold.max("time") == fold.min("time")).all()


@pytest.fixture
def by_hand() -> xr.Dataset:
    """Two towers; the third month of the second was not measured."""
    values = {
        "observed": [[1.0, 2.0, 3.0], [4.0, 5.0, np.nan]],
        "baseline": [[2.0, 2.0, 2.0], [2.0, 2.0, 2.0]],
        "refined": [[1.0, 2.0, 3.0], [4.0, 4.0, 9.0]],
    }
    dims = ("source", "site", "time")
    flux = (dims, list(values.values()), {"units": "gC m-2 d-1"})
    never = (dims, np.where(np.arange(2)[:, None] == 0, flux[1], np.nan), flux[2])
    fold = (("site", "time"), np.zeros((2, 3)))
    return xr.Dataset({"GPP": flux, "LE": never, "fold": fold}, coords={"source": list(values)})


def test_metrics_by_hand(by_hand: xr.Dataset) -> None:
    metrics = validation_metrics(by_hand)
    assert metrics["variable"].values.tolist() == ["GPP", "LE"]
    assert metrics["source"].values.tolist() == ["baseline", "refined"]
    gpp = metrics.sel(variable="GPP")
    # observed mean 3, SST 10; baseline errors 1 0 -1 -2 -3, SSE 15; refined errors 0 0 0 0 -1
    np.testing.assert_allclose(gpp["r2"], [-0.5, 0.9])
    np.testing.assert_allclose(gpp["rmse"], np.sqrt([3.0, 0.2]))
    np.testing.assert_allclose(gpp["bias"], [-1.0, -0.2])
    np.testing.assert_allclose(gpp["mae"], [1.4, 0.2])
    # refined anomalies -1.8 -0.8 0.2 1.2 1.2 on observed -2 -1 0 1 2: covariance 8, SST 10
    np.testing.assert_allclose(gpp["slope_model_on_obs"].sel(source="refined"), 0.8)
    assert gpp["n"].values.tolist() == [5, 5]
    assert gpp["n_towers"].values.tolist() == [2, 2]
    assert metrics["n_towers"].sel(variable="LE").values.tolist() == [1, 1]


def test_refiner_keeps_what_it_validated(towers: xr.Dataset, refiner: Refiner) -> None:
    metrics = refiner.validate("igbp", members=1)
    xr.testing.assert_identical(metrics, validation_metrics(refiner.validation["igbp"]))
    assert set(metrics["variable"].values) == {*FLUXES, "NEE_difference"}
    again = refiner.validate("igbp", members=1, towers=towers)
    xr.testing.assert_identical(again, metrics)


def test_refinement_helps_at_towers_never_seen(towers: xr.Dataset, quick: RefineOptions) -> None:
    metrics = refine(towers, options=quick, direct=()).validate("tower", folds=6, members=2)
    gain = metrics["rmse"].sel(source="refined") / metrics["rmse"].sel(source="baseline")
    assert (gain < 1.0).all()
    assert gain.sel(variable="LE") < 0.5


def test_a_flux_measured_in_one_group_alone_is_left_out_there(
    towers: xr.Dataset, quick: RefineOptions
) -> None:
    towers["LE"] = towers["LE"].where(towers["IGBP"] == 9.0).assign_attrs(towers["LE"].attrs)
    found = cross_validate(training_table(towers), "igbp", quick, ValidationOptions(members=1))
    assert found["LE"].isnull().all()
    assert found["GPP"].notnull().any()
    metrics = refine(towers, options=quick).validate("igbp", members=1)
    assert metrics["n"].sel(variable="LE").values.tolist() == [0, 0]


@pytest.mark.parametrize("name", ["workers", "members"])
def test_options_that_cannot_be_meant(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}: expected at least 1, got 0"):
        ValidationOptions(**{name: 0})


def test_held_out_rows_may_be_predicted_from_other_drivers(
    held_out: xr.Dataset, table: TrainingTable, towers: xr.Dataset, quick: RefineOptions
) -> None:
    again = cross_validate(table, "tower", quick, FEW, applied=table)
    xr.testing.assert_identical(again, held_out)
    dim = training_table(towers.assign(SWIN=(towers.SWIN * 0.5).assign_attrs(towers.SWIN.attrs)))
    darker = cross_validate(table, "tower", quick, FEW, applied=dim)
    gpp = [data["GPP"].sel(source="baseline") for data in (darker, held_out)]
    np.testing.assert_allclose(gpp[0], gpp[1] * 0.5, rtol=1e-6)
    xr.testing.assert_identical(*(d.GPP.sel(source="observed") for d in (darker, held_out)))


def test_other_drivers_need_the_same_rows(table: TrainingTable, quick: RefineOptions) -> None:
    fewer = table.only(table.site > 0)
    assert fewer.sites.tolist() == table.sites[table.site > 0].tolist()
    with pytest.raises(ConfigError, match=r"applied: expected the .* rows"):
        cross_validate(table, "tower", quick, applied=fewer)
