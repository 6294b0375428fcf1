"""Run stages in order, each only if it is not finished, and write what the run leaves behind."""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from uflux_stats.errors import UfluxError
from uflux_stats.io.store import write_json
from uflux_stats.pipeline.files import remove
from uflux_stats.pipeline.resources import Usage, measured
from uflux_stats.pipeline.stage import Stage, finished, forget_others, perform
from uflux_stats.reporting.numbers import Numbers, merge
from uflux_stats.reporting.run_files import NUMBERS, PROVENANCE, RUNTIME, STAGES
from uflux_stats.stats.views import html_view

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StageRecord:
    """How one stage went. A ``reused`` stage has the usage of the run that computed it."""

    name: str
    reused: bool
    usage: Usage


@dataclass(frozen=True)
class RunRecord:
    """How a run went, and its numbers."""

    folder: Path
    stages: tuple[StageRecord, ...]
    numbers: Numbers

    def _repr_html_(self) -> str:
        """Show the first numbers; all are in ``numbers.json``."""
        rows = [{"number": name, **asdict(one)} for name, one in self.numbers.items()]
        return html_view(f"Run in {self.folder}", pd.DataFrame(rows))


def run_stages(
    stages: Sequence[Stage], folder: Path, *, workers: int = 1, progress: bool = False
) -> RunRecord:
    """Run the stages that are not finished and write ``numbers.json`` and ``runtime.json``.

    ``numbers.json`` and ``provenance.json`` of an earlier run are removed as soon as a stage must
    run again, so that a folder that has them is the result of one whole run.

    Parameters
    ----------
    stages : sequence of Stage
        In the order to run; each needs only results of earlier ones.
    folder : Path
        The run's folder; made if it is not there.
    workers : int
        Processes or threads that a stage may use.
    progress : bool
        Whether to draw a progress bar on standard error.

    Returns
    -------
    RunRecord
        Of all stages, run or reused.

    Raises
    ------
    UfluxError
        If two stages have the same name or output, or a stage's own work goes wrong.
    """
    _require_distinct(stages)
    (folder / STAGES).mkdir(parents=True, exist_ok=True)
    forget_others(stages, folder)
    before = _read_runtime(folder)
    records: list[StageRecord] = []
    parts: list[Numbers] = []
    for stage in _with_bar(stages, progress):
        record, numbers = _run_one(stage, folder, before.get(stage.name, Usage()), workers)
        records.append(record)
        parts.append(numbers)
        _write_runtime(folder, records, workers)
    together = merge(*parts)
    write_json(together, folder / NUMBERS)
    return RunRecord(folder, tuple(records), together)


def _run_one(
    stage: Stage, folder: Path, before: Usage, workers: int
) -> tuple[StageRecord, Numbers]:
    expected = stage.fingerprint(folder)
    numbers = finished(stage, folder, expected)
    if numbers is not None:
        logger.info("%-12s finished before", stage.name)
        return StageRecord(stage.name, True, before), numbers
    for name in (NUMBERS, PROVENANCE):
        remove(folder / name)
    logger.debug("%-12s begins", stage.name)
    with measured() as usage:
        numbers = perform(stage, folder, expected, workers=workers)
    logger.info("%-12s %.1f s", stage.name, usage.seconds)
    return StageRecord(stage.name, False, usage), numbers


def _with_bar(stages: Sequence[Stage], progress: bool) -> Iterator[Stage]:
    with tqdm(stages, disable=not progress, unit="stage", leave=False) as bar:
        for stage in bar:
            bar.set_description(stage.name)
            yield stage


def _require_distinct(stages: Sequence[Stage]) -> None:
    for what, names in (
        ("name", [stage.name for stage in stages]),
        ("output", [name for stage in stages for name in stage.outputs]),
    ):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise UfluxError(f"stages: expected every {what} once, got {twice} twice; rename one")


def _read_runtime(folder: Path) -> dict[str, Usage]:
    try:
        table: dict[str, Any] = json.loads((folder / RUNTIME).read_text(encoding="utf-8"))
        return {
            name: Usage(**{key: value for key, value in entry.items() if key != "reused"})
            for name, entry in table["stages"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _write_runtime(folder: Path, records: Sequence[StageRecord], workers: int) -> None:
    usages = [record.usage for record in records]
    total = Usage(
        seconds=round(sum(usage.seconds for usage in usages), 3),
        peak_memory_mib=max(usage.peak_memory_mib for usage in usages),
        peak_child_memory_mib=max(usage.peak_child_memory_mib for usage in usages),
    )
    stages = {record.name: {**asdict(record.usage), "reused": record.reused} for record in records}
    write_json({"stages": stages, "total": total, "workers": workers}, folder / RUNTIME)
