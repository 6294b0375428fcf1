"""One step of a run, and the mark that it leaves when its results are whole.

A stage works in a folder of its own. Its results are moved to their names in the run's folder only
when all are there, and the mark is written last; a run killed at any moment leaves either the mark
with whole results or no mark.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from uflux_stats.errors import DataFileError, UfluxError
from uflux_stats.io.fingerprints import fingerprint
from uflux_stats.io.store import write_json
from uflux_stats.pipeline.code import code_version, library_versions
from uflux_stats.pipeline.files import move_into_place, remove
from uflux_stats.reporting.numbers import Number, Numbers, read_numbers
from uflux_stats.reporting.run_files import MARK, NUMBERS, STAGES


@dataclass(frozen=True)
class Task:
    """What a stage's function is given: where to read, where to write, and its settings.

    ``workers`` is not a setting: no result may depend on it.
    """

    folder: Path
    work: Path
    files: Mapping[str, tuple[Path, ...]]
    settings: Mapping[str, Any]
    workers: int = 1

    def input(self, name: str) -> Path:
        """Return a result of an earlier stage, by its name in the run's folder."""
        return self.folder / name

    def output(self, name: str) -> Path:
        """Path to write a result to; its folder exists. It is moved into place at the end."""
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


@dataclass(frozen=True)
class Stage:
    """A step of a run.

    Parameters
    ----------
    name : str
        Unique in the run.
    function : callable
        Takes a ``Task``, writes every output, returns its numbers.
    needs : tuple of str
        Results of earlier stages that it reads, by name in the run's folder.
    files : mapping of str to paths
        Input files from outside, by what they are.
    outputs : tuple of str
        Files or folders that it writes, relative to the run's folder.
    settings : mapping
        The part of the configuration that its results depend on; plain values.
    resumable : bool
        Whether the function can go on from the work folder of a killed run. That folder is only
        handed on while configuration, inputs and code are the same.
    """

    name: str
    function: Callable[[Task], Mapping[str, Number]]
    needs: tuple[str, ...] = ()
    files: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    resumable: bool = False

    def fingerprint(self, folder: Path) -> str:
        """Return what the results depend on: settings, contents of inputs, code and libraries."""
        outside = {
            kind: [fingerprint(path) for path in paths] for kind, paths in self.files.items()
        }
        return fingerprint(
            {
                "name": self.name,
                "settings": dict(self.settings),
                "files": outside,
                "needs": {name: _digest_of_need(folder / name) for name in self.needs},
                "outputs": self.outputs,
                "code": code_version(self.function.__module__),
                "libraries": library_versions(),
            }
        )


def stage_folder(folder: Path, name: str) -> Path:
    """Return the folder where a run keeps what it remembers of a stage."""
    return folder / STAGES / name


def finished(stage: Stage, folder: Path, expected: str) -> Numbers | None:
    """Return the numbers of a finished stage, or None if it must run (again).

    It must run if there is no mark, the mark is of another ``expected`` fingerprint, or a result
    is no longer what was written.
    """
    home = stage_folder(folder, stage.name)
    try:
        mark = json.loads((home / MARK).read_text(encoding="utf-8"))
        same = mark["fingerprint"] == expected and mark["outputs"] == _outputs(stage, folder)
        return read_numbers(home / NUMBERS) if same else None
    except (OSError, ValueError, KeyError):
        return None


def perform(stage: Stage, folder: Path, expected: str, *, workers: int = 1) -> Numbers:
    """Run a stage, move its results into place and leave the mark.

    Raises
    ------
    UfluxError
        If the function did not write one of its outputs.
    """
    home = stage_folder(folder, stage.name)
    work = _work_folder(home, stage, expected)
    (home / MARK).unlink(missing_ok=True)
    numbers = dict(stage.function(Task(folder, work, stage.files, stage.settings, workers)))
    lacking = [name for name in stage.outputs if not (work / name).exists()]
    if lacking:
        raise UfluxError(f"stage {stage.name}: expected it to write {lacking}; correct it")
    for name in stage.outputs:
        move_into_place(work / name, folder / name)
    remove(work)
    write_json(numbers, home / NUMBERS)
    write_json({"fingerprint": expected, "outputs": _outputs(stage, folder)}, home / MARK)
    return numbers


def forget_others(stages: Sequence[Stage], folder: Path) -> None:
    """Remove results of stages that an earlier run had and this one has not."""
    kept = {stage.name for stage in stages}
    written = {name for stage in stages for name in stage.outputs}
    for home in sorted((folder / STAGES).glob("*/")):
        if home.name in kept:
            continue
        for name in _marked_outputs(home):
            if name not in written:
                remove(folder / name)
        remove(home)


def _marked_outputs(home: Path) -> list[str]:
    try:
        return list(json.loads((home / MARK).read_text(encoding="utf-8"))["outputs"])
    except (OSError, ValueError, KeyError):
        return []


def _digest_of_need(path: Path) -> str:
    try:
        return fingerprint(path)
    except DataFileError as error:
        raise DataFileError(
            f"{path.name}: expected the result of an earlier stage, got nothing at {path}; "
            "put the stage that writes it before the one that reads it"
        ) from error


def _work_folder(home: Path, stage: Stage, expected: str) -> Path:
    """Clear what killed runs left, except work that this stage may go on with."""
    work = home / f"work-{expected[:16]}"
    for left in home.glob("work-*"):
        if left != work or not stage.resumable:
            remove(left)
    work.mkdir(parents=True, exist_ok=True)
    return work


def _outputs(stage: Stage, folder: Path) -> dict[str, str]:
    return {name: fingerprint(folder / name) for name in stage.outputs}
