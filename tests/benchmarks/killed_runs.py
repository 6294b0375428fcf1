"""Kill runs at random points, go on, and compare with an unbroken run byte by byte.

    python tests/benchmarks/killed_runs.py --points 200 [--seed 0] [--quick]
    python tests/benchmarks/killed_runs.py --points 3 --demo

A point is any moment at which a run is about to open a file for writing, rename, remove or make
something: the process kills itself there with SIGKILL. After every kill each result that is seen
under its name must be whole. Runs begin in an empty folder, or in that of a finished run of another
seed, whose results they replace. ``--demo`` kills one run of the twin Earth as ``uflux-stats run``
has it, every stage, in stages spread over the run.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from uflux_stats.config import RunConfig, build_config
from uflux_stats.io.fingerprints import fingerprint
from uflux_stats.pipeline.plan import plan
from uflux_stats.pipeline.runner import NUMBERS, RUNTIME, run_stages
from uflux_stats.pipeline.stage import Stage

TINY: Final[dict[str, dict[str, Any]]] = {
    "twin": {"resolution": 15.0, "years": [2003, 2004], "towers": 6, "models": 2},
    "refine": {"members": 1},
    "emulate": {"trees": 5, "depth": 2, "rows": 500},
    # no split by towers: nothing is calibrated, so that upscaling can do without validation
    "validation": {"splits": ["random"], "both_drivers": False},
    "respiration": {"posterior": False},
    "attribution": {"replicates": 20},
}
QUICK: Final = {"twin", "towers", "refine", "upscale", "statistics"}
CHANGES: Final = {"os.rename", "os.remove", "os.rmdir", "os.mkdir"}
WRITING: Final = os.O_WRONLY | os.O_RDWR
Point = tuple[int, int | None]
NOT_COMPARED: Final = {RUNTIME}
"""Files that tell when and how fast, not what."""


@dataclass(frozen=True)
class Case:
    """A configuration, its stages, and what an unbroken run leaves of it."""

    config: RunConfig
    stages: tuple[Stage, ...]
    whole: Mapping[str, str]
    results: Mapping[str, str]
    points: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="few stages")
    parser.add_argument("--demo", action="store_true", help="one run of the demo, all stages")
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    with tempfile.TemporaryDirectory() as scratch:
        if given.demo:
            kill_demo(Path(scratch), rng, most=given.points)
        else:
            kill_tiny(Path(scratch), rng, most=given.points, quick=given.quick)


def kill_tiny(home: Path, rng: np.random.Generator, *, most: int, quick: bool) -> None:
    """Kill many short runs, from an empty folder and over a finished one in turn."""
    before = unbroken(home / "before", TINY, seed=1, quick=quick)
    case = unbroken(home / "after", TINY, seed=2, quick=quick)
    killed = finished = 0
    while killed < most:
        folder = home / "killed"
        shutil.rmtree(folder, ignore_errors=True)
        if finished % 2:
            shutil.copytree(home / "before", folder)
        points = ((0, point) for point in early(case.points, rng, most - killed))
        killed += kill_until_done(case, folder, points, earlier=before.results)
        finished += 1
    say(f"{killed} kills, {finished} runs finished like unbroken ones, {case.points} points")


def kill_demo(home: Path, rng: np.random.Generator, *, most: int) -> None:
    """Kill one run of the demo in as many of its stages as there are kills, early or late in each.

    A stage with fewer points than drawn is let go, and a later one is hit.
    """
    case = unbroken(home / "after", {}, seed=2)
    say(f"unbroken: {len(case.stages)} stages, {case.points} points")
    stages = np.sort(rng.permutation(len(case.stages))[:most])
    each = case.points // len(case.stages)
    kills = [
        (int(stage), point) for stage, point in zip(stages, early(each, rng, most), strict=True)
    ]
    killed = kill_until_done(case, home / "killed", kills, earlier={})
    say(f"{killed} kills, finished like the unbroken run")


def early(points: int, rng: np.random.Generator, most: int) -> Iterator[int]:
    """Yield points to kill at, early ones more often, so that one run is killed several times."""
    for _ in range(most):
        yield 1 + int(points * rng.random() ** 3)


def unbroken(folder: Path, chosen: dict[str, Any], *, seed: int, quick: bool = False) -> Case:
    """Run without a kill, and count the points at which it could have been."""
    config = build_config(chosen, {"output.out": str(folder), "run.seed": seed, "twin.seed": 0})
    stages = plan(config)
    if quick:
        stages = tuple(stage for stage in stages if stage.name in QUICK)
    counted = folder.with_suffix(".points")
    if attempt(stages, folder, count_to=counted):
        raise SystemExit("the unbroken run failed")
    outputs = [NUMBERS, *(name for stage in stages for name in stage.outputs)]
    results = {name: fingerprint(folder / name) for name in outputs}
    return Case(config, stages, digests(folder), results, int(counted.read_text()))


def kill_until_done(
    case: Case, folder: Path, points: Iterable[Point], *, earlier: Mapping[str, str]
) -> int:
    """Kill and go on until a run comes to its end; return how often it was killed.

    Each point is counted from where the run goes on, after a number of stages; ``earlier`` are
    results that may still be there.
    """
    killed = 0
    for after, point in (*points, (0, None)):
        status = attempt(case.stages, folder, after=after, kill_at=point)
        if status == 0:
            break
        require(os.WIFSIGNALED(status), f"killed, not failed, at point {point}")
        killed += 1
        there = [name for name in case.results if (folder / name).exists()]
        seen = f"{len(there)} of {len(case.results)} results there"
        say(f"killed at point {point} after {after} stages, {seen}")
        for name in there:
            known = {case.results[name], earlier.get(name)}
            require(fingerprint(folder / name) in known, f"whole: {name}, point {point}")
    require(digests(folder) == case.whole, f"as unbroken: {differing(folder, case)}")
    return killed


def attempt(
    stages: tuple[Stage, ...],
    folder: Path,
    *,
    after: int = 0,
    kill_at: int | None = None,
    count_to: Path | None = None,
) -> int:
    """Run in a process of its own; return how it ended."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    ended = seen = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal ended, seen
        # the account of seconds is renamed into place at the end of every stage
        ended += event == "os.rename" and Path(arguments[1]).name == RUNTIME
        if ended < after:
            return
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        if writes or event in CHANGES:
            seen += 1
            if seen == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    code = 1
    try:
        sys.addaudithook(watch)
        run_stages(stages, folder)
        if count_to is not None:
            count_to.write_text(str(seen))
        code = 0
    finally:
        os._exit(code)


def digests(folder: Path) -> dict[str, str]:
    """Fingerprint of every file below a folder, hidden ones too."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    named = {str(path.relative_to(folder)): path for path in files}
    return {name: fingerprint(path) for name, path in named.items() if name not in NOT_COMPARED}


def differing(folder: Path, case: Case) -> list[str]:
    """Names of files that are not as an unbroken run has them."""
    return sorted({name for name, _ in digests(folder).items() ^ case.whole.items()})


def say(what: str) -> None:
    """Write a line, at once."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {what}\n")
    sys.stdout.flush()


def require(holds: bool, what: str) -> None:
    """Stop unless something holds."""
    if not holds:
        raise SystemExit(f"expected {what}")


if __name__ == "__main__":
    main()
