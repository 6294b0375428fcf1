"""The reports of a run: which there are, and rendering them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from uflux_stats.choices import unknown_name
from uflux_stats.errors import UfluxError
from uflux_stats.reporting.documents import with_parameters
from uflux_stats.reporting.engines import Engine, EngineName, started
from uflux_stats.reporting.index import write_index
from uflux_stats.reporting.places import CONTINENT_NAMES, TYPES, place_title
from uflux_stats.reporting.reading import Reading, file_name, open_run
from uflux_stats.reporting.run_files import REPORTS

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One report to render: its document, what is set in it, its title and file."""

    document: str
    title: str
    file: str
    place: tuple[str, str] | None = None


@dataclass(frozen=True)
class RenderedReports:
    """What was rendered, and how."""

    engine: str
    pages: tuple[Path, ...]
    index: Path

    def _repr_html_(self) -> str:
        """Link the index and every page."""
        items = "".join(
            f'<li><a href="{page.resolve().as_uri()}">{escape(page.name)}</a></li>'
            for page in (self.index, *self.pages)
        )
        return f"<p><b>Reports</b>, rendered with {escape(self.engine)}</p><ul>{items}</ul>"


WHOLE: Final = (
    Job("global.qmd", "Carbon fluxes of the globe", "global.html"),
    Job("validation.qmd", "How good it is", "validation.html"),
    Job("learned.qmd", "What was learned", "learned.html"),
)
"""Reports that a run has whatever its regions."""


def report(
    run: str | Path,
    *,
    continent: str | None = None,
    pft: str | None = None,
    everything: bool = False,
    engine: EngineName = "auto",
) -> RenderedReports:
    """Render reports of a run into its folder ``reports``, and an index of all that are there.

    Parameters
    ----------
    run : str or Path
        Folder of a run. One that is not finished is reported as far as it went.
    continent, pft : str, optional
        Render the report of this continent or land cover type.
    everything : bool
        Render all reports that the run has numbers for. With none of the three, those of
        the globe, of validation and of what was learned.
    engine : {"auto", "quarto", "embedded"}
        "auto" takes Quarto where it is on the path, and the embedded renderer elsewhere.

    Returns
    -------
    RenderedReports
        Engine, pages and index.

    Raises
    ------
    DataFileError
        If ``run`` is no folder of a run.
    UfluxError
        If the continent or type is unknown, or a document cannot be rendered.
    MissingExtraError
        If the extra ``report`` is not installed.

    Examples
    --------
    >>> import uflux_stats as us
    >>> us.report("my-run", continent="Europe").pages  # doctest: +SKIP
    (PosixPath('my-run/reports/continent-europe.html'),)
    """
    reading = open_run(Path(run).resolve())
    jobs = wanted(reading, continent=continent, pft=pft, everything=everything)
    folder = Path(run) / REPORTS
    folder.mkdir(exist_ok=True)
    with started(engine) as rendering:
        pages = tuple(_render(rendering, job, reading, folder) for job in jobs)
        logger.info("rendered with %s", rendering.name)
        index = write_index(reading, _there(folder), folder / "index.html")
        return RenderedReports(rendering.name, pages, index)


def wanted(
    reading: Reading, *, continent: str | None, pft: str | None, everything: bool
) -> tuple[Job, ...]:
    """Return the reports that are asked for.

    Raises
    ------
    UfluxError
        If a name is unknown; the nearest is suggested.
    """
    chosen = []
    if continent is not None:
        chosen.append(_of_continent(_known("continent", continent, CONTINENT_NAMES)))
    if pft is not None:
        chosen.append(_of_type(_known("pft", pft, tuple(TYPES))))
    if chosen:
        return tuple(chosen)
    return every_job(reading) if everything else WHOLE


def every_job(reading: Reading) -> tuple[Job, ...]:
    """Return all reports that a run has numbers for."""
    continents = [_of_continent(name) for name in CONTINENT_NAMES]
    types = [_of_type(name) for name in TYPES]
    return (*WHOLE, *(job for job in (*continents, *types) if _has_numbers(reading, job)))


def _render(engine: Engine, job: Job, reading: Reading, folder: Path) -> Path:
    source = engine.folder / job.document
    parameters = {"run": str(reading.folder)} | dict([job.place] if job.place else [])
    text = with_parameters(source.read_text(encoding="utf-8"), parameters, title=job.title)
    prepared = source.with_name(f"{Path(job.file).stem}-prepared.qmd")
    prepared.write_text(text, encoding="utf-8")
    engine.render(prepared.name, folder / job.file)
    logger.info("%s", folder / job.file)
    return folder / job.file


def _there(folder: Path) -> list[tuple[str, Path]]:
    """Return title and path of every report in the folder, those of earlier calls too."""
    continents = [_of_continent(name) for name in CONTINENT_NAMES]
    types = [_of_type(name) for name in TYPES]
    jobs = (*WHOLE, *continents, *types)
    return [(job.title, folder / job.file) for job in jobs if (folder / job.file).is_file()]


def _has_numbers(reading: Reading, job: Job) -> bool:
    if job.place is None:
        return True
    towers = reading.find("places", job.place[1], "towers")
    return reading.has("totals", job.place[1]) or bool(towers and towers.value)


def _of_continent(name: str) -> Job:
    return Job("continent.qmd", name, f"continent-{file_name(name)}.html", ("continent", name))


def _of_type(name: str) -> Job:
    return Job("pft.qmd", place_title(name), f"pft-{file_name(name)}.html", ("pft", name))


def _known(what: str, name: str, names: Sequence[str]) -> str:
    same = {known.lower(): known for known in names}
    if name.lower() in same:
        return same[name.lower()]
    raise unknown_name(what, name, names, UfluxError)
