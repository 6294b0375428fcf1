"""The check of a folder of vegetation models: what it tells, and what it flags."""

import json
import shutil

import numpy as np
import pytest
import xarray as xr

from tests.unit.io.dgvm.conftest import PER_SECOND, globe, write_field
from uflux_stats.cli import main
from uflux_stats.errors import ConfigError, DataFileError
from uflux_stats.io.data_check import Checker, DataReport, check_data, render
from uflux_stats.io.dgvm.folder_check import check_dgvm_folder, dgvm_checker


def rows_of(folder):
    return check_dgvm_folder(folder).rows.set_index("model")


def test_twin_is_told_model_by_model(twin):
    rows = rows_of(twin.dgvm)
    assert len(rows) == 8
    assert set(rows["steps"]) == {"monthly 2003 to 2005, yearly 2003 to 2005"}
    assert rows["grid"].notna().all()
    assert rows.loc["TWIN-ALDER", "variables"].split()[:2] == ["GPP", "NBP"]
    assert abs(rows["pools_open"]).max() == 0.0
    assert (rows["GPP"] > 0).all()


def test_only_the_last_ten_years_are_read(tmp_path):
    years = np.arange(1990, 2021)
    axes = {"year": years, **globe()}
    values = np.where(years >= 2011, 3.0, 6.0)[:, None, None] * np.ones((1, 6, 12))
    for short in ("gpp", "npp"):
        field = xr.DataArray(values * PER_SECOND, axes, tuple(axes), attrs={"units": "kg m-2 s-1"})
        field.to_dataset(name=short).to_netcdf(tmp_path / f"ALPHA_S3_{short}.nc")
    row = rows_of(tmp_path).loc["ALPHA"]
    assert row["steps"] == "yearly 1990 to 2020"
    land = 134.5e12
    assert row["GPP"] == pytest.approx(3 * 365.25 * land * 1e-15, rel=0.01)


def test_faults_and_flags_of_broken_files(folder):
    broken = {"lat": np.full(6, 1.6e-314), "lon": globe()["lon"]}
    write_field(folder, "ALPHA_cLeaf_FINAL_MEAN", 1.0, axes=broken)
    write_field(folder, "ZERO_gpp_FINAL_MEAN", 0.0)
    for part in ("cLeaf", "cWood", "cRoot"):
        write_field(folder, f"BETA_{part}_FINAL_MEAN", 4.8)
    for path in list(folder.glob("ALPHA_*.nc")):
        shutil.copy(path, folder / path.name.replace("ALPHA", "OMEGA"))
    for path in list(folder.glob("ALPHA_*.nc")):
        if "cLeaf" not in path.name:
            shutil.copy(path, folder / path.name.replace("ALPHA", "ISAM"))
    write_field(folder, "ISAM_cSoil_FINAL_MEAN", 30.0)
    rows = rows_of(folder)
    assert rows.loc["ALPHA", "left_out"] == 1
    assert any("strictly rising or falling" in text for text in rows.loc["ALPHA", "faults"])
    assert "pools doubled" in rows.loc["BETA", "flags"]
    assert rows.loc["ZERO", "flags"] == ["no usable file"]
    assert "same values as ALPHA" in rows.loc["OMEGA", "flags"]
    assert "deep soil carbon" in rows.loc["ISAM", "flags"]
    assert any(text.startswith("cSoil 4") for text in rows.loc["ISAM", "flags"])
    assert "broken coordinates" in rows.loc["ISAM", "known"]


def test_command_line_tells_text_and_json(folder, capsys):
    assert main(["data", "check", str(folder)]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"vegetation models in {folder}: 2 models, 0 of them in the registry")
    assert "  variables: GPP NPP cSoil cVeg" in text
    assert main(["data", "check", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["kind"] == "vegetation models"
    assert [row["model"] for row in told["rows"]] == ["ALPHA", "BETA"]
    assert told["rows"][1]["GPP"] == pytest.approx(1.2 * told["rows"][0]["GPP"], rel=1e-4)


def test_what_is_not_known_is_said(tmp_path, capsys):
    assert main(["data", "check", str(tmp_path / "none")]) == 2
    assert "got nothing at" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="expected vegetation models, got nothing in"):
        check_data(tmp_path, (dgvm_checker(),))
    write_field(tmp_path, "ALPHA_S1_gpp", 3 * PER_SECOND)
    write_field(tmp_path, "ALPHA_S2_gpp", 3 * PER_SECOND)
    with pytest.raises(DataFileError, match="scenario: expected one scenario"):
        check_data(tmp_path, (dgvm_checker(),))
    assert main(["data", "check", str(tmp_path), "--scenario", "S2"]) == 0
    assert "1 models" in capsys.readouterr().out


def test_first_checker_that_knows_the_path_is_asked(folder):
    rows = check_dgvm_folder(folder).rows
    other = Checker("others", lambda _: True, lambda path: DataReport("others", path, "", rows))
    assert check_data(folder, (dgvm_checker(), other)).kind == "vegetation models"
    assert render(check_data(folder, (other, dgvm_checker()))).startswith("others in")
