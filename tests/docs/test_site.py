"""The documentation builds without warnings and without network, and leaves nothing out."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import uflux_stats as us
from uflux_stats.io.catalog import CATALOG

DOCS = Path(__file__).parents[2] / "docs"
METHODS = (
    "baselines",
    "refinement",
    "neural",
    "allocation",
    "statistics",
    "respiration",
    "attribution",
)
LOADED = re.compile(r'<(?:script|img|iframe)[^>]*\ssrc="https?:|<link[^>]*\shref="https?:')


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages."""
    pytest.importorskip("sphinx")
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-E", "-q", "-b", "html"]
    place = [str(DOCS), str(folder), "-d", str(folder / ".doctrees")]
    done = subprocess.run([*build, *place], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def test_every_method_has_a_page_that_is_linked(site: Path) -> None:
    index = text(site / "index.html")
    for name in (*METHODS, "getting_started", "data", "faq", "_generated/sources"):
        assert (site / f"{name}.html").is_file()
        assert f'href="{name}.html"' in index


def test_every_public_name_is_documented(site: Path) -> None:
    reference = "".join(text(page) for page in (site / "_generated").glob("api_*.html"))
    found = set(re.findall(r'<dt class="sig[^>]*id="[\w.]*?(\w+)"', reference))
    assert set(us._HOMES) <= found


def test_every_source_tells_licence_and_files(site: Path) -> None:
    sources = text(site / "_generated/sources.html")
    assert all(f">{key}<" in sources for key in CATALOG)
    assert sources.count("Licence:") == len(CATALOG)


def test_equations_need_no_script(site: Path) -> None:
    assert "<math" in text(site / "baselines.html")
    assert "$$" not in text(site / "baselines.html")


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    loading = [page.name for page in site.rglob("*.html") if LOADED.search(text(page))]
    assert loading == []
