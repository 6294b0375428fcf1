"""Reading vegetation models of any layout, and going on when one of them is at fault."""

import shutil

import numpy as np
import pytest
import xarray as xr

from tests.unit.io.dgvm.conftest import PER_SECOND, globe, write_field
from uflux_stats.errors import ConfigError, DataFileError
from uflux_stats.grid.cells import land_area
from uflux_stats.io.dgvm import REGISTRY, DgvmOptions, check_dgvms, model_entry, read_dgvm
from uflux_stats.io.dgvm.faults import fault_table


def faults_of(data, model):
    table = fault_table(data)
    return " | ".join(table[table["model"] == model]["what"])


def test_twin_is_read_back_exactly(twin):
    read = read_dgvm(twin.dgvm)
    assert read["GPP"].dims == ("model", "time", "lat", "lon")
    assert read["cVeg"].dims == ("model", "year", "lat", "lon")
    assert read["GPP"].attrs["units"] == "gC m-2 d-1"
    assert read.sizes["model"] == 8
    # every layout says the same: NBP is NPP - Rh, and vegetation its parts
    residual = read["NBP"] - (read["NPP"] - read["Rh"])
    assert float(abs(residual).max()) < 1e-5
    parts = read["cLeaf"] + read["cWood"] + read["cRoot"]
    assert float((abs(parts - read["cVeg"]) / read["cVeg"]).max()) < 1e-5
    drivers = xr.open_dataset(twin.drivers)
    np.testing.assert_array_equal(read["lon"], drivers["lon"])
    land = drivers["TA"].notnull().all("time")
    assert (read["GPP"].isel(model=1, time=0).notnull() == land).all()
    assert "check metadata" in faults_of(read, "TWIN-CEDAR")


def test_period_means_and_change(folder):
    write_field(folder, "ALPHA_cVeg_CHANGE", 0.9)
    read = read_dgvm(folder)
    assert read["period"].values.tolist() == ["INIT", "FINAL"]
    assert read["GPP"].sel(model="BETA", period="FINAL").mean().item() == pytest.approx(3.6)
    assert read["cVeg_change"].sel(model="ALPHA").mean().item() == pytest.approx(100.0)
    assert read["cVeg_change"].attrs["units"] == "gC m-2 yr-1"
    assert read["cVeg_change"].sel(model="BETA").isnull().all()


def test_models_on_different_grids_meet_at_half_a_degree(folder):
    write_field(folder, "GAMMA_gpp_FINAL_MEAN", 3 * PER_SECOND, axes=globe(20.0))
    write_field(folder, "GAMMA_npp_FINAL_MEAN", PER_SECOND, axes=globe(20.0))
    assert read_dgvm(folder)["lat"].size == 360
    like = xr.Dataset(coords=globe(15.0))
    read = read_dgvm(folder, like=like)
    assert read["lat"].size == 12
    assert read["native_grid"].values.tolist() == ["6 x 12", "6 x 12", "9 x 18"]


def test_monthly_pools_and_yearly_fluxes(tmp_path):
    axes = globe()
    months = xr.date_range("2001-01", periods=24, freq="MS", use_cftime=False)
    cube = {"time": months, **axes}
    shape = tuple(len(axis) for axis in cube.values())
    pool = np.broadcast_to(np.arange(24.0).reshape(-1, 1, 1) + 5, shape)
    for name, values, units in (("gpp", np.full(shape, 3e-8), "kg m-2 s-1"),
                                ("cVeg", pool, "kg m-2")):  # fmt: skip
        field = xr.DataArray(values, cube, tuple(cube), attrs={"units": units})
        field.to_dataset(name=name).to_netcdf(tmp_path / f"ALPHA_S3_{name}.nc")
    yearly = xr.DataArray(
        np.full((2, 6, 12), 4e-8),
        {"time": ("time", [1.0, 2.0], {"units": "years since 2000-01-01"}), **axes},
        ("time", "lat", "lon"),
        attrs={"units": "kg m-2 s-1"},
    )
    yearly.to_dataset(name="gpp").to_netcdf(tmp_path / "BETA_S3_gpp.nc")
    read = read_dgvm(tmp_path)
    assert read["cVeg"].isel(model=0, lat=0, lon=0).values.tolist() == [16000, 28000]
    assert read["GPP"].dims == ("model", "year", "lat", "lon")
    assert read["GPP"]["year"].values.tolist() == [2001, 2002]
    assert read["GPP"].isel(model=1, year=0).mean().item() == pytest.approx(4e-8 * 86.4e6)
    later = read_dgvm(tmp_path, options=DgvmOptions(years=(2002, 2002)))
    assert later["cVeg"]["year"].values.tolist() == [2002]


def test_cmip_names_and_pieces(tmp_path):
    axes = globe()
    for start in (2000, 2001):
        months = xr.date_range(f"{start}-01", periods=12, freq="MS", use_cftime=False)
        field = xr.DataArray(
            np.full((12, 6, 12), 3e-8), {"time": months, **axes}, ("time", "lat", "lon"),
            attrs={"units": "kg m-2 s-1"},
        )  # fmt: skip
        name = f"gpp_Lmon_CESM2_historical_r1i1p1f1_gn_{start}01-{start}12.nc"
        field.to_dataset(name="gpp").to_netcdf(tmp_path / name)
    read = read_dgvm(tmp_path)
    assert read["model"].values.tolist() == ["CESM2"]
    assert read.sizes["time"] == 24
    assert read["GPP"].notnull().all()


def monthly(path, start, value, months=12):
    steps = xr.date_range(f"{start}-01", periods=months, freq="MS", use_cftime=False)
    cube = {"time": steps, **globe()}
    shape = tuple(len(axis) for axis in cube.values())
    field = xr.DataArray(np.full(shape, value), cube, tuple(cube), attrs={"units": "kg m-2 s-1"})
    field.to_dataset(name="gpp").to_netcdf(path)


def test_one_realisation_is_taken_and_the_others_are_named(tmp_path):
    stem = "gpp_Lmon_CESM2_historical"
    monthly(tmp_path / f"{stem}_r10i1p1f1_gn_200101-200112.nc", 2001, 5e-8)
    monthly(tmp_path / f"{stem}_r2i1p1f1_gn_200001-200012.nc", 2000, 3e-8)
    read = read_dgvm(tmp_path)
    assert read.sizes["time"] == 12
    assert read["GPP"].mean().item() == pytest.approx(3e-8 * 86.4e6)
    assert "realisation r10i1p1f1" in faults_of(read, "CESM2")


def test_steps_of_two_files_are_not_joined_twice(tmp_path):
    (tmp_path / "later").mkdir()
    monthly(tmp_path / "ALPHA_S3_gpp.nc", 2000, 3e-8, months=24)
    monthly(tmp_path / "later" / "ALPHA_S3_gpp.nc", 2001, 5e-8, months=24)
    read = read_dgvm(tmp_path)
    assert read.sizes["time"] == 36
    yearly = read["GPP"].groupby("time.year").mean(...) / 86.4e6
    np.testing.assert_allclose(yearly, [3e-8, 3e-8, 5e-8], rtol=1e-5)
    fault = fault_table(read).set_index("model").loc["ALPHA"]
    assert "that another file has as well" in fault["what"]
    assert fault["n"] == 12


def test_models_that_are_not_there_are_named(folder):
    with pytest.raises(
        DataFileError, match=r"models: expected one of \['ALPHA', 'BETA'\], got 'X'"
    ):
        read_dgvm(folder, options=DgvmOptions(models=("X",)))
    with pytest.raises(ConfigError, match="expected a tuple of names, got the text 'ALPHA'"):
        DgvmOptions(models="ALPHA")


def test_of_two_copies_the_registered_name_is_kept(folder):
    for path in list(folder.glob("ALPHA_*.nc")):
        shutil.copy(path, folder / path.name.replace("ALPHA", "JULES"))
    read = read_dgvm(folder)
    assert read["model"].values.tolist() == ["BETA", "JULES"]
    assert "same values as JULES" in faults_of(read, "ALPHA")


def test_missing_pool_leaves_the_other_models_alone(folder):
    (folder / "BETA_cVeg_FINAL_MEAN.nc").unlink()
    (folder / "BETA_cVeg_INIT_MEAN.nc").unlink()
    read = read_dgvm(folder)
    assert read["cVeg"].sel(model="BETA").isnull().all()
    assert read["cVeg"].sel(model="ALPHA").notnull().all()


def test_duplicated_model_is_counted_once(folder):
    for path in list(folder.glob("ALPHA_*.nc")):
        shutil.copy(path, folder / path.name.replace("ALPHA", "OMEGA"))
    read = read_dgvm(folder)
    assert read["model"].values.tolist() == ["ALPHA", "BETA"]
    assert "same values as ALPHA" in faults_of(read, "OMEGA")


def test_filler_damaged_and_corrupt_files_are_left_out(folder):
    write_field(folder, "ZERO_gpp_FINAL_MEAN", 0.0)
    write_field(folder, "BETA_cLeaf_FINAL_MEAN", 0.0)
    (folder / "BETA_cWood_FINAL_MEAN.nc").write_bytes(b"not a file")
    axes = globe()
    broken = {"lat": np.full(6, 1.6e-314), "lon": axes["lon"]}
    write_field(folder, "BETA_cRoot_FINAL_MEAN", 1.0, axes=broken)
    read = read_dgvm(folder)
    assert read["model"].values.tolist() == ["ALPHA", "BETA"]
    assert "only zeros" in faults_of(read, "ZERO")
    found = faults_of(read, "BETA")
    for reason in ("a filler file, left out", "damaged", "strictly rising or falling"):
        assert reason in found


def test_negative_pools_are_masked_and_counted(folder):
    values = np.full((6, 12), 6.0)
    values[0, :3] = -4.0
    write_field(folder, "BETA_cVeg_FINAL_MEAN", values)
    read = read_dgvm(folder)
    assert int(read["cVeg"].sel(model="BETA", period="FINAL").isnull().sum()) == 3
    table = fault_table(read)
    assert table[table["what"].str.contains("below 0")]["n"].tolist() == [3]


@pytest.mark.parametrize(("units", "factor"), [("kg m-2", 1.0), ("g C m-2", 1e-6)])
def test_values_of_impossible_size_are_left_out(folder, units, factor):
    write_field(folder, "BETA_gpp_FINAL_MEAN", 3.0, units="kg m-2 s-1")
    write_field(folder, "BETA_cSoil_FINAL_MEAN", factor * 1e-3, units=units)
    found = faults_of(read_dgvm(folder), "BETA")
    assert "is it in another unit" in found


def test_missing_coast_and_partial_grid(folder):
    values = np.full((6, 12), 3 * PER_SECOND)
    values[:, ::2] = np.nan
    write_field(folder, "BETA_gpp_FINAL_MEAN", values)
    south = {"lat": globe()["lat"][2:], "lon": globe()["lon"]}
    write_field(folder, "BETA_npp_FINAL_MEAN", 1.5 * PER_SECOND, axes=south)
    read = read_dgvm(folder, like=xr.Dataset(coords=globe(15.0)))
    beta = read.sel(model="BETA", period="FINAL")
    assert beta["NPP"].isel(lat=slice(0, 4)).isnull().all()
    assert float(beta["GPP"].mean()) == pytest.approx(3.0, rel=1e-6)
    table = check_dgvms(read)
    assert table.set_index("model").loc["BETA", "covered"] < 0.9
    assert "of land not covered" in table.set_index("model").loc["BETA", "flags"]


def test_several_scenarios_need_a_choice(tmp_path):
    for scenario in ("S2", "S3"):
        write_field(tmp_path, f"ALPHA_{scenario}_gpp", 3 * PER_SECOND, variable="gpp")
    with pytest.raises(DataFileError, match="scenario: expected one scenario"):
        read_dgvm(tmp_path)
    read = read_dgvm(tmp_path, options=DgvmOptions(scenario="S2"))
    assert read.attrs["scenario"] == "S2"


def test_no_usable_file(tmp_path):
    with pytest.raises(DataFileError, match="expected a folder"):
        read_dgvm(tmp_path / "nothing")
    with pytest.raises(DataFileError, match="expected files like"):
        read_dgvm(tmp_path)
    write_field(tmp_path, "ALPHA_gpp_FINAL_MEAN", 0.0)
    with pytest.raises(DataFileError, match="expected at least one usable model"):
        read_dgvm(tmp_path)


def test_cache_gives_the_same_and_sees_changes(folder, tmp_path_factory):
    options = DgvmOptions(cache=tmp_path_factory.mktemp("cache"))
    first, second = (read_dgvm(folder, options=options) for _ in range(2))
    xr.testing.assert_equal(first, second)
    assert len(list(options.cache.iterdir())) == 1
    write_field(folder, "BETA_cVeg_FINAL_MEAN", 2.0)
    changed = read_dgvm(folder, options=options)
    assert changed["cVeg"].sel(model="BETA", period="FINAL").mean().item() == pytest.approx(2000)


def test_check_flags_what_is_implausible(folder):
    for part in ("cLeaf", "cWood", "cRoot"):
        write_field(folder, f"ALPHA_{part}_FINAL_MEAN", 4.0)
    read = read_dgvm(folder)
    fraction = xr.DataArray(np.full((6, 12), 0.3), globe(), ("lat", "lon"), attrs={"units": "1"})
    table = check_dgvms(read, fraction).set_index("model")
    area = land_area(fraction).sum().item()
    assert table.loc["ALPHA", "GPP"] == pytest.approx(3 * 365.25 * area * 1e-15, rel=1e-6)
    assert table.loc["ALPHA", "pools_open"] == pytest.approx(1.0, abs=1e-6)
    assert "pools doubled" in table.loc["ALPHA", "flags"]
    assert "cRoot equals cLeaf" in table.loc["ALPHA", "flags"]
    assert np.isnan(table.loc["BETA", "pools_open"])
    assert "cVeg 1102 outside" in table.loc["BETA", "flags"]


PAPER_MODELS = """CABLE-POP CARDAMOM CLASSIC CLM5.0 DLEM E3SM EDv3 IBIS ISAM ISBA-CTRIP JSBACH JULES
LPJ-GUESS LPJml LPJwsl LPX-Bern OCN ORCHIDEE SDGVM VISIT YIBs"""


def test_registry_names_the_models():
    names = PAPER_MODELS.split()
    assert len(names) == 21
    assert set(names) <= set(REGISTRY)
    assert all(REGISTRY[name].reference[-4:].isdigit() for name in names)
    assert model_entry("ISAM").deep_soil
    assert model_entry("clm5.0").deep_soil
    assert model_entry("unheard of") is None
