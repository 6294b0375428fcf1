"""The numbers of a run: what ``numbers.json`` holds and reports read."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, SupportsFloat, TypeAlias

from uflux_stats.errors import DataFileError, UfluxError

Plain: TypeAlias = float | int | bool | str | None


@dataclass(frozen=True)
class Number:
    """One number: its value, unit, 90 % interval, sample size and, of a trend, the p value of none.

    ``None`` where there is none.
    """

    value: Plain
    units: str = "1"
    low: float | None = None
    high: float | None = None
    n: int | None = None
    note: str = ""
    p: float | None = None


Numbers: TypeAlias = dict[str, Number]
"""Numbers by dotted key, such as ``validation.refined.tower.GPP.r2``."""


def number(
    value: SupportsFloat | str | None,
    units: str = "1",
    *,
    interval: tuple[SupportsFloat, SupportsFloat] | None = None,
    n: SupportsFloat | None = None,
    note: str = "",
) -> Number:
    """Make a ``Number`` of plain Python values.

    Parameters
    ----------
    value : number, 0-d array, bool, str or None
        NaN and infinity become None: JSON has neither.
    units : str
        Unit of ``value`` and ``interval``.
    interval : pair of numbers, optional
        Ends of the 90 % interval.
    n : int, optional
        Sample size.
    note : str
        What a reader must know, such as ``skipped: one year``.

    Examples
    --------
    >>> number(float("nan"), "PgC yr-2", note="skipped: one year").value is None
    True
    """
    low, high = (None, None) if interval is None else (_real(end) for end in interval)
    size = None if n is None else int(float(n))
    return Number(_plain(value), units, low, high, size, note)


def towers_told(count: SupportsFloat) -> str:
    """Say how many towers.

    Examples
    --------
    >>> towers_told(1), towers_told(12.0)
    ('1 tower', '12 towers')
    """
    return f"{float(count):.0f} tower" + ("" if float(count) == 1.0 else "s")


def key(*parts: str) -> str:
    """Join the parts of a key with dots.

    Raises
    ------
    UfluxError
        If a part is empty or itself has a dot.

    Examples
    --------
    >>> key("totals", "North America", "GPP")
    'totals.North America.GPP'
    """
    for part in parts:
        if not part or "." in part:
            raise UfluxError(f"key: expected parts without dots, got {part!r}; rename it")
    return ".".join(parts)


def unpassed_forms(numbers: Mapping[str, Number]) -> list[str]:
    """Name the forms of respiration whose posterior sample did not pass its gate.

    Examples
    --------
    >>> unpassed_forms({"respiration.q10.gate.passed": Number(False)})
    ['q10']
    """
    parts = ((name.split("."), one) for name, one in numbers.items())
    return [
        part[1] for part, one in parts
        if part[::2] == ["respiration", "gate"] and part[3:] == ["passed"] and not one.value
    ]  # fmt: skip


def merge(*parts: Mapping[str, Number]) -> Numbers:
    """Put the numbers of several stages together, sorted by key.

    Raises
    ------
    UfluxError
        If two parts have the same key: one name, one number.
    """
    together: Numbers = {}
    for part in parts:
        shared = sorted(together.keys() & part.keys())
        if shared:
            raise UfluxError(f"numbers: expected each key once, got {shared} twice; rename one")
        together |= part
    return dict(sorted(together.items()))


def read_numbers(path: Path) -> Numbers:
    """Read a ``numbers.json``.

    Raises
    ------
    DataFileError
        If the file is missing or is not one.
    """
    try:
        table: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        return {name: Number(**entry) for name, entry in table.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise DataFileError(
            f"path: expected a numbers.json, got {path} ({error}); run its stage again"
        ) from error


def _plain(value: SupportsFloat | str | None) -> Plain:
    known = getattr(value, "compute", lambda: value)()
    python = getattr(known, "item", lambda: known)()
    if python is None or isinstance(python, (str, bool, int)):
        return python
    return _real(python)


def _real(value: SupportsFloat) -> float | None:
    real = float(value)
    return real if math.isfinite(real) else None
