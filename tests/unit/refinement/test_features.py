"""Predictors against pandas, and on every arrangement of the same cells."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.baselines import complete_drivers
from uflux_stats.errors import CalendarError, DimensionError, MissingVariableError, UnitsError
from uflux_stats.refinement.features import FeatureSpec, features, seasonal_cycle


@pytest.fixture
def drivers(towers: xr.Dataset) -> xr.Dataset:
    """Towers with a gap in the middle and one at the start."""
    completed = complete_drivers(towers)
    completed["P"] = completed["P"].copy()
    completed["P"][0, 10:14] = np.nan
    completed["P"][1, 0] = np.nan
    return completed


def built(drivers: xr.Dataset, **choices: bool) -> xr.DataArray:
    return features(drivers, FeatureSpec.of(drivers, **choices))


def series(drivers: xr.Dataset, name: str) -> pd.DataFrame:
    """One column per tower, in single precision as the predictors are."""
    values = drivers[name].transpose("time", "site").values.astype(np.float32)
    return pd.DataFrame(values.astype(float))


@pytest.mark.parametrize(("name", "months"), [("TA", 1), ("TA", 2), ("P", 2), ("FAPAR", 1)])
def test_lag_is_the_shift_of_pandas(drivers: xr.Dataset, name: str, months: int) -> None:
    found = built(drivers).sel(feature=f"{name}_lag{months}")
    np.testing.assert_array_equal(found.values.T, series(drivers, name).shift(months))


@pytest.mark.parametrize("months", [3, 6, 12])
@pytest.mark.parametrize("name", ["P", "TA"])
def test_running_mean_is_that_of_pandas(drivers: xr.Dataset, name: str, months: int) -> None:
    found = built(drivers).sel(feature=f"{name}_run{months}")
    rolled = series(drivers, name).rolling(months, min_periods=-(-months // 2)).mean()
    np.testing.assert_allclose(found.values.T, rolled, rtol=1e-5, atol=1e-5)


def test_absorbed_light_is_the_product(drivers: xr.Dataset) -> None:
    light = series(drivers, "FAPAR") * series(drivers, "SWIN")
    found = built(drivers)
    np.testing.assert_allclose(found.sel(feature="APAR").values.T, light, rtol=1e-6)
    rolled = light.rolling(3, min_periods=2).mean()
    np.testing.assert_allclose(found.sel(feature="APAR_run3").values.T, rolled, rtol=1e-5)


def test_running_mean_of_a_record_shorter_than_it(drivers: xr.Dataset) -> None:
    short = drivers.isel(time=slice(0, 7))
    rolled = series(short, "TA").rolling(12, min_periods=6).mean()
    found = built(short).sel(feature="TA_run12").values.T
    np.testing.assert_allclose(found, rolled, rtol=1e-5)
    assert np.isfinite(found[5:]).all()


def test_climate_is_mean_and_range_of_the_mean_seasonal_cycle(drivers: xr.Dataset) -> None:
    found = built(drivers)
    for name in ("TA", "P"):
        cycle = series(drivers, name).groupby(np.arange(36) % 12).mean()
        expected = {"mean": cycle.mean(), "range": cycle.max() - cycle.min()}
        for statistic, values in expected.items():
            rows = found.sel(feature=f"{name}_{statistic}").values
            np.testing.assert_allclose(rows, np.tile(values, (36, 1)).T, rtol=2e-5)


def test_seasonal_cycle_of_a_month_never_seen_is_missing() -> None:
    month = np.array([1, 2, 1, 2])
    values = np.array([[1.0, np.nan, 3.0, np.nan]], np.float32)
    cycle = seasonal_cycle(values, month)
    assert cycle[0, 0] == 2.0
    assert np.isnan(cycle[0, 1:]).all()


def test_a_driver_that_a_tower_lacks_is_missing_in_all_that_comes_of_it(
    drivers: xr.Dataset,
) -> None:
    drivers["P"][2] = np.nan
    tower = built(drivers).isel(cell=2)
    for name in ("P", "P_lag1", "P_run3", "P_mean", "P_range"):
        assert tower.sel(feature=name).isnull().all()
    assert tower.sel(feature="TA_mean").notnull().all()


def climatological(drivers: xr.Dataset) -> xr.Dataset:
    return drivers.isel(time=slice(12, 24)).assign_attrs(climatology_year=2004)


def test_climatological_year_wraps_as_if_repeated(drivers: xr.Dataset) -> None:
    year = climatological(drivers)
    found = built(year)
    for name in ("TA", "P"):
        thrice = pd.concat([series(year, name)] * 3, ignore_index=True)
        for months in (3, 6, 12):
            rolled = thrice.rolling(months, min_periods=-(-months // 2)).mean()[-12:]
            column = found.sel(feature=f"{name}_run{months}").values.T
            np.testing.assert_allclose(column, rolled, rtol=1e-5, atol=1e-5)
        lagged = found.sel(feature=f"{name}_lag2").values.T
        np.testing.assert_array_equal(lagged, thrice.shift(2)[-12:])


def test_only_a_whole_climatological_year_wraps(drivers: xr.Dataset) -> None:
    part = climatological(drivers).isel(time=slice(0, 6))
    several = drivers.assign_attrs(climatology_year=2004)
    for record in (part, several, climatological(drivers).drop_attrs(deep=False)):
        assert built(record).sel(feature="TA_lag1").isel(time=0).isnull().all()


def test_southern_january_is_northern_july(drivers: xr.Dataset) -> None:
    found = built(drivers)
    for name in ("season_sin", "season_cos"):
        south, north = found.sel(feature=name).values[[0, 11]]
        np.testing.assert_allclose(south[:30], north[6:], atol=1e-6)
        np.testing.assert_allclose(south, -north, atol=1e-6)


def test_names_are_those_of_the_columns(drivers: xr.Dataset) -> None:
    spec = FeatureSpec.of(drivers, coordinates=True)
    found = features(drivers, spec)
    assert found["feature"].values.tolist() == list(spec.names)
    assert len(set(spec.names)) == len(spec.names)
    assert found.sizes == {"feature": len(spec.names), "cell": 12, "time": 36}
    np.testing.assert_array_equal(found.sel(feature="lon").values[:, 0], drivers["lon"])
    np.testing.assert_array_equal(found.sel(feature="C4").values[:, 5], drivers["C4"].astype("f4"))
    np.testing.assert_array_equal(found.sel(feature="CO2").values[4], drivers["CO2"].astype("f4"))


def test_classes_are_those_seen_and_others_belong_to_none(drivers: xr.Dataset) -> None:
    spec = FeatureSpec.of(drivers.isel(site=[0, 2]))
    assert dict(spec.classes) == {"IGBP": (1, 10), "KOPPEN": (3,)}
    found = features(drivers, spec)
    forest = found.sel(feature="IGBP_ENF").values[:, 0]
    np.testing.assert_array_equal(forest, drivers["IGBP"].values == 1.0)
    crops = found.isel(cell=10).sel(feature=["IGBP_ENF", "IGBP_GRA"])
    assert (crops == 0.0).all()


def test_unknown_class_is_none(drivers: xr.Dataset) -> None:
    drivers["KOPPEN"][0] = np.nan
    spec = FeatureSpec.of(drivers)
    assert dict(spec.classes)["KOPPEN"] == (1, 2, 3, 4)
    koppen = [name for name in spec.names if name.startswith("KOPPEN")]
    assert (features(drivers, spec).sel(feature=koppen).isel(cell=0) == 0.0).all()


def test_a_driver_without_values_is_no_predictor(drivers: xr.Dataset) -> None:
    drivers["TS"] = drivers["TS"] * np.nan
    names = FeatureSpec.of(drivers).names
    assert "TS" not in names
    assert "lat" not in names


def test_grid_of_the_same_cells_has_the_same_predictors(
    drivers: xr.Dataset, as_grid: Callable[[xr.Dataset], xr.Dataset]
) -> None:
    spec = FeatureSpec.of(drivers)
    np.testing.assert_array_equal(features(as_grid(drivers), spec), features(drivers, spec))


def test_order_of_dims_does_not_matter(drivers: xr.Dataset) -> None:
    spec = FeatureSpec.of(drivers)
    expected = features(drivers, spec)
    xr.testing.assert_identical(features(drivers.transpose("time", "site"), spec), expected)
    drivers["P"] = drivers["P"].transpose()
    xr.testing.assert_identical(features(drivers, spec), expected)


def test_what_does_not_change_with_time_may_lack_it(drivers: xr.Dataset) -> None:
    constant = drivers.assign(
        P=drivers["P"].isel(time=0, drop=True), PA=drivers["PA"].isel(time=0, drop=True)
    )
    spread = constant.assign(
        {name: constant[name].expand_dims(time=drivers["time"]) for name in ("P", "PA")}
    )
    spec = FeatureSpec.of(drivers)
    np.testing.assert_array_equal(features(constant, spec), features(spread, spec))


def test_classes_may_change_with_time(drivers: xr.Dataset) -> None:
    igbp = drivers["IGBP"].expand_dims(time=drivers["time"]).copy()
    igbp[6:, 0] = 10.0
    found = features(drivers.assign(IGBP=igbp), FeatureSpec.of(drivers)).isel(cell=0)
    assert found.sel(feature="IGBP_ENF").values.tolist() == [1.0] * 6 + [0.0] * 30


def test_input_is_not_changed(drivers: xr.Dataset) -> None:
    before = drivers.copy(deep=True)
    built(drivers)
    xr.testing.assert_identical(drivers, before)


def test_wrong_input_is_named(drivers: xr.Dataset) -> None:
    spec = FeatureSpec.of(drivers)
    with pytest.raises(MissingVariableError, match="VPD"):
        features(drivers.drop_vars("VPD"), spec)
    with pytest.raises(MissingVariableError, match="lat"):
        features(drivers.drop_vars("lat"), spec)
    with pytest.raises(UnitsError, match="TA"):
        features(drivers.assign(TA=drivers["TA"].assign_attrs(units="K")), spec)
    with pytest.raises(CalendarError, match="month starts"):
        features(drivers.isel(time=[0, 2, 3]), spec)
    with pytest.raises(DimensionError, match="time"):
        features(drivers.rename(time="month"), spec)
