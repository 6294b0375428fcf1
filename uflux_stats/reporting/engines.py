"""The two ways to render a document: Quarto where it is installed, and an embedded renderer."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal, Protocol, get_args

from uflux_stats.choices import require_choice
from uflux_stats.errors import UfluxError
from uflux_stats.reporting.documents import Document, documents_folder, read_document
from uflux_stats.reporting.execution import Kernel, kernel
from uflux_stats.reporting.extras import extra
from uflux_stats.reporting.page import PageHead, write_page

EngineName = Literal["auto", "quarto", "embedded"]
EPOCH: Final = "SOURCE_DATE_EPOCH"
"""Variable that fixes the date of a build, https://reproducible-builds.org/specs/source-date-epoch/"""
_SECONDS: Final = 600
_TOLD_LINES: Final = 15


class Engine(Protocol):
    """Renders prepared documents that stand in a working folder."""

    @property
    def name(self) -> str:
        """What it is and its versions."""

    @property
    def folder(self) -> Path:
        """Working folder with the documents."""

    def render(self, document: str, path: Path) -> None:
        """Render a document of the working folder, given by its file name, to a page."""


@dataclass(frozen=True)
class Quarto:
    """Quarto, called with the document's folder as its working directory."""

    name: str
    folder: Path
    program: str

    def render(self, document: str, path: Path) -> None:
        """Call ``quarto render`` and move its page into place.

        No kernel is kept alive: each document would leave one of its own behind.

        Raises
        ------
        UfluxError
            If Quarto fails or writes nothing; with the end of what it said.
        """
        call = [
            self.program, "render", document, "--to", "html", "--output", path.name,
            "--no-execute-daemon",
        ]  # fmt: skip
        environment = {**os.environ, "QUARTO_PYTHON": sys.executable}
        try:
            done = subprocess.run(
                call, cwd=self.folder, env=environment, capture_output=True, text=True,
                timeout=_SECONDS, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _quarto_error(str(error)) from error
        page = self.folder / path.name
        if done.returncode or not page.is_file():
            said = (done.stderr or done.stdout).strip().splitlines()[-_TOLD_LINES:]
            raise _quarto_error(f"exit code {done.returncode}: " + "\n".join(said))
        shutil.copyfile(page, path)


@dataclass(frozen=True)
class Embedded:
    """Cells run in a kernel, pages made by pandoc."""

    name: str
    folder: Path
    kernel: Kernel

    def render(self, document: str, path: Path) -> None:
        """Run a document and write its page."""
        parsed = read_document(self.folder / document)
        with TemporaryDirectory() as media:
            markdown = self.kernel.markdown(parsed, Path(media))
            write_page(markdown, self._head(parsed), path, media=Path(media))

    def _head(self, document: Document) -> PageHead:
        header = document.header
        return PageHead(
            title=str(header["title"]),
            subtitle=str(header.get("subtitle", "")),
            lang=str(header.get("lang", "en")),
            date=today().isoformat(),
            engine=self.name,
        )


@contextmanager
def started(engine: EngineName) -> Iterator[Engine]:
    """Start an engine in a working folder that holds the documents; both end with the block.

    Raises
    ------
    UfluxError
        If ``engine`` is unknown, or is "quarto" and Quarto is not on the path.
    MissingExtraError
        If the embedded engine is used and the extra ``report`` is not installed.
    """
    require_choice(engine, get_args(EngineName), name="engine", error=UfluxError)
    program = None if engine == "embedded" else shutil.which("quarto")
    if program is None and engine == "quarto":
        raise UfluxError(
            "engine: expected the program quarto on the path, got none; install it from "
            "quarto.org, or use the embedded engine (--engine embedded)"
        )
    with TemporaryDirectory() as place:
        folder = Path(place)
        for file in documents_folder().glob("*.qmd"):
            shutil.copyfile(file, folder / file.name)
        if program is not None:
            yield Quarto(f"Quarto {_quarto_version(program)}".strip(), folder, program)
        else:
            with kernel(folder) as running:
                yield Embedded(embedded_name(), folder, running)


def embedded_name() -> str:
    """Return what the embedded engine is made of."""
    pandoc = extra("pypandoc", "report").get_pandoc_version()
    return f"the embedded engine (nbclient {version('nbclient')}, pandoc {pandoc})"


def today() -> date:
    """Return the date of rendering; ``SOURCE_DATE_EPOCH`` fixes it."""
    fixed = os.environ.get(EPOCH)
    moment = datetime.now(UTC) if fixed is None else datetime.fromtimestamp(int(fixed), UTC)
    return moment.date()


def _quarto_version(program: str) -> str:
    call: Sequence[str] = [program, "--version"]
    try:
        done = subprocess.run(call, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _quarto_error(said: str) -> UfluxError:
    return UfluxError(
        f"quarto: expected a page, got {said}\nrender without Quarto: --engine embedded "
        "(engine='embedded')"
    )
