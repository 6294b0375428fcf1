"""A run that is killed goes on to the same bytes; what it leaves is whole or not there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from uflux_stats.pipeline.files import move_into_place, remove

COMMAND = Path(__file__).parents[2] / "benchmarks/killed_runs.py"


def test_killed_runs_end_like_unbroken_ones() -> None:
    done = subprocess.run(
        [sys.executable, str(COMMAND), "--quick", "--points", "5"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert " 5 kills, " in done.stdout.splitlines()[-1]


def test_a_folder_that_is_being_removed_has_lost_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "fluxes.zarr"
    seen: list[bool] = []
    monkeypatch.setattr(
        "uflux_stats.pipeline.files.shutil.rmtree", lambda *_, **__: seen.append(store.exists())
    )
    store.mkdir()
    remove(store)
    assert seen[-1] is False


def test_what_a_killed_removal_left_is_cleared(tmp_path: Path) -> None:
    (tmp_path / ".fluxes.zarr.removed").mkdir()
    (tmp_path / "new").mkdir()
    move_into_place(tmp_path / "new", tmp_path / "fluxes.zarr")
    assert [path.name for path in tmp_path.iterdir()] == ["fluxes.zarr"]
