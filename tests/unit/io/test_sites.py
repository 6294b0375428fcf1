import numpy as np
import pandas as pd
import pytest

from uflux_stats.errors import DataFileError, RangeError
from uflux_stats.io.sites import read_fapar, read_sites
from uflux_stats.schema import IGBP_CLASSES, MISSING_CLASS

HEAD = "site,lat,lon,igbp,koppen,elev,c4_site,c4_percent\n"


@pytest.fixture
def table(tmp_path):
    def write(text: str, name: str = "sites.csv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(
    ("documented", "percent", "share"),
    [
        ("C3", "67.08", 0.0), ("C4", "0.0", 1.0), ("c4", "20", 1.0), ("mix", "35.64", 0.3564),
        ("rotation", "6.49", 0.0649), ("unknown", "1.59", 0.0159), ("", "50", 0.5),
        ("mix", "", np.nan),
    ],
)  # fmt: skip
def test_documented_c4_wins_over_the_map(table, documented, percent, share) -> None:
    sites = read_sites(table(HEAD + f"AA-One,1,2,GRA,Aw,3,{documented},{percent}\n"))
    np.testing.assert_allclose(sites.loc["AA-One", "C4"], share)


@pytest.mark.parametrize(("code", "name"), IGBP_CLASSES.items())
def test_every_igbp_class(table, code, name) -> None:
    assert read_sites(table(HEAD + f"AA-One,1,2,{name},,,,\n"))["IGBP"].tolist() == [code]


def test_koppen_main_class_by_letter(table) -> None:
    rows = "".join(f"AA-{k},1,2,GRA,{k},,,\n" for k in ("Af", "BWh", "Cfb", "Dwc", "ET"))
    assert read_sites(table(HEAD + rows))["KOPPEN"].tolist() == [1, 2, 3, 4, 5]


def test_unknowns_stay_unknown(table) -> None:
    site = read_sites(table(HEAD + "AA-One,1,2,-,,-9999,,\n")).iloc[0]
    assert site["IGBP"] == site["KOPPEN"] == MISSING_CLASS
    assert np.isnan(site[["C4", "DEM"]].astype(float)).all()


def test_only_place_is_needed(table) -> None:
    sites = read_sites(table("site,lat,lon\nBB-Two,1,2\nAA-One,3,4\n"))
    assert sites.index.tolist() == ["AA-One", "BB-Two"]
    assert sites["IGBP"].eq(MISSING_CLASS).all()


def test_a_site_named_like_missing_is_a_site(table) -> None:
    assert read_sites(table("site,lat,lon\nNA-SWB,-24.7,15.5\n")).index.tolist() == ["NA-SWB"]


@pytest.mark.parametrize(
    ("text", "error", "match"),
    [
        ("site,lat\nAA-One,1\n", DataFileError, r"expected columns \['lon'\]"),
        ("", DataFileError, "readable csv"),
        (HEAD + "AA-One,1,2,GRA,Aw,3,C3,0\nAA-One,1,2,GRA,Aw,3,C3,0\n", DataFileError, "twice"),
        (HEAD + "AA-One,1,2,JUNGLE,Aw,3,C3,0\n", DataFileError, "igbp to be one of"),
        (HEAD + "AA-One,1,2,GRA,Xy,3,C3,0\n", DataFileError, "koppen to be one of"),
        (HEAD + "AA-One,north,2,GRA,Aw,3,C3,0\n", DataFileError, "numbers in column 'lat'"),
        (HEAD + "AA-One,91,2,GRA,Aw,3,C3,0\n", RangeError, "sites.lat: expected -90 to 90"),
        (HEAD + "AA-One,1,200,GRA,Aw,3,C3,0\n", RangeError, "sites.lon"),
        (HEAD + "AA-One,1,2,GRA,Aw,3,C3,140\n", RangeError, "c4_percent"),
        (HEAD + "AA-One,1,2,GRA,Aw,30000,C3,0\n", RangeError, "sites.elev"),
    ],
)
def test_faulty_site_tables(table, text, error, match) -> None:
    with pytest.raises(error, match=match):
        read_sites(table(text))


def test_missing_table(tmp_path) -> None:
    with pytest.raises(DataFileError, match="sites: expected a csv file"):
        read_sites(tmp_path / "none.csv")


def test_fapar_plain_and_packed_agree(table, tmp_path) -> None:
    text = "site,time,fapar,fapar_src\nBB-Two,2001-02,0.5,fdk\nBB-Two,2001-01,,\n"
    plain = read_fapar(table(text))
    packed = tmp_path / "fapar.csv.gz"
    pd.read_csv(tmp_path / "sites.csv").to_csv(packed, index=False)
    pd.testing.assert_frame_equal(read_fapar(packed), plain)
    assert plain.loc[("BB-Two", pd.Timestamp("2001-02")), "FAPAR"] == 0.5
    assert plain["FAPAR"].isna().tolist() == [True, False]
    assert plain["source"].tolist() == ["", "fdk"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("site,time,fapar\nAA-One,2001-01,0.5\nAA-One,2001-01,0.6\n", "AA-One 2001-01 twice"),
        ("site,time,fapar\nAA-One,January,0.5\n", "time as YYYY-MM"),
        ("site,time,fapar\nAA-One,2001-01,high\n", "numbers in column 'fapar'"),
        ("site,time\nAA-One,2001-01\n", r"expected columns \['fapar'\]"),
    ],
)
def test_faulty_fapar_tables(table, text, match) -> None:
    with pytest.raises(DataFileError, match=match):
        read_fapar(table(text))


def test_cut_short_archive(tmp_path) -> None:
    path = tmp_path / "fapar.csv.gz"
    pd.DataFrame({"site": ["AA-One"] * 99, "time": "2001-01", "fapar": 0.5}).to_csv(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataFileError, match="readable csv"):
        read_fapar(path)


def test_real_sites(real_data) -> None:
    sites = read_sites(real_data / "fluxnet2015_sites.csv")
    raw = pd.read_csv(real_data / "fluxnet2015_sites.csv").set_index("site")
    assert len(sites) == 206
    misleading = (raw["c4_site"] == "C3") & (raw["c4_percent"] > 30)
    assert misleading.sum() == 17
    assert (sites["C4"][misleading] == 0).all()
    assert sites["C4"][["IT-BCi", "PA-SPs"]].tolist() == [1.0, 1.0]
    assert sites["DEM"].isna().sum() == 2
    main = {"Tropical": 1, "Arid": 2, "Temperate": 3, "Cold": 4, "Polar": 5}
    assert (sites["KOPPEN"] == raw["koppen_main"].map(main)).all()


def test_real_fapar(real_data) -> None:
    fapar = read_fapar(real_data / "fluxnet2015_fapar.csv.gz")
    assert len(fapar) == 17_916
    assert fapar["FAPAR"].count() == 17_454
    assert set(fapar.loc[fapar["FAPAR"].notna(), "source"]) == {
        "fdk", "fdk_clim", "beer_lai", "beer_lai_clim",
    }  # fmt: skip
