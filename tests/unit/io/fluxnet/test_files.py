"""Finding and choosing files."""

import pytest

from uflux_stats.errors import ConfigError, DataFileError
from uflux_stats.io.catalog import CATALOG
from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.io.fluxnet_files import sources_of, tower_files


def reasons(drops) -> dict[str, int]:
    counts: dict[str, int] = {}
    for drop in drops:
        counts[str(drop.reason)] = counts.get(str(drop.reason), 0) + drop.n
    return counts


def test_folder_single_file_and_archives_agree(tmp_path, samples) -> None:
    path = samples.write(tmp_path / "plain" / "deep")
    name, content = path.name, path.read_bytes()
    flat = tmp_path / "flat.zip"
    flat.write_bytes(samples.zipped({f"data/{name}": content}))
    nested = tmp_path / "nested.zip"
    nested.write_bytes(samples.zipped({"FLX_AA-One.zip": samples.zipped({name: content})}))
    for source in (path, tmp_path / "plain", flat, nested):
        files, drops = tower_files(source)
        assert [(file.site, file.read()) for file in files] == [("AA-One", content)]
        assert drops == []


def test_archives_in_a_folder(tmp_path, samples) -> None:
    for site in ("BB-Two", "AA-One"):
        member = samples.zipped({samples.file_name(site): samples.csv_bytes()})
        (tmp_path / f"FLX_{site}_FLUXNET2015_SUBSET_2001-2001_1-4.zip").write_bytes(member)
    assert [file.site for file in tower_files(tmp_path)[0]] == ["AA-One", "BB-Two"]


def test_hostile_names_in_an_archive_write_nothing(tmp_path, samples) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    name = samples.file_name()
    hostile = {f"../../{name}": samples.csv_bytes(), "/etc/evil.csv": b"x", "..\\evil.csv": b"x"}
    (folder / "towers.zip").write_bytes(samples.zipped(hostile))
    before = sorted(tmp_path.rglob("*"))
    assert [file.site for file in tower_files(folder)[0]] == ["AA-One"]
    assert sorted(tmp_path.rglob("*")) == before


def test_other_steps_and_kinds_are_passed_over_and_counted(tmp_path, samples) -> None:
    samples.write(tmp_path)
    for step in ("HH", "DD", "WW", "YY"):
        samples.write(tmp_path, name=samples.file_name(step=step))
    samples.write(tmp_path, name="FLX_AA-One_FLUXNET2015_ERAI_MM_1989-2014_1-4.csv")
    samples.write(tmp_path, name="notes.csv")
    files, drops = tower_files(tmp_path)
    assert [file.step for file in files] == ["MM"]
    assert reasons(drops) == {
        "file of another time step ignored": 4,
        "file of another kind ignored": 1,
    }


def test_a_yearly_file_is_refused(tmp_path, samples) -> None:
    path = samples.write(tmp_path, name=samples.file_name(step="YY"))
    with pytest.raises(DataFileError, match="got 1 yearly and no other, and a year cannot"):
        tower_files(path)


@pytest.mark.parametrize("steps", [("DD", "MM"), ("HH", "DD"), ("WW", "HH"), ("YY", "WW")])
def test_the_step_nearest_to_months_counts(tmp_path, samples, steps) -> None:
    for step in steps:
        samples.write(tmp_path, name=samples.file_name(step=step))
    files, drops = tower_files(tmp_path)
    assert [file.step for file in files] == [steps[1]]
    assert reasons(drops) == {"file of another time step ignored": 1}


def test_a_newer_release_wins_over_a_nearer_step(tmp_path, samples) -> None:
    samples.write(tmp_path)
    samples.write(tmp_path, name="FLX_AA-One_FLUXNET2015_FULLSET_DD_1999-2004_beta-3.csv")
    files, drops = tower_files(tmp_path)
    assert [(file.step, file.years) for file in files] == [("DD", (1999, 2004))]
    assert reasons(drops) == {"older version of the same site ignored": 1}


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ({"version": "1-3"}, {"version": "1-4"}),
        ({"version": "9-3"}, {"version": "1-4"}),
        ({"version": "1-4"}, {"version": "2-4"}),
        ({"version": "2-4"}, {"version": "1-10"}),
        ({"product": "FULLSET"}, {"product": "SUBSET"}),
        ({"version": "1-3"}, {"version": "1-4", "years": (1999, 2005)}),
    ],
)
def test_the_newest_version_counts(tmp_path, samples, older, newer) -> None:
    samples.write(tmp_path, name=samples.file_name(**older))
    best = samples.write(tmp_path, name=samples.file_name(**newer))
    files, drops = tower_files(tmp_path)
    assert [file.name for file in files] == [best.name]
    assert reasons(drops) == {"older version of the same site ignored": 1}


@pytest.mark.parametrize(("last", "best"), [(2001, "L2"), (2002, "INTERIM_L2")])
def test_an_interim_release_counts_for_its_later_year(tmp_path, samples, last, best) -> None:
    name = "ICOSETC_AA-One_FLUXNET_MM_{}.csv"
    samples.write(tmp_path, name=name.format("L2"))
    samples.write(tmp_path, samples.table((2001, last)), name.format("INTERIM_L2"))
    assert [file.name for file in tower_files(tmp_path)[0]] == [name.format(best)]


def test_the_same_file_unpacked_beside_its_archive(tmp_path, samples) -> None:
    path = samples.write(tmp_path)
    (tmp_path / "a.zip").write_bytes(samples.zipped({path.name: path.read_bytes()}))
    files, drops = tower_files(tmp_path)
    assert len(files) == 1
    assert reasons(drops) == {"second copy of the same file ignored": 1}


def test_one_version_with_two_contents(tmp_path, samples) -> None:
    samples.write(tmp_path / "a")
    samples.write(tmp_path / "b", samples.table(TA_F=11.0))
    with pytest.raises(DataFileError, match="one file per version of a site"):
        tower_files(tmp_path)


def test_two_periods_of_one_version(tmp_path, samples) -> None:
    for years in ((2001, 2001), (2002, 2002)):
        samples.write(tmp_path, samples.table(years), samples.file_name(years=years))
    with pytest.raises(DataFileError, match=r"2001-2001.*remove one"):
        tower_files(tmp_path)


@pytest.mark.parametrize(
    ("name", "cited"),
    [
        ("FLX_AA-One_FLUXNET2015_SUBSET_MM_2001-2001_1-4.csv", ("fluxnet2015",)),
        ("FLX_AA-One_FLUXNET2015_FULLSET_MM_2001-2001_beta-3.csv", ("warm_winter_2020",)),
        ("AMF_AA-One_FLUXNET_SUBSET_MM_2001-2001_3-5.csv", ("ameriflux",)),
        ("AMF_AA-One_FLUXNET_FLUXMET_MM_2001-2001_v1.3_r1.csv", ("ameriflux",)),
        ("ICOSETC_AA-One_FLUXNET_MM_L2.csv", ("icos",)),
        ("TERN_AA-One_FLUXNET_FLUXMET_MM_2001-2001_v1.3_r1.csv", ("fluxnet_networks",)),
        ("TWIN_AA-One_FLUXNET2015_SUBSET_MM_2001-2001_1-4.csv", ()),
    ],
)
def test_towers_are_cited_by_their_network(tmp_path, samples, name, cited) -> None:
    path = samples.write(tmp_path, name=name)
    assert sources_of(tower_files(path)[0]) == cited
    assert set(cited) <= set(CATALOG)
    assert read_fluxnet(path).attrs["references"] == "".join(CATALOG[key].reference
                                                             for key in cited)  # fmt: skip


def test_towers_of_two_networks(tmp_path, samples) -> None:
    samples.write(tmp_path)
    samples.write(tmp_path, name="AMF_BB-Two_FLUXNET_SUBSET_MM_2001-2001_3-5.csv")
    towers = read_fluxnet(tmp_path)
    assert "Scientific Data 7, 225" in towers.attrs["references"]
    assert "AmeriFlux" in towers.attrs["references"]
    assert towers.attrs["license"] == "CC-BY-4.0"


def test_nothing_there(tmp_path, samples) -> None:
    with pytest.raises(DataFileError, match="does not exist"):
        tower_files(tmp_path / "none")
    with pytest.raises(DataFileError, match="got no csv file"):
        tower_files(tmp_path)
    samples.write(tmp_path, name="renamed.csv")
    with pytest.raises(DataFileError, match="got 1 csv files of other names"):
        tower_files(tmp_path)


def test_damaged_archives(tmp_path, samples) -> None:
    path = tmp_path / "towers.zip"
    whole = samples.zipped({samples.file_name(): samples.csv_bytes()})
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataFileError, match="expected a zip archive"):
        tower_files(path)
    body = bytearray(whole)
    body[120:140] = bytes(20)
    path.write_bytes(bytes(body))
    with pytest.raises(DataFileError, match="readable archive member"):
        tower_files(path)[0][0].read()
    path.write_bytes(samples.zipped({"FLX_AA-One.zip": b"not an archive"}))
    with pytest.raises(DataFileError, match=r"expected a zip archive, got .*FLX_AA-One\.zip"):
        tower_files(path)


def test_several_files_belong_into_a_folder(tmp_path, samples) -> None:
    path = samples.write(tmp_path)
    with pytest.raises(DataFileError, match="got list; put several files into one folder"):
        read_fluxnet([path, path])
    with pytest.raises(ConfigError, match="qc: expected a fraction 0 to 1 or None, got 'high'"):
        read_fluxnet(path, qc="high")


def test_all_damaged_archives_of_a_folder_are_named(tmp_path) -> None:
    for name in ("AA-One", "BB-Two"):
        (tmp_path / f"FLX_{name}.zip").write_bytes(b"PK")
    with pytest.raises(DataFileError, match=r"2 archives(.|\n)*AA-One\.zip(.|\n)*BB-Two\.zip"):
        tower_files(tmp_path)


def test_an_absurdly_large_member_is_not_unpacked(tmp_path, samples, monkeypatch) -> None:
    path = tmp_path / "towers.zip"
    path.write_bytes(samples.zipped({samples.file_name(): samples.csv_bytes()}))
    monkeypatch.setattr("uflux_stats.io.fluxnet_files.MAX_TABLE_BYTES", {"MM": 100})
    with pytest.raises(DataFileError, match="expected at most 100 bytes"):
        tower_files(path)[0][0].read()
