"""Half-hourly, daily and weekly files become the months that monthly files hold."""

import numpy as np
import pandas as pd
import pytest

from uflux_stats.errors import DataFileError
from uflux_stats.io.drops import dropped_report
from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.units import MOLAR_MASS_CARBON

SLU = "FLX_AR-SLu_FLUXNET2015_FULLSET_{}_2009-2011_1-3.csv"
CARBON = MOLAR_MASS_CARBON * 1e-6 * 86400


def half_hours(samples, start="2001-01-01", end="2001-02-28 23:30", minutes=30, **columns):
    """A half-hourly table; carbon fluxes are in umolCO2 m-2 s-1, rain in mm per step."""
    times = pd.date_range(start, end, freq=f"{minutes}min")
    frame = samples.table().drop(columns="TIMESTAMP").iloc[:1]
    frame = frame.loc[[0] * len(times)].reset_index(drop=True)
    ends = times + pd.Timedelta(minutes=minutes)
    stamps = {"TIMESTAMP_START": times.strftime("%Y%m%d%H%M"),
              "TIMESTAMP_END": ends.strftime("%Y%m%d%H%M")}  # fmt: skip
    good = {"NEE_VUT_REF_QC": 0, "LE_F_MDS_QC": 0}
    return frame.assign(**stamps).assign(**good).assign(**columns)


def written(tmp_path, samples, frame, step="HH"):
    return samples.write(tmp_path, frame, samples.file_name(step=step))


@pytest.mark.parametrize("variable", ["TA", "VPD", "SWIN", "LWIN", "P", "PA", "GPP", "RECO", "NEE"])
def test_days_give_the_months_of_the_monthly_file(real_data, variable) -> None:
    # REF is another threshold of friction velocity at each step; USTAR50 is one and the same
    folder, same = real_data / "native_samples", {"qc": None, "reference": "USTAR50"}
    days = read_fluxnet(folder / SLU.format("DD"), **same)[variable]
    months = read_fluxnet(folder / SLU.format("MM"), **same)[variable]
    np.testing.assert_allclose(days, months, rtol=2e-3, atol=2e-3)


def test_quality_of_days_is_that_of_the_month(real_data) -> None:
    folder = real_data / "native_samples"
    kept = [
        read_fluxnet(folder / SLU.format(step), qc=0.5)[["NEE", "LE"]].notnull()
        for step in ("DD", "MM")
    ]
    assert kept[1].to_array().any()
    assert kept[0].identical(kept[1].assign_attrs(kept[0].attrs))


@pytest.mark.parametrize("minutes", [30, 60])
def test_units_of_half_hours_and_hours(tmp_path, samples, minutes) -> None:
    frame = half_hours(samples, minutes=minutes, P_F=0.1, GPP_NT_VUT_REF=4.0, NEE_VUT_REF=-1.0)
    towers = read_fluxnet(written(tmp_path, samples, frame)).isel(site=0)
    assert towers.sizes["time"] == 2
    np.testing.assert_allclose(towers["P"], 0.1 * 24 * 60 / minutes)
    np.testing.assert_allclose(towers["GPP"], 4.0 * CARBON)
    np.testing.assert_allclose(towers["NEE"], -CARBON)
    np.testing.assert_allclose(towers["LE"], 40.0)
    assert towers.attrs["steps"] == "1 half-hourly"


@pytest.mark.parametrize(("code", "kept"), [(0, True), (1, True), (2, False), (3, False)])
def test_quality_codes_of_half_hours(tmp_path, samples, code, kept) -> None:
    frame = half_hours(samples, NEE_VUT_REF_QC=code)
    towers = read_fluxnet(written(tmp_path, samples, frame))
    assert bool(towers["GPP"].notnull().all()) is kept
    assert bool(towers["LE"].notnull().all())


def test_steps_that_are_not_there_are_not_good(tmp_path, samples) -> None:
    frame = half_hours(samples, end="2001-01-22 23:30")  # 22 of 31 days
    path = written(tmp_path, samples, frame)
    assert read_fluxnet(path, qc=0.8)["NEE"].isnull().all()
    assert read_fluxnet(path, qc=0.7)["NEE"].notnull().all()


def test_half_a_month_is_the_least(tmp_path, samples) -> None:
    frame = half_hours(samples, end="2001-02-13 23:30")  # 13 of 28 days
    towers = read_fluxnet(written(tmp_path, samples, frame), qc=None)
    assert towers["TA"].notnull().values.tolist() == [[True, False]]
    assert samples.dropped(dropped_report(towers), "TA", "less than half") == 1


def test_missing_half_hours_are_left_out_of_the_mean(tmp_path, samples) -> None:
    frame = half_hours(samples)
    frame.loc[frame.index[::3], "TA_F"] = -9999
    towers = read_fluxnet(written(tmp_path, samples, frame))
    np.testing.assert_allclose(towers["TA"], 10.0)


@pytest.mark.parametrize("inclusive", [True, False])
def test_weeks_count_for_each_of_their_days(tmp_path, samples, inclusive) -> None:
    starts = pd.date_range("2001-01-01", periods=8, freq="7D")
    ends = starts + pd.Timedelta(days=6 if inclusive else 7)
    frame = samples.table().drop(columns="TIMESTAMP").iloc[:8].assign(
        TIMESTAMP_START=starts.strftime("%Y%m%d"), TIMESTAMP_END=ends.strftime("%Y%m%d"),
        TA_F=np.arange(8.0),
    )  # fmt: skip
    towers = read_fluxnet(written(tmp_path, samples, frame, step="WW")).isel(site=0)
    january = (7 * (0 + 1 + 2 + 3) + 3 * 4) / 31
    assert towers["TA"].values[0] == pytest.approx(january)
    assert towers["NEE"].notnull().values.tolist() == [True, True]


@pytest.mark.parametrize(
    "name",
    [
        "ICOSETC_AA-One_FLUXNET_MM_L2.csv",
        "ICOSETC_AA-One_FLUXNET_MM_INTERIM_L2.csv",
        "ICOS_AA-One_FLUXNET_FLUXMET_MM_2001-2001_v1.3_r1.csv",
        "AMF_AA-One_FLUXNET_FLUXMET_MM_2001-2001_v1.3_r1.csv",
        "AMF_AA-One_FLUXNET_FULLSET_MM_2001-2001_3-5.csv",
        "FLX_AA-One_FLUXNET2015_FULLSET_MM_2001-2001_beta-3.csv",
    ],
)
def test_names_of_the_family(tmp_path, samples, name) -> None:
    towers = read_fluxnet(samples.write(tmp_path, name=name))
    assert towers["site"].values.tolist() == ["AA-One"]
    assert towers["GPP"].notnull().all()


def test_a_name_without_years_promises_those_of_its_stamps(tmp_path, samples) -> None:
    frame = samples.table((2001, 2003)).drop(index=[5, 6])
    towers = read_fluxnet(samples.write(tmp_path, frame, "ICOSETC_AA-One_FLUXNET_MM_L2.csv"))
    assert samples.dropped(dropped_report(towers), "month", "period absent") == 2


def test_stamps_of_another_step(tmp_path, samples) -> None:
    path = samples.write(tmp_path, name=samples.file_name(step="DD"))
    with pytest.raises(DataFileError, match=r"daily stamps as YYYYMMDD.*got '200101'"):
        read_fluxnet(path)


def test_a_half_hourly_file_cut_in_the_middle(tmp_path, samples) -> None:
    path = written(tmp_path, samples, half_hours(samples))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataFileError, match="fields per line"):
        read_fluxnet(path)


def test_a_file_cut_within_the_last_number_of_a_line(tmp_path, samples) -> None:
    path = samples.write(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:8])[:-2])
    with pytest.raises(DataFileError, match="months to 2001-12, got the last in 2001-07 without"):
        read_fluxnet(path)
    path.write_bytes(b"".join(lines).rstrip())  # whole, but for the last end of line
    assert read_fluxnet(path).sizes["time"] == 12


def test_towers_of_different_steps_in_one_folder(tmp_path, samples) -> None:
    samples.write(tmp_path)
    frame = half_hours(samples)
    samples.write(tmp_path, frame, samples.file_name("BB-Two", step="HH"))
    towers = read_fluxnet(tmp_path)
    assert towers.attrs["steps"] == "1 half-hourly, 1 monthly"
    assert towers["TA"].notnull().sum("time").values.tolist() == [12, 2]
