"""Land-surface products in their native layouts."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from uflux_stats.errors import DataFileError
from uflux_stats.io.drivers import read_drivers
from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.io.recognition import describe
from uflux_stats.io.surface import read_mod13a1
from uflux_stats.io.surface.binning import Bins
from uflux_stats.io.surface.mcd43a4 import read_mcd43a4, tile_cells

RED, NIR, BLANK = 500, 4000, 32767
N = 24


def tile(native, folder: Path, day="2006001", place="h18v04", **changes) -> Path:
    """A tile of small size with uniform reflectance; ``changes`` replace bands or qualities."""
    shape = (N, N)
    fields = {
        "Nadir_Reflectance_Band1": np.full(shape, RED, "int16"),
        "Nadir_Reflectance_Band2": np.full(shape, NIR, "int16"),
        "BRDF_Albedo_Band_Mandatory_Quality_Band1": np.zeros(shape, "uint8"),
        "BRDF_Albedo_Band_Mandatory_Quality_Band2": np.zeros(shape, "uint8"),
    }
    name = f"MCD43A4.A{day}.{place}.061.2020259171938.hdf"
    return native.hdf4(folder / name, **(fields | changes))


class TestReflectance:
    def test_indices_of_scaled_counts(self, tmp_path: Path, native) -> None:
        found = read_mcd43a4([tile(native, tmp_path)], 0.5)
        red, near = RED * 1e-4, NIR * 1e-4
        ndvi = (near - red) / (near + red)
        expected = {"NDVI": ndvi, "NIRV": ndvi * near,
                    "EVI2": 2.5 * (near - red) / (near + 2.4 * red + 1)}  # fmt: skip
        for name, value in expected.items():
            known = found[name].values[found[name].notnull()]
            assert known.size
            np.testing.assert_allclose(known, value, rtol=1e-6)
        np.testing.assert_allclose(found["FAPAR"].max(), 1.25 * expected["EVI2"], rtol=1e-6)

    def test_the_tile_lies_where_it_is(self, tmp_path: Path, native) -> None:
        """Tile h18v04 spans 40 to 50 degrees north and begins at Greenwich."""
        found = read_mcd43a4([tile(native, tmp_path)], 1.0)["NDVI"].isel(time=0)
        there = found.where(found.notnull(), drop=True)
        assert (there.lat.min(), there.lat.max()) == (40.5, 49.5)
        assert there.lon.min() == 0.5
        assert 14 < there.lon.max() < 10 / np.cos(np.deg2rad(50)) + 0.5

    def test_corners_of_the_projection_are_not_on_earth(self) -> None:
        _, inside = tile_cells((0, 0), N, Bins(1.0))
        assert not inside.any()
        assert tile_cells((18, 8), N, Bins(1.0))[1].all()

    def test_pixels_of_the_sphere_have_equal_areas(self) -> None:
        bins = Bins(30.0)
        counts = np.zeros(int(np.prod(bins.shape)))
        for h in range(36):
            for v in range(18):
                cells, inside = tile_cells((h, v), 40, bins)
                counts += np.bincount(cells[inside], minlength=counts.size)
        edges = np.sin(np.deg2rad(np.arange(-90, 91, 30)))
        share = counts.reshape(bins.shape).sum(axis=1) / counts.sum()
        np.testing.assert_allclose(share, np.diff(edges) / 2, rtol=2e-3)

    @pytest.mark.parametrize("band", ["Band1", "Band2"])
    @pytest.mark.parametrize("quality", [1, 255])
    def test_poor_quality_is_left_out(self, tmp_path, native, band, quality) -> None:
        poor = np.full((N, N), quality, "uint8")
        name = f"BRDF_Albedo_Band_Mandatory_Quality_{band}"
        assert read_mcd43a4([tile(native, tmp_path, **{name: poor})], 1.0)["NDVI"].isnull().all()

    def test_blank_pixels_are_left_out(self, tmp_path: Path, native) -> None:
        red = np.full((N, N), RED, "int16")
        red[: N // 2] = BLANK
        found = read_mcd43a4([tile(native, tmp_path, Nadir_Reflectance_Band1=red)], 1.0)["NDVI"]
        there = found.where(found.notnull(), drop=True)
        assert there.lat.max() < 45.5

    def test_days_and_tiles_make_months(self, tmp_path: Path, native) -> None:
        dark = np.full((N, N), 2000, "int16")
        paths = [
            tile(native, tmp_path),
            tile(native, tmp_path, "2006017", Nadir_Reflectance_Band2=dark),
            tile(native, tmp_path, "2006032"),
            tile(native, tmp_path, "2006001", "h17v04"),
        ]
        found = read_drivers(*paths, resolution=1.0)
        assert found.time.dt.strftime("%Y-%m").values.tolist() == ["2006-01", "2006-02"]
        values = found["NDVI"].sel(lat=45.5, lon=[5.5, -5.5]).values
        bright, mixed = 3500 / 4500, (3500 / 4500 + 1500 / 2500) / 2
        np.testing.assert_allclose(values, [[mixed, bright], [bright, np.nan]], rtol=1e-5)

    def test_a_day_twice(self, tmp_path: Path, native) -> None:
        first = tile(native, tmp_path)
        second = tmp_path / first.name.replace("2020259171938", "2021259171938")
        second.write_bytes(first.read_bytes())
        with pytest.raises(DataFileError, match="each tile of a day once"):
            read_mcd43a4([first, second], 1.0)

    def test_cut_in_the_middle(self, tmp_path: Path, native) -> None:
        path = tile(native, tmp_path)
        path.write_bytes(path.read_bytes()[:200])
        with pytest.raises(DataFileError, match="readable HDF4 file"):
            read_drivers(path)

    def test_another_product_under_the_name(self, tmp_path: Path, native) -> None:
        path = native.hdf4(
            tmp_path / "MCD43A4.A2006001.h18v04.061.1.hdf", Other=np.zeros(3, "uint8")
        )
        with pytest.raises(DataFileError, match=r"expected fields .*Nadir_Reflectance_Band1"):
            read_drivers(path)


class TestLandCover:
    def cover(self, native, folder: Path, codes: np.ndarray) -> Path:
        percent = np.zeros((*codes.shape, 17), "uint8")
        rows, columns = np.indices(codes.shape)
        percent[rows, columns, codes] = 100
        return native.hdf4(
            folder / "MCD12C1.A2006001.061.2022169160638.hdf",
            Majority_Land_Cover_Type_1=codes, Land_Cover_Type_1_Percent=percent,
        )  # fmt: skip

    def test_the_commonest_class_of_land_and_the_land(self, tmp_path: Path, native) -> None:
        codes = np.zeros((36, 72), "uint8")  # 5 degrees, from the north-west
        codes[0:2, 0:2] = [[1, 4], [4, 0]]  # 80 to 90 north, 180 to 170 west
        codes[2:4, 0:2] = [[0, 0], [10, 0]]
        drivers = read_drivers(self.cover(native, tmp_path, codes), resolution=10.0)
        corner = drivers.sel(lon=-175.0, lat=[85.0, 75.0, 65.0])
        assert corner["IGBP"].values.tolist() == [4, 10, 0]
        np.testing.assert_allclose(corner["LANDFRAC"], [0.75, 0.25, 0.0])

    def test_fill_values_count_nothing(self, tmp_path: Path, native) -> None:
        """Unclassified pixels hold 255 in all layers."""
        codes = np.full((36, 72), 255, "uint8")
        percent = np.full((36, 72, 17), 255, "uint8")
        codes[0, 0:2], percent[0, 0:2] = [10, 0], 0
        percent[0, 0, 10] = percent[0, 1, 0] = 100
        path = native.hdf4(
            tmp_path / "MCD12C1.A2006001.061.2022169160638.hdf",
            Majority_Land_Cover_Type_1=codes, Land_Cover_Type_1_Percent=percent,
        )  # fmt: skip
        drivers = read_drivers(path, resolution=10.0)
        corner = drivers.sel(lat=85.0, lon=-175.0)
        assert (corner["IGBP"], corner["LANDFRAC"]) == (10, 0.5)
        assert int(drivers["LANDFRAC"].notnull().sum()) == 1

    def test_two_years(self, tmp_path: Path, native) -> None:
        first = self.cover(native, tmp_path, np.ones((36, 72), "uint8"))
        second = tmp_path / first.name.replace("A2006", "A2007")
        second.write_bytes(first.read_bytes())
        with pytest.raises(DataFileError, match="one file of MCD12C1"):
            read_drivers(first, second)


class TestKoppen:
    def test_thirty_classes_become_five(self, tmp_path: Path, native) -> None:
        codes = np.zeros((36, 72), "uint8")
        codes[0:2, 0:2] = [[4, 5], [1, 0]]  # B B A sea
        codes[0:2, 2:4] = [[30, 28], [17, 16]]  # E D D C
        path = native.geotiff(tmp_path / "Beck_KG_V1_present_5.tif", codes)
        found = read_drivers(path, resolution=10.0)["KOPPEN"].sel(lat=85.0, lon=[-175.0, -165.0])
        assert found.values.tolist() == [2, 4]

    def test_the_sea_has_none(self, tmp_path: Path, native) -> None:
        codes = np.zeros((36, 72), "uint8")
        codes[5, 5] = 8
        found = read_drivers(native.geotiff(tmp_path / "k.tif", codes), resolution=5.0)["KOPPEN"]
        assert int(found.notnull().sum()) == 1
        assert found.sel(lat=62.5, lon=-152.5) == 3

    def test_more_pixels_than_images_usually_have(self, tmp_path, native, monkeypatch) -> None:
        path = native.geotiff(tmp_path / "k.tif", np.full((36, 72), 8, "uint8"))
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
        assert (read_drivers(path, resolution=5.0)["KOPPEN"] == 3).all()
        assert Image.MAX_IMAGE_PIXELS == 10
        monkeypatch.setattr("uflux_stats.io.surface.maps.MOST_PIXELS", 1000)
        with pytest.raises(DataFileError, match="exceeds limit"):
            read_drivers(path, resolution=5.0)

    def test_without_a_place_on_earth(self, tmp_path: Path, native) -> None:
        path = native.geotiff(tmp_path / "k.tif", np.ones((36, 72), "uint8"), placed=False)
        with pytest.raises(DataFileError, match="with its place on Earth"):
            read_drivers(path)

    def test_other_codes(self, tmp_path: Path, native) -> None:
        path = native.geotiff(tmp_path / "k.tif", np.full((36, 72), 99, "uint8"))
        with pytest.raises(DataFileError, match="classes 0 to 30, got 99"):
            read_drivers(path)

    def test_cut_in_the_middle(self, tmp_path: Path, native) -> None:
        rng = np.random.default_rng(0)
        codes = rng.integers(0, 31, (180, 360)).astype("uint8")
        path = native.geotiff(tmp_path / "k.tif", codes)
        path.write_bytes(path.read_bytes()[:5000])
        with pytest.raises(DataFileError, match="readable TIFF"):
            read_drivers(path)


class TestElevation:
    def heights(self, folder: Path, name="N46E007.hgt", side=121, void=False) -> Path:
        rows = np.arange(side)[::-1, None] * 10 + np.zeros(side)  # rises northward
        if void:
            rows[: side // 2] = -32768
        (folder / name).write_bytes(rows.astype(">i2").tobytes())
        return folder / name

    def test_means_of_half_degrees(self, tmp_path: Path) -> None:
        found = read_drivers(self.heights(tmp_path), resolution=0.5)["DEM"]
        assert int(found.notnull().sum()) == 4
        np.testing.assert_allclose(found.sel(lat=46.25, lon=[7.25, 7.75]), 305.0)
        np.testing.assert_allclose(found.sel(lat=46.75, lon=[7.25, 7.75]), 905.0)

    def test_zipped_and_south_west(self, tmp_path: Path) -> None:
        plain = self.heights(tmp_path, "S05W061.hgt")
        packed = tmp_path / "S05W061.SRTMGL1.hgt.zip"
        with zipfile.ZipFile(packed, "w") as archive:
            archive.write(plain, "S05W061.hgt")
        found = read_drivers(packed, resolution=1.0)["DEM"]
        assert float(found.sel(lat=-4.5, lon=-60.5)) == 605.0
        xr.testing.assert_equal(found, read_drivers(plain, resolution=1.0)["DEM"])

    def test_voids_count_nothing(self, tmp_path: Path) -> None:
        found = read_drivers(self.heights(tmp_path, void=True), resolution=0.5)["DEM"]
        assert int(found.notnull().sum()) == 2

    def test_cut_in_the_middle(self, tmp_path: Path) -> None:
        path = self.heights(tmp_path)
        path.write_bytes(path.read_bytes()[:-1000])
        with pytest.raises(DataFileError, match="a square of heights"):
            read_drivers(path)

    def test_a_name_without_a_place(self, tmp_path: Path) -> None:
        with pytest.raises(DataFileError, match="which tells the place"):
            read_drivers(self.heights(tmp_path, "tile.hgt"))


def test_products_and_climate_on_one_grid(tmp_path: Path, native) -> None:
    """What an analyst has after downloading: all of it in one folder."""
    codes = np.full((36, 72), 8, "uint8")
    native.geotiff(tmp_path / "k.tif", codes)
    TestLandCover().cover(native, tmp_path, codes)
    lat, lon = np.arange(85.0, -90, -10), np.arange(5.0, 360, 10)
    warm = xr.DataArray(np.full((12, lat.size, lon.size), 285.0),
                        {"month": range(1, 13), "latitude": lat, "longitude": lon},
                        attrs={"units": "K"})  # fmt: skip
    warm.to_dataset(name="t2m").to_netcdf(tmp_path / "era5.nc")
    drivers = read_drivers(tmp_path, resolution=5.0)
    assert set(drivers) == {"TA", "IGBP", "LANDFRAC", "KOPPEN"}
    assert dict(drivers.sizes) == {"month": 12, "lat": 36, "lon": 72}


@pytest.mark.parametrize(
    ("product", "drivers"),
    [
        ("MCD43A4", {"NIRV", "NDVI", "FAPAR"}),
        ("MCD12C1", {"IGBP", "LANDFRAC"}),
        ("koppen", {"KOPPEN"}),
        ("srtm", {"DEM"}),
    ],
)
def test_a_native_file_is_recognised(tmp_path: Path, native, product, drivers) -> None:
    codes = np.full((36, 72), 8, "uint8")
    makers = {
        "MCD43A4": lambda: tile(native, tmp_path),
        "MCD12C1": lambda: TestLandCover().cover(native, tmp_path, codes),
        "koppen": lambda: native.geotiff(tmp_path / "Beck_KG_V1_present_5.tif", codes),
        "srtm": lambda: TestElevation().heights(tmp_path),
    }
    report = describe(makers[product]())
    assert report.kind == "gridded drivers"
    assert drivers <= set(report.rows["driver"])
    assert not any(report.rows["faults"])


def test_an_unknown_product(tmp_path: Path) -> None:
    (tmp_path / "MOD11A1.A2006001.h18v04.061.1.hdf").write_bytes(b"x")
    with pytest.raises(DataFileError, match="expected MCD43A4 or MCD12C1"):
        read_drivers(tmp_path / "MOD11A1.A2006001.h18v04.061.1.hdf")


class TestSiteIndices:
    @pytest.fixture
    def table(self, real_data: Path):
        pytest.importorskip("rdata")
        return read_mod13a1(real_data / "native_samples" / "MOD13A1.rda")

    def test_real_sample(self, table) -> None:
        assert table.index.names == ["site", "time"]
        assert table.index.get_level_values("site").nunique() == 10
        assert table.index.is_unique
        assert table["FAPAR"].dropna().between(0, 1).all()
        green = table["FAPAR"].xs("CZ-wet", level="site").groupby(lambda t: t.month).mean()
        assert green[7] > 1.5 * green[3]

    def test_it_serves_the_towers(self, table, real_data: Path) -> None:
        name = "FLX_AU-How_FLUXNET2015_SUBSET_MM_2001-2014_1-4.csv"
        towers = read_fluxnet(real_data / "fluxnet2015" / name, fapar=table)
        assert float(towers["FAPAR"].notnull().mean()) > 0.8

    def test_damaged(self, tmp_path: Path) -> None:
        pytest.importorskip("rdata")
        (tmp_path / "a.rda").write_bytes(b"not R")
        with pytest.raises(DataFileError, match="readable R data file"):
            read_mod13a1(tmp_path / "a.rda")
