"""From Markdown to one self-contained HTML page, by pandoc."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from uflux_stats.errors import UfluxError
from uflux_stats.io.store import whole_file
from uflux_stats.reporting.extras import extra

_FROM = "markdown-smart-implicit_figures"


@dataclass(frozen=True)
class PageHead:
    """What stands at the edges of a page."""

    title: str
    date: str
    engine: str
    subtitle: str = ""
    toc: bool = True
    lang: str = "en"


def write_page(markdown: str, head: PageHead, path: Path, *, media: Path) -> Path:
    """Write a page that needs nothing beside itself, not even a network.

    Parameters
    ----------
    markdown : str
        Pandoc's Markdown with Quarto's callouts, tabsets and references.
    head : PageHead
    path : Path
        Where to write; moved there when whole.
    media : Path
        Folder of the pictures and scripts that it names.

    Returns
    -------
    Path

    Raises
    ------
    UfluxError
        If pandoc fails, as for a reference to what is not there.
    MissingExtraError
        If pandoc is not installed.
    """
    pypandoc = extra("pypandoc", "report")
    with as_file(files("uflux_stats.reporting") / "assets") as assets:
        arguments = [
            "--standalone", "--embed-resources", "--mathml", f"--resource-path={media}",
            f"--template={assets / 'page.html'}", f"--lua-filter={assets / 'quarto.lua'}",
            *(["--toc", "--toc-depth=2"] if head.toc else []),
            *_metadata(head),
            *(f"--variable={name}={(assets / file).read_text(encoding='utf-8')}"
              for name, file in (("style", "page.css"), ("script", "page.js"))),
        ]  # fmt: skip
        try:
            html = pypandoc.convert_text(markdown, "html5", _FROM, extra_args=arguments)
        except RuntimeError as error:
            raise UfluxError(
                f"document: expected Markdown that pandoc can turn into a page, got {error}; "
                "correct the document"
            ) from error
    with whole_file(path) as partial:
        partial.write_text(html, encoding="utf-8")
    return path


def _metadata(head: PageHead) -> list[str]:
    known: Mapping[str, str] = {
        "title": head.title,
        "pagetitle": head.title,
        "subtitle": head.subtitle,
        "date": head.date,
        "engine": head.engine,
        "lang": head.lang,
    }
    return [f"--metadata={name}={text}" for name, text in known.items() if text]
