"""The twin Earth on disk: same bytes, closed budgets, layouts of the real data."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.errors import DataFileError
from uflux_stats.grid import continents_at, land_area, normalise_grid
from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.io.twin import TwinOptions, TwinPaths, make_twin
from uflux_stats.io.twin.options import MODEL_NAMES, NOTICE
from uflux_stats.units import PG_PER_G, SECONDS_PER_DAY

OPTIONS = TwinOptions(resolution=10.0, years=(2003, 2007), n_towers=60)
SMALL = TwinOptions(resolution=15.0, years=(2003, 2004), n_towers=6, n_dgvms=2)


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> TwinPaths:
    return make_twin(tmp_path_factory.mktemp("earth") / "twin", OPTIONS)


@pytest.fixture(scope="module")
def truth(twin: TwinPaths) -> xr.Dataset:
    return xr.load_dataset(twin.truth)


@pytest.fixture(scope="module")
def towers(twin: TwinPaths) -> xr.Dataset:
    return read_fluxnet(twin.towers, sites=twin.sites, fapar=twin.fapar)


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def yearly(flux: xr.DataArray) -> xr.DataArray:
    """Sum a flux per day over the days of each year, in double precision."""
    days = flux["time"].dt.days_in_month
    return (flux.astype("float64") * days).groupby("time.year").sum(min_count=12)


def test_equal_options_give_equal_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    first, second = (contents(make_twin(tmp_path / name, SMALL).folder) for name in "ab")
    assert first == second
    other = TwinOptions(seed=1, resolution=15.0, years=(2003, 2004), n_towers=6, n_dgvms=2)
    third = contents(make_twin(tmp_path / "c", other).folder)
    assert third["drivers.nc"] != first["drivers.nc"]


def test_an_older_twin_is_replaced_but_nothing_else(tmp_path: Path) -> None:
    make_twin(tmp_path / "twin", SMALL)
    (tmp_path / "twin" / "stale.txt").write_text("old")
    make_twin(tmp_path / "twin", SMALL)
    assert not (tmp_path / "twin" / "stale.txt").exists()
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(DataFileError, match="holds something else; name another folder"):
        make_twin(tmp_path / "thesis", SMALL)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["thesis", "twin"]


def test_it_says_loudly_that_it_is_generated(twin: TwinPaths, truth: xr.Dataset) -> None:
    manifest = json.loads(twin.manifest.read_text())
    assert next(iter(manifest)) == "NOTICE"
    assert manifest["NOTICE"] == NOTICE
    assert manifest["options"]["seed"] == OPTIONS.seed
    assert NOTICE in truth.attrs["title"]
    for path in twin.dgvm.glob("*.nc"):
        with xr.open_dataset(path) as data:
            assert data.attrs["title"] == NOTICE


def test_drivers_are_canonical(twin: TwinPaths, truth: xr.Dataset) -> None:
    drivers = xr.load_dataset(twin.drivers)
    assert drivers["TA"].dims == ("time", "lat", "lon")
    assert drivers["CO2"].dims == ("time",)
    assert drivers["IGBP"].dims == ("lat", "lon")
    assert drivers["VPD"].attrs["units"] == "hPa"
    np.testing.assert_array_equal(drivers["TA"].notnull(), truth["GPP"].notnull())
    area = land_area(drivers["LANDFRAC"]).where(drivers["DEM"].notnull())
    np.testing.assert_allclose(area, truth["land_area"], rtol=1e-12)


def test_true_budgets_close_in_the_file(truth: xr.Dataset) -> None:
    residual = truth["RECO"] - truth["GPP"] - truth["NEE"]
    assert float(abs(residual).max()) == 0.0
    stock = truth["cVeg"] + truth["cLitter"] + truth["cSoil"]
    change, gain = stock.diff("year"), -yearly(truth["NEE"]).isel(year=slice(1, None))
    np.testing.assert_allclose(change, gain, rtol=0, atol=1e-9 * float(stock.max()))
    parts = truth["cLeaf"] + truth["cWood"] + truth["cRoot"]
    np.testing.assert_allclose(parts, truth["cVeg"], rtol=1e-12)
    for name in ("cVeg", "cLeaf", "cWood", "cRoot", "cLitter", "cSoil"):
        assert float(truth[name].min()) >= 0, name


def test_true_totals_are_those_of_the_manifest(twin: TwinPaths, truth: xr.Dataset) -> None:
    known = json.loads(twin.manifest.read_text())["truth"]["totals"]
    for name in ("GPP", "RECO", "NEE", "NPP", "Ra", "Rh"):
        total = (yearly(truth[name]) * truth["land_area"]).sum(("lat", "lon")) * PG_PER_G
        assert total.mean() == pytest.approx(known[name]["value"], rel=1e-6), name


def read_model(twin: TwinPaths, model: str) -> dict[str, xr.DataArray]:
    """Undo the conventions of one model: yearly sums of fluxes and year-end pools."""
    found = {}
    for path in twin.dgvm.glob(f"{model}_S3_*.nc"):
        name = path.stem.rsplit("_", 1)[1]
        values = normalise_grid(xr.load_dataset(path))[name]
        if name.startswith("c"):
            found[name] = values.groupby("time.year").mean()
        else:
            found[name] = yearly(values) * SECONDS_PER_DAY
    return found


@pytest.mark.parametrize("model", MODEL_NAMES[:8])
def test_every_model_conserves_mass(twin: TwinPaths, truth: xr.Dataset, model: str) -> None:
    files = read_model(twin, model)
    land = truth["land_area"].notnull()
    assert float(files["cVeg"].where(land).notnull().sum()) == float(land.sum()) * 5
    stock = files["cVeg"] + files["cSoil"] + files.get("cLitter", 0.0)
    gain = (files["npp"] - files["rh"]).where(land).isel(year=slice(1, None))
    np.testing.assert_allclose(stock.diff("year"), gain, rtol=0, atol=1e-9 * float(abs(gain).max()))
    if "ra" in files:
        np.testing.assert_array_equal(
            (files["gpp"] - files["ra"]).where(land).round(9), files["npp"].where(land).round(9)
        )


@pytest.mark.parametrize("model", MODEL_NAMES[:8])
def test_every_model_is_a_plausible_one(twin: TwinPaths, truth: xr.Dataset, model: str) -> None:
    files = read_model(twin, model)
    total = {
        name: float((values * truth["land_area"]).sum(("lat", "lon")).mean()) * 1e-12
        for name, values in files.items()
    }
    assert 100 < total["gpp"] < 160
    assert 0.3 < total["npp"] / total["gpp"] < 0.65
    assert 1 < total["npp"] - total["rh"] < 6
    assert 300 < total["cVeg"] < 1000


def test_models_use_different_conventions(twin: TwinPaths) -> None:
    first = {path.name: xr.load_dataset(path) for path in twin.dgvm.glob("*_gpp.nc")}
    assert {str(name) for data in first.values() for name in data.dims} == {
        "time", "lat", "lon", "latitude", "longitude",
    }  # fmt: skip
    east = [data.get("lon", data.get("longitude")) for data in first.values()]
    assert {float(lon.max()) > 180 for lon in east if lon is not None} == {True, False}
    units = {data["gpp"].attrs["units"] for data in first.values()}
    assert "check metadata" in units
    assert len(units) >= 3
    written = {path.stem for path in twin.dgvm.glob("*.nc")}
    assert "TWIN-DATE_S3_cLeaf" not in written
    assert "TWIN-ELM_S3_cLitter" not in written
    assert "TWIN-ALDER_S3_cLitter" in written


def test_towers_stand_where_real_ones_do(towers: xr.Dataset) -> None:
    assert towers.sizes["site"] == 60
    where = continents_at(towers["lat"], towers["lon"])
    share = {name: float((where == name).mean()) for name in np.unique(where)}
    assert share.get("", 0) == 0
    assert share["Europe"] + share["North America"] > 0.5
    assert float((abs(towers["lat"]) < 23.5).mean()) < 0.3
    assert len(np.unique(towers["IGBP"])) >= 6


def test_towers_measure_the_truth_with_noise(towers: xr.Dataset, truth: xr.Dataset) -> None:
    for name, least in (("GPP", 0.9), ("RECO", 0.9), ("LE", 0.85)):
        seen = towers[name]
        true = (
            truth[f"tower_{name}"].sel(site=seen["site"], time=seen["time"]).where(seen.notnull())
        )
        assert float(xr.corr(seen, true)) > least, name
        assert float(abs(seen - true).mean()) > 0.01
    error = abs(towers["GPP"] - truth["tower_GPP"])
    strong = truth["tower_GPP"] > 5
    assert error.where(strong).mean() > 2 * error.where(truth["tower_GPP"] < 1).mean()


def test_towers_have_gaps_and_poor_months(twin: TwinPaths) -> None:
    files = sorted(twin.towers.glob("*_FLUXNET2015_SUBSET_MM_*.csv"))
    tables = pd.concat([pd.read_csv(path) for path in files])
    quality = tables["NEE_VUT_REF_QC"]
    assert 0.6 < (quality >= 0.8).mean() < 0.9
    assert 0.01 < (tables["NEE_VUT_REF"] == -9999).mean() < 0.1
    carbon = tables[tables["NEE_VUT_REF"] != -9999]
    gap = carbon["RECO_NT_VUT_REF"] - carbon["GPP_NT_VUT_REF"] - carbon["NEE_VUT_REF"]
    assert 0.005 < gap.abs().median() < 0.05
    assert len(files) == 60


def test_tower_columns_are_real_ones(twin: TwinPaths, real_data: Path) -> None:
    real = pd.read_csv(next((real_data / "fluxnet2015").glob("FLX_CH-Dav_*.csv")), nrows=1)
    table = pd.read_csv(sorted(twin.towers.glob("*_SUBSET_MM_*.csv"))[0])
    shared = [name for name in real if name in table]
    assert list(table) == shared
    sites = pd.read_csv(real_data / "fluxnet2015_sites.csv")
    assert list(pd.read_csv(twin.sites)) == list(sites)
    assert list(pd.read_csv(twin.fapar)) == list(
        pd.read_csv(real_data / "fluxnet2015_fapar.csv.gz", nrows=1)
    )


def test_direct_effects_have_the_right_sign(twin: TwinPaths) -> None:
    known = json.loads(twin.manifest.read_text())["truth"]
    effects = known["direct_effects"]
    assert effects["TA"]["RECO"] > 0
    assert effects["VPD"]["GPP"] < 0
    assert effects["CO2"]["GPP"] > 0
    assert effects["FAPAR"]["GPP"] > 0
    with_co2, without = known["trends"]["GPP"], known["trends_without"]["carbon_dioxide"]["GPP"]
    assert with_co2["value"] > without["value"]
