"""Site metadata from BADM files."""

import io

import numpy as np
import pandas as pd
import pytest

from uflux_stats.errors import DataFileError
from uflux_stats.io.archives import PackedFile
from uflux_stats.io.badm import read_badm
from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.io.sites import read_sites

ROWS = [
    ("AA-One", "1", "GRP_LOCATION", "LOCATION_LAT", "10.5"),
    ("AA-One", "1", "GRP_LOCATION", "LOCATION_LONG", "20.5"),
    ("AA-One", "1", "GRP_LOCATION", "LOCATION_ELEV", "300"),
    ("AA-One", "2", "GRP_LOCATION", "LOCATION_LAT", "11.5"),
    ("AA-One", "3", "GRP_IGBP", "IGBP", "GRA"),
    ("AA-One", "4", "GRP_CLIM", "CLIMATE_KOEPPEN", "Cfb"),
    ("AA-One", "5", "GRP_SITE", "SITE_DESC", "meadow, grazed; wet"),
    ("BB-Two", "6", "GRP_IGBP", "IGBP", "ENF"),
]
NAME = "FLX_AA-Flx_BIF_LATEST.csv"


def badm(separator=",", quoted=True) -> bytes:
    head = separator.join(["SITE_ID", "GROUP_ID", "VARIABLE_GROUP", "VARIABLE", "DATAVALUE"])
    mark = '"' if quoted else ""
    lines = [separator.join([*row[:4], f"{mark}{row[4]}{mark}"]) for row in ROWS]
    return "\r\n".join([head, *lines]).encode()


def workbook() -> bytes:
    stream = io.BytesIO()
    columns = ["SITE_ID", "GROUP_ID", "VARIABLE_GROUP", "VARIABLE", "DATAVALUE"]
    pd.DataFrame(ROWS, columns=columns).to_excel(stream, index=False)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [(NAME, badm()), (NAME, badm(";", quoted=False)), ("FLX_AA-Flx_BIF_DD.xlsx", workbook())],
    ids=["comma", "semicolon", "xlsx"],
)
def test_the_first_value_counts_and_a_place_is_needed(tmp_path, name, content) -> None:
    (tmp_path / name).write_bytes(content)
    table = read_badm([PackedFile(tmp_path / name)])
    assert table.index.tolist() == ["AA-One"]
    one = table.loc["AA-One", ["lat", "lon", "DEM", "IGBP", "KOPPEN"]]
    assert one.tolist() == [10.5, 20.5, 300.0, 10, 3]
    assert np.isnan(table.loc["AA-One", "C4"])


def test_metadata_among_the_towers_is_used(tmp_path, samples) -> None:
    folder = tmp_path / "towers"
    folder.mkdir()
    members = {samples.file_name(): samples.csv_bytes(), NAME: badm()}
    (folder / "all.zip").write_bytes(samples.zipped(members))
    towers = read_fluxnet(folder)
    assert towers["lat"].item() == 10.5
    assert towers["IGBP"].item() == 10


def test_the_site_table_wins_where_it_knows(tmp_path, samples) -> None:
    folder = tmp_path / "towers"
    samples.write(folder)
    (folder / NAME).write_bytes(badm())
    (tmp_path / "my_sites.csv").write_text("site,lat,lon,igbp,elev\nAA-One,1,2,,\n")
    towers = read_fluxnet(folder)
    assert (towers["lat"].item(), towers["lon"].item()) == (1, 2)
    assert (towers["IGBP"].item(), towers["DEM"].item()) == (10, 300)


def test_another_table_under_the_name(tmp_path) -> None:
    (tmp_path / NAME).write_text("a,b\n1,2\n")
    with pytest.raises(DataFileError, match=r"columns .* of a BADM table"):
        read_badm([PackedFile(tmp_path / NAME)])


def test_real_metadata_agree_with_the_site_table(real_data) -> None:
    table = read_sites(real_data / "fluxnet2015_sites.csv")
    metadata = read_badm([PackedFile(real_data / "native_samples" / NAME)])
    both = table.index.intersection(metadata.index)
    renamed = table.index.difference(metadata.index).str[:2]  # Greenland and Svalbard
    assert set(renamed) == {"GL", "SJ"}
    assert (table.loc[both, "lat"] - metadata.loc[both, "lat"]).abs().max() < 0.01
    assert (table.loc[both, "IGBP"] == metadata.loc[both, "IGBP"]).all()
