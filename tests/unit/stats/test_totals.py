"""Totals against sums by hand, and refusal of what has none."""

import dask.array
import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import (
    CalendarError,
    DimensionError,
    GridError,
    MissingVariableError,
    UnitsError,
)
from uflux_stats.stats.totals import area_mean, total

LAT, LON = np.array([-40.0, 0.0, 40.0]), np.array([20.0, 30.0])
LAND = xr.DataArray(
    [[1e12, 2e12], [3e12, 4e12], [5e12, 6e12]],
    {"lat": LAT, "lon": LON},
    dims=("lat", "lon"),
    attrs={"units": "m2"},
)


def monthly(start: str, months: int, value: float = 1.0, units: str = "gC m-2 d-1") -> xr.DataArray:
    axes = {"time": xr.date_range(start, periods=months, freq="MS"), "lat": LAT, "lon": LON}
    field = xr.DataArray(value, axes, dims=list(axes), name="GPP", attrs={"units": units})
    return field.assign_coords(land_area=LAND)


def climatology(units: str = "gC m-2 d-1") -> xr.DataArray:
    field = monthly("2001-01", 12, units=units).rename(time="month")
    return field.assign_coords(month=np.arange(1, 13))


def test_leap_years_have_a_day_more() -> None:
    yearly = total(monthly("2003-01", 24))
    assert yearly.year.values.tolist() == [2003, 2004]
    np.testing.assert_allclose(yearly, 21e12 * np.array([365, 366]) * 1e-15)
    assert yearly.attrs["units"] == "PgC yr-1"
    assert yearly.name == "GPP"
    assert yearly.dims == ("year",)


def test_a_month_weighs_its_days() -> None:
    flux = monthly("2003-01", 12, 0.0)
    flux[1] = 1.0
    assert total(flux).item() == pytest.approx(21e12 * 28 * 1e-15)


def test_cells_without_data_add_nothing() -> None:
    flux = monthly("2003-01", 12)
    flux[:, 2, 1] = np.nan
    assert total(flux).item() == pytest.approx(15e12 * 365e-15)


def test_a_year_with_a_month_missing_is_missing() -> None:
    gap = monthly("2003-01", 24)
    gap[5] = np.nan
    assert np.isnan(total(gap)).values.tolist() == [True, False]
    partial = total(monthly("2003-06", 19))
    assert np.isnan(partial).values.tolist() == [True, False]


def test_land_without_area_counts_as_no_data() -> None:
    flux = monthly("2003-01", 12)
    assert np.isnan(total(flux, area=xr.zeros_like(LAND).assign_attrs(LAND.attrs))).all()


def test_area_may_come_as_an_argument() -> None:
    flux = monthly("2003-01", 12).drop_vars("land_area")
    doubled = (2 * LAND).assign_attrs(units="m2")
    assert total(flux, area=doubled).item() == pytest.approx(42e12 * 365e-15)


def test_regions_sum_to_the_globe() -> None:
    flux = monthly("2003-01", 12)
    assert total(flux, by="globe").sel(region="globe").item() == pytest.approx(21e12 * 365e-15)
    tropics = total(flux, by="tropics")
    assert tropics.dims == ("year", "region")
    np.testing.assert_allclose(tropics[0], np.array([3e12, 7e12, 11e12]) * 365e-15)


def test_classes_and_regions_without_a_cell() -> None:
    igbp = xr.full_like(LAND, 1.0).where(LAND.lat < 0, 2.0)
    flux = monthly("2003-01", 12).assign_coords(IGBP=igbp)
    found = total(flux, by="pft").isel(year=0)
    assert found.sel(region="ENF").item() == pytest.approx(3e12 * 365e-15)
    assert found.sel(region="EBF").item() == pytest.approx(18e12 * 365e-15)
    assert np.isnan(found.sel(region="WET"))


def test_continents_of_both_region_sets() -> None:
    # Large cells centred off Africa, in the Congo, and in Greece and Turkey.
    found = total(monthly("2003-01", 12), by="continent").isel(year=0)
    assert found.sel(region="Africa").item() == pytest.approx(10e12 * 365e-15)
    assert found.sel(region="Europe").item() == pytest.approx(5e12 * 365e-15)
    assert found.sel(region="Asia").item() == pytest.approx(6e12 * 365e-15)


def test_other_dimensions_stay() -> None:
    flux = monthly("2003-01", 12).expand_dims(member=3, quantile=[0.05, 0.95])
    assert set(total(flux, by="tropics").dims) == {"member", "quantile", "year", "region"}
    assert set(total(flux).dims) == {"member", "quantile", "year"}


def test_stocks_have_no_days() -> None:
    stock = monthly("2003-01", 2, 100.0, "gC m-2").rename(time="year").assign_coords(year=[1, 2])
    found = total(stock)
    np.testing.assert_allclose(found, 2.1)
    assert found.attrs["units"] == "PgC"
    assert total(stock.isel(year=0)).item() == pytest.approx(2.1)


def test_a_climatology_is_one_year() -> None:
    assert total(climatology()).item() == pytest.approx(21e12 * 365e-15)
    leap = climatology().assign_attrs(year=2004)
    assert total(leap).item() == pytest.approx(21e12 * 366e-15)
    gap = climatology()
    gap[3] = np.nan
    assert np.isnan(total(gap))


def test_heat_is_a_mean_over_land_and_year() -> None:
    heat = monthly("2004-01", 12, 0.0, "W m-2")
    heat[1, 0, 0] = 42.0
    found = total(heat)
    assert found.item() == pytest.approx(42 / 21 * 29 / 366)
    assert found.attrs["units"] == "W m-2"
    assert total(climatology("W m-2"), by="globe").item() == pytest.approx(1.0)


def test_area_mean_weighs_only_cells_with_data() -> None:
    heat = monthly("2004-01", 1, 10.0, "W m-2")
    heat[0, 1:, :] = np.nan
    heat[0, 0, 1] = 40.0
    assert area_mean(heat).item() == pytest.approx((1 * 10 + 2 * 40) / 3)
    zones = area_mean(heat, by="tropics")
    assert np.isnan(zones.isel(time=0)).values.tolist() == [False, True, True]


def test_dask_stays_lazy_and_agrees() -> None:
    rng = np.random.default_rng(0)
    flux = monthly("2003-01", 24).copy(data=rng.random((24, 3, 2), dtype="f4"))
    flux[2, 0, 0] = np.nan
    for by in (None, "continent"):
        lazy = total(flux.chunk(time=5, lat=2), by=by)
        assert isinstance(lazy.data, dask.array.Array)
        xr.testing.assert_allclose(lazy.compute(), total(flux, by=by))


def test_arguments_stay_as_they_were() -> None:
    flux = monthly("2003-01", 12)
    before = flux.copy(deep=True)
    total(flux, by="continent")
    xr.testing.assert_identical(flux, before)


def test_bad_input_is_refused() -> None:
    flux = monthly("2003-01", 12)
    with pytest.raises(UnitsError, match="values: expected units 'gC m-2 d-1'"):
        total(flux.assign_attrs(units="kgC m-2 s-1"))
    with pytest.raises(UnitsError, match="area: expected units 'm2'"):
        total(flux, area=LAND.assign_attrs(units="km2"))
    with pytest.raises(MissingVariableError, match="area: expected a coordinate 'land_area'"):
        total(flux.drop_vars("land_area"))
    with pytest.raises(MissingVariableError, match="expected the class map IGBP"):
        total(flux, by="pft")
    with pytest.raises(GridError, match="values, area: expected exactly the same coordinates"):
        total(flux, area=LAND.assign_coords(lat=LAT + 1e-9))
    with pytest.raises(DimensionError, match="area: expected dimensions"):
        total(flux, area=LAND.isel(lat=0, drop=True))
    with pytest.raises(DimensionError, match="values: expected months of a flux"):
        total(flux.isel(time=0))
    with pytest.raises(DimensionError, match=r"values: expected dimensions \['lat'\]"):
        total(flux.isel(lat=0))


def test_broken_calendars_are_refused() -> None:
    with pytest.raises(CalendarError, match=r"values.time: expected month starts in order"):
        total(monthly("2003-01", 12).isel(time=[0, 1, 3]))
    with pytest.raises(CalendarError, match=r"values.month: expected 1 to 12"):
        total(climatology().isel(month=slice(0, 6)))
