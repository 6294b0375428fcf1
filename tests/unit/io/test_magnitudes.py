"""Wrong units that stay within the range of their variable."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import RangeError
from uflux_stats.io.drivers import read_drivers
from uflux_stats.io.drops import dropped_report
from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.io.magnitudes import magnitudes_of_grid

YEAR = xr.date_range("2001-01", periods=12, freq="MS")
USUAL = {"TA": (15.0, "degC"), "VPD": (7.0, "hPa"), "P": (2.0, "mm d-1"), "SWIN": (180.0, "W m-2")}


def drivers(time=YEAR, **scale: float) -> xr.Dataset:
    axes = {"time": time, "lat": [0.0, 1.0], "lon": [0.0, 1.0]}
    cycle = 1 + 0.5 * np.sin(np.arange(len(time)))[:, None, None] + np.zeros((1, 2, 2))
    return xr.Dataset(
        {
            name: (list(axes), mean * cycle * scale.get(name, 1.0), {"units": unit})
            for name, (mean, unit) in USUAL.items()
        },
        axes,
    )


@pytest.mark.parametrize(
    ("name", "factor", "match"),
    [
        ("VPD", 0.1, "VPD.*% of saturation on average; it looks like kPa"),
        ("VPD", 4.0, "VPD.*times saturation on average; it looks like Pa"),
        ("VPD", 100.0, "VPD: expected 0 to 100 hPa.*look like Pa"),
        ("P", 1e-3, "P: .*it looks like m d-1"),
        ("P", 1 / 86400, "P: .*it looks like kg m-2 s-1"),
        ("SWIN", 86400.0, "SWIN: expected 0 to 500 W m-2.*look like J m-2 d-1"),
        ("SWIN", 0.0864, "SWIN: .*it looks like MJ m-2 d-1"),
    ],
)
def test_a_grid_in_another_unit_than_labelled(tmp_path: Path, name, factor, match) -> None:
    drivers(**{name: factor}).to_netcdf(tmp_path / "d.nc")
    with pytest.raises(RangeError, match=match):
        read_drivers(tmp_path / "d.nc")


def test_usual_magnitudes_pass() -> None:
    assert magnitudes_of_grid(drivers()).faults() == {}


@pytest.mark.parametrize(("name", "factor"), [("VPD", 0.1), ("P", 1e-3), ("SWIN", 0.0864)])
def test_a_unit_that_changes_from_one_year_to_the_next(tmp_path: Path, name, factor) -> None:
    starts = [xr.date_range(f"{year}-01", periods=12, freq="MS") for year in range(2001, 2005)]
    years = [drivers(start) for start in starts]
    years[2][name] = years[2][name] * factor
    units = {key: {"units": unit} for key, (_, unit) in USUAL.items()}
    together = xr.concat(years, "time").map(lambda values: values.assign_attrs(units[values.name]))
    together.to_netcdf(tmp_path / "d.nc")
    with pytest.raises(RangeError, match=f"{name}: .* in 2003: correct the units"):
        read_drivers(tmp_path / "d.nc")


def test_less_than_a_year_does_not_tell() -> None:
    assert magnitudes_of_grid(drivers(YEAR[:11], VPD=0.1, P=1e-3, SWIN=0.0864)).faults() == {}


def test_deficit_needs_the_temperature() -> None:
    assert magnitudes_of_grid(drivers(VPD=0.1).drop_vars("TA")).faults() == {}


COLUMNS = {"TA_F": 10.0, "VPD_F": 4.0, "P_F": 2.0, "SW_IN_F": 150.0, "GPP_NT_VUT_REF": 4.0,
           "RECO_NT_VUT_REF": 3.0, "NEE_VUT_REF": -1.0, "NEE_VUT_REF_QC": 1.0, "LE_F_MDS": 40.0,
           "LE_F_MDS_QC": 1.0}  # fmt: skip
NAME = "FLX_AA-One_FLUXNET2015_SUBSET_MM_2001-2003_1-4.csv"


def write_tower(folder: Path, changed: dict[str, float], years: set[int]) -> Path:
    """Three years at one tower; some columns have another value in some years."""
    lines = [",".join(["TIMESTAMP", *COLUMNS])]
    for year in (2001, 2002, 2003):
        row = COLUMNS | (changed if year in years else {})
        values = ",".join(map(str, row.values()))
        lines += [f"{year}{month:02d},{values}" for month in range(1, 13)]
    (folder / NAME).write_text("\n".join(lines))
    return folder / NAME


@pytest.mark.parametrize("years", [{2001, 2002, 2003}, {2002}])
@pytest.mark.parametrize(
    ("column", "value", "name"),
    [("VPD_F", 0.3, "VPD"), ("P_F", 0.002, "P"), ("P_F", 60.0, "P"), ("SW_IN_F", 13.0, "SWIN")],
)
def test_a_tower_in_another_unit_is_blanked_and_counted(
    tmp_path: Path, column, value, name, years
) -> None:
    towers = read_fluxnet(write_tower(tmp_path, {column: value}, years))
    lost = towers[name].isnull().any("site")
    assert set(towers["time"].dt.year.values[lost.values]) == years
    assert towers["TA"].notnull().all()
    report = dropped_report(towers)
    counted = report[report["reason"].str.contains("another unit")]
    assert counted[["variable", "n"]].values.tolist() == [[name, 12 * len(years)]]


@pytest.mark.parametrize(
    ("column", "value", "name"), [("VPD_F", 400.0, "VPD"), ("SW_IN_F", 1.3e7, "SWIN")]
)
def test_a_tower_out_of_range_is_blanked_and_counted(tmp_path: Path, column, value, name) -> None:
    towers = read_fluxnet(write_tower(tmp_path, {column: value}, {2003}))
    assert towers[name].isnull().sum() == 12
    report = dropped_report(towers).set_index("variable")
    assert report.loc[name, "n"] == 12
    assert "range" in report.loc[name, "reason"]


def test_of_a_driver_that_is_mostly_impossible_nothing_is_kept(tmp_path: Path) -> None:
    path = write_tower(tmp_path, {"VPD_F": 400.0}, {2001, 2002})
    path.write_text(path.read_text().replace("200301,10.0,4.0", "200301,10.0,60.0"))
    towers = read_fluxnet(path)
    assert towers["VPD"].isnull().all()
    report = dropped_report(towers).set_index(["variable", "reason"])["n"]
    assert report["VPD", "outside the possible range"] == 24
    assert report["VPD", "values that can only be of another unit, none kept"] == 12
    towers = read_fluxnet(write_tower(tmp_path, {"VPD_F": 400.0}, {2001}))
    assert towers["VPD"].notnull().sum() == 24


def test_real_data_are_of_usual_magnitude(real_data: Path) -> None:
    read_drivers(real_data / "climatology_0p5.nc")
    report = dropped_report(read_fluxnet(real_data / "fluxnet2015"))
    assert not report["reason"].str.contains("another unit").any()
