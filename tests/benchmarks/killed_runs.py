"""Kill runs at random points, go on, and compare with an unbroken run byte by byte.

    python tests/benchmarks/killed_runs.py --points 200 [--seed 0] [--quick]

A point is any moment at which a run is about to open a file for writing, rename, remove or make
something: the process kills itself there with SIGKILL. After every kill each result that is seen
under its name must be whole. Runs begin in an empty folder, or in that of a finished run of another
seed, whose results they replace.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
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
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        before = unbroken(home / "before", seed=1, quick=given.quick)
        case = unbroken(home / "after", seed=2, quick=given.quick)
        killed = finished = 0
        while killed < given.points:
            folder = home / "killed"
            shutil.rmtree(folder, ignore_errors=True)
            if finished % 2:
                shutil.copytree(home / "before", folder)
            killed += kill_until_done(case, before, folder, rng, most=given.points - killed)
            finished += 1
        told = f"{killed} kills, {finished} runs finished like unbroken ones, {case.points} points"
        sys.stdout.write(f"{told}\n")


def unbroken(folder: Path, *, seed: int, quick: bool) -> Case:
    """Run without a kill, and count the points at which it could have been."""
    config = build_config(TINY, {"output.out": str(folder), "run.seed": seed, "twin.seed": 0})
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
    case: Case, before: Case, folder: Path, rng: np.random.Generator, *, most: int
) -> int:
    """Kill and go on until a run comes to its end; return how often it was killed."""
    killed = 0
    while True:
        # early points more often, so that one run is killed several times on its way
        point = 1 + int(case.points * rng.random() ** 3) if killed < most else None
        status = attempt(case.stages, folder, kill_at=point)
        if status == 0:
            require(digests(folder) == case.whole, f"as unbroken: {differing(folder, case)}")
            return killed
        require(os.WIFSIGNALED(status), f"killed, not failed, at point {point}")
        killed += 1
        for name, digest in case.results.items():
            if (folder / name).exists():
                known = {digest, before.results[name]}
                require(fingerprint(folder / name) in known, f"whole: {name}, point {point}")


def attempt(
    stages: tuple[Stage, ...],
    folder: Path,
    *,
    kill_at: int | None = None,
    count_to: Path | None = None,
) -> int:
    """Run in a process of its own; return how it ended."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    seen = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
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


def require(holds: bool, what: str) -> None:
    """Stop unless something holds."""
    if not holds:
        raise SystemExit(f"expected {what}")


if __name__ == "__main__":
    main()
