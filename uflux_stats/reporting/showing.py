"""Figures of a run as a notebook shows them."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image

from uflux_stats.reporting.parts import missing_line
from uflux_stats.reporting.reading import Reading

LARGE: Final = 60_000
"""Pictures of more bytes are shown in 256 colours, which a reader does not see and a page does."""


@dataclass(frozen=True)
class Picture:
    """A PNG file that notebooks show as such."""

    path: Path

    def _repr_png_(self) -> bytes:
        whole = self.path.read_bytes()
        if len(whole) <= LARGE:
            return whole
        small = BytesIO()
        with Image.open(self.path) as picture:
            # of the methods the one that keeps rare colours, such as those of a notice
            few = picture.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE)
            few.save(small, format="PNG")
        return small.getvalue()


@dataclass(frozen=True)
class Remark:
    """A text in Markdown that notebooks show formatted."""

    text: str

    def _repr_markdown_(self) -> str:
        return self.text


def gallery(run: Reading, folder: str, kind: str = "") -> list[Picture]:
    """Return the figures of a folder whose names begin so; none where there is no such folder."""
    return [Picture(place) for place in run.figures(folder) if place.name.startswith(kind)]


def text(markdown: str) -> Remark:
    """Return a text in Markdown to be shown: Quarto puts captions to what is shown, not printed."""
    return Remark(markdown)


def show(run: Reading, name: str, part: str | None = None) -> Picture | Remark | None:
    """Return a figure of a run to be shown.

    Parameters
    ----------
    run : Reading
    name : str
        Of the figure, without its ending.
    part : str, optional
        Part of the run that makes it. Where the figure is missing the reader is told; without it
        nothing is shown, which is for figures that only some runs have.
    """
    place = run.figure(name)
    if place is not None:
        return Picture(place)
    return None if part is None else Remark(missing_line(run, part))


def show_years(run: Reading, name: str, part: str) -> Picture | Remark | None:
    """Return a figure of years; where the run has too few of them, say so instead of a command."""
    if run.too_short and run.figure(name) is None:
        return Remark(f"*A series needs four years or more; this run has {run.too_short}.*")
    return show(run, name, part)
