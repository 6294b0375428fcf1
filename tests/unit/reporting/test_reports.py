"""Reports of a run: by the embedded engine, by a stand-in for Quarto, and what goes wrong."""

import json
import re
import stat
import sys
from pathlib import Path

import pytest

import uflux_stats as us
from uflux_stats.cli import main
from uflux_stats.errors import DataFileError, MissingExtraError, UfluxError
from uflux_stats.reporting import documents, engines
from uflux_stats.reporting.documents import documents_folder
from uflux_stats.reporting.extras import extra
from uflux_stats.reporting.reports import RenderedReports

DATE = "86400"
STAND_IN = """#!{python}
import json, os, pathlib, sys
if sys.argv[1] == "--version":
    print("9.9.9")
    sys.exit()
{fault}
name = sys.argv[sys.argv.index("--output") + 1]
said = {{"argv": sys.argv[1:], "folder": os.getcwd(), "python": os.environ["QUARTO_PYTHON"],
        "here": sorted(p.name for p in pathlib.Path().glob("*.qmd")),
        "text": pathlib.Path(sys.argv[2]).read_text()}}
pathlib.Path(name).write_text(json.dumps(said))
"""
FAULT = 'print("ERROR: no kernel found", file=sys.stderr)\nsys.exit(3)'


@pytest.fixture
def quarto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program called quarto, first on the path, which tells what it was asked."""
    return stand_in(tmp_path, monkeypatch, fault="")


def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, fault: str) -> Path:
    program = tmp_path / "bin" / "quarto"
    program.parent.mkdir()
    program.write_text(STAND_IN.format(python=sys.executable, fault=fault))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return program


@pytest.fixture(scope="module")
def rendered(shared_run: Path) -> RenderedReports:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(engines.EPOCH, DATE)
        return us.report(shared_run, everything=True, engine="embedded")


def test_everything_that_has_numbers_is_rendered(
    rendered: RenderedReports, shared_run: Path
) -> None:
    assert [page.name for page in rendered.pages] == [
        "global.html", "validation.html", "learned.html", "continent-europe.html",
        "continent-oceania.html", "pft-enf.html",
    ]  # fmt: skip
    assert rendered.index == shared_run / "reports" / "index.html"
    assert "embedded engine (nbclient" in rendered.engine


@pytest.mark.usefixtures("rendered")
def test_pages_say_the_numbers_of_the_run(shared_run: Path) -> None:
    page = (shared_run / "reports/continent-europe.html").read_text(encoding="utf-8")
    assert "<h1>Europe</h1>" in page
    assert "8.66 PgC yr⁻¹ (8.58 to 8.75)" in page
    assert "Generated twin Earth, not data" in page
    assert "Rendered on 1970-01-02 with the embedded engine" in page
    assert '<a href="#tbl-fluxes">Table 1</a>' in page.replace("\u00a0", " ")
    assert '<figure id="fig-map" class="fig">' in page
    assert "component fluxes and stocks" in page
    assert "No tower stands in Oceania" in (
        shared_run / "reports/continent-oceania.html"
    ).read_text(encoding="utf-8")


def test_pages_need_nothing_beside_themselves(rendered: RenderedReports) -> None:
    for page in (*rendered.pages, rendered.index):
        html = page.read_text(encoding="utf-8")
        sources = re.findall(r'<(?:img|script|link|iframe)[^>]*?(?:src|href)="([^"]{0,40})', html)
        assert all(source.startswith("data:") for source in sources), page.name
        assert "?@" not in html
        assert "{python}" not in html
        assert page.stat().st_size < 5_000_000


def test_pictures_have_a_text_in_their_place(rendered: RenderedReports) -> None:
    pictures = [
        picture
        for page in rendered.pages
        for picture in re.findall(r"<img [^>]*>", page.read_text(encoding="utf-8"))
    ]
    assert len(pictures) >= 4
    assert all(re.search(r'alt="[^"]{10,}"', picture) for picture in pictures)


def test_the_same_run_gives_the_same_bytes(
    rendered: RenderedReports, shared_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {page: page.read_bytes() for page in (*rendered.pages, rendered.index)}
    monkeypatch.setenv(engines.EPOCH, DATE)
    again = us.report(shared_run, everything=True, engine="embedded")
    assert {page: page.read_bytes() for page in (*again.pages, again.index)} == before


@pytest.mark.usefixtures("quarto")
def test_quarto_is_called_in_the_documents_folder(
    small_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--run", str(small_run), "--continent", "europe"]) == 0
    page = small_run / "reports/continent-europe.html"
    said = json.loads(page.read_text())
    assert said["argv"] == [
        "render", "continent-europe-prepared.qmd", "--to", "html", "--output",
        "continent-europe.html", "--no-execute-daemon",
    ]  # fmt: skip
    assert said["argv"][1] in said["here"]
    assert {"_begin.qmd", "_region.qmd"} <= set(said["here"])
    assert Path(said["folder"]) not in (Path.cwd(), documents_folder(), small_run)
    assert said["python"] == sys.executable
    assert "continent = 'Europe'" in said["text"]
    assert f"run = '{small_run}'" in said["text"]
    told = capsys.readouterr().out.splitlines()
    assert told == ["rendered with Quarto 9.9.9", str(page), str(page.with_name("index.html"))]


def test_quarto_failing_shows_its_error_and_offers_the_other(
    tmp_path: Path,
    small_run: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stand_in(tmp_path, monkeypatch, fault=FAULT)
    assert main(["report", "--run", str(small_run)]) == 2
    told = capsys.readouterr().err
    assert "exit code 3: ERROR: no kernel found" in told
    assert "--engine embedded" in told


def test_a_notebook_shows_links_to_the_pages(rendered: RenderedReports) -> None:
    shown = rendered._repr_html_()
    for page in (rendered.index, *rendered.pages):
        assert f'<a href="{page.as_uri()}">{page.name}</a>' in shown


def test_quarto_is_not_used_against_the_users_will(quarto: Path, small_run: Path) -> None:
    assert quarto.exists()
    done = us.report(small_run, pft="enf", engine="embedded")
    assert "embedded" in done.engine
    assert "2.98 gC m⁻² d⁻¹" in done.pages[0].read_text(encoding="utf-8")


def test_quarto_that_is_not_there_is_said(small_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UfluxError, match="quarto on the path, got none"):
        us.report(small_run, engine="quarto")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"continent": "Euorpe"}, "nearest: Europe"),
        ({"continent": "Atlantis"}, "expected one of"),
        ({"pft": "EFN"}, "nearest: .*ENF"),
        ({"engine": "word"}, "engine: expected one of"),
    ],
)
def test_unknown_names_get_the_nearest(
    choice: dict[str, str], message: str, small_run: Path
) -> None:
    with pytest.raises(UfluxError, match=message):
        us.report(small_run, **choice)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="uflux-stats run --out"):
        us.report(tmp_path)


def test_a_half_finished_run_is_reported_as_far_as_it_went(small_run: Path) -> None:
    for name in ("numbers.json", "provenance.json", "maps.nc"):
        (small_run / name).unlink()
    done = us.report(small_run, continent="Europe", engine="embedded")
    page = done.pages[0].read_text(encoding="utf-8")
    assert "This run is not finished" in page
    assert "Not in this run: maps and totals of the fluxes" in page
    assert f"uflux-stats run --drivers FILE --out {small_run}" in page
    assert "maps and totals of the fluxes" in done.index.read_text(encoding="utf-8")


@pytest.mark.parametrize("engine", ["embedded", "quarto"])
@pytest.mark.usefixtures("quarto")
def test_documents_without_parameters_are_an_error_in_both(
    engine: str, small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(tmp_path, monkeypatch, "---\ntitle: x\n---\nNo cell.\n")
    with pytest.raises(UfluxError, match="tags: \\[parameters\\]"):
        us.report(small_run, engine=engine)


def test_a_failing_cell_is_named(
    small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = "```{python}\n#| tags: [parameters]\nrun = 'x'\n```\n```{python}\n1 / 0\n```\n"
    broken(tmp_path, monkeypatch, f"---\ntitle: x\n---\n{cell}")
    with pytest.raises(UfluxError, match=r"1 / 0.*ZeroDivisionError"):
        us.report(small_run, engine="embedded")


def test_a_reference_to_nothing_is_an_error(
    small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = "```{python}\n#| tags: [parameters]\nrun = 'x'\n```\nSee @fig-absent.\n"
    broken(tmp_path, monkeypatch, f"---\ntitle: x\n---\n{cell}")
    with pytest.raises(UfluxError, match="fig-absent"):
        us.report(small_run, engine="embedded")


def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Put another text in the place of the report of the globe."""
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "global.qmd").write_text(text)
    monkeypatch.setattr(engines, "documents_folder", lambda: folder)


def test_a_missing_extra_is_named(small_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nbclient", None)
    with pytest.raises(MissingExtraError, match=r"uflux-stats\[report\]"):
        us.report(small_run, engine="embedded")
    with pytest.raises(MissingExtraError, match=r"uflux-stats\[maps\]"):
        extra("no_such_package", "maps")


def test_documents_that_are_nowhere_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "files", lambda _: tmp_path / "uflux_stats")
    with pytest.raises(DataFileError, match="install the package again"):
        documents_folder()
