"""The Quarto documents: where they are, what they are made of, and how parameters come in."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import yaml

from uflux_stats.errors import DataFileError, UfluxError

_HEADER: Final = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_CODE: Final = re.compile(r"^```\{python\}\n(.*?)^```$\n?", re.DOTALL | re.MULTILINE)
_INCLUDE: Final = re.compile(r"^\{\{< include (\S+) >\}\}$", re.MULTILINE)
_OPTION: Final = re.compile(r"^#\| ?(.*)\n", re.MULTILINE)
_TITLE: Final = re.compile(r"^title:.*$", re.MULTILINE)
PARAMETERS: Final = "parameters"


@dataclass(frozen=True)
class Cell:
    """A piece of a document: Markdown, or Python with the options of its ``#|`` lines."""

    text: str
    options: Mapping[str, Any] | None = None

    @property
    def is_code(self) -> bool:
        """Whether it is Python."""
        return self.options is not None


@dataclass(frozen=True)
class Document:
    """A Quarto document: its YAML header and its cells in order."""

    header: Mapping[str, Any]
    cells: tuple[Cell, ...]


def documents_folder() -> Path:
    """Return the folder of the Quarto documents: inside the package, or of the clone it is in.

    Raises
    ------
    DataFileError
        If they are in neither.
    """
    package = Path(str(files("uflux_stats")))
    for place in (package / "reports", package.parent / "reports"):
        if (place / "global.qmd").is_file():
            return place
    raise DataFileError(
        f"reports: expected Quarto documents in {package / 'reports'}, got none; install the "
        "package again"
    )


def with_parameters(text: str, parameters: Mapping[str, str], *, title: str) -> str:
    r"""Return a document's text with its parameters and title set.

    A cell that sets them is put after the one tagged ``parameters``, as papermill does, so that
    both engines render the same text and neither needs papermill.

    Parameters
    ----------
    text : str
        Of a Quarto document.
    parameters : mapping of str to str
    title : str

    Raises
    ------
    UfluxError
        If the document has no cell tagged ``parameters`` or that cell does not name one of them.

    Examples
    --------
    >>> cell = "```{python}\n#| tags: [parameters]\nrun = '.'\n```\n"
    >>> print(with_parameters("---\ntitle: x\n---\n" + cell, {"run": "/a"}, title="Europe"))
    ---
    title: "Europe"
    ---
    ```{python}
    #| tags: [parameters]
    run = '.'
    ```
    <BLANKLINE>
    ```{python}
    #| include: false
    run = '/a'
    ```
    """
    found = next((cell for cell in _CODE.finditer(text) if _is_parameters(cell.group(1))), None)
    if found is None:
        raise UfluxError(
            "document: expected a Python cell with '#| tags: [parameters]', got none; without it "
            "every report would be of the same place, add it"
        )
    lacking = [name for name in parameters if not re.search(rf"^{name} =", found.group(1), re.M)]
    if lacking:
        raise UfluxError(f"document: expected its parameters cell to set {lacking}; add them there")
    lines = "".join(f"{name} = {value!r}\n" for name, value in parameters.items())
    cell = f"\n```{{python}}\n#| include: false\n{lines}```\n"
    whole = text[: found.end()] + cell + text[found.end() :]
    return _TITLE.sub(lambda _: f'title: "{title}"', whole, count=1)


def read_document(path: Path) -> Document:
    """Take a Quarto document apart, with what it includes.

    Raises
    ------
    DataFileError
        If it has no YAML header, or an included file is missing.
    """
    text = _included(path)
    header = _HEADER.match(text)
    if header is None:
        raise DataFileError(f"document: expected a YAML header in {path}, got none; add one")
    return Document(yaml.safe_load(header.group(1)), tuple(_cells(text[header.end() :])))


def _included(path: Path) -> str:
    """Read a document and put in place what it includes."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataFileError(
            f"document: expected a readable file {path}, got {error}; install the package again"
        ) from error
    return _INCLUDE.sub(lambda found: _included(path.parent / found.group(1)), text)


def _cells(text: str) -> Iterator[Cell]:
    end = 0
    for found in _CODE.finditer(text):
        yield Cell(text[end : found.start()])
        yield Cell(_OPTION.sub("", found.group(1)), _options(found.group(1)))
        end = found.end()
    yield Cell(text[end:])


def _options(code: str) -> dict[str, Any]:
    found: dict[str, Any] | None = yaml.safe_load("\n".join(_OPTION.findall(code)))
    return found or {}


def _is_parameters(code: str) -> bool:
    return PARAMETERS in _options(code).get("tags", [])
