"""Downloads against a local server that breaks, cuts, lies and refuses."""

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from uflux_stats.cli import main
from uflux_stats.errors import ConfigError, DataFileError
from uflux_stats.io.access import ACCESS, ByHand, RemoteFile, ZenodoRecord
from uflux_stats.io.catalog import CATALOG
from uflux_stats.io.downloading import PIECE, Patience, download
from uflux_stats.io.fetching import fetch_data, render

CONTENT = bytes(range(256)) * 2000
SHA256 = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
CO2 = b"# comment\nyear,month,decimal,average\n2001,1,2001.042,370.1\n"
HURRIED = Patience(attempts=3, pause=0.0)


@dataclass
class Server:
    """What the server holds and how it behaves."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)  # bytes sent by each of the next answers
    ranges: bool = True
    fails: list[int] = field(default_factory=list)  # statuses of the next answers
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            span = self.headers.get("Range")
            state.asked.append((self.path, span))
            if state.fails:
                self.send_error(state.fails.pop(0))
                return
            if self.path not in state.files:
                self.send_error(404)
                return
            body, status = state.files[self.path], 200
            if span and state.ranges:
                start = int(span.removeprefix("bytes=").removesuffix("-"))
                if start >= len(body):
                    self.send_error(416)
                    return
                body, status = body[start:], 206
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: state.cuts.pop(0)] if state.cuts else body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        state.url = f"http://127.0.0.1:{running.server_port}"
        yield state
        running.shutdown()
        thread.join()


def remote(server: Server, checksum: str | None = SHA256, content: bytes = CONTENT) -> RemoteFile:
    server.files["/a.bin"] = content
    return RemoteFile("a.bin", f"{server.url}/a.bin", checksum)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_whole_file_comes_once(server: Server, tmp_path: Path) -> None:
    file = remote(server)
    place, new = download(file, tmp_path / "new", HURRIED)
    assert (place.read_bytes(), new) == (CONTENT, True)
    assert download(file, tmp_path / "new", HURRIED) == (place, False)
    assert len(server.asked) == 1
    assert names(tmp_path / "new") == ["a.bin"]


def test_a_damaged_file_in_its_place_is_got_anew(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(CONTENT[:-1])
    place, new = download(remote(server), tmp_path, HURRIED)
    assert (place.read_bytes(), new) == (CONTENT, True)


def test_a_broken_connection_is_taken_up_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.cuts = [2 * PIECE + 10, PIECE]
    place, _ = download(remote(server), tmp_path, HURRIED)
    assert place.read_bytes() == CONTENT
    assert [span for _, span in server.asked] == [None, *(f"bytes={n * PIECE}-" for n in (2, 3))]
    assert names(tmp_path) == ["a.bin"]


def test_the_next_call_goes_on_too(server: Server, tmp_path: Path) -> None:
    file = remote(server)
    server.cuts = [2 * PIECE, 1, PIECE]
    with pytest.raises(DataFileError, match=r"a\.bin: expected all of .* 3 times"):
        download(file, tmp_path, HURRIED)
    assert names(tmp_path) == [".a.bin.partial"]
    place, _ = download(file, tmp_path, HURRIED)
    assert place.read_bytes() == CONTENT
    assert server.asked[-1][1] == f"bytes={3 * PIECE}-"
    assert names(tmp_path) == ["a.bin"]


def test_a_part_that_is_whole_already_is_taken(server: Server, tmp_path: Path) -> None:
    (tmp_path / ".a.bin.partial").write_bytes(CONTENT)
    place, _ = download(remote(server), tmp_path, HURRIED)
    assert place.read_bytes() == CONTENT


def test_a_server_that_cannot_go_on_begins_again(server: Server, tmp_path: Path) -> None:
    server.cuts, server.ranges = [2 * PIECE], False
    place, _ = download(remote(server), tmp_path, HURRIED)
    assert place.read_bytes() == CONTENT


def test_without_checksum_nothing_is_left_of_a_broken_one(server: Server, tmp_path: Path) -> None:
    file = remote(server, None)
    (tmp_path / "a.bin").write_bytes(b"of last month")
    (tmp_path / ".a.bin.partial").write_bytes(b"of another version")
    server.cuts = [10, 10, 10]
    with pytest.raises(DataFileError, match="broken connection"):
        download(file, tmp_path, HURRIED)
    assert names(tmp_path) == ["a.bin"]
    assert (tmp_path / "a.bin").read_bytes() == b"of last month"
    assert server.asked[0][1] is None


def test_without_checksum_a_file_is_got_anew(server: Server, tmp_path: Path) -> None:
    file = remote(server, None)
    (tmp_path / "a.bin").write_bytes(b"of last month")
    place, new = download(file, tmp_path, HURRIED)
    assert (place.read_bytes(), new) == (CONTENT, True)


@pytest.mark.parametrize("checksum", ["sha256:" + "0" * 64, "md5:" + "0" * 32])
def test_other_bytes_than_expected_are_not_kept(
    server: Server, tmp_path: Path, checksum: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataFileError, match=f"expected {checksum}, got other bytes"):
        download(remote(server, checksum), tmp_path, HURRIED)
    assert names(tmp_path) == []
    assert len(server.asked) == 1
    assert capfd.readouterr().err == ""


def test_a_part_of_another_version_is_found_out(server: Server, tmp_path: Path) -> None:
    (tmp_path / ".a.bin.partial").write_bytes(b"x" * 1000)
    with pytest.raises(DataFileError, match="got other bytes"):
        download(remote(server), tmp_path, HURRIED)
    assert names(tmp_path) == []
    download(remote(server), tmp_path, HURRIED)


def test_what_is_not_there_is_asked_for_once(server: Server, tmp_path: Path) -> None:
    file = RemoteFile("b.bin", f"{server.url}/b.bin", SHA256)
    with pytest.raises(DataFileError, match=r"b\.bin: expected a file .* got 404"):
        download(file, tmp_path, HURRIED)
    assert (names(tmp_path), len(server.asked)) == ([], 1)


def test_a_server_in_trouble_is_asked_again(server: Server, tmp_path: Path) -> None:
    file = remote(server)
    server.fails = [503]
    assert download(file, tmp_path, HURRIED)[0].read_bytes() == CONTENT


def test_no_server_at_all(tmp_path: Path) -> None:
    file = RemoteFile("a.bin", "http://127.0.0.1:9/a.bin", SHA256)
    with pytest.raises(DataFileError, match="see whether the network is there"):
        download(file, tmp_path, HURRIED)
    assert names(tmp_path) == []


def test_noaa_is_inspected_and_recorded(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    server.files = {"/co2_mm_gl.csv": CO2, "/co2_mm_mlo.csv": CO2}
    moved = tuple(
        RemoteFile(file.name, f"{server.url}/{file.name}", file.checksum, file.inspect)
        for file in ACCESS["noaa_co2"]
    )
    monkeypatch.setitem(ACCESS, "noaa_co2", moved)
    assert main(["data", "fetch", "noaa_co2", "--to", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "licence: public domain" in told
    assert "cite: Lan, X." in told
    assert "no checksum is published; recorded" in told
    record = json.loads((tmp_path / "noaa_co2.source.json").read_text())
    assert record["files"][0]["sha256"] == hashlib.sha256(CO2).hexdigest()
    assert record["files"][0]["expected"] is None
    assert record["source"]["doi"] == CATALOG["noaa_co2"].doi
    server.files["/co2_mm_mlo.csv"] = b"<html>sign in</html>"
    assert main(["data", "fetch", "noaa_co2", "--to", str(tmp_path)]) == 2
    assert (tmp_path / "co2_mm_mlo.csv").read_bytes() == CO2


def test_natural_earth_must_be_an_archive(server: Server, tmp_path: Path) -> None:
    (file,) = ACCESS["natural_earth"]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("ne.shp", b"polygons")
    for content, fits in ((packed.getvalue(), True), (b"<html>moved</html>", False)):
        server.files["/ne.zip"] = content
        moved = RemoteFile(file.name, f"{server.url}/ne.zip", None, file.inspect)
        if fits:
            assert download(moved, tmp_path, HURRIED)[0].read_bytes() == content
        else:
            with pytest.raises(DataFileError, match="expected a zip archive"):
                download(moved, tmp_path, HURRIED)
    assert names(tmp_path) == [file.name]


def zenodo(server: Server, **metadata: object) -> ZenodoRecord:
    server.files["/fluxes.nc"] = CONTENT
    file = {
        "key": "fluxes.nc",
        "checksum": "md5:" + hashlib.md5(CONTENT).hexdigest(),
        "links": {"self": f"{server.url}/fluxes.nc"},
    }
    server.files["/record"] = json.dumps({"files": [file], "metadata": metadata}).encode()
    return ZenodoRecord(f"{server.url}/record")


def test_an_archive_tells_its_checksums_and_licence(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ACCESS, "uflux", zenodo(server, license={"id": "cc-by-4.0"}))
    told = render(fetch_data("uflux", tmp_path, patience=HURRIED))
    assert "licence: cc-by-4.0" in told
    assert "(as expected)" in told
    assert names(tmp_path) == ["fluxes.nc", "uflux.source.json"]
    server.files["/fluxes.nc"] = CONTENT[::-1]
    (tmp_path / "fluxes.nc").unlink()
    with pytest.raises(DataFileError, match="expected md5"):
        fetch_data("uflux", tmp_path, patience=HURRIED)
    assert names(tmp_path) == ["uflux.source.json"]


@pytest.mark.parametrize("page", [b"<html></html>", b"{}", b"[]"])
def test_an_archive_of_another_layout(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: bytes
) -> None:
    server.files["/record"] = page
    monkeypatch.setitem(ACCESS, "uflux", ZenodoRecord(f"{server.url}/record"))
    with pytest.raises(DataFileError, match="url: expected"):
        fetch_data("uflux", tmp_path)


def test_every_source_can_be_got_somehow() -> None:
    assert set(ACCESS) == set(CATALOG)


@pytest.mark.parametrize("key", [key for key, how in ACCESS.items() if isinstance(how, ByHand)])
def test_data_behind_a_login_are_explained(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "fetch", key]) == 0
    told = capsys.readouterr().out
    assert "get it from https://" in told
    assert "the folder must hold:" in told
    assert CATALOG[key].citation in told


def test_without_a_name_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "fetch"]) == 0
    told = capsys.readouterr().out
    assert all(key in told for key in CATALOG)


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(ConfigError, match="nearest: noaa_co2"):
        fetch_data("noaa-co2")


def test_names_of_files_stay_in_the_folder(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive may not write elsewhere."""
    record = zenodo(server)
    server.files["/record"] = server.files["/record"].replace(b'"fluxes.nc"', b'"../fluxes.nc"', 1)
    monkeypatch.setitem(ACCESS, "uflux", record)
    with pytest.raises(DataFileError, match="name of a file"):
        fetch_data("uflux", tmp_path / "in", patience=HURRIED)
    assert not (tmp_path / "fluxes.nc").exists()
