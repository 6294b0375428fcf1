"""Gridded drivers from good and bad files, all written here."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import (
    CalendarError,
    DataFileError,
    DimensionError,
    GridError,
    RangeError,
    UnitsError,
)
from uflux_stats.io.drivers import add_co2, date_climatology, read_drivers
from uflux_stats.io.grid_files import EAGER_BYTES
from uflux_stats.io.store import write_netcdf
from uflux_stats.io.zarr_store import create_store

LAT = [-45.0, 0.0, 45.0]
LON = [-135.0, -45.0, 45.0, 135.0]
MONTHS = xr.date_range("2001-01", periods=4, freq="MS")


def field(value: Any = 10.0, units: str | None = "degC", time: Any = MONTHS) -> xr.DataArray:
    """A (time, lat, lon) field; ``value`` may be an array."""
    axes = {"time": time, "lat": LAT, "lon": LON}
    shape = (len(time), len(LAT), len(LON))
    values = np.broadcast_to(np.asarray(value, dtype=float), shape).copy()
    attrs = {} if units is None else {"units": units}
    return xr.DataArray(values, axes, dims=list(axes), attrs=attrs)


def saved(tmp_path: Path, name: str = "d.nc", **variables: xr.DataArray) -> Path:
    path = tmp_path / name
    xr.Dataset(variables).to_netcdf(path)
    return path


def stamped(tmp_path: Path, numbers: list[float], **attrs: str) -> Path:
    """A file with a raw time axis."""
    raw = field(10.0, time=np.arange(len(numbers))).to_dataset(name="TA")
    raw["time"] = ("time", np.asarray(numbers), attrs)
    raw.to_netcdf(tmp_path / "d.nc")
    return tmp_path / "d.nc"


def months_of(drivers: xr.Dataset) -> list[str]:
    return drivers.time.dt.strftime("%Y-%m-%d").values.tolist()


class TestNamesAndUnits:
    @pytest.mark.parametrize(
        ("name", "units", "value", "driver", "expected"),
        [
            ("t2m", "K", 283.15, "TA", 10.0),
            ("tas", "Kelvin", 283.15, "TA", 10.0),
            ("vpd", "kPa", 1.2, "VPD", 12.0),
            ("VPD", "Pa", 1200.0, "VPD", 12.0),
            ("pr", "kg m-2 s-1", 2.0 / 86400, "P", 2.0),
            ("precip", "m/s", 2e-3 / 86400, "P", 2.0),
            ("tp", "m", 2e-3, "P", 2.0),
            ("ssrd", "J m**-2", 200.0 * 86400, "SWIN", 200.0),
            ("rsds", "W/m2", 200.0, "SWIN", 200.0),
            ("sp", "Pa", 101325.0, "PA", 101.325),
            ("fapar", "%", 40.0, "FAPAR", 0.4),
            ("FAPAR", None, 0.4, "FAPAR", 0.4),
            ("c4_percent", "percent", 25.0, "C4", 0.25),
        ],
    )
    def test_conversion(
        self, tmp_path: Path, name: str, units: str | None, value: float, driver: str,
        expected: float,
    ) -> None:  # fmt: skip
        drivers = read_drivers(saved(tmp_path, **{name: field(value, units)}))
        assert list(drivers.data_vars) == [driver]
        np.testing.assert_allclose(drivers[driver], expected, rtol=1e-6)
        assert drivers[driver].attrs["original_name"] == name
        assert drivers[driver].dtype == np.float32

    def test_sum_over_the_month(self, tmp_path: Path) -> None:
        drivers = read_drivers(saved(tmp_path, pre=field(56.0, "mm/month")))
        np.testing.assert_allclose(drivers.P[:, 0, 0], [56 / 31, 2.0, 56 / 31, 56 / 30], rtol=1e-6)

    def test_accumulated_unit_only_where_era5_uses_it(self, tmp_path: Path) -> None:
        wanted = r"P: expected units 'mm d-1'.*got 'm'; a sum over which time\? .* to 'm d-1'"
        with pytest.raises(UnitsError, match=wanted):
            read_drivers(saved(tmp_path, precip=field(2e-3, "m")))
        for units in ("m d-1", "kg m-2 d-1"):
            value = 2e-3 if units == "m d-1" else 2.0
            rain = read_drivers(saved(tmp_path, precip=field(value, units))).P
            np.testing.assert_allclose(rain, 2.0, rtol=1e-6)

    @pytest.mark.parametrize("units", [None, "furlong"])
    def test_missing_or_unknown_unit(self, tmp_path: Path, units: str | None) -> None:
        with pytest.raises(UnitsError, match="TA: expected units 'degC'"):
            read_drivers(saved(tmp_path, tas=field(10.0, units)))

    def test_two_variables_for_one_driver(self, tmp_path: Path) -> None:
        with pytest.raises(DataFileError, match="one variable for TA, got two, the second 'tas'"):
            read_drivers(saved(tmp_path, TA=field(), tas=field()))

    def test_no_known_variable(self, tmp_path: Path) -> None:
        with pytest.raises(DataFileError, match=r"d.nc: expected some of TA.*got only \['cloud'\]"):
            read_drivers(saved(tmp_path, cloud=field()))

    def test_unknown_variables_and_single_levels_are_left(self, tmp_path: Path) -> None:
        warmth = field().expand_dims(height=[2.0])
        drivers = read_drivers(saved(tmp_path, TA=warmth, cloud=field(0.5, "1")))
        assert drivers.TA.dims == ("time", "lat", "lon")
        assert set(drivers.coords) == {"time", "lat", "lon"}

    def test_several_levels(self, tmp_path: Path) -> None:
        with pytest.raises(DimensionError, match=r"got also \['depth'\]"):
            read_drivers(saved(tmp_path, tsl=field().expand_dims(depth=[0.1, 0.5])))


class TestValues:
    def test_packed_integers_and_fill_values(self, tmp_path: Path) -> None:
        values = np.full((4, 3, 4), 12.5)
        values[:, 2, 1] = np.nan
        packed = field(values)
        packed.encoding = {"dtype": "int16", "scale_factor": 0.01, "_FillValue": -32768}
        drivers = read_drivers(saved(tmp_path, TA=packed))
        np.testing.assert_allclose(drivers.TA, values, rtol=1e-6)
        assert json.loads(drivers.attrs["dropped"]) == []

    @pytest.mark.parametrize(("units", "value"), [("K", 283.0), ("degC", 10.0)])
    def test_kelvin_or_not_comes_out_alike(self, tmp_path: Path, units: str, value: float) -> None:
        drivers = read_drivers(saved(tmp_path, TA=field(value, units)))
        assert drivers.TA.attrs["units"] == "degC"
        assert 9 < drivers.TA.mean() < 11

    @pytest.mark.parametrize(
        ("name", "units", "value", "advice"),
        [
            ("TA", "degC", 290.0, "look like K"),
            ("PA", "kPa", 1000.0, "look like hPa"),
            ("C4", "1", 60.0, "look like %"),
            ("TA", "degC", -9999.0, "is a fill value not declared"),
        ],
    )
    def test_wrong_unit_is_named(
        self, tmp_path: Path, name: str, units: str, value: float, advice: str
    ) -> None:
        with pytest.raises(RangeError, match=f"{name}: expected .*{advice}"):
            read_drivers(saved(tmp_path, **{name: field(value, units)}))

    @pytest.mark.parametrize("chunks", [None, {"time": 30}])
    def test_single_faults_are_masked_and_counted(
        self, tmp_path: Path, chunks: dict[str, int] | None
    ) -> None:
        months = xr.date_range("1990-01", periods=120, freq="MS")
        values = np.full((120, 3, 4), 10.0)
        values[7, 1, 2] = 400.0
        drivers = read_drivers(saved(tmp_path, TA=field(values, time=months)), chunks=chunks)
        assert np.isnan(drivers.TA[7, 1, 2])
        assert int(drivers.TA.notnull().sum()) == values.size - 1
        assert json.loads(drivers.attrs["dropped"]) == [
            {"site": "", "variable": "TA", "reason": "outside the possible range", "n": 1}
        ]

    def test_rounding_beyond_the_range_is_clipped(self, tmp_path: Path) -> None:
        drivers = read_drivers(saved(tmp_path, P=field(-1e-6, "mm d-1"), FAPAR=field(1.00001, "1")))
        assert (drivers.P == 0).all()
        assert (drivers.FAPAR == 1).all()
        assert json.loads(drivers.attrs["dropped"]) == []

    def test_all_missing(self, tmp_path: Path) -> None:
        with pytest.raises(DataFileError, match="TA: expected values, got only missing ones"):
            read_drivers(saved(tmp_path, TA=field(np.nan)))


class TestClasses:
    def test_koppen_main_classes(self, tmp_path: Path) -> None:
        codes = [[1, 3, 4, 7], [8, 16, 17, 28], [29, 30, 0, np.nan]]
        detailed = field(codes, "1", time=MONTHS[:1])[0].drop_vars("time")
        drivers = read_drivers(saved(tmp_path, KOPPEN=detailed))
        np.testing.assert_array_equal(
            drivers.KOPPEN, [[1, 1, 2, 2], [3, 3, 4, 4], [5, 5, np.nan, np.nan]]
        )
        assert drivers.KOPPEN.attrs["units"] == "class"

    @pytest.mark.parametrize(
        ("long_name", "expected"), [("Koppen-Geiger class 1-30", 2), ("main class", 4)]
    )
    def test_small_codes_follow_their_description(
        self, tmp_path: Path, long_name: str, expected: int
    ) -> None:
        codes = (
            field(4, "1", time=MONTHS[:1])[0].drop_vars("time").assign_attrs(long_name=long_name)
        )
        drivers = read_drivers(saved(tmp_path, KOPPEN=codes))
        np.testing.assert_array_equal(drivers.KOPPEN, expected)

    def test_igbp_missing_and_old_water(self, tmp_path: Path) -> None:
        codes = [[0, 1, 16, 17], [255, -1, 2, 3], [4, 5, 6, np.nan]]
        classes = field(codes, None, time=MONTHS[:1])[0].drop_vars("time")
        drivers = read_drivers(saved(tmp_path, IGBP=classes))
        np.testing.assert_array_equal(
            drivers.IGBP, [[0, 1, 16, 0], [np.nan, np.nan, 2, 3], [4, 5, 6, np.nan]]
        )

    @pytest.mark.parametrize("code", [31, 2.5])
    def test_no_class(self, tmp_path: Path, code: float) -> None:
        codes = field(code, "1", time=MONTHS[:1])[0].drop_vars("time")
        with pytest.raises(RangeError, match="KOPPEN: expected whole numbers 0 to 30"):
            read_drivers(saved(tmp_path, KOPPEN=codes))


class TestGrid:
    def test_any_layout_gives_the_same(self, tmp_path: Path) -> None:
        values = np.arange(48.0).reshape(4, 3, 4)
        plain = read_drivers(saved(tmp_path, TA=field(values)))
        turned = field(values).assign_coords(lon=np.array(LON) % 360).sortby("lon")
        turned = turned.sortby("lat", ascending=False).transpose("lon", "lat", "time")
        other = saved(tmp_path, "o.nc", TA=turned.rename(lat="latitude", lon="x"))
        xr.testing.assert_identical(
            read_drivers(other).TA, plain.TA.assign_attrs(original_name="TA")
        )
        assert plain.lon.values.tolist() == LON

    def test_single_precision_coordinates_are_the_same_grid(self, tmp_path: Path) -> None:
        fine = field().assign_coords(lat=[10.1, 10.2, 10.3], lon=[0.1, 0.2, 0.3, 0.4])
        single = fine.assign_coords(lat=fine.lat.astype("f4"), lon=fine.lon.astype("f4"))
        drivers = read_drivers(
            saved(tmp_path, TA=fine),
            saved(tmp_path, "p.nc", P=single.assign_attrs(units="mm d-1")),
        )
        assert drivers.sizes == {"time": 4, "lat": 3, "lon": 4}

    def test_different_grids(self, tmp_path: Path) -> None:
        other = field(1.0, "mm d-1").assign_coords(lat=[-30.0, 0.0, 30.0])
        with pytest.raises(GridError, match=r"d.nc on 3 lat -45 to 45 by .* p.nc on 3 lat -30"):
            read_drivers(saved(tmp_path, TA=field()), saved(tmp_path, "p.nc", P=other))


class TestCalendar:
    @pytest.mark.parametrize(
        ("numbers", "units", "calendar"),
        [
            ([0, 31, 59, 90], "days since 2001-01-01", "noleap"),
            ([15, 45, 75, 105], "days since 2001-01-01", "360_day"),
            ([30, 58, 89, 119], "days since 2001-01-01", "standard"),
            ([15.5, 45, 74.5, 105], "days since 2001-01-01", "proleptic_gregorian"),
            ([0, 1, 2, 3], "months since 2001-01-01", "standard"),
            ([12.5, 13.5, 14.5, 15.5], "months since 2000-01-15", "standard"),
        ],
    )
    def test_month_starts(
        self, tmp_path: Path, numbers: list[float], units: str, calendar: str
    ) -> None:
        drivers = read_drivers(stamped(tmp_path, numbers, units=units, calendar=calendar))
        assert months_of(drivers) == ["2001-01-01", "2001-02-01", "2001-03-01", "2001-04-01"]
        assert drivers.time.dtype == "datetime64[ns]"

    def test_bounds_decide(self, tmp_path: Path) -> None:
        ends = xr.date_range("2001-02", periods=4, freq="MS")
        data = field(time=ends).to_dataset(name="TA")
        data["time"].attrs["bounds"] = "time_bnds"
        data["time"].encoding = {"units": "days since 2001-01-01"}
        data["time_bnds"] = (("time", "nv"), np.stack([MONTHS, ends], axis=1))
        data.to_netcdf(tmp_path / "d.nc")
        assert months_of(read_drivers(tmp_path / "d.nc"))[0] == "2001-01-01"

    def test_unsorted_is_sorted_with_its_values(self, tmp_path: Path) -> None:
        ramp = field(np.arange(4.0)[:, None, None])
        drivers = read_drivers(saved(tmp_path, TA=ramp.isel(time=[2, 0, 3, 1])))
        assert drivers.TA[:, 0, 0].values.tolist() == [0, 1, 2, 3]

    def test_duplicates(self, tmp_path: Path) -> None:
        with pytest.raises(CalendarError, match="TA: expected each month once, got 2001-02 more"):
            read_drivers(saved(tmp_path, TA=field().isel(time=[0, 1, 1, 2])))

    def test_daily_values(self, tmp_path: Path) -> None:
        days = xr.date_range("2001-01-01", periods=59, freq="D")
        each = np.arange(59.0)[:, None, None] / 10
        drivers = read_drivers(saved(tmp_path, TA=field(each, time=days)))
        assert months_of(drivers) == ["2001-01-01", "2001-02-01"]
        np.testing.assert_allclose(drivers["TA"].isel(lat=0, lon=0), [1.5, 4.45], rtol=1e-6)

    def test_gap(self, tmp_path: Path) -> None:
        with pytest.raises(CalendarError, match="without a gap, got none for 2001-02, 2001-03"):
            read_drivers(saved(tmp_path, TA=field().isel(time=[0, 3])))

    def test_undecodable(self, tmp_path: Path) -> None:
        with pytest.raises(CalendarError, match="expected a time axis in units like"):
            read_drivers(stamped(tmp_path, [1, 2, 3], units="fortnights since Easter"))

    def test_beyond_the_clock(self, tmp_path: Path) -> None:
        with pytest.raises(CalendarError, match="expected years 1678 to 2261, got 1 to 1"):
            read_drivers(stamped(tmp_path, [1, 32], units="days since 0001-01-01"))


class TestSeveralFiles:
    def test_folder_of_years_and_variables(self, tmp_path: Path) -> None:
        ramp = field(np.arange(4.0)[:, None, None])
        saved(tmp_path, "a_late.nc", tas=ramp[2:])
        saved(tmp_path, "b_early.nc", tas=ramp[:2])
        saved(tmp_path, "c.nc", pr=field(1.0, "mm/day"), DEM=field(5.0, "m")[0].drop_vars("time"))
        (tmp_path / "readme.txt").write_text("not a grid")
        drivers = read_drivers(tmp_path)
        assert drivers.TA[:, 0, 0].values.tolist() == [0, 1, 2, 3]
        assert set(drivers.data_vars) == {"TA", "P", "DEM"}
        assert drivers.DEM.dims == ("lat", "lon")
        assert drivers.attrs["source"] == "a_late.nc, b_early.nc, c.nc"

    def test_overlapping_files(self, tmp_path: Path) -> None:
        saved(tmp_path, "a.nc", tas=field()[:3])
        saved(tmp_path, "b.nc", tas=field()[2:])
        with pytest.raises(CalendarError, match="2001-03 more than once"):
            read_drivers(tmp_path)

    def test_common_months_are_kept_and_the_rest_counted(self, tmp_path: Path) -> None:
        drivers = read_drivers(
            saved(tmp_path, TA=field()), saved(tmp_path, "f.nc", FAPAR=field(0.5, "1")[1:])
        )
        assert months_of(drivers) == ["2001-02-01", "2001-03-01", "2001-04-01"]
        (drop,) = json.loads(drivers.attrs["dropped"])
        assert (drop["variable"], drop["n"]) == ("TA", 1)

    def test_no_common_months(self, tmp_path: Path) -> None:
        with pytest.raises(CalendarError, match="got TA 2001-01 to 2001-02, P 2001-03 to 2001-04"):
            read_drivers(
                saved(tmp_path, TA=field()[:2]), saved(tmp_path, "p.nc", P=field(1, "mm/d")[2:])
            )

    def test_contradicting_static_maps(self, tmp_path: Path) -> None:
        heights = [field(v, "m")[0].drop_vars("time") for v in (5.0, 6.0)]
        with pytest.raises(DataFileError, match="DEM: expected the same values"):
            read_drivers(*(saved(tmp_path, f"{i}.nc", DEM=h) for i, h in enumerate(heights)))

    def test_climatology_beside_dates(self, tmp_path: Path) -> None:
        months = field(0.5, "1", time=np.arange(1, 13)).rename(time="month")
        with pytest.raises(CalendarError, match="either dates or a climatology"):
            read_drivers(saved(tmp_path, TA=field()), saved(tmp_path, "f.nc", FAPAR=months))

    def test_series_without_grid(self, tmp_path: Path) -> None:
        co2 = xr.DataArray(np.full(4, 370.0), {"time": MONTHS}, attrs={"units": "ppm"})
        drivers = read_drivers(saved(tmp_path, TA=field()), saved(tmp_path, "c.nc", co2=co2))
        assert drivers.CO2.dims == ("time",)


class TestBadFiles:
    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(DataFileError, match="got nothing at"):
            read_drivers(tmp_path / "no.nc")

    def test_none_named(self) -> None:
        with pytest.raises(DataFileError, match="at least one file"):
            read_drivers()

    def test_empty_file(self, tmp_path: Path) -> None:
        (tmp_path / "d.nc").touch()
        with pytest.raises(DataFileError, match="got the empty file"):
            read_drivers(tmp_path / "d.nc")

    def test_empty_folder(self, tmp_path: Path) -> None:
        with pytest.raises(DataFileError, match="got 0 other entries"):
            read_drivers(tmp_path)

    def test_text_file(self, tmp_path: Path) -> None:
        (tmp_path / "d.nc").write_text("site,lat,lon\n")
        with pytest.raises(DataFileError, match="damaged or of another format"):
            read_drivers(tmp_path / "d.nc")

    @pytest.mark.parametrize("chunks", [None, {"time": 2}])
    def test_truncated_file(self, tmp_path: Path, chunks: dict[str, int] | None) -> None:
        path = saved(tmp_path, TA=field(np.random.default_rng(0).normal(size=(4, 3, 4))))
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(DataFileError, match="damaged"):
            read_drivers(path, chunks=chunks)

    @pytest.mark.parametrize("chunks", [None, {"time": 2}])
    def test_damaged_values(self, tmp_path: Path, chunks: dict[str, int] | None) -> None:
        months = xr.date_range("1900-01", periods=400, freq="MS")
        values = np.random.default_rng(0).normal(size=(400, 3, 4))
        noise = field(values, time=months)
        noise.encoding = {"zlib": True, "fletcher32": True, "dtype": "float64"}
        path = saved(tmp_path, TA=noise)
        content = bytearray(path.read_bytes())
        middle = len(content) // 2
        content[middle : middle + 100] = bytes(100)
        path.write_bytes(content)
        with pytest.raises(DataFileError, match="damaged"):
            read_drivers(path, chunks=chunks)

    def test_damaged_store(self, tmp_path: Path) -> None:
        (tmp_path / "d.zarr").mkdir()
        (tmp_path / "d.zarr" / "zarr.json").write_text("{")
        with pytest.raises(DataFileError, match="damaged"):
            read_drivers(tmp_path / "d.zarr")


class TestLazy:
    def test_small_files_are_loaded_and_released(self, tmp_path: Path) -> None:
        drivers = read_drivers(saved(tmp_path, TA=field()))
        assert drivers.TA.chunks is None
        saved(tmp_path, TA=field(5.0))

    def test_chunks_make_dask(self, tmp_path: Path) -> None:
        drivers = read_drivers(saved(tmp_path, TA=field()), chunks={"time": 2, "lat": 1})
        assert drivers.TA.chunks == ((2, 2), (1, 1, 1), (4,))
        xr.testing.assert_identical(
            drivers.compute(), read_drivers(saved(tmp_path, "e.nc", TA=field())).assign_attrs(
                source="d.nc")
        )  # fmt: skip

    def test_large_files_stay_on_disk(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert EAGER_BYTES > 10_000
        monkeypatch.setattr("uflux_stats.io.grid_files.EAGER_BYTES", 100)
        monkeypatch.setattr("uflux_stats.io.grid_files.BLOCK_BYTES", 300)
        drivers = read_drivers(saved(tmp_path, TA=field()))
        assert drivers.TA.chunks == ((3, 1), (3,), (4,))

    @pytest.mark.parametrize("zarr_format", [2, 3])
    def test_stores_of_either_format(self, tmp_path: Path, zarr_format: Any) -> None:
        path = tmp_path / "d.zarr"
        xr.Dataset({"t2m": field(283.15, "K")}).chunk(time=2).to_zarr(
            path, zarr_format=zarr_format, consolidated=zarr_format == 2
        )
        drivers = read_drivers(path)
        assert drivers.TA.chunks is not None
        np.testing.assert_allclose(drivers.TA, 10.0, rtol=1e-6)

    def test_what_was_written_reads_the_same(self, tmp_path: Path) -> None:
        drivers = read_drivers(saved(tmp_path, TA=field(), P=field(1.0, "mm d-1")))
        write_netcdf(drivers, tmp_path / "again.nc")
        writer = create_store(drivers, tmp_path / "again.zarr")
        writer.write(drivers)
        for path in (tmp_path / "again.nc", writer.finish()):
            xr.testing.assert_equal(read_drivers(path).compute(), drivers)


class TestClimatology:
    @pytest.fixture
    def months(self, tmp_path: Path) -> xr.Dataset:
        ramp = field(np.arange(1.0, 13)[:, None, None], time=np.arange(1, 13))
        return read_drivers(
            saved(tmp_path, TA=ramp.rename(time="month").isel(month=slice(None, None, -1)))
        )

    def test_months_in_order(self, months: xr.Dataset) -> None:
        assert months.TA.dims == ("month", "lat", "lon")
        assert months.TA[:, 0, 0].values.tolist() == list(range(1, 13))

    def test_numbered_time(self, tmp_path: Path) -> None:
        assert "month" in read_drivers(stamped(tmp_path, list(range(1, 13)))).dims

    def test_cf_climatology(self, tmp_path: Path) -> None:
        path = stamped(
            tmp_path, [30.4 * m + 15 for m in range(12)], units="days since 1995-01-01",
            climatology="climatology_bounds",
        )  # fmt: skip
        assert read_drivers(path).month.values.tolist() == list(range(1, 13))

    def test_lacking_months(self, tmp_path: Path) -> None:
        part = field(time=np.arange(1, 7)).rename(time="month")
        with pytest.raises(CalendarError, match="expected months 1 to 12"):
            read_drivers(saved(tmp_path, TA=part))

    def test_sum_over_a_mean_february(self, tmp_path: Path) -> None:
        rain = field(56.5, "mm month-1", time=np.arange(1, 13)).rename(time="month")
        drivers = read_drivers(saved(tmp_path, pre=rain))
        np.testing.assert_allclose(drivers.P[1], 2.0)

    def test_dated_with_co2(self, months: xr.Dataset) -> None:
        dated = date_climatology(months)
        assert months_of(dated)[0] == "2006-01-01"
        assert dated.time.dtype == "datetime64[ns]"
        assert dated.attrs["climatology_year"] == 2006
        assert 380 < dated.CO2.mean() < 383
        assert "CO2" not in months

    def test_own_co2_is_kept(self, months: xr.Dataset) -> None:
        own = months.assign(CO2=("month", np.full(12, 400.0)))
        assert (date_climatology(own, year=1900).CO2 == 400).all()

    def test_dated_drivers_need_no_date(self, months: xr.Dataset) -> None:
        with pytest.raises(DimensionError, match="expected a dimension 'month'"):
            date_climatology(date_climatology(months))

    def test_add_co2_twice_is_once(self, months: xr.Dataset) -> None:
        dated = date_climatology(months)
        assert add_co2(dated) is dated


def test_real_climatology(real_data: Path) -> None:
    drivers = read_drivers(real_data / "climatology_0p5.nc")
    assert drivers.sizes == {"month": 12, "lat": 360, "lon": 720}
    for name in ("TA", "TS", "VPD", "SWIN", "LWIN", "RNET", "P", "FAPAR"):
        assert int(drivers[name].notnull().all("month").sum()) == 63_539, name
    assert np.unique(drivers.KOPPEN.values[drivers.KOPPEN.notnull()]).tolist() == [1, 2, 3, 4, 5]
    assert json.loads(drivers.attrs["dropped"]) == []
