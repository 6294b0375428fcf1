"""Whole files or none, the same bytes twice, CF attributes."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import DataFileError, GridError, MissingVariableError
from uflux_stats.io.fingerprints import fingerprint
from uflux_stats.io.store import partial_path, whole_file, write_json, write_netcdf
from uflux_stats.io.zarr_store import ZarrWriter, create_store, open_store


@pytest.fixture
def cube() -> xr.Dataset:
    """A small flux cube with a missing cell, text coordinates and an area."""
    axes = {
        "time": xr.date_range("2005-01", periods=4, freq="MS"),
        "lat": [-10.25, 0.25, 10.75],
        "lon": [0.25, 0.75],
    }
    values = np.random.default_rng(3).normal(5, 1, (4, 3, 2))
    values[:, 0, 0] = np.nan
    flux = xr.DataArray(values, axes, dims=list(axes), attrs={"units": "gC m-2 d-1"})
    flux.encoding = {"dtype": "int16", "scale_factor": 0.01, "_FillValue": -1}
    data = xr.Dataset({"GPP": flux, "RECO": flux * 0.8}, attrs={"title": "cube"})
    data.RECO.attrs["units"] = "gC m-2 d-1"
    return data.assign_coords(
        land_area=(("lat", "lon"), np.full((3, 2), 2.5e9), {"units": "m2"}),
        continent=("lat", np.array(["Africa", "Africa", "Asia"])),
    )


def fill(writer: ZarrWriter, cube: xr.Dataset, skip: int | None = None) -> None:
    for start in (0, 2):
        if start != skip:
            writer.write(cube.isel(time=slice(start, start + 2)))


class TestWholeFile:
    def test_failure_leaves_old_file_and_no_remains(self, tmp_path: Path) -> None:
        place = tmp_path / "a.txt"
        place.write_text("old")

        def fail_half_way() -> None:
            with whole_file(place) as partial:
                partial.write_text("half")
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail_half_way()
        assert place.read_text() == "old"
        assert list(tmp_path.iterdir()) == [place]

    def test_remains_of_a_killed_run_are_replaced(self, tmp_path: Path) -> None:
        place = tmp_path / "a.json"
        partial_path(place).write_text("half of a long text from a killed run")
        write_json([1], place)
        assert json.loads(place.read_text()) == [1]
        assert list(tmp_path.iterdir()) == [place]

    def test_folder_must_exist(self, tmp_path: Path) -> None:
        with pytest.raises(DataFileError, match="expected an existing folder"):
            write_json({}, tmp_path / "no" / "a.json")

    def test_path_must_not_be_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(DataFileError, match="expected a file name"):
            write_json({}, tmp_path)


class TestJson:
    def test_types_of_numpy_and_python(self, tmp_path: Path) -> None:
        @dataclass(frozen=True)
        class Row:
            name: str
            n: np.int64

        obj = {
            "row": Row("a", np.int64(2)), "inf": np.float32("inf"), "set": {"b", "a"},
            "array": np.array([[1.0, np.nan]]), "time": np.datetime64("2005-01", "M"), "flag": True,
        }  # fmt: skip
        read = json.loads(write_json(obj, tmp_path / "x.json").read_text())
        assert read == {
            "row": {"name": "a", "n": 2}, "inf": None, "set": ["a", "b"], "array": [[1.0, None]],
            "time": "2005-01", "flag": True,
        }  # fmt: skip

    def test_order_of_keys_does_not_matter(self, tmp_path: Path) -> None:
        first = write_json({"a": 1, "b": {"d": 1, "c": 2}}, tmp_path / "1.json")
        second = write_json({"b": {"c": 2, "d": 1}, "a": 1}, tmp_path / "2.json")
        assert first.read_bytes() == second.read_bytes()

    def test_unknown_type_leaves_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(TypeError, match="not JSON serializable"):
            write_json({"x": object()}, tmp_path / "x.json")
        assert not list(tmp_path.iterdir())


class TestNetcdf:
    def test_round_trip_in_float32_ignoring_old_packing(
        self, cube: xr.Dataset, tmp_path: Path
    ) -> None:
        with xr.open_dataset(write_netcdf(cube, tmp_path / "c.nc")) as read:
            assert read.GPP.dtype == np.float32
            xr.testing.assert_allclose(read.load(), cube, rtol=1e-6)
            assert read.continent.values.tolist() == ["Africa", "Africa", "Asia"]

    def test_float64_is_exact(self, cube: xr.Dataset, tmp_path: Path) -> None:
        path = write_netcdf(cube, tmp_path / "c.nc", precision="float64")
        with xr.open_dataset(path) as read:
            xr.testing.assert_equal(read.load(), cube)

    def test_cf_attributes(self, cube: xr.Dataset, tmp_path: Path) -> None:
        with xr.open_dataset(write_netcdf(cube, tmp_path / "c.nc")) as read:
            assert read.attrs["Conventions"] == "CF-1.11"
            assert read.attrs["title"] == "cube"
            assert "uflux_stats" in read.attrs["history"]
            assert read.lat.attrs["units"] == "degrees_north"
            assert read.GPP.attrs["standard_name"].startswith("gross_primary")

    def test_no_standard_name_for_another_unit(self, cube: xr.Dataset, tmp_path: Path) -> None:
        trend = cube.assign(GPP=cube.GPP.assign_attrs(units="PgC yr-2"))
        with xr.open_dataset(write_netcdf(trend, tmp_path / "c.nc")) as read:
            assert "standard_name" not in read.GPP.attrs

    def test_same_bytes_twice(self, cube: xr.Dataset, tmp_path: Path) -> None:
        paths = [write_netcdf(cube, tmp_path / name) for name in ("1.nc", "2.nc")]
        assert fingerprint(paths[0]) == fingerprint(paths[1])

    def test_argument_is_not_changed(self, cube: xr.Dataset, tmp_path: Path) -> None:
        before = cube.copy(deep=True)
        write_netcdf(cube, tmp_path / "c.nc")
        xr.testing.assert_identical(cube, before)
        assert cube.GPP.encoding == before.GPP.encoding


class TestZarr:
    def test_blocks_make_a_whole_store(self, cube: xr.Dataset, tmp_path: Path) -> None:
        path = tmp_path / "c.zarr"
        writer = create_store(cube.chunk(), path, chunks={"time": 2}, title="t")
        fill(writer, cube)
        assert not path.exists()
        assert writer.finish() == path
        assert list(tmp_path.iterdir()) == [path]
        read = open_store(path)
        assert read.GPP.dtype == np.float32
        assert read.GPP.chunks == ((2, 2), (3,), (2,))
        assert read.attrs["title"] == "t"
        assert read.GPP.attrs["units"] == "gC m-2 d-1"
        assert read.continent.dtype.kind == "U"
        xr.testing.assert_allclose(read.compute(), cube, rtol=1e-6)

    def test_same_bytes_twice_in_any_order(self, cube: xr.Dataset, tmp_path: Path) -> None:
        for name, starts in (("1.zarr", (0, 2)), ("2.zarr", (2, 0))):
            writer = create_store(cube, tmp_path / name, chunks={"time": 2})
            for start in starts:
                writer.write(cube.isel(time=slice(start, start + 2)))
            writer.finish()
        assert fingerprint(tmp_path / "1.zarr") == fingerprint(tmp_path / "2.zarr")

    def test_blocks_of_any_dask_chunks(self, cube: xr.Dataset, tmp_path: Path) -> None:
        writer = create_store(cube, tmp_path / "c.zarr", chunks={"time": 2, "lat": 2})
        fill(writer, cube.chunk(time=3, lat=1))
        np.testing.assert_allclose(open_store(writer.finish()).GPP, cube.GPP, rtol=1e-6)

    def test_killed_writer_is_never_seen_and_cleaned_up(
        self, cube: xr.Dataset, tmp_path: Path
    ) -> None:
        path = tmp_path / "c.zarr"
        fill(create_store(cube, path, chunks={"time": 2}), cube, skip=2)
        with pytest.raises(DataFileError, match="writing was interrupted"):
            open_store(path)
        writer = create_store(cube, path, chunks={"time": 2})
        with pytest.raises(DataFileError, match="GPP, RECO not written"):
            writer.finish()
        fill(writer, cube)
        writer.finish()
        assert list(tmp_path.iterdir()) == [path]

    def test_old_store_stays_until_the_new_is_whole(self, cube: xr.Dataset, tmp_path: Path) -> None:
        path = tmp_path / "c.zarr"
        for factor in (1, 2):
            writer = create_store(cube, path, chunks={"time": 2})
            if factor == 2:
                np.testing.assert_allclose(open_store(path).GPP, cube.GPP, rtol=1e-6)
            fill(writer, cube * factor)
            writer.finish()
        np.testing.assert_allclose(open_store(path).GPP, 2 * cube.GPP, rtol=1e-6)
        assert list(tmp_path.iterdir()) == [path]

    def test_missing_chunk_is_refused(self, cube: xr.Dataset, tmp_path: Path) -> None:
        writer = create_store(cube, tmp_path / "c.zarr", chunks={"time": 2})
        fill(writer, cube)
        path = writer.finish()
        (path / "GPP" / "c" / "1" / "0" / "0").unlink()
        with pytest.raises(DataFileError, match="without some chunks of GPP"):
            open_store(path)

    def test_missing_head_of_an_array_is_refused(self, cube: xr.Dataset, tmp_path: Path) -> None:
        writer = create_store(cube, tmp_path / "c.zarr", chunks={"time": 2})
        fill(writer, cube)
        path = writer.finish()
        (path / "GPP" / "zarr.json").unlink()
        with pytest.raises(DataFileError, match="without some chunks of GPP"):
            open_store(path)

    def test_damaged_metadata_is_refused(self, cube: xr.Dataset, tmp_path: Path) -> None:
        writer = create_store(cube, tmp_path / "c.zarr", chunks={"time": 2})
        fill(writer, cube)
        path = writer.finish()
        (path / "GPP" / "zarr.json").write_text("{")
        with pytest.raises(DataFileError, match="damaged"):
            open_store(path)

    def test_missing_store_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataFileError, match="got none"):
            open_store(tmp_path / "no.zarr")

    def test_other_folders_are_never_replaced(self, cube: xr.Dataset, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()
        with pytest.raises(DataFileError, match="which is neither"):
            create_store(cube, tmp_path / "data")

    def test_block_from_another_grid(self, cube: xr.Dataset, tmp_path: Path) -> None:
        writer = create_store(cube, tmp_path / "c.zarr", chunks={"time": 2})
        with pytest.raises(GridError, match=r"block.lat: expected a consecutive part"):
            writer.write(cube.assign_coords(lat=cube.lat + 1e-9))

    def test_block_of_half_a_chunk(self, cube: xr.Dataset, tmp_path: Path) -> None:
        writer = create_store(cube, tmp_path / "c.zarr", chunks={"time": 2})
        with pytest.raises(GridError, match="whole chunks of 2"):
            writer.write(cube.isel(time=[1, 2]))

    def test_unknown_variable(self, cube: xr.Dataset, tmp_path: Path) -> None:
        writer = create_store(cube, tmp_path / "c.zarr")
        with pytest.raises(MissingVariableError, match=r"got \['NEE'\]"):
            writer.write(cube.rename(GPP="NEE"))


class TestFingerprint:
    def test_file_is_its_content(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"abc")
        assert fingerprint(tmp_path / "a") == fingerprint(b"abc")

    def test_folder_is_names_and_contents(self, tmp_path: Path) -> None:
        for name in ("one", "two"):
            (tmp_path / name / "sub").mkdir(parents=True)
            (tmp_path / name / "sub" / "x").write_text("1")
        assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two")
        (tmp_path / "two" / "sub" / "x").rename(tmp_path / "two" / "sub" / "y")
        assert fingerprint(tmp_path / "one") != fingerprint(tmp_path / "two")

    def test_order_and_grouping_count(self) -> None:
        assert fingerprint(b"a", b"b") != fingerprint(b"b", b"a")
        assert fingerprint(b"ab", b"") != fingerprint(b"a", b"b")
        assert fingerprint([1, 2]) != fingerprint([2, 1])

    def test_missing_path(self, tmp_path: Path) -> None:
        with pytest.raises(DataFileError, match="got nothing at"):
            fingerprint(tmp_path / "no")

    def test_unknown_type(self) -> None:
        with pytest.raises(TypeError):
            fingerprint(object())
