"""An installed package reports from anywhere: the documents are inside the wheel."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from uflux_stats.reporting.documents import documents_folder

ROOT = Path(__file__).parents[3]
SCRIPT = """
import sys
import uflux_stats as us
from uflux_stats.reporting.documents import documents_folder
print(documents_folder())
print(us.report(sys.argv[1], pft="ENF", engine="embedded").pages[0])
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The contents of a wheel of this clone."""
    place = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = place.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place / "site")
    return place / "site"


def test_the_wheel_holds_the_documents_of_the_clone(unpacked: Path) -> None:
    def texts(folder: Path) -> dict[str, str]:
        return {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.qmd")}

    assert texts(unpacked / "uflux_stats" / "reports") == texts(ROOT / "reports")
    assert len(texts(ROOT / "reports")) >= 4


def test_in_the_clone_its_own_documents_are_used() -> None:
    assert documents_folder() == ROOT / "reports"


def test_it_reports_outside_the_clone(unpacked: Path, small_run: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, str(small_run)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        check=True,
    )
    folder, page = done.stdout.splitlines()
    assert folder == str(unpacked / "uflux_stats" / "reports")
    assert "Evergreen needleleaf forest (ENF)" in Path(page).read_text(encoding="utf-8")
