"""Look at data before they are used: what is there, and what in it is implausible.

Each kind of data brings a ``Checker``; ``check_data`` finds the one that knows what a path holds.
"""

import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import pandas as pd

from uflux_stats.errors import ConfigError, DataFileError
from uflux_stats.io.archives import files_under
from uflux_stats.stats.views import html_view

Form = Literal["table", "json"]
DIGITS: Final = 4
NAMED: Final = 3
"""Files that the message on an unknown folder names."""


@dataclass(frozen=True)
class DataReport:
    """What a check found.

    Attributes
    ----------
    kind
        Of the data, such as "vegetation models".
    path
        Where they are.
    summary
        One line that says it all.
    rows
        One row per item, its name in the first column.
    prose
        Columns of ``rows`` that hold a text or a list of texts too long for a table; they are told
        item by item.
    readable
        Whether anything of it can be read.
    """

    kind: str
    path: Path
    summary: str
    rows: pd.DataFrame
    prose: tuple[str, ...] = ()
    readable: bool = True

    def require_readable(self) -> None:
        """Raise ``DataFileError`` if nothing of it can be read."""
        if not self.readable:
            raise DataFileError(
                f"path: expected {self.kind} that can be read, got none in {self.path}; mend or "
                "get again what the report finds at fault"
            )

    def _repr_html_(self) -> str:
        return html_view(f"{self.kind} in {self.path}", self.rows, self.summary)


@dataclass(frozen=True)
class Checker:
    """How one kind of data is recognised and checked.

    Attributes
    ----------
    kind
        Its name, as in ``DataReport``.
    recognises
        Whether a path holds such data; looks at names alone, and never raises.
    check
        Reads and judges them.
    """

    kind: str
    recognises: Callable[[Path], bool]
    check: Callable[[Path], DataReport]


def check_data(path: str | Path, checkers: tuple[Checker, ...]) -> DataReport:
    """Check what a path holds by the first checker that knows it.

    Parameters
    ----------
    path : str or Path
    checkers : tuple of Checker

    Returns
    -------
    DataReport

    Raises
    ------
    DataFileError
        If there is nothing at the path, an empty file or a damaged archive.
    ConfigError
        If no checker knows what it holds.
    """
    place = Path(path)
    if not place.exists():
        raise DataFileError(f"path: expected data, got nothing at {place}; check the path")
    for checker in checkers:
        if checker.recognises(place):
            return checker.check(place)
    known = ", ".join(checker.kind for checker in checkers)
    way = "name such a file or its folder, under the name it was downloaded with"
    if place.is_file() and zipfile.is_zipfile(place):
        way = "of archives only those of towers are read as they are: unpack it and name its folder"
    raise ConfigError(f"path: expected {known}, got {_what_is_there(place)}; {way}")


def _what_is_there(place: Path) -> str:
    """Tell what an unknown path holds; raise if that is an empty file or a damaged archive."""
    if place.is_file() and place.stat().st_size == 0:
        raise DataFileError(f"path: expected data, got the empty file {place}; get it again")
    names = [file.name for file in files_under(place)]
    if names in ([], [place.name]):
        return f"none of these in {place}" if names else f"nothing in {place}"
    return f"{len(names)} other files in {place} ({', '.join(names[:NAMED])})"


def render(report: DataReport, form: Form = "table") -> str:
    """Write a report as text or JSON.

    Examples
    --------
    >>> rows = pd.DataFrame({"model": ["A"], "GPP": [120.04], "flags": ["deep soil carbon"]})
    >>> print(render(DataReport("models", Path("x"), "1 model", rows, ("flags",))))
    models in x: 1 model
    <BLANKLINE>
    model  GPP
        A  120
    <BLANKLINE>
    A
      flags: deep soil carbon
    """
    if form == "json":
        return json.dumps(
            {
                "kind": report.kind,
                "path": str(report.path),
                "summary": report.summary,
                "rows": json.loads(report.rows.to_json(orient="records", double_precision=6)),
            },
            indent=1,
        )
    return "\n".join(_lines(report))


def _lines(report: DataReport) -> Iterator[str]:
    yield f"{report.kind} in {report.path}: {report.summary}"
    yield ""
    table = report.rows.drop(columns=list(report.prose))
    yield table.to_string(index=False, na_rep="-", float_format=lambda x: f"{x:.{DIGITS}g}")
    name = report.rows.columns[0]
    for row in report.rows.to_dict("records"):
        told = [
            f"  {column.replace('_', ' ')}: {text}"
            for column in report.prose
            for text in _texts(row[column])
        ]
        if told:
            yield from ("", str(row[name]), *told)


def _texts(cell: object) -> list[str]:
    """Texts of a cell of the prose; none of an empty or missing one."""
    if isinstance(cell, list):
        return [str(text) for text in cell]
    return [cell] if isinstance(cell, str) and cell else []
