"""Finding and choosing files."""

import pytest

from uflux_stats.errors import DataFileError
from uflux_stats.io.fluxnet_files import monthly_files


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
        files, drops = monthly_files(source)
        assert [(file.site, file.content) for file in files] == [("AA-One", content)]
        assert drops == []


def test_archives_in_a_folder(tmp_path, samples) -> None:
    for site in ("BB-Two", "AA-One"):
        member = samples.zipped({samples.file_name(site): samples.csv_bytes()})
        (tmp_path / f"FLX_{site}_FLUXNET2015_SUBSET_2001-2001_1-4.zip").write_bytes(member)
    assert [file.site for file in monthly_files(tmp_path)[0]] == ["AA-One", "BB-Two"]


def test_hostile_names_in_an_archive_write_nothing(tmp_path, samples) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    name = samples.file_name()
    hostile = {f"../../{name}": samples.csv_bytes(), "/etc/evil.csv": b"x", "..\\evil.csv": b"x"}
    (folder / "towers.zip").write_bytes(samples.zipped(hostile))
    before = sorted(tmp_path.rglob("*"))
    assert [file.site for file in monthly_files(folder)[0]] == ["AA-One"]
    assert sorted(tmp_path.rglob("*")) == before


def test_other_steps_and_kinds_are_passed_over_and_counted(tmp_path, samples) -> None:
    samples.write(tmp_path)
    for step in ("HH", "DD", "WW", "YY"):
        samples.write(tmp_path, name=samples.file_name(step=step))
    samples.write(tmp_path, name="FLX_AA-One_FLUXNET2015_ERAI_MM_1989-2014_1-4.csv")
    samples.write(tmp_path, name="notes.csv")
    files, drops = monthly_files(tmp_path)
    assert len(files) == 1
    assert reasons(drops) == {
        "file of another time step ignored": 4,
        "file of another kind ignored": 1,
    }


@pytest.mark.parametrize(("step", "word"), [("DD", "1 daily"), ("YY", "1 yearly")])
def test_a_single_file_of_another_step(tmp_path, samples, step, word) -> None:
    path = samples.write(tmp_path, name=samples.file_name(step=step))
    with pytest.raises(DataFileError, match=rf"expected monthly files \(step MM\).*got {word}"):
        monthly_files(path)


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
    files, drops = monthly_files(tmp_path)
    assert [file.name for file in files] == [best.name]
    assert reasons(drops) == {"older version of the same site ignored": 1}


def test_the_same_file_unpacked_beside_its_archive(tmp_path, samples) -> None:
    path = samples.write(tmp_path)
    (tmp_path / "a.zip").write_bytes(samples.zipped({path.name: path.read_bytes()}))
    files, drops = monthly_files(tmp_path)
    assert len(files) == 1
    assert reasons(drops) == {"second copy of the same file ignored": 1}


def test_one_version_with_two_contents(tmp_path, samples) -> None:
    samples.write(tmp_path / "a")
    samples.write(tmp_path / "b", samples.table(TA_F=11.0))
    with pytest.raises(DataFileError, match="one file per version of a site"):
        monthly_files(tmp_path)


def test_two_periods_of_one_version(tmp_path, samples) -> None:
    for years in ((2001, 2001), (2002, 2002)):
        samples.write(tmp_path, samples.table(years), samples.file_name(years=years))
    with pytest.raises(DataFileError, match=r"2001-2001.*remove one"):
        monthly_files(tmp_path)


def test_nothing_there(tmp_path, samples) -> None:
    with pytest.raises(DataFileError, match="does not exist"):
        monthly_files(tmp_path / "none")
    with pytest.raises(DataFileError, match="got no csv file"):
        monthly_files(tmp_path)
    samples.write(tmp_path, name="renamed.csv")
    with pytest.raises(DataFileError, match="got 1 csv files of other names"):
        monthly_files(tmp_path)


def test_damaged_archives(tmp_path, samples) -> None:
    path = tmp_path / "towers.zip"
    whole = samples.zipped({samples.file_name(): samples.csv_bytes()})
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataFileError, match="expected a zip archive"):
        monthly_files(path)
    body = bytearray(whole)
    body[120:140] = bytes(20)
    path.write_bytes(bytes(body))
    with pytest.raises(DataFileError, match="readable archive member"):
        monthly_files(path)
    path.write_bytes(samples.zipped({"FLX_AA-One.zip": b"not an archive"}))
    with pytest.raises(DataFileError, match=r"expected a zip archive, got .*FLX_AA-One\.zip"):
        monthly_files(path)


def test_an_absurdly_large_member_is_not_unpacked(tmp_path, samples, monkeypatch) -> None:
    path = tmp_path / "towers.zip"
    path.write_bytes(samples.zipped({samples.file_name(): samples.csv_bytes()}))
    monkeypatch.setattr("uflux_stats.io.fluxnet_files.MAX_TABLE_BYTES", 100)
    with pytest.raises(DataFileError, match="expected at most 100 bytes"):
        monthly_files(path)
