"""What a report reads of a run: its numbers, tables and figures, and where they come from.

Only light modules are imported here: every cell of every report starts with it.
"""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from uflux_stats.errors import DataFileError
from uflux_stats.reporting.numbers import Number, Numbers, merge, read_numbers
from uflux_stats.reporting.run_files import MARK, NUMBERS, PROVENANCE, STAGES, TABLES, TWIN

FIGURES: Final = "*figures"
"""Every stage that draws has a folder of such a name."""
GLOBAL: Final = "global"


@dataclass(frozen=True)
class Reading:
    """An opened run: its folder, its numbers, and its provenance (empty while it is unfinished)."""

    folder: Path
    numbers: Numbers
    provenance: Mapping[str, Any]

    @property
    def finished(self) -> bool:
        """Whether the run went to its end."""
        return bool(self.provenance)

    @property
    def generated(self) -> bool:
        """Whether the run is on the generated twin Earth."""
        return (self.folder / TWIN).is_dir()

    def find(self, *parts: str) -> Number | None:
        """Return a number that has a value, or None."""
        found = self.numbers.get(".".join(parts))
        return found if found is not None and found.value is not None else None

    def under(self, *parts: str) -> Numbers:
        """Return the numbers whose keys begin with these parts, by the rest of the key."""
        stem = ".".join(parts) + "."
        return {
            name.removeprefix(stem): one
            for name, one in self.numbers.items()
            if name.startswith(stem)
        }

    def has(self, *parts: str) -> bool:
        """Whether some number with a value stands under these parts."""
        return any(one.value is not None for one in self.under(*parts).values())

    @property
    def too_short(self) -> str:
        """Why the globe has no trends, such as too few years; empty where it has some."""
        notes = {one.note for one in self.under("trend", GLOBAL).values() if one.value is None}
        if len(notes) != 1 or self.has("trend", GLOBAL):
            return ""
        return notes.pop().removeprefix("skipped: ")

    def figure(self, name: str) -> Path | None:
        """Return the file of a figure, from whichever stage, or None.

        A name that several stages use is given with its folder, such as ``emulator_figures/gap``.
        """
        pattern = f"{name}.png" if "/" in name else f"{FIGURES}/{name}.png"
        return next(iter(sorted(self.folder.glob(pattern))), None)

    def figures(self, folder: str) -> list[Path]:
        """Return all figures of a folder, in the order of their names."""
        return sorted((self.folder / folder).glob("*.png"))

    def table(self, name: str) -> list[dict[str, str]]:
        """Return the rows of a table of the run as texts; none if it is missing or empty."""
        try:
            place = self.folder / TABLES / f"{name}.csv"
            with place.open(encoding="utf-8", newline="") as file:
                return list(csv.DictReader(file))
        except FileNotFoundError:
            return []


def open_run(folder: str | Path) -> Reading:
    """Open what a run has left so far.

    Parameters
    ----------
    folder : str or Path
        Folder of a run. One that is not finished has no ``numbers.json``; the numbers of its
        finished stages are read instead.

    Returns
    -------
    Reading

    Raises
    ------
    DataFileError
        If it is no folder of a run, or its numbers cannot be read.
    """
    place = Path(folder)
    whole, stages = place / NUMBERS, sorted((place / STAGES).glob("*/" + NUMBERS))
    if not whole.is_file() and not (place / STAGES).is_dir():
        raise DataFileError(
            f"run: expected the folder of a run, got {place}, which has neither {NUMBERS} nor "
            f"{STAGES}; make one with: uflux-stats run --out {place}"
        )
    numbers = read_numbers(whole) if whole.is_file() else _of_stages(stages)
    return Reading(place, numbers, _provenance(place))


def file_name(region: object) -> str:
    """Return the name of a region as part of the name of a file.

    Examples
    --------
    >>> file_name("North America")
    'north_america'
    """
    return str(region).lower().replace(" ", "_")


def _of_stages(files: list[Path]) -> Numbers:
    """Read the numbers of the stages whose mark is there: others are half written."""
    whole = [file for file in files if (file.parent / MARK).is_file()]
    return merge(*(read_numbers(file) for file in whole))


def _provenance(folder: Path) -> Mapping[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise DataFileError(
            f"run: expected a readable {PROVENANCE} in {folder}, got {error}; run it again"
        ) from error
    return found
