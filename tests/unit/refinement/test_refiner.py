"""Fit and predict: same for towers and grids, in any order of dims; what is missing is named."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from uflux_stats.baselines import baseline, complete_drivers
from uflux_stats.errors import (
    CalendarError,
    ConfigError,
    DimensionError,
    MissingVariableError,
    RangeError,
    UnitsError,
)
from uflux_stats.io.drops import dropped_report
from uflux_stats.refinement import RefineOptions, Refiner, refine
from uflux_stats.refinement.options import ForestOptions, KernelOptions
from uflux_stats.refinement.table import training_table
from uflux_stats.schema import FLUXES, variable

PREDICTED = (*FLUXES, "NEE_difference")


def bytes_of(refiner: Refiner) -> list[bytes]:
    return [
        bytes(booster.save_raw())
        for ensemble in refiner.fit.ensembles.values()
        for booster in ensemble
    ]


def test_every_member_of_every_flux_is_there(refiner: Refiner, towers: xr.Dataset) -> None:
    predicted = refiner.predict(towers)
    assert set(predicted.data_vars) == set(PREDICTED)
    for name in PREDICTED:
        assert predicted[name].dims == ("member", "site", "time")
        assert predicted[name].sizes["member"] == 3
        assert predicted[name].dtype == np.float32
        assert predicted[name].notnull().all()
        assert predicted[name].attrs["units"] == variable(name.removesuffix("_difference")).units
        assert (predicted[name].std("member") > 0.0).any()
    assert "RECO - GPP" in predicted["NEE_difference"].attrs["long_name"]
    xr.testing.assert_identical(predicted["lat"], towers["lat"])


def test_refined_is_nearer_to_the_observed_than_the_baseline(
    refiner: Refiner, towers: xr.Dataset
) -> None:
    first, refined = baseline(complete_drivers(towers)), refiner.predict(towers).mean("member")
    for name in FLUXES:
        errors = [float(abs(towers[name] - fluxes[name]).mean()) for fluxes in (first, refined)]
        assert errors[1] < 0.8 * errors[0]


def test_carbon_made_and_respired_is_not_negative(towers: xr.Dataset, quick: RefineOptions) -> None:
    for name in ("GPP", "RECO"):
        towers[name][8:] = towers[name][8:] - 4.0
    for target in ("residual", "direct"):
        predicted = refine(towers, options=replace(quick, target=target)).predict(towers)
        for name in ("GPP", "RECO"):
            assert float(predicted[name].min()) == 0.0


def test_difference_is_respiration_minus_production(refiner: Refiner, towers: xr.Dataset) -> None:
    predicted = refiner.predict(towers)
    difference = predicted["RECO"] - predicted["GPP"]
    np.testing.assert_array_equal(predicted["NEE_difference"], difference)
    assert not predicted["NEE"].equals(difference)


@pytest.fixture
def flat(quick: RefineOptions) -> RefineOptions:
    """Trees that learn next to nothing, so that what is left is the mean of the target."""
    return replace(quick, model="xgboost", trees=1, learning_rate=1e-6, row_fraction=1.0)


def test_direct_target_is_the_observation(towers: xr.Dataset, flat: RefineOptions) -> None:
    predicted = refine(towers, options=flat, target="direct").predict(towers)
    for name in FLUXES:
        np.testing.assert_allclose(predicted[name], float(towers[name].mean()), atol=1e-3)


def test_residual_target_keeps_the_baseline(towers: xr.Dataset, flat: RefineOptions) -> None:
    refiner = refine(towers, options=flat, direct=("LE",))
    predicted = refiner.predict(towers)
    modelled = baseline(complete_drivers(towers), refiner.fit.parameters)
    for name in ("RECO", "NEE"):
        missed = float((towers[name] - modelled[name]).mean())
        np.testing.assert_allclose(predicted[name][0], modelled[name] + missed, atol=1e-3)
    np.testing.assert_allclose(predicted["LE"], float(towers["LE"].mean()), rtol=1e-4)


def test_the_baseline_is_a_predictor_only_when_asked_for(
    towers: xr.Dataset, quick: RefineOptions
) -> None:
    for asked, more in ((True, 3), (False, 0)):
        refiner = refine(towers, options=quick, process_predictors=asked)
        width = refiner.fit.ensembles["GPP"][0].num_features()
        assert width == len(refiner.spec.names) + more


def test_grid_of_the_same_cells_has_the_same_fluxes(
    refiner: Refiner, towers: xr.Dataset, as_grid: Callable[[xr.Dataset], xr.Dataset]
) -> None:
    at_towers = refiner.predict(towers)
    grid = refiner.predict(as_grid(towers))
    for name in PREDICTED:
        assert grid[name].dims == ("member", "time", "lat", "lon")
        cells = grid[name].stack(site=("lat", "lon")).transpose("member", "site", "time")
        np.testing.assert_array_equal(cells, at_towers[name])


@pytest.mark.parametrize("dims", [("lat", "lon", "time"), ("lon", "time", "lat")])
def test_order_of_dims_does_not_matter(
    refiner: Refiner,
    towers: xr.Dataset,
    as_grid: Callable[[xr.Dataset], xr.Dataset],
    dims: tuple[str, ...],
) -> None:
    grid = as_grid(towers)
    turned = refiner.predict(grid.transpose(*dims))
    assert turned["GPP"].dims == ("member", *dims)
    xr.testing.assert_equal(turned.transpose("member", *grid["TA"].dims), refiner.predict(grid))
    mixed = grid.assign(FAPAR=grid["FAPAR"].transpose(*dims))
    xr.testing.assert_equal(refiner.predict(mixed), refiner.predict(grid))


def test_order_of_tower_dims_does_not_matter_to_the_fit(
    towers: xr.Dataset, quick: RefineOptions, refiner: Refiner
) -> None:
    turned = refine(towers.transpose("time", "site"), options=quick)
    assert bytes_of(turned) == bytes_of(refiner)


def test_dask_arrays_give_the_same(
    refiner: Refiner, towers: xr.Dataset, as_grid: Callable[[xr.Dataset], xr.Dataset]
) -> None:
    grid = as_grid(towers)
    xr.testing.assert_equal(refiner.predict(grid.chunk(lat=1)), refiner.predict(grid))


def test_missing_where_a_required_driver_is(refiner: Refiner, towers: xr.Dataset) -> None:
    before = refiner.predict(towers)
    towers["FAPAR"][3, 7] = np.nan
    after = refiner.predict(towers)
    for name in PREDICTED:
        assert after[name][:, 3, 7].isnull().all()
        assert int(after[name].isnull().sum()) == 3
    # a cell does not depend on its neighbours
    elsewhere = {"site": [n for n in range(12) if n != 3]}
    xr.testing.assert_equal(after.isel(elsewhere), before.isel(elsewhere))


def test_nothing_is_predicted_without_a_driver_that_training_always_had(
    refiner: Refiner, towers: xr.Dataset
) -> None:
    towers["P"][3] = np.nan
    towers["IGBP"] = towers["IGBP"].astype(float)
    towers["IGBP"][5] = 255.0
    predicted = refiner.predict(towers)
    months = towers.sizes["time"]
    for name in PREDICTED:
        assert predicted[name].isnull().any("member").sum("time").values.tolist() == [
            months if site in (3, 5) else 0 for site in range(12)
        ]
    report = dropped_report(predicted).set_index("variable")["n"]
    assert report.to_dict() == {"P": months, "IGBP": months}


def test_a_driver_with_gaps_in_training_may_have_them_again(
    towers: xr.Dataset, quick: RefineOptions
) -> None:
    towers["P"][3] = np.nan
    refiner = refine(towers, options=quick)
    assert "P" not in refiner.spec.required
    assert refiner.predict(towers)["GPP"].notnull().all()


def test_less_than_a_year_is_refused(refiner: Refiner, towers: xr.Dataset) -> None:
    with pytest.raises(CalendarError, match="at least twelve months, got 3"):
        refiner.predict(towers.isel(time=slice(0, 3)))


@pytest.mark.parametrize(("name", "factor"), [("FAPAR", 100.0), ("TA", 30.0), ("VPD", 100.0)])
def test_values_that_cannot_be_in_their_unit_are_refused(
    refiner: Refiner, towers: xr.Dataset, name: str, factor: float
) -> None:
    wrong = (towers[name] * factor).assign_attrs(towers[name].attrs)
    with pytest.raises(RangeError, match=f"{name}: expected"):
        refiner.predict(towers.assign({name: wrong}))


def test_fluxes_at_the_place_are_not_needed(refiner: Refiner, towers: xr.Dataset) -> None:
    without = refiner.predict(towers.drop_vars(list(FLUXES)))
    xr.testing.assert_identical(without, refiner.predict(towers))


def test_seed_alone_decides(towers: xr.Dataset, quick: RefineOptions, refiner: Refiner) -> None:
    assert bytes_of(refine(towers, options=quick)) == bytes_of(refiner)
    assert bytes_of(refine(towers, options=quick, seed=1)) != bytes_of(refiner)
    assert len(set(bytes_of(refiner))) == 12
    one, two = (refiner.predict(towers, threads=threads) for threads in (1, 2))
    xr.testing.assert_identical(one, two)


def test_input_is_not_changed(towers: xr.Dataset, quick: RefineOptions) -> None:
    before = towers.copy(deep=True)
    refine(towers, options=quick).predict(towers)
    xr.testing.assert_identical(towers, before)


def test_coordinates_are_predictors_only_when_asked_for(
    towers: xr.Dataset, quick: RefineOptions
) -> None:
    with_places = refine(towers, options=quick, coordinates=True)
    assert with_places.spec.names[-2:] == ("lat", "lon")
    with pytest.raises(MissingVariableError, match="lon"):
        with_places.predict(towers.drop_vars("lon"))


def test_only_the_fluxes_there_are_learned(towers: xr.Dataset, quick: RefineOptions) -> None:
    predicted = refine(towers.drop_vars(["GPP", "NEE"]), options=quick).predict(towers)
    assert set(predicted.data_vars) == {"RECO", "LE"}


@pytest.mark.parametrize("name", ["TA", "P", "IGBP", "C4", "LWIN"])
def test_a_predictor_that_is_not_there_is_named(
    refiner: Refiner, towers: xr.Dataset, name: str
) -> None:
    with pytest.raises(MissingVariableError, match=name):
        refiner.predict(towers.drop_vars(name))


def test_wrong_drivers_are_named(refiner: Refiner, towers: xr.Dataset) -> None:
    with pytest.raises(UnitsError, match="VPD: expected units 'hPa', got 'Pa'"):
        refiner.predict(towers.assign(VPD=towers["VPD"].assign_attrs(units="Pa")))
    with pytest.raises(CalendarError, match="month starts"):
        refiner.predict(towers.drop_isel(time=[5]))
    with pytest.raises(DimensionError, match="time"):
        refiner.predict(towers.rename(time="month"))
    with pytest.raises(MissingVariableError, match=r"got none \(TA known nowhere\); a wrong unit"):
        refiner.predict(towers.assign(TA=towers["TA"].where(towers["TA"] > 99.0)))


def test_wrong_towers_are_named(towers: xr.Dataset, quick: RefineOptions) -> None:
    with pytest.raises(MissingVariableError, match="at least one of"):
        refine(towers.drop_vars(list(FLUXES)), options=quick)
    with pytest.raises(MissingVariableError, match="FAPAR 0"):
        refine(towers.assign(FAPAR=towers["FAPAR"].where(towers["FAPAR"] > 2.0)), options=quick)
    with pytest.raises(MissingVariableError, match="FAPAR"):
        refine(towers.drop_vars("FAPAR"), options=quick)
    with pytest.raises(UnitsError, match="LE"):
        refine(towers.assign(LE=towers["LE"].assign_attrs(units="mm d-1")), options=quick)
    with pytest.raises(DimensionError, match="site"):
        refine(towers.rename(site="tower"), options=quick)
    with pytest.raises(ConfigError, match="target"):
        refine(towers, target="anomaly")


def test_unknown_options_suggest_the_nearest(towers: xr.Dataset) -> None:
    with pytest.raises(ConfigError, match="got 'targets'; nearest: target"):
        refine(towers, targets="direct")


def test_rows_are_months_with_drivers_and_any_flux(towers: xr.Dataset) -> None:
    towers["TA"][0, 0] = np.nan
    for name in FLUXES:
        towers[name][1, 1] = np.nan
    towers["LE"][2, 2] = np.nan
    towers["GPP"][2, 2] = 1.0
    table = training_table(towers)
    rows = set(zip(table.site.tolist(), table.time.tolist(), strict=True))
    assert (0, 0) not in rows
    assert (1, 1) not in rows
    assert (2, 2) in rows
    assert table.predictors.shape == (len(rows), len(table.spec.names))
    np.testing.assert_array_equal(table.take(towers["GPP"]), table.observed["GPP"])
    laid_out = table.put(table.observed["GPP"])
    np.testing.assert_array_equal(laid_out[2], towers["GPP"][2])


@pytest.mark.parametrize("model", ["blend", "stack", "cascade", "kernel", "extra_trees"])
def test_other_learners_serve_towers_grids_and_files(
    model: str,
    towers: xr.Dataset,
    quick: RefineOptions,
    as_grid: Callable[[xr.Dataset], xr.Dataset],
    tmp_path: Path,
) -> None:
    small = {"forest": ForestOptions(trees=3), "kernel": KernelOptions(points=40)}
    refiner = refine(towers, options=quick, model=model, weighting="root", **small)
    predicted = refiner.predict(towers)
    grid = refiner.predict(as_grid(towers))
    np.testing.assert_allclose(
        grid.GPP.transpose("member", "lat", "lon", "time").values.reshape(predicted.GPP.shape),
        predicted.GPP.values,
        rtol=1e-4, atol=1e-4,
    )  # fmt: skip
    loaded = Refiner.load(refiner.save(tmp_path / "refiner"))
    assert loaded.options == refiner.options
    xr.testing.assert_identical(loaded.predict(towers), predicted)
    assert model in repr(loaded)
    first = baseline(complete_drivers(towers))
    for name in ("GPP", "LE"):
        errors = [float(abs(towers[name] - found).mean())
                  for found in (first[name], predicted[name].mean("member"))]  # fmt: skip
        assert errors[1] < errors[0]
    assert np.isfinite(refiner.validate("tower", folds=3, members=1).r2.sel(source="refined")).all()
