"""Turn one tower file of any step into clean monthly columns, with an account of what it lost."""

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from uflux_stats.errors import DataFileError
from uflux_stats.io.drops import Drop, Reason
from uflux_stats.io.fluxnet_columns import MISSING_VALUE, Column
from uflux_stats.io.fluxnet_files import TowerFile
from uflux_stats.io.fluxnet_names import STEPS
from uflux_stats.io.fluxnet_steps import FORMATS, SPELLED, STAMPS, stamp_columns, to_months
from uflux_stats.io.magnitudes import magnitudes_of_tower

Values = npt.NDArray[np.float64]
WRONG_UNIT: Final = 0.5
"""Share of a driver's values within its range below which the others are in doubt too."""


@dataclass(frozen=True)
class TowerTable:
    """The months of one tower: canonical columns on month starts, sorted and unique."""

    site: str
    values: pd.DataFrame
    sources: frozenset[str]
    drops: tuple[Drop, ...]


def _damaged(file: TowerFile, what: str) -> DataFileError:
    return DataFileError(f"{file.name}: expected {what}; download the file again")


def _header(file: TowerFile, content: bytes) -> list[str]:
    """Check that the file is a whole table and return its column names."""
    lines = [line for line in content.splitlines() if line.strip()]
    if len(lines) < 2:
        raise _damaged(file, f"a header and at least one step, got {len(lines)} lines")
    if b"\0" in content:
        raise _damaged(file, "text, got zero bytes")
    commas = [line.count(b",") for line in lines]
    wrong = [number for number, n in enumerate(commas, start=1) if n != commas[0]]
    if wrong:
        got = commas[wrong[0] - 1] + 1
        raise _damaged(file, f"{commas[0] + 1} fields per line, got {got} in line {wrong[0]}")
    try:
        names = lines[0].decode("utf-8-sig").strip().replace('"', "").split(",")
    except UnicodeDecodeError as why:
        raise _damaged(file, f"text in UTF-8, got other bytes ({why})") from why
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise _damaged(file, f"each column once, got {twice} twice")
    if lacking := [name for name in stamp_columns(file.step) if name not in names]:
        step = STEPS[file.step]
        raise _damaged(file, f"a column {lacking[0]} as in {step} files, got {names[:4]}")
    return names


def _parse(file: TowerFile, content: bytes, wanted: list[str]) -> pd.DataFrame:
    """Read the stamps and the wanted columns as numbers; -9999 becomes NaN."""
    stamps = stamp_columns(file.step)
    try:
        frame = pd.read_csv(
            io.BytesIO(content),
            usecols=[*stamps, *wanted],
            dtype=dict.fromkeys(stamps, str),
            encoding="utf-8-sig",
        )
    except (pd.errors.ParserError, UnicodeDecodeError) as why:
        raise _damaged(file, f"a readable table, got: {why}") from why
    for name in wanted:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            raise _damaged(file, f"numbers in column {name}, got text")
    numbers = frame[wanted].astype(float)
    starts = _starts(frame[stamps[0]], file)
    if file.step == "WW":
        numbers["days"] = _week_lengths(starts, _starts(frame[stamps[1]], file))
    return numbers.where(numbers != MISSING_VALUE).set_index(starts)


def _starts(stamps: pd.Series, file: TowerFile) -> pd.DatetimeIndex:
    stamps = stamps.str.strip()
    known = stamps.where(stamps.str.fullmatch(STAMPS[file.step], na=False))
    starts = pd.to_datetime(known, format=FORMATS[file.step], errors="coerce")
    if starts.isna().any():
        got = stamps[starts.isna()].iloc[0]
        step = STEPS[file.step]
        raise _damaged(file, f"{step} stamps as {SPELLED[file.step]} in {stamps.name}, got {got!r}")
    return pd.DatetimeIndex(starts, name="time").as_unit("ns")


def _week_lengths(starts: pd.DatetimeIndex, ends: pd.DatetimeIndex) -> Values:
    """Days of each week: to the day of its end, or to the day before if the next starts there."""
    days = (ends - starts).days.to_numpy(dtype=float) + 1
    shared = np.append(starts[1:] == ends[:-1], False)
    return np.asarray(np.clip(days - shared, 1, 10), dtype=float)


def _in_order(frame: pd.DataFrame, file: TowerFile) -> tuple[pd.DataFrame, list[Drop]]:
    """Sort the steps and leave none twice.

    Identical rows of a step are reduced to one. Rows that contradict each other are all dropped:
    nothing tells which is right.
    """
    what = "month" if file.step == "MM" else "step"
    stamps = frame.index.to_numpy()
    unsorted = int((stamps[1:] < stamps[:-1]).sum())
    frame = frame.sort_index(kind="stable")
    distinct = frame[~frame.reset_index().duplicated().to_numpy()]
    conflicting = distinct.index.duplicated(keep=False)
    drops = [
        Drop(file.site, what, Reason.UNSORTED, unsorted),
        Drop(file.site, what, Reason.DUPLICATE, len(frame) - len(distinct)),
        Drop(file.site, what, Reason.CONFLICT, int(conflicting.sum())),
    ]
    return distinct[~conflicting], drops


def _gaps(index: pd.DatetimeIndex, file: TowerFile) -> Drop:
    """Count months that the file's name promises and the file lacks."""
    first, last = file.years
    promised = pd.date_range(f"{first}-01-01", f"{last}-12-01", freq="MS")
    present = index.to_period("M").to_timestamp()
    return Drop(file.site, "month", Reason.GAP, int((~promised.isin(present)).sum()))


def _require_end(file: TowerFile, content: bytes, index: pd.DatetimeIndex) -> None:
    """Raise if the file ends within a number: too early, and without an end of line."""
    promised = pd.Timestamp(file.years[1], 12, 1)
    if index.max() < promised and not content.endswith((b"\n", b"\r")):
        got = f"{index.max():%Y-%m} without an end of line"
        raise _damaged(file, f"months to {promised:%Y-%m}, got the last in {got}")


def _clean(
    frame: pd.DataFrame, column: Column, site: str, qc: float | None
) -> tuple[Values, list[Drop]]:
    """Take one column: what is missing, of low quality or impossible is blanked and counted.

    Of a driver that is impossible more often than not nothing is kept: it is of another unit.
    """
    nothing = np.full(len(frame), np.nan)
    if column.source not in frame:
        return nothing, [Drop(site, column.name, Reason.ABSENT, len(frame))]
    values = frame[column.source].to_numpy()
    tests = [(Reason.MISSING, ~np.isnan(values))]
    if column.quality is not None and qc is not None:
        quality = frame[column.quality].to_numpy() if column.quality in frame else nothing
        tests.append((Reason.NO_QUALITY, (quality >= 0) & (quality <= 1)))
        tests.append((Reason.LOW_QUALITY, quality >= qc))
    possible = (values >= column.low) & (values <= column.high)
    tests.append((Reason.RANGE, possible))
    if column.quality is None and possible.sum() < WRONG_UNIT * (~np.isnan(values)).sum():
        tests.append((Reason.UNIT, np.zeros(len(frame), bool)))

    kept = np.ones(len(frame), dtype=bool)
    drops = []
    for reason, passed in tests:
        drops.append(Drop(site, column.name, reason, int((kept & ~passed).sum())))
        kept &= passed
    return np.where(kept, values, np.nan), drops


def _renamed(drops: list[Drop], columns: tuple[Column, ...]) -> list[Drop]:
    """Name drops of columns of the file after their variables."""
    names = {column.source: column.name for column in columns}
    return [Drop(d.site, names[d.variable], d.reason, d.n) for d in drops if d.variable in names]


def read_table(file: TowerFile, columns: tuple[Column, ...], qc: float | None) -> TowerTable:
    """Read one tower file.

    Parameters
    ----------
    file : TowerFile
        A file of any step up to a month; finer ones are averaged to months.
    columns : tuple of Column
        What to take from it; a column that the file lacks becomes NaN and is counted.
    qc : float or None
        Smallest quality of a target.

    Returns
    -------
    TowerTable
        For each variable, months kept plus months dropped are the months of the file.

    Raises
    ------
    DataFileError
        If the file is empty, cut short, not numeric, or its stamps are not of its step.
    """
    content = file.read()
    header = _header(file, content)
    sources = {column.source for column in columns}
    sources |= {column.quality for column in columns if column.quality is not None}
    present = [name for name in header if name in sources]
    parsed = _parse(file, content, present)
    _require_end(file, content, pd.DatetimeIndex(parsed.index))
    ordered, drops = _in_order(parsed, file)
    frame, partial = to_months(ordered, file.step, file.site)
    drops += [*_renamed(partial, columns), _gaps(pd.DatetimeIndex(parsed.index), file)]
    cleaned = {}
    for column in columns:
        cleaned[column.name], dropped = _clean(frame, column, file.site, qc)
        drops += dropped
    values = pd.DataFrame(cleaned, index=frame.index)
    kept, mislabelled = _of_usual_magnitude(values, file.site)
    return TowerTable(file.site, kept, frozenset(present), (*drops, *mislabelled))


def _of_usual_magnitude(values: pd.DataFrame, site: str) -> tuple[pd.DataFrame, list[Drop]]:
    """Blank a driver whose values can only be of another unit, in all years or in one."""
    judged = values.copy()
    judged[list(magnitudes_of_tower(judged).faults())] = np.nan
    for _, year in judged.groupby(pd.DatetimeIndex(judged.index).year):
        judged.loc[year.index, list(magnitudes_of_tower(year).faults())] = np.nan
    lost = values.notna().sum() - judged.notna().sum()
    drops = [Drop(site, str(name), Reason.UNIT, int(n)) for name, n in lost.items() if n]
    return judged, drops
