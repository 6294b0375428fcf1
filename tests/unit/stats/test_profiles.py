"""Profiles over latitude and longitude, regions of several kinds, and dates within a month."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.errors import CalendarError, ConfigError, DimensionError, GridError
from uflux_stats.grid import cell_area
from uflux_stats.stats.iav import iav_contribution
from uflux_stats.stats.totals import area_mean, total

LAT, LON = np.arange(-75.0, 90.0, 30.0), np.arange(-165.0, 180.0, 30.0)


def flux(years: int = 5) -> xr.DataArray:
    random = np.random.default_rng(0)
    time = pd.date_range("2001-01", periods=12 * years, freq="MS")
    values = random.random((12 * years, len(LAT), len(LON)))
    values[:, 0], values[:, :, 3] = np.nan, np.nan
    axes = {"time": time, "lat": LAT, "lon": LON}
    array = xr.DataArray(values, axes, tuple(axes), attrs={"units": "gC m-2 d-1"}, name="GPP")
    return array.assign_coords(land_area=cell_area(array["lat"], array["lon"]))


@pytest.mark.parametrize("along", ["lat", "lon"])
@pytest.mark.parametrize("lazy", [False, True])
def test_a_profile_sums_to_the_total(along: str, lazy: bool) -> None:
    values = flux().chunk(time=12, lat=2) if lazy else flux()
    found = total(values, along=along)
    assert found.dims == ("year", along)
    assert found.attrs["units"] == "PgC yr-1"
    assert (found.chunks is not None) == lazy
    xr.testing.assert_allclose(found.sum(along), total(values))
    assert bool(found.isel({along: 0 if along == "lat" else 3}).isnull().all())


def test_profiles_of_regions_and_of_means() -> None:
    values = flux()
    found = total(values, by="tropics", along="lon")
    assert set(found.dims) == {"year", "region", "lon"}
    xr.testing.assert_allclose(found.sum("lon"), total(values, by="tropics"))
    row = area_mean(values, along="lat").isel(lat=2)
    np.testing.assert_allclose(row, values.isel(lat=2).mean("lon"))
    xr.testing.assert_identical(values.uflux.total(along="lat"), total(values, along="lat"))


def test_bad_arguments_of_totals_are_named() -> None:
    with pytest.raises(ConfigError, match="along: expected one of"):
        total(flux(), along="latitude")
    with pytest.raises(DimensionError, match=r"dataset of \['GPP'\]"):
        total(flux().to_dataset())
    with pytest.raises(DimensionError, match="got ndarray"):
        area_mean(flux().values)


def test_regions_of_several_kinds_are_told_apart() -> None:
    found = total(flux(), by=("globe", "tropics"))
    assert found["region_kind"].values.tolist() == ["globe", "tropics", "tropics", "tropics"]
    assert "region_kind" not in total(flux(), by="tropics").coords


def test_overlapping_regions_share_no_variability() -> None:
    """With the globe beside its zones every share would be half of what it is."""
    found = total(flux(), by=("globe", "tropics"))
    with pytest.raises(GridError, match=r"regions of one kind, got \['globe', 'tropics'\]"):
        iav_contribution(found)
    zones = found.where(found["region_kind"] == "tropics", drop=True)
    shares = iav_contribution(zones)
    assert shares.sum().item() == pytest.approx(1.0)
    xr.testing.assert_allclose(
        shares.drop_vars("region_kind"), iav_contribution(total(flux(), by="tropics"))
    )
    xr.testing.assert_identical(zones.uflux.iav_contribution(), shares)


def test_month_ends_are_told_from_gaps() -> None:
    values = flux()
    ends = values.assign_coords(time=pd.date_range("2001-01", periods=60, freq="ME"))
    with pytest.raises(CalendarError, match=r"expected month starts, got day 31 .* first of their"):
        total(ends)
    with pytest.raises(CalendarError, match="without gap"):
        total(values.isel(time=[0, 1, 3]))
