"""Whatever is downloaded is recognised, and what is wrong with it is told."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.cli import BAD_INPUT, OK, main
from uflux_stats.errors import ConfigError, DataFileError
from uflux_stats.io.data_check import render
from uflux_stats.io.recognition import describe

TOWER = "FLX_{}_FLUXNET2015_SUBSET_MM_2001-2001_1-4.csv"
COLUMNS = {"TA_F": 10.0, "VPD_F": 4.0, "P_F": 2.0, "SW_IN_F": 150.0, "LW_IN_F": 300.0,
           "PA_F": 98.0, "GPP_NT_VUT_REF": 4.0, "RECO_NT_VUT_REF": 3.0, "NEE_VUT_REF": -1.0,
           "NEE_VUT_REF_QC": 1.0, "LE_F_MDS": 40.0, "LE_F_MDS_QC": 1.0}  # fmt: skip


def tower(folder: Path, site="AA-One", **changes) -> Path:
    months = [f"2001{month:02d}" for month in range(1, 13)]
    table = pd.DataFrame({"TIMESTAMP": months}).assign(**(COLUMNS | changes))
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / TOWER.format(site), index=False)
    return folder / TOWER.format(site)


def grid(path: Path, name="t2m", value=285.0, units="K", lat=(10.0, 0.0)) -> Path:
    axes = {"time": pd.date_range("2001-01-01", periods=12, freq="MS"), "latitude": list(lat),
            "longitude": [0.0, 10.0, 20.0]}  # fmt: skip
    field = xr.DataArray(np.full((12, len(lat), 3), value), axes, attrs={"units": units})
    field[:, 0, 0] = np.nan
    field.to_dataset(name=name).to_netcdf(path)
    return path


class TestTowers:
    def test_what_each_tower_holds_and_lacks(self, tmp_path: Path) -> None:
        tower(tmp_path / "towers")
        tower(tmp_path / "towers", "BB-Two", SW_IN_F=9999.0, NEE_VUT_REF_QC=0.2)
        (tmp_path / "my_sites.csv").write_text("site,lat,lon,igbp\nAA-One,1,2,GRA\n")
        report = describe(tmp_path / "towers")
        assert report.kind == "flux towers"
        rows = report.rows.set_index("site")
        assert rows["step"].tolist() == ["monthly", "monthly"]
        assert rows["GPP"].tolist() == [12, 0]
        assert rows["LE"].tolist() == [12, 12]
        assert rows.loc["AA-One", "lacks"] == "TS RNET KOPPEN C4 DEM"
        assert rows.loc["BB-Two", "lacks"].endswith("metadata")
        assert rows.loc["BB-Two", "dropped"] == [
            "SWIN 12 (a wrong unit or an undeclared fill value?): outside the possible range"
        ]

    def test_a_damaged_file_does_not_hide_the_others(self, tmp_path: Path) -> None:
        path = tower(tmp_path)
        path.write_bytes(path.read_bytes()[:-30])
        tower(tmp_path, "BB-Two")
        rows = describe(tmp_path).rows.set_index("site")
        assert rows["months"].tolist() == [0, 12]
        assert "fields per line" in rows.loc["AA-One", "faults"][0]


class TestGrids:
    def test_what_a_file_holds(self, tmp_path: Path) -> None:
        report = describe(grid(tmp_path / "era5.nc"))
        assert report.kind == "gridded drivers"
        row = report.rows.iloc[0]
        assert (row["driver"], row["in_file"], row["units"]) == ("TA", "t2m", "degC")
        assert row["period"] == "2001-01 to 2001-12"
        assert row["grid"] == "2 x 3, 10 x 10 degree"
        assert (row["missing"], row["min"]) == (0.0, pytest.approx(11.85))
        assert "lacking TS VPD SWIN" in report.summary

    def test_missing_values_where_others_have_them(self, tmp_path: Path) -> None:
        grid(tmp_path / "a.nc")
        rain = xr.load_dataset(grid(tmp_path / "b.nc", "tp", 0.002, "m"))
        rain["tp"][:] = 0.002
        rain["tp"].attrs["units"] = "m"
        rain.to_netcdf(tmp_path / "b.nc")
        rows = describe(tmp_path).rows.set_index("driver")
        assert rows.loc["TA", "missing"] == pytest.approx(1 / 6)
        assert rows.loc["P", "missing"] == 0.0

    def test_a_wrong_unit_is_told_file_by_file(self, tmp_path: Path) -> None:
        grid(tmp_path / "a.nc")
        grid(tmp_path / "b.nc", "ssrd", 1.7e7, "W m-2")
        report = describe(tmp_path)
        assert "not readable together: SWIN" in report.summary
        rows = report.rows.set_index("driver")
        assert rows.loc["TA", "faults"] == []
        assert "look like J m-2 d-1" in rows.loc["b.nc", "faults"][0]

    def test_several_grids(self, tmp_path: Path) -> None:
        grid(tmp_path / "a.nc")
        grid(tmp_path / "b.nc", "tp", 0.002, "m", lat=(20.0, 10.0, 0.0))
        report = describe(tmp_path)
        assert "brought to 0.5 degree" in report.summary
        assert set(report.rows["grid"]) == {"360 x 720, 0.5 x 0.5 degree"}

    def test_a_file_cut_in_the_middle(self, tmp_path: Path) -> None:
        path = grid(tmp_path / "a.nc")
        path.write_bytes(path.read_bytes()[:3000])
        report = describe(path)
        assert "damaged" in report.rows["faults"][0][0]


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("s.csv", "site,lat,lon,igbp\nAA-One,1,2,\n", "sites, 1 rows"),
        ("f.csv", "site,time,fapar\nAA-One,2001-01,0.5\nAA-One,2001-02,\n", "fAPAR of sites, 2"),
        ("co2_mm_gl.csv", "# a\nyear,month,decimal,average\n1979,1,1979.04,336.5\n", "CO2 of NOAA"),
        ("FLX_AA-Flx_BIF_LATEST.csv", "SITE_ID,GROUP_ID,VARIABLE_GROUP,VARIABLE,DATAVALUE\n"
         "AA-One,1,G,LOCATION_LAT,1\nAA-One,1,G,LOCATION_LONG,2\n", "BADM"),
    ],
)  # fmt: skip
def test_tables(tmp_path: Path, name: str, text: str, kind: str) -> None:
    (tmp_path / name).write_text(text)
    report = describe(tmp_path / name)
    assert kind in report.summary
    assert report.rows["there"][0] == 1


def test_models_come_before_other_grids(tmp_path: Path) -> None:
    grid(tmp_path / "CLM5.0_S3_gpp.nc", "gpp", 3e-8, "kg m-2 s-1")
    assert describe(tmp_path).kind == "vegetation models"


def test_nothing_known(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="got nothing in"):
        describe(tmp_path)
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(ConfigError, match="expected flux towers, vegetation models, tables"):
        describe(tmp_path)
    with pytest.raises(ConfigError, match="got none of these"):
        describe(tmp_path / "notes.txt")
    (tmp_path / "more.txt").write_text("hello")
    with pytest.raises(ConfigError, match=r"2 other files in .*more\.txt, notes\.txt"):
        describe(tmp_path)
    with pytest.raises(DataFileError, match="got nothing at"):
        describe(tmp_path / "none")


def test_an_archive_of_grids_is_to_be_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "era5.zip", "w") as archive:
        archive.write(grid(tmp_path / "a.nc"), "data_stream-moda.nc")
    with pytest.raises(ConfigError, match="only those of towers are read as they are: unpack it"):
        describe(tmp_path / "era5.zip")


def test_what_is_not_whole_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "empty.nc").touch()
    with pytest.raises(DataFileError, match=r"got the empty file .*empty\.nc; get it again"):
        describe(tmp_path / "empty.nc")
    cut = tmp_path / "FLX_AA-One_FLUXNET2015_SUBSET_2001-2002_1-4.zip"
    cut.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(DataFileError, match=r"expected a zip archive, .* download it again"):
        describe(cut)
    picture = tmp_path / "picture.nc"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500))
    assert "damaged or of another format" in describe(picture).rows["faults"][0][0]


def test_a_member_of_the_family_without_months(tmp_path: Path) -> None:
    path = tmp_path / "FLX_AR-Vir_FLUXNET2015_ERAI_MM_1989-2014_1-3.csv"
    path.write_text("TIMESTAMP,TA_ERA\n198901,20\n")
    with pytest.raises(DataFileError, match="download the SUBSET or FULLSET product"):
        describe(path)


def test_a_grid_that_cannot_be_brought_to_another_leaves_the_others(tmp_path: Path) -> None:
    grid(tmp_path / "a.nc")
    odd = xr.load_dataset(grid(tmp_path / "b.nc"))
    lon = next(str(name) for name in odd.coords if str(name).startswith("lon"))
    odd.assign_coords({lon: odd[lon] + 3600.0}).to_netcdf(tmp_path / "b.nc")
    rows = describe(tmp_path).rows
    assert (rows["faults"].map(len) > 0).tolist() == [False, True]
    assert "degrees" in rows["faults"].iloc[1][0]


def test_text_and_json_tell_the_same(tmp_path: Path) -> None:
    report = describe(tower(tmp_path))
    text, rows = render(report), json.loads(render(report, "json"))["rows"]
    assert "AA-One" in text
    assert rows[0]["site"] == "AA-One"
    assert rows[0]["GPP"] == 12


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", str(tower(tmp_path))]) == OK
    assert "flux towers in" in capsys.readouterr().out
    assert main(["data", "check", str(tmp_path / "none")]) == BAD_INPUT


def test_command_fails_where_nothing_can_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of towers, grids and models alike; a fault in one of several files is told alone."""
    towers, grids, models = (tmp_path / name for name in ("towers", "grids", "models"))
    for folder in (grids, models):
        folder.mkdir()
    cut = (tower(towers), grid(grids / "a.nc"), grid(models / "CLM5.0_S3_gpp.nc", "gpp"))
    for path in cut:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 + 20])
        assert main(["data", "check", str(path.parent)]) == BAD_INPUT
        told = capsys.readouterr()
        assert path.name.split("_S3")[0] in told.out
        assert "that can be read, got none in" in told.err
    tower(towers, "BB-Two")
    grid(grids / "b.nc")
    grid(models / "JULES_S3_gpp.nc", "gpp", 3e-8, "kg m-2 s-1")
    for path in cut:
        assert main(["data", "check", str(path.parent)]) == OK


def test_a_fault_of_one_file_is_told_once(tmp_path: Path) -> None:
    path = grid(tmp_path / "a.nc", "ssrd", 1.7e7, "W m-2")
    assert "not readable together" not in describe(path).summary


def test_a_tower_under_two_names(tmp_path: Path) -> None:
    fluxes = {"NEE_VUT_REF": np.arange(12.0) - 6, "LE_F_MDS": np.arange(12.0) * 5}
    for site in ("AA-One", "BB-Two"):
        tower(tmp_path, site, **fluxes)
    summary = describe(tmp_path).summary
    assert "not readable together: path: expected each tower under one name" in summary
    assert "0 unreadable" in summary


def test_real_data(real_data: Path) -> None:
    rows = describe(real_data / "native_samples").rows.set_index("site")
    assert rows.loc["US-SRM", "GPP"] == 230
    assert "13 of 13 drivers" in describe(real_data / "climatology_0p5.nc").summary
