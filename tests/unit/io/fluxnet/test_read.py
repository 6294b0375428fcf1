"""From files to the dataset of towers."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.checks import require_monthly, require_variables
from uflux_stats.errors import ConfigError, DataFileError, MissingVariableError
from uflux_stats.io.co2 import co2_series
from uflux_stats.io.drops import dropped_report
from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.schema import MISSING_CLASS

DRIVERS = ["TA", "TS", "VPD", "SWIN", "LWIN", "RNET", "P", "PA", "CO2", "FAPAR"]
TARGETS = ["GPP", "RECO", "NEE", "LE"]
SITES = "site,lat,lon,igbp,koppen,elev,c4_site,c4_percent\n"


def first_months(**values: list) -> dict[str, list]:
    """Twelve values per column: those given, then the default."""
    fill = {"GPP_NT_VUT_REF": 4.0, "NEE_VUT_REF_QC": 1.0, "LE_F_MDS_QC": 1.0, "LE_F_MDS": 40.0}
    return {k: v + [fill.get(k, 100.0)] * (12 - len(v)) for k, v in values.items()}


def read(folder, samples, **columns) -> tuple[xr.Dataset, pd.DataFrame]:
    samples.write(folder, samples.table(**columns))
    towers = read_fluxnet(folder)
    return towers, dropped_report(towers)


def test_the_contract(tmp_path, samples) -> None:
    towers, _ = read(tmp_path, samples)
    require_variables(towers, [*DRIVERS, *TARGETS, "IGBP", "KOPPEN", "C4", "DEM"], name="towers")
    require_monthly(towers["time"])
    assert towers["time"].dtype == "datetime64[ns]"
    assert towers["GPP"].dims == ("site", "time")
    assert towers["IGBP"].dims == ("site",)
    assert {"lat", "lon", "site", "time"} == set(towers.coords)
    assert towers["GPP"].attrs["source"] == "GPP_NT_VUT_REF"


def test_values_come_from_their_columns(tmp_path, samples) -> None:
    towers, _ = read(tmp_path, samples)
    first = towers.isel(site=0, time=0)
    found = [first[name].item() for name in ("TA", "TS", "VPD", "SWIN", "LWIN", "RNET", "P", "PA")]
    assert found == [10, 9, 5, 150, 300, 80, 2, 98]
    assert [first[name].item() for name in TARGETS] == [4, 3, -1, 40]
    daytime = read_fluxnet(tmp_path, partitioning="DT").isel(site=0, time=0)
    assert [daytime[name].item() for name in ("GPP", "RECO")] == [4.5, 3.5]


def test_quality_filters_targets_only(tmp_path, samples) -> None:
    quality = first_months(NEE_VUT_REF_QC=[0.8, 0.79, -9999, 3.0], LE_F_MDS_QC=[0.0])
    towers, report = read(tmp_path, samples, **quality)
    tower = towers.isel(site=0)
    for name in ("GPP", "RECO", "NEE"):
        assert tower[name].notnull().values[:5].tolist() == [True, False, False, False, True]
    assert tower["LE"].notnull().values[:2].tolist() == [False, True]
    assert all(tower[name].notnull().all() for name in DRIVERS if name != "FAPAR")
    assert samples.dropped(report, "GPP", "below") == 1
    assert samples.dropped(report, "GPP", "quality missing") == 2
    assert samples.dropped(report, "LE", "below") == 1


def test_without_quality_all_are_kept(tmp_path, samples) -> None:
    samples.write(tmp_path, samples.table(NEE_VUT_REF_QC=-9999, LE_F_MDS_QC=0.0))
    towers = read_fluxnet(tmp_path, qc=None)
    assert all(towers[name].notnull().all() for name in TARGETS)


def test_missing_is_nan_however_it_is_written(tmp_path, samples) -> None:
    towers, report = read(tmp_path, samples, TA_F=["-9999", "-9999.0", "-9.999e3", ""] + ["1"] * 8)
    assert towers["TA"].isnull().sum() == 4
    assert samples.dropped(report, "TA", "missing in the file") == 4


def test_negative_gpp_is_data(tmp_path, samples) -> None:
    towers, _ = read(tmp_path, samples, GPP_NT_VUT_REF=-6.9)
    assert (towers["GPP"] == -6.9).all()


def test_impossible_values_are_dropped_and_counted(tmp_path, samples) -> None:
    columns = first_months(LE_F_MDS=[250.0, 250.1, 326.5], SW_IN_F=[360.0, 404.0])
    towers, report = read(tmp_path, samples, **columns, TA_F=283.15, P_F=np.inf)
    assert towers["LE"].isnull().sum() == samples.dropped(report, "LE", "range") == 2
    assert towers["SWIN"].isnull().sum() == samples.dropped(report, "SWIN", "range") == 1
    assert towers["TA"].isnull().sum() == samples.dropped(report, "TA", "range") == 12
    assert towers["P"].isnull().sum() == samples.dropped(report, "P", "range") == 12
    wide = read_fluxnet(tmp_path, limits={"LE": (-100.0, 400.0)})
    assert wide["LE"].notnull().all()


@pytest.mark.parametrize("name", [*DRIVERS[:8], *TARGETS])
def test_kept_and_dropped_make_the_file(tmp_path, samples, name) -> None:
    rng = np.random.default_rng(0)
    names = samples.table().columns[1:]
    columns = {column: rng.choice([-9999, 0.5, 0.9, 1.0, 5.0, 1e4], size=12) for column in names}
    towers, report = read(tmp_path, samples, **columns)
    kept = int(towers[name].notnull().sum())
    assert kept + int(report.loc[report["variable"] == name, "n"].sum()) == 12


def test_global_co2_is_the_default(tmp_path, samples) -> None:
    samples.write(tmp_path, samples.table(CO2_F_MDS=[0.0, 591.2, -9999] + [400.0] * 9))
    towers = read_fluxnet(tmp_path)
    background = co2_series(towers["time"])
    np.testing.assert_array_equal(towers["CO2"][0], background)
    local = read_fluxnet(tmp_path, co2="tower")
    np.testing.assert_array_equal(local["CO2"][0, :3], background[:3])
    assert (local["CO2"][0, 3:] == 400).all()
    assert samples.dropped(dropped_report(local), "CO2", "global mean taken") == 3


def test_months_beyond_the_co2_table_are_counted(tmp_path, samples) -> None:
    years = (2026, 2026)
    samples.write(tmp_path, samples.table(years), samples.file_name(years=years))
    towers = read_fluxnet(tmp_path)
    report = dropped_report(towers)
    assert towers["CO2"].isnull().sum() == samples.dropped(report, "CO2", "global CO2 table") == 8


def test_absent_columns(tmp_path, samples) -> None:
    samples.write(tmp_path, samples.table(NETRAD=None, TS_F_MDS_1=None))
    samples.write(tmp_path, samples.table(GPP_NT_VUT_REF=None), samples.file_name("BB-Two"))
    towers = read_fluxnet(tmp_path)
    report = dropped_report(towers)
    assert towers["RNET"].sel(site="AA-One").isnull().all()
    assert samples.dropped(report, "RNET", "column absent") == 12
    assert towers["GPP"].sel(site="BB-Two").isnull().all()
    assert samples.dropped(report, "GPP", "column absent") == 12


@pytest.mark.parametrize("lacking", ["GPP_NT_VUT_REF", "NEE_VUT_REF_QC", "LE_F_MDS"])
def test_a_target_that_no_file_has(tmp_path, samples, lacking) -> None:
    samples.write(tmp_path, samples.table(**{lacking: None}))
    with pytest.raises(MissingVariableError, match=lacking):
        read_fluxnet(tmp_path)


def test_reference_that_the_subset_lacks(tmp_path, samples) -> None:
    samples.write(tmp_path)
    with pytest.raises(MissingVariableError, match=r"GPP_NT_VUT_USTAR50.*FULLSET"):
        read_fluxnet(tmp_path, reference="USTAR50")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"qc": 80}, "qc: expected a fraction"),
        ({"partitioning": "night"}, "partitioning: expected one of"),
        ({"reference": "best"}, "reference: expected one of"),
        ({"ustar": "X"}, "ustar"),
        ({"latent_heat": "ET"}, "latent_heat"),
        ({"co2": "mauna"}, "co2"),
    ],
)
def test_options_that_do_not_exist(tmp_path, options, match) -> None:
    with pytest.raises(ConfigError, match=match):
        read_fluxnet(tmp_path, **options)


def test_towers_of_different_periods_share_one_axis(tmp_path, samples) -> None:
    samples.write(tmp_path, samples.table((2004, 2004)), samples.file_name(years=(2004, 2004)))
    samples.write(tmp_path, name=samples.file_name("BB-Two"))
    towers = read_fluxnet(tmp_path)
    assert towers.sizes == {"site": 2, "time": 48}
    require_monthly(towers["time"])
    for name in ("TA", "CO2", "GPP"):
        assert towers[name].notnull().sum("time").values.tolist() == [12, 12]
    assert towers["TA"].sel(site="BB-Two", time="2001-12").item() == 10


def test_partial_years_and_promised_months(tmp_path, samples) -> None:
    samples.write(tmp_path, samples.table().iloc[3:9])
    towers = read_fluxnet(tmp_path)
    assert str(towers["time"].values[0])[:7] == "2001-04"
    assert towers.sizes["time"] == 6
    assert samples.dropped(dropped_report(towers), "month", "period absent") == 6


def test_unsorted_and_duplicate_months(tmp_path, samples) -> None:
    frame = samples.table(TA_F=np.arange(12.0))
    conflict = frame.iloc[[4]].assign(TA_F=99.0)
    mixed = pd.concat([frame.iloc[::-1], frame.iloc[[2]], conflict])
    samples.write(tmp_path, mixed)
    towers = read_fluxnet(tmp_path)
    report = dropped_report(towers)
    expected = [0.0, 1, 2, 3, np.nan, 5, 6, 7, 8, 9, 10, 11]
    np.testing.assert_array_equal(towers["TA"][0], expected)
    assert samples.dropped(report, "month", "identical duplicate") == 1
    assert samples.dropped(report, "month", "conflicting") == 2
    assert samples.dropped(report, "month", "out of order") == 11


def test_a_tower_without_any_value_stays(tmp_path, samples) -> None:
    nothing = dict.fromkeys(samples.table().columns[1:], -9999)
    samples.write(tmp_path)
    samples.write(tmp_path, samples.table(**nothing), samples.file_name("BB-Two"))
    towers = read_fluxnet(tmp_path)
    assert towers.sizes["site"] == 2
    assert towers["GPP"].sel(site="BB-Two").isnull().all()


@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        (lambda text: text[:0], "at least one step, got 0 lines"),
        (lambda text: text.splitlines()[0], "at least one step, got 1 lines"),
        (lambda text: text[: len(text) - 40], "fields per line, got .* in line 13"),
        (lambda text: text.replace(b"200104,", b"2001,"), "YYYYMM in TIMESTAMP, got '2001'"),
        (lambda text: text.replace(b"200104,", b"20010401,"), "got '20010401'"),
        (lambda text: text.replace(b"200104,", b"200113,"), "got '200113'"),
        (lambda text: text.replace(b"TIMESTAMP", b"TIMESTAMP_START"), "a column TIMESTAMP"),
        (lambda text: text.replace(b",", b";"), "a column TIMESTAMP"),
        (lambda text: text.replace(b"10.0", b"warm", 1), "numbers in column TA_F"),
        (lambda text: text.replace(b"TS_F_MDS_1", b"TA_F"), r"each column once, got \['TA_F'\]"),
        (lambda text: text.replace(b"10.0", b"1\x000", 1), "zero bytes"),
        (lambda text: b"\xff\xfe" + text, "UTF-8"),
    ],
)
def test_damaged_files(tmp_path, samples, spoil, match) -> None:
    path = tmp_path / samples.file_name()
    path.write_bytes(spoil(samples.csv_bytes()))
    with pytest.raises(DataFileError, match=match):
        read_fluxnet(path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text + b"\n\n",
        lambda text: text.rstrip(b"\n"),
    ],
)
def test_harmless_variants(tmp_path, samples, spoil) -> None:
    path = tmp_path / samples.file_name()
    path.write_bytes(spoil(samples.csv_bytes()))
    assert (read_fluxnet(path)["TA"] == 10).all()


def test_only_conflicting_months(tmp_path, samples) -> None:
    samples.write(tmp_path, pd.concat([samples.table(), samples.table(TA_F=1.0)]))
    with pytest.raises(DataFileError, match="at least one usable month"):
        read_fluxnet(tmp_path)


def test_tables_are_found_beside_the_files(tmp_path, samples) -> None:
    folder = tmp_path / "towers"
    path = samples.write(folder)
    (tmp_path / "fluxnet2015_sites.csv").write_text(SITES + "AA-One,1,2,ENF,Cfb,30,C3,50\n")
    (tmp_path / "my_fapar.csv").write_text(
        "site,time,fapar\nAA-One,2001-01,0.5\nAA-One,2001-02,7\n"
    )
    for source in (folder, path):
        towers = read_fluxnet(source)
        assert towers["IGBP"].item() == 1
        assert (towers["lat"].item(), towers["lon"].item(), towers["DEM"].item()) == (1, 2, 30)
        assert (towers["KOPPEN"].item(), towers["C4"].item()) == (3, 0)
        assert towers["FAPAR"][0, 0] == 0.5
        report = dropped_report(towers)
        assert samples.dropped(report, "FAPAR", "absent from the fAPAR") == 10
        assert samples.dropped(report, "FAPAR", "range") == 1
    (folder / "other_sites.csv").write_text(SITES + "AA-One,5,2,GRA,Cfb,30,C3,50\n")
    assert read_fluxnet(folder)["lat"].item() == 5
    assert read_fluxnet(folder, sites=tmp_path / "fluxnet2015_sites.csv")["lat"].item() == 1


def test_two_candidates_for_a_table(tmp_path, samples) -> None:
    samples.write(tmp_path / "towers")
    for name in ("a_sites.csv", "b_sites.csv"):
        (tmp_path / "towers" / name).write_text(SITES)
    with pytest.raises(DataFileError, match="say which with sites="):
        read_fluxnet(tmp_path / "towers")


def test_sites_without_metadata_keep_their_fluxes(tmp_path, samples) -> None:
    folder = tmp_path / "towers"
    samples.write(folder)
    towers = read_fluxnet(folder)
    assert towers["GPP"].notnull().all()
    assert towers["IGBP"].item() == towers["KOPPEN"].item() == MISSING_CLASS
    assert np.isnan([towers[name].item() for name in ("lat", "lon", "C4", "DEM")]).all()
    report = dropped_report(towers)
    assert report["reason"].str.contains("site table").sum() == 6


@pytest.mark.parametrize("argument", ["sites", "fapar"])
def test_frames_must_have_the_columns(tmp_path, samples, argument) -> None:
    samples.write(tmp_path)
    with pytest.raises(MissingVariableError, match=f"read_{argument}"):
        read_fluxnet(tmp_path, **{argument: pd.DataFrame({"x": [1]})})


def test_reading_twice_gives_the_same(tmp_path, samples) -> None:
    samples.write(tmp_path)
    xr.testing.assert_identical(read_fluxnet(tmp_path), read_fluxnet(tmp_path))


def test_report_needs_an_account() -> None:
    with pytest.raises(MissingVariableError, match="dropped"):
        dropped_report(xr.Dataset())
