"""Readers of observations that nobody trains on, and the comparisons with them."""

import builtins

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.emulation.benchmarks import (
    compare_biomass,
    compare_land_sink,
    compare_soil_carbon,
    score_pairs,
    soil_respiration_pairs,
)
from uflux_stats.errors import (
    DataFileError,
    GridError,
    MissingExtraError,
    MissingVariableError,
    RangeError,
)
from uflux_stats.grid.cells import cell_area
from uflux_stats.io.biomass import CARBON, read_cci_biomass
from uflux_stats.io.gcb import read_gcb_land_sink
from uflux_stats.io.soil_carbon import read_soil_carbon
from uflux_stats.io.srdb import read_srdb

FLUX, STOCK = {"units": "gC m-2 d-1"}, {"units": "gC m-2"}
GRID = {"lat": [-0.75, -0.25, 0.25, 0.75], "lon": [10.25, 10.75, 11.25]}


def table(**columns):
    base = {"Latitude": 0.2, "Longitude": 10.3, "Rs_annual": np.nan, "Rh_annual": np.nan}
    return pd.DataFrame({**base, "Year": 2000, "Study_number": 1, **columns})


def test_srdb_is_cleaned_by_stated_rules(tmp_path):
    rows = pd.concat(
        [
            table(Rs_annual=[800.0, 800.0], Rh_annual=[400.0, 400.0]),
            table(Rs_annual=[-114.0]),
            table(Rs_annual=[11826.0]),
            table(Rs_annual=[300.0], Rh_annual=[500.0]),
            table(Rh_annual=[350.0], Latitude=[np.nan]),
            table(Rh_annual=[350.0]),
        ]
    )
    rows.to_csv(tmp_path / "srdb.csv", index=False)
    cleaned = read_srdb(tmp_path / "srdb.csv")
    assert cleaned["Rh"].tolist() == [400.0, 350.0]
    dropped = cleaned.attrs["dropped"]
    assert dropped["duplicate row"] == 1
    assert dropped["no place"] == 1
    assert dropped["Rs not in 0 to 4000"] == 2
    assert dropped["Rh above Rs"] == 1


def test_srdb_that_is_none(tmp_path):
    with pytest.raises(DataFileError, match="got nothing at"):
        read_srdb(tmp_path / "x.csv")
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataFileError, match="is it SRDB"):
        read_srdb(tmp_path / "x.csv")


def test_real_srdb(real_data):
    pytest.importorskip("pyarrow")
    cleaned = read_srdb(real_data / "benchmarks" / "srdb_joined_data.parquet")
    assert cleaned["Rs"].notna().sum() > 3000
    assert 550 < cleaned["Rh"].notna().sum() <= 680
    assert cleaned["Rs"].max() <= 4000


@pytest.mark.parametrize("name", ["HWSD_soilc_0.5x0.5.nc", "NCSCDV22_soilc_0.5x0.5.nc"])
def test_real_soil_carbon(real_data, name):
    found = read_soil_carbon(real_data / "benchmarks" / name)
    assert found.dims == ("lat", "lon")
    assert found.attrs["units"] == "gC m-2"
    assert 3000 < float(found.mean()) < 30000


def test_soil_carbon_of_another_kind(tmp_path):
    axes = {"lat": [-45.0, 45.0], "lon": [0.0, 180.0]}
    grid = xr.Dataset({"soilc": (("lat", "lon"), np.full((2, 2), 9000.0))}, axes)
    grid.to_netcdf(tmp_path / "x.nc")
    with pytest.raises(RangeError, match="expected soil carbon in kg m-2"):
        read_soil_carbon(tmp_path / "x.nc")
    with pytest.raises(DataFileError, match="expected a variable 'cs'"):
        read_soil_carbon(tmp_path / "x.nc", name="cs")
    with pytest.raises(DataFileError, match="got nothing at"):
        read_soil_carbon(tmp_path / "y.nc")


def biomass_tile():
    step = 0.05
    lat = np.arange(0.975, -1.0, -step)
    lon = np.arange(10.025, 11.5, step)
    values = np.where(lat[:, None] > 0, 100.0, 40.0) + 0 * lon
    values[:3, :3] = 65535
    return lat, lon, values


def expected_biomass(lat, lon, values):
    known = (lat[:, None] > 0.5) & (lon < 10.5) & (values < 2000)
    weight = cell_area(lat, lon).values * known
    return (values * weight).sum() / weight.sum() * CARBON * 100


def test_biomass_from_netcdf_and_geotiff_agree(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    lat, lon, values = biomass_tile()
    tile = xr.Dataset({"agb": (("time", "lat", "lon"), values[None])}, {"lat": lat, "lon": lon})
    tile.to_netcdf(tmp_path / "tile.nc")
    corner = (0.0, 0.0, 0.0, lon[0] - 0.025, lat[0] + 0.025, 0.0)
    tags = [(33550, "d", 3, (0.05, 0.05, 0.0), True), (33922, "d", 6, corner, True)]
    tifffile.imwrite(tmp_path / "tile.tif", values.astype(np.uint16), extratags=tags)
    like = xr.Dataset(coords=GRID)
    first = read_cci_biomass(tmp_path / "tile.nc", like=like)
    second = read_cci_biomass(tmp_path / "tile.tif", like=like)
    np.testing.assert_allclose(first, second, rtol=1e-6)
    assert first.attrs["units"] == "gC m-2"
    assert first[-1, 0].item() == pytest.approx(expected_biomass(lat, lon, values))
    assert first[0, 2].item() == pytest.approx(40 * CARBON * 100)


def test_tiles_of_a_folder_are_read_together(tmp_path):
    lat, lon, values = biomass_tile()
    names = ("lat", "lon")
    for name, half in (("north", lat > 0), ("south", lat < 0)):
        tile = xr.Dataset({"agb": (names, values[half])}, {"lat": lat[half], "lon": lon})
        tile.to_netcdf(tmp_path / f"{name}.nc")
    whole = xr.Dataset({"agb": (names, values)}, {"lat": lat, "lon": lon})
    whole.to_netcdf(tmp_path.parent / "whole.nc")
    like = xr.Dataset(coords=GRID)
    together = read_cci_biomass(tmp_path, like=like)
    xr.testing.assert_allclose(together, read_cci_biomass(tmp_path.parent / "whole.nc", like=like))
    (tmp_path / "none").mkdir()
    with pytest.raises(DataFileError, match="expected NetCDF or GeoTIFF tiles"):
        read_cci_biomass(tmp_path / "none", like=like)


def test_years_names_and_longitudes_of_tiles(tmp_path):
    lat, lon, values = biomass_tile()
    like = xr.Dataset(coords={"lat": GRID["lat"], "lon": [v - 30 for v in GRID["lon"]]})
    plain = xr.Dataset({"agb": (("lat", "lon"), values)}, {"lat": lat, "lon": lon - 30})
    plain.to_netcdf(tmp_path / "plain.nc")
    axes = {"time": pd.to_datetime(["2017", "2020"]), "latitude": lat, "longitude": lon + 330}
    both = xr.Dataset({"agb": (tuple(axes), np.stack([values * 0, values]))}, axes)
    both.to_netcdf(tmp_path / "years.nc")
    found = read_cci_biomass(tmp_path / "years.nc", like=like, year=2020)
    np.testing.assert_allclose(found, read_cci_biomass(tmp_path / "plain.nc", like=like))
    assert found.attrs["pixels_outside"] == 0
    with pytest.raises(DataFileError, match=r"year: expected one map .* got 2"):
        read_cci_biomass(tmp_path / "years.nc", like=like)
    with pytest.raises(DataFileError, match=r"year: expected one of \[2017, 2020\]"):
        read_cci_biomass(tmp_path / "years.nc", like=like, year=2018)
    part = read_cci_biomass(tmp_path / "plain.nc", like=like.isel(lat=slice(2, None)))
    assert part.attrs["pixels_outside"] == values[lat < 0].size


def test_biomass_that_does_not_fit(tmp_path, monkeypatch):
    tifffile = pytest.importorskip("tifffile")
    like = xr.Dataset(coords=GRID)
    tifffile.imwrite(tmp_path / "bare.tif", np.ones((4, 4), np.uint16))
    with pytest.raises(GridError, match="with pixel scale and tie point"):
        read_cci_biomass(tmp_path / "bare.tif", like=like)
    lat, lon, values = biomass_tile()
    xr.Dataset({"agb": (("lat", "lon"), values)}, {"lat": lat - 40, "lon": lon}).to_netcdf(
        tmp_path / "far.nc"
    )
    with pytest.raises(GridError, match="expected pixels on the grid"):
        read_cci_biomass(tmp_path / "far.nc", like=like)
    with pytest.raises(DataFileError, match="expected a variable 'biomass'"):
        read_cci_biomass(tmp_path / "far.nc", like=like, name="biomass")
    with pytest.raises(DataFileError, match="got nothing at"):
        read_cci_biomass(tmp_path / "none.tif", like=like)
    (tmp_path / "text.tif").write_text("no image")
    with pytest.raises(DataFileError, match="expected a GeoTIFF"):
        read_cci_biomass(tmp_path / "text.tif", like=like)
    there = builtins.__import__

    def without(name, *arguments, **named):
        if name == "tifffile":
            raise ImportError(name)
        return there(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"uflux-stats\[benchmarks\]"):
        read_cci_biomass(tmp_path / "bare.tif", like=like)


@pytest.fixture
def carbon():
    time = pd.date_range("2001-01", periods=12, freq="MS")
    axes = {"member": ["A", "B"], "time": time, **GRID}
    shape = tuple(len(axis) for axis in axes.values())
    rng = np.random.default_rng(0)
    fluxes = {name: (tuple(axes), rng.uniform(1, 3, shape), FLUX) for name in ("Rh", "RECO", "NEP")}
    stock = (("member", "lat", "lon"), rng.uniform(3000, 9000, (2, 4, 3)), STOCK)
    area = (("lat", "lon"), cell_area(GRID["lat"], GRID["lon"]).values, {"units": "m2"})
    data = xr.Dataset({**fluxes, "cAGB": stock, "cSoil": stock}, axes)
    return data.assign_coords(land_area=area)


def test_places_in_one_cell_count_once(carbon, tmp_path):
    table(Rs_annual=[800.0, 900.0, 600.0], Rh_annual=[np.nan, 450.0, 300.0],
          Longitude=[10.3, 10.2, 11.2]).to_csv(tmp_path / "s.csv")  # fmt: skip
    pairs = soil_respiration_pairs(carbon, read_srdb(tmp_path / "s.csv"))
    rs = pairs[pairs["kind"] == "Rs"].sort_values("lon")
    assert rs["observed"].tolist() == [850.0, 600.0]
    assert rs["n"].tolist() == [2, 1]
    days = carbon["time"].dt.days_in_month
    cell = (carbon["RECO"].mean("member") * days).sum("time").sel(lat=0.25, lon=10.25)
    assert rs["modelled"].iloc[0] == pytest.approx(cell.item())
    assert (pairs["least"] <= pairs["modelled"]).any()
    assert {kind: scores["n"] for kind, scores in score_pairs(pairs).items()} == {"Rh": 2, "Rs": 2}


def test_places_outside_the_grid_and_on_empty_cells_are_left_out_and_counted(carbon, tmp_path):
    table(Rh_annual=[300.0, 400.0, 500.0, 600.0], Latitude=[0.2, 60.0, 0.2, -0.8],
          Longitude=[10.3, 10.3, -120.0, 11.2]).to_csv(tmp_path / "s.csv")  # fmt: skip
    bare = carbon.assign(Rh=carbon["Rh"].where(carbon["lat"] > -0.5).assign_attrs(FLUX))
    pairs = soil_respiration_pairs(bare, read_srdb(tmp_path / "s.csv"))
    assert pairs["observed"].tolist() == [300.0]
    assert pairs.attrs["left_out"]["Rh"] == {"outside the grid": 2, "on cells without values": 1}


def test_soil_carbon_and_biomass_against_maps(carbon):
    observed = carbon["cSoil"].mean("member") * 1.1
    observed = observed.assign_attrs(STOCK)
    found, soil = compare_soil_carbon(carbon["cSoil"], observed, carbon["land_area"])
    assert soil["difference"].attrs["units"] == "kgC m-2"
    np.testing.assert_allclose(soil["observed"], observed / 1000)
    assert found["total_observed"] == pytest.approx(1.1 * found["total_modelled"])
    assert found["r2_pearson"] == pytest.approx(1.0)
    scores, maps = compare_biomass(carbon, observed)
    assert maps["difference"].attrs["units"] == "MgC ha-1"
    np.testing.assert_allclose(maps["observed"], observed / 100)
    assert scores["slope_model_on_obs"] == pytest.approx(1 / 1.1)
    with pytest.raises(MissingVariableError, match="expected cAGB"):
        compare_biomass(carbon.drop_vars("cAGB"), observed)


def test_land_sink_beside_the_carbon_budget(carbon, real_data):
    budget = read_gcb_land_sink(real_data / "gcb" / "Global_Carbon_Budget_2023v1.1.xlsx")
    found = compare_land_sink(carbon["NEP"], budget)
    assert found["year"].tolist() == [2001]
    assert 0.5 < found["S_LAND"].item() < 4
    assert found["S_LAND_low"].item() < found["S_LAND"].item() < found["S_LAND_high"].item()
