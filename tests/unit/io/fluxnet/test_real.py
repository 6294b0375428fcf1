"""Counts and oddities of the 206 real towers."""

import numpy as np
import pytest

from uflux_stats.checks import require_monthly, require_range
from uflux_stats.io.drops import dropped_report
from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.io.sites import read_fapar


@pytest.fixture(scope="module")
def towers(real_data):
    return read_fluxnet(real_data / "fluxnet2015")


@pytest.fixture(scope="module")
def varied(real_data):
    """All towers with tower CO2, satellite fAPAR alone and no quality filter."""
    table = read_fapar(real_data / "fluxnet2015_fapar.csv.gz")
    satellite = table[table["source"] == "fdk"]
    return read_fluxnet(real_data / "fluxnet2015", qc=None, co2="tower", fapar=satellite)


def months_and_sites(mask) -> tuple[int, int]:
    return int(mask.sum()), int(mask.any("time").sum())


def test_all_towers_are_there(towers) -> None:
    assert towers.sizes == {"site": 206, "time": 288}
    require_monthly(towers["time"])
    assert int(towers["TA"].notnull().sum()) == 17_916
    assert towers["CO2"].notnull().equals(towers["TA"].notnull())


def test_months_left_by_the_quality_filter(towers) -> None:
    gpp = towers["GPP"].notnull()
    assert months_and_sites(gpp) == (12_961, 205)
    assert months_and_sites(gpp & towers["FAPAR"].notnull()) == (12_808, 202)


def test_latent_heat_is_filtered_by_its_own_quality(towers, varied) -> None:
    assert int(varied["LE"].notnull().sum()) == 17_916 - 3
    assert int(towers["LE"].notnull().sum()) == 17_916 - 3 - 3_932


def test_layers_that_some_towers_lack(towers) -> None:
    assert months_and_sites(towers["RNET"].notnull())[1] == 198
    assert months_and_sites(towers["TS"].notnull())[1] == 197


def test_negative_gpp_and_the_open_balance_stay(towers) -> None:
    assert float(towers["GPP"].min()) < -1
    residual = abs(towers["RECO"] - towers["GPP"] - towers["NEE"])
    assert float((residual > 1e-3).sum() / residual.notnull().sum()) > 0.5


def test_faults_are_dropped(towers, samples) -> None:
    report = dropped_report(towers)
    assert samples.dropped(report, "LE", "range") == 3
    assert samples.dropped(report, "SWIN", "range") == 35
    for name in ("TA", "TS", "VPD", "SWIN", "LWIN", "RNET", "P", "PA", "CO2", "FAPAR", "GPP"):
        require_range(towers[name], name=name)


def test_impossible_tower_co2_is_replaced(varied) -> None:
    assert float(varied["CO2"].min()) >= 300
    assert float(varied["CO2"].max()) <= 470


def test_statics(towers) -> None:
    assert int(towers["DEM"].isnull().sum()) == 2
    assert set(np.unique(towers["KOPPEN"])) == {1, 2, 3, 4, 5}
    assert set(np.unique(towers["IGBP"])) <= set(range(17))
    assert towers["C4"].sel(site=["IT-BCi", "AR-SLu"]).values.tolist() == [1.0, 0.0]


def test_fapar_may_be_restricted_to_a_source(towers, varied) -> None:
    assert int(varied["FAPAR"].notnull().sum()) == 12_612
    assert int(towers["FAPAR"].notnull().sum()) == 17_454


def test_fullset_agrees_with_subset(towers, real_data) -> None:
    name = "FLX_AR-SLu_FLUXNET2015_FULLSET_MM_2009-2011_1-3.csv"
    full = read_fluxnet(real_data / "native_samples" / name)
    subset = towers.sel(site=["AR-SLu"], time=full["time"])
    for variable in ("TA", "VPD", "SWIN", "P", "PA", "GPP", "RECO", "NEE", "LE", "FAPAR"):
        np.testing.assert_allclose(full[variable], subset[variable], rtol=1e-5, err_msg=variable)


def test_samples_of_other_kinds_are_passed_over(real_data, samples) -> None:
    towers = read_fluxnet(real_data / "native_samples")
    assert towers["site"].values.tolist() == ["AR-SLu", "US-SRM"]
    report = dropped_report(towers)
    assert samples.dropped(report, "file", "another time step") == 2
    assert samples.dropped(report, "file", "another kind") == 1


@pytest.mark.parametrize(
    ("options", "source"),
    [
        ({"reference": "USTAR50"}, "GPP_NT_VUT_USTAR50"),
        ({"reference": "MEAN", "partitioning": "DT"}, "GPP_DT_VUT_MEAN"),
        ({"reference": "75", "ustar": "CUT"}, "GPP_NT_CUT_75"),
    ],
)
def test_other_estimates_of_the_fullset(real_data, options, source) -> None:
    name = "FLX_AR-SLu_FLUXNET2015_FULLSET_MM_2009-2011_1-3.csv"
    towers = read_fluxnet(real_data / "native_samples" / name, qc=None, **options)
    assert towers["GPP"].attrs["source"] == source
    assert towers["GPP"].notnull().any()


def test_latent_heat_corrected_for_closure(real_data) -> None:
    path = real_data / "native_samples" / "AMF_US-SRM_FLUXNET_SUBSET_MM_2004-2023_3-6.csv"
    measured = read_fluxnet(path)["LE"]
    corrected = read_fluxnet(path, latent_heat="LE_CORR")["LE"]
    assert corrected.attrs["source"] == "LE_CORR"
    assert float((corrected - measured).mean()) > 0
