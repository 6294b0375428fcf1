"""What a run tells at its end: a table of its stages and of the numbers asked for first."""

from collections.abc import Iterator
from typing import Final

from uflux_stats.pipeline.runner import RunRecord, StageRecord
from uflux_stats.reporting.numbers import Number
from uflux_stats.schema import FLUXES

SPLITS: Final = ("random", "tower")


def summary(record: RunRecord) -> str:
    """Return a plain-text table: stages with time and memory, skill and global totals.

    Examples
    --------
    >>> from pathlib import Path
    >>> print(summary(RunRecord(Path("out"), (), {"totals.global.GPP": Number(130.0, "PgC yr-1")})))
    total global GPP 130 PgC yr-1
    results in out
    """
    lines = [*_stages(record.stages), *_skill(record.numbers), *_totals(record.numbers)]
    return "\n".join([*lines, f"results in {record.folder}"])


def _stages(stages: tuple[StageRecord, ...]) -> Iterator[str]:
    if not stages:
        return
    yield f"{'stage':14}{'seconds':>9}{'peak MiB':>10}"
    for stage in stages:
        usage, note = stage.usage, "  finished before" if stage.reused else ""
        yield f"{stage.name:14}{usage.seconds:9.1f}{usage.peak_memory_mib:10.0f}{note}"


def _skill(numbers: dict[str, Number]) -> Iterator[str]:
    for split in SPLITS:
        for flux in FLUXES:
            first, second = (
                numbers.get(f"validation.{step}.{split}.{flux}.r2")
                for step in ("baseline", "refined")
            )
            if first is not None and second is not None:
                yield f"r2 {split} {flux}: {_text(first)} -> {_text(second)}"


def _totals(numbers: dict[str, Number]) -> Iterator[str]:
    for flux in FLUXES:
        entry = numbers.get(f"totals.global.{flux}")
        if entry is not None:
            yield f"total global {flux} {_text(entry)} {entry.units}"


def _text(entry: Number) -> str:
    value = entry.value
    return f"{value:.3g}" if isinstance(value, float) else str(value)
