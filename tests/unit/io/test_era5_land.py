"""ERA5-Land as downloaded: monthly means and hours, layouts of the old and the new data store."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.errors import CalendarError, DataFileError, GridError
from uflux_stats.io.drivers import read_drivers
from uflux_stats.io.humidity import saturation_pressure

LAT = [50.2, 50.1, 50.0]  # north first, as downloaded
LON = [8.0, 8.1]
UNITS = {"t2m": "K", "d2m": "K", "stl1": "K", "ssrd": "J m**-2", "strd": "J m**-2", "tp": "m",
         "ssr": "J m**-2", "str": "J m**-2", "sp": "Pa"}  # fmt: skip
MONTHLY = {"t2m": 288.15, "d2m": 278.15, "stl1": 287.15, "ssrd": 200 * 86400.0,
           "strd": 300 * 86400.0, "tp": 0.003, "ssr": 160 * 86400.0, "str": -60 * 86400.0,
           "sp": 95000.0}  # fmt: skip


def fields(values: dict[str, np.ndarray], time: pd.DatetimeIndex, layout: str) -> xr.Dataset:
    """Fields (time, lat, lon), constant in space, in the layout of a data store."""
    axis = "valid_time" if layout == "new" else "time"
    dims = (axis, "latitude", "longitude")
    shape = (len(time), len(LAT), len(LON))
    data = {
        name: (dims, np.broadcast_to(np.asarray(v, float).reshape(-1, 1, 1), shape).copy(),
               {"units": UNITS[name]})
        for name, v in values.items()
    }  # fmt: skip
    found = xr.Dataset(data, {axis: time, "latitude": LAT, "longitude": LON})
    if layout == "new":
        experiment = (axis, ["0001"] * len(time))
        return found.assign_coords(number=0, expver=experiment)
    if layout == "old with expver":
        split = len(time) // 2
        final = found.where(xr.DataArray(np.arange(len(time)) < split, dims=axis))
        late = found.where(xr.DataArray(np.arange(len(time)) >= split, dims=axis))
        both = xr.concat([final, late], pd.Index([1, 5], name="expver"))
        return both.transpose(axis, "expver", ...)
    return found


def saved(folder: Path, data: xr.Dataset, name="era5.nc", packed=False) -> Path:
    encoding: dict[str, dict[str, object]] = {}
    if packed:
        # as the old data store packs: the whole range of the file onto two bytes
        for n, values in data.data_vars.items():
            low, high = float(values.min()), float(values.max())
            scale = max((high - low) / 65532, 1e-6 * abs(high)) or 1.0
            encoding[n] = {"dtype": "int16", "scale_factor": scale,
                           "add_offset": (low + high) / 2, "_FillValue": -32767}  # fmt: skip
    data.to_netcdf(folder / name, encoding=encoding)
    return folder / name


@pytest.mark.parametrize("layout", ["old", "old with expver", "new"])
@pytest.mark.parametrize("packed", [False, True])
def test_monthly_means(tmp_path: Path, layout: str, packed: bool) -> None:
    time = pd.date_range("2020-01-01", periods=12, freq="MS")
    drivers = read_drivers(saved(tmp_path, fields(MONTHLY, time, layout), packed=packed))
    assert set(drivers) == {"TA", "TS", "VPD", "SWIN", "LWIN", "RNET", "P", "PA"}
    assert drivers.lat.values.tolist() == [50.0, 50.1, 50.2]
    warm, dew = (saturation_pressure(xr.DataArray(t, attrs={"units": "degC"})) for t in (15, 5))
    expected = {"TA": 15.0, "TS": 14.0, "VPD": float(warm - dew), "SWIN": 200.0, "LWIN": 300.0,
                "RNET": 100.0, "P": 3.0, "PA": 95.0}  # fmt: skip
    for name, value in expected.items():
        np.testing.assert_allclose(drivers[name], value, rtol=2e-3, atol=0.02)
    assert "monthly means" in drivers["VPD"].attrs["comment"]


def hours(start="2020-01-01 00:00", end="2020-03-01 00:00") -> pd.DatetimeIndex:
    return pd.date_range(start, end, freq="h")


def accumulated(rate: np.ndarray) -> np.ndarray:
    """Sums since midnight of a rate [per hour] of the hour that ends at each stamp; stamp 0 is 0 h.

    The first value is the whole day before at its last rate.
    """
    found = np.empty(rate.size)
    found[0] = 24 * rate[0]
    for i in range(1, rate.size):
        found[i] = rate[i] + (0.0 if (i - 1) % 24 == 0 else found[i - 1])
    return found


def hourly(time: pd.DatetimeIndex) -> tuple[xr.Dataset, dict[str, np.ndarray]]:
    clock = time.hour.to_numpy()
    rate = {
        "tp": np.where(time.month == 1, 1e-4, 2e-4),
        "ssrd": 3600.0 * np.maximum(0, 500 * np.sin(2 * np.pi * (clock - 6.5) / 24)),
    }
    warmth = 283.15 + 5 * np.sin(2 * np.pi * clock / 24)
    values = {"t2m": warmth, "d2m": np.full(time.size, 278.15)}
    values |= {name: accumulated(r) for name, r in rate.items()}
    return fields(values, time, "new"), {**rate, "t2m": warmth}


def test_hours_become_months(tmp_path: Path) -> None:
    time = hours()
    data, truth = hourly(time)
    drivers = read_drivers(saved(tmp_path, data)).isel(lat=0, lon=0)
    assert drivers.time.dt.strftime("%Y-%m").values.tolist() == ["2020-01", "2020-02"]
    np.testing.assert_allclose(drivers["P"], [2.4, 4.8], rtol=2e-3)
    ending = (time - pd.Timedelta(minutes=30)).month  # the hour before the stamp
    light = [truth["ssrd"][ending == month].mean() / 3600 for month in (1, 2)]
    np.testing.assert_allclose(drivers["SWIN"], light, rtol=1e-5)
    np.testing.assert_allclose(drivers["TA"], 10.0, atol=1e-2)


def test_deficit_is_taken_hour_by_hour(tmp_path: Path) -> None:
    data, truth = hourly(hours())
    drivers = read_drivers(saved(tmp_path, data)).isel(lat=0, lon=0)
    warmth = xr.DataArray(truth["t2m"] - 273.15, attrs={"units": "degC"})
    dew = saturation_pressure(xr.DataArray(5.0, attrs={"units": "degC"}))
    mean = float((saturation_pressure(warmth) - dew).mean())
    np.testing.assert_allclose(drivers["VPD"], mean, rtol=2e-3)
    of_means = saturation_pressure(xr.DataArray(10.0, attrs={"units": "degC"})) - dew
    assert float(drivers["VPD"][0]) > float(of_means) * 1.02


def test_files_of_days_are_joined_before_averaging(tmp_path: Path) -> None:
    data, _ = hourly(hours())
    whole = read_drivers(saved(tmp_path, data, "whole.nc"))
    folder = tmp_path / "days"
    folder.mkdir()
    for start in range(0, data.sizes["valid_time"], 200):
        saved(folder, data.isel(valid_time=slice(start, start + 200)), f"{start:05d}.nc")
    xr.testing.assert_allclose(read_drivers(folder), whole, rtol=1e-5)


def test_large_files_stay_lazy(tmp_path: Path) -> None:
    path = saved(tmp_path, hourly(hours())[0])
    lazy = read_drivers(path, chunks={"time": 1})
    assert lazy["P"].chunks
    xr.testing.assert_allclose(lazy.compute(), read_drivers(path), rtol=1e-5)


def test_a_month_that_is_not_whole_is_counted(tmp_path: Path) -> None:
    data, _ = hourly(hours(end="2020-02-10 00:00"))
    drivers = read_drivers(saved(tmp_path, data))
    assert drivers.sizes["time"] == 1
    dropped = json.loads(drivers.attrs["dropped"])
    lost = [row for row in dropped if row["variable"] == "TA" and "lack" in row["reason"]]
    assert lost == [{"site": "", "variable": "TA", "reason": lost[0]["reason"], "n": 1}]


def test_no_month_is_whole(tmp_path: Path) -> None:
    data, _ = hourly(hours(end="2020-01-10 00:00"))
    with pytest.raises(CalendarError, match="of the hours of a month, got no month"):
        read_drivers(saved(tmp_path, data))


def test_overlapping_hours(tmp_path: Path) -> None:
    data, _ = hourly(hours())
    saved(tmp_path, data.isel(valid_time=slice(0, 800)), "a.nc")
    saved(tmp_path, data.isel(valid_time=slice(790, None)), "b.nc")
    with pytest.raises(CalendarError, match="got 10 in two files"):
        read_drivers(tmp_path)


def test_hourly_sums_of_era5_are_not_taken_for_accumulations(tmp_path: Path) -> None:
    data, truth = hourly(hours())
    data["ssrd"] = data["ssrd"].copy(data=np.broadcast_to(truth["ssrd"][:, None, None],
                                                          data["ssrd"].shape))  # fmt: skip
    with pytest.raises(DataFileError, match="ssrd to rise from midnight"):
        read_drivers(saved(tmp_path, data))


def test_means_by_hour_of_day_are_refused(tmp_path: Path) -> None:
    starts = pd.date_range("2020-01-01", periods=3, freq="MS")
    time = pd.DatetimeIndex([s + pd.Timedelta(hours=h) for s in starts for h in range(24)])
    data = fields({"t2m": np.full(time.size, 280.0)}, time, "new")
    with pytest.raises(CalendarError, match="not monthly means by hour of day"):
        read_drivers(saved(tmp_path, data))


def test_days_without_leap_days(tmp_path: Path) -> None:
    raw = fields({"t2m": np.full(60, 280.0)}, pd.date_range("2001-01-01", periods=60), "old")
    raw["time"] = ("time", np.arange(60) + 59.0 - 59, {"units": "days since 2004-01-01",
                                                       "calendar": "noleap"})  # fmt: skip
    drivers = read_drivers(saved(tmp_path, raw))
    assert drivers.time.dt.strftime("%Y-%m-%d").values.tolist() == ["2004-01-01", "2004-02-01"]


def test_an_archive_under_the_name_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "era5.nc").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(DataFileError, match="got the zip archive"):
        read_drivers(tmp_path / "era5.nc")


class TestResolution:
    """Files of several grids on one."""

    def world(self, step: float, value: float, name="TA", units="degC") -> xr.Dataset:
        lat, lon = np.arange(-90 + step / 2, 90, step), np.arange(-180 + step / 2, 180, step)
        field = value + np.cos(np.deg2rad(lat))[:, None] + np.sin(np.deg2rad(lon))
        return xr.Dataset({name: (("lat", "lon"), field, {"units": units})},
                          {"lat": lat, "lon": lon})  # fmt: skip

    def files(self, tmp_path: Path) -> list[Path]:
        months = xr.DataArray(np.arange(1, 13), dims="month", name="month")
        warm = self.world(7.5, 10.0).expand_dims(month=months)
        wet = self.world(10.0, 5.0, "P", "mm d-1").expand_dims(month=months)
        return [saved(tmp_path, warm, "warm.nc"), saved(tmp_path, wet, "wet.nc")]

    def test_integrals_are_kept(self, tmp_path: Path) -> None:
        paths = self.files(tmp_path)
        with pytest.raises(GridError, match="expected one grid"):
            read_drivers(*paths)
        drivers = read_drivers(*paths, resolution=15.0)
        assert drivers["TA"].shape == drivers["P"].shape == (12, 12, 24)
        for name, path in zip(("TA", "P"), paths, strict=True):
            fine = xr.load_dataset(path)[name].isel(month=0)
            assert integral(drivers[name].isel(month=0)) == pytest.approx(integral(fine), rel=1e-6)

    def test_the_grid_itself_is_left_alone(self, tmp_path: Path) -> None:
        path = self.files(tmp_path)[0]
        xr.testing.assert_identical(read_drivers(path, resolution=7.5), read_drivers(path))

    def test_lazy_is_the_same(self, tmp_path: Path) -> None:
        path = self.files(tmp_path)[0]
        lazy = read_drivers(path, resolution=15.0, chunks={"month": 1})
        assert lazy["TA"].chunks
        xr.testing.assert_allclose(lazy.compute(), read_drivers(path, resolution=15.0))

    def test_land_weighs(self, tmp_path: Path) -> None:
        data = self.world(7.5, 10.0)
        land = (self.world(7.5, 0.0)["TA"] > 0).astype(float)
        data["LANDFRAC"] = land.assign_attrs(units="1")
        data = data.assign(TA=data["TA"].expand_dims(month=np.arange(1, 13)))
        drivers = read_drivers(saved(tmp_path, data), resolution=15.0)
        kept = integral(drivers["TA"].isel(month=0) * drivers["LANDFRAC"])
        assert kept == pytest.approx(integral(data["TA"].isel(month=0) * land), rel=1e-6)

    @pytest.mark.parametrize("resolution", [0.0, 7.0, -1.0])
    def test_cells_that_do_not_fill_the_globe(self, tmp_path: Path, resolution: float) -> None:
        with pytest.raises(GridError, match="degrees that divide 180"):
            read_drivers(self.files(tmp_path)[0], resolution=resolution)


def integral(field: xr.DataArray) -> float:
    step = float(field.lat[1] - field.lat[0])
    edges = np.deg2rad(np.append(field.lat - step / 2, field.lat[-1] + step / 2))
    zones = xr.DataArray(np.diff(np.sin(edges)), {"lat": field.lat}, dims="lat")
    return float((field.astype(float) * zones).sum() * np.deg2rad(step))


def test_c4_maps_of_many_years(tmp_path: Path) -> None:
    """Luo et al.: (years, lon, lat), percent, NaN over the sea, unit not always given."""
    lon, lat = np.arange(-179.75, 180, 60), np.arange(-89.75, 90, 60)
    share = np.full((3, lon.size, lat.size), np.nan)
    share[:, 0, 0] = [10.0, 20.0, 30.0]
    data = xr.Dataset({"C4_area": (("years", "lon", "lat"), share)},
                      {"years": [2001, 2002, 2003], "lon": lon, "lat": lat})  # fmt: skip
    drivers = read_drivers(saved(tmp_path, data))
    assert drivers["C4"].dims == ("lat", "lon")
    assert drivers["C4"].values[0, 0] == pytest.approx(0.2)
    assert int(drivers["C4"].notnull().sum()) == 1
