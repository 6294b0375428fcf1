"""Stages: run once, resume after a kill, rerun when something they depend on changed."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from uflux_stats.errors import UfluxError
from uflux_stats.io.fingerprints import fingerprint
from uflux_stats.pipeline import Stage, Task, run_stages
from uflux_stats.pipeline.code import code_version
from uflux_stats.reporting.numbers import Number, number, read_numbers

CALLS: list[str] = []


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    CALLS.clear()


def double(task: Task) -> Mapping[str, Number]:
    """Write twice the number in the input file, times a setting."""
    CALLS.append("double")
    value = float(task.files["source"][0].read_text()) * 2 * task.settings.get("factor", 1)
    task.output("double.txt").write_text(str(value))
    return {"double.value": number(value)}


def add_one(task: Task) -> Mapping[str, Number]:
    CALLS.append("add_one")
    value = float(task.input("double.txt").read_text()) + 1
    task.output("sub/one.txt").write_text(str(value))
    return {"one.value": number(value)}


def stages(source: Path, factor: float = 1, second=add_one) -> list[Stage]:
    return [
        Stage("double", double, files={"source": (source,)}, outputs=("double.txt",),
              settings={"factor": factor}),
        Stage("one", second, needs=("double.txt",), outputs=("sub/one.txt",)),
    ]  # fmt: skip


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.txt"
    path.write_text("3")
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_a_run_leaves_results_numbers_and_runtime(source: Path, out: Path) -> None:
    record = run_stages(stages(source), out)
    assert (out / "sub/one.txt").read_text() == "7.0"
    assert read_numbers(out / "numbers.json") == record.numbers
    assert record.numbers["one.value"].value == 7.0
    runtime = json.loads((out / "runtime.json").read_text())
    assert set(runtime["stages"]) == {"double", "one"}
    assert runtime["total"]["peak_memory_mib"] > 1


def test_finished_stages_are_not_run_again(source: Path, out: Path) -> None:
    first = run_stages(stages(source), out)
    second = run_stages(stages(source), out)
    assert CALLS == ["double", "add_one"]
    assert second.numbers == first.numbers
    assert [stage.reused for stage in second.stages] == [True, True]
    assert second.stages[0].usage == first.stages[0].usage


def test_a_changed_setting_reruns(source: Path, out: Path) -> None:
    run_stages(stages(source), out)
    assert run_stages(stages(source, factor=2), out).numbers["one.value"].value == 13.0
    assert CALLS == ["double", "add_one"] * 2


def test_a_changed_input_reruns_and_a_new_date_does_not(source: Path, out: Path) -> None:
    run_stages(stages(source), out)
    source.touch()
    run_stages(stages(source), out)
    assert CALLS == ["double", "add_one"]
    source.write_text("4")
    assert run_stages(stages(source), out).numbers["double.value"].value == 8.0
    assert CALLS == ["double", "add_one"] * 2


def test_equal_results_spare_the_stages_after(source: Path, out: Path) -> None:
    run_stages(stages(source), out)
    source.write_text("3.0")
    run_stages(stages(source), out)
    assert CALLS == ["double", "add_one", "double"]


def test_a_damaged_or_missing_result_is_made_again(source: Path, out: Path) -> None:
    run_stages(stages(source), out)
    (out / "double.txt").write_text("6.")
    run_stages(stages(source), out)
    assert CALLS == ["double", "add_one", "double"]
    (out / "sub/one.txt").unlink()
    run_stages(stages(source), out)
    assert CALLS == ["double", "add_one", "double", "add_one"]
    assert (out / "sub/one.txt").read_text() == "7.0"


def killed_midway(task: Task) -> Mapping[str, Number]:
    CALLS.append("killed")
    task.output("sub/one.txt").write_text("half of a res")
    raise KeyboardInterrupt


def test_a_killed_run_leaves_no_half_result_and_resumes(source: Path, out: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_stages(stages(source, second=killed_midway), out)
    assert not (out / "sub/one.txt").exists()
    assert not (out / "numbers.json").exists()
    assert run_stages(stages(source), out).numbers["one.value"].value == 7.0
    assert CALLS == ["double", "killed", "add_one"]
    assert not list(out.glob(".stages/*/work-*"))


def test_a_rerun_that_is_killed_takes_the_old_numbers_away(source: Path, out: Path) -> None:
    run_stages(stages(source), out)
    with pytest.raises(KeyboardInterrupt):
        run_stages(stages(source, factor=2, second=killed_midway), out)
    assert not (out / "numbers.json").exists()
    run_stages(stages(source, factor=2), out)
    assert (out / "sub/one.txt").read_text() == "13.0"


def in_two_steps(task: Task) -> Mapping[str, Number]:
    """Do half the work per run, as if killed in between."""
    half, whole = task.work / "half", task.output("sub/one.txt")
    CALLS.append("second half" if half.exists() else "first half")
    if not half.exists():
        half.write_text("done")
        raise KeyboardInterrupt
    whole.write_text("whole")
    return {}


@pytest.mark.parametrize("change", [False, True])
def test_a_resumable_stage_goes_on_only_if_nothing_changed(out: Path, change: bool) -> None:
    def plan(value: int) -> list[Stage]:
        return [
            Stage("slow", in_two_steps, outputs=("sub/one.txt",), settings={"value": value},
                  resumable=True)
        ]  # fmt: skip

    with pytest.raises(KeyboardInterrupt):
        run_stages(plan(0), out)
    if change:
        with pytest.raises(KeyboardInterrupt):
            run_stages(plan(1), out)
        assert CALLS == ["first half", "first half"]
    else:
        run_stages(plan(0), out)
        assert CALLS == ["first half", "second half"]


def test_results_of_stages_no_longer_planned_go(source: Path, out: Path) -> None:
    run_stages(stages(source), out)
    (out / "mine.txt").touch()
    run_stages(stages(source)[:1], out)
    assert not (out / "sub/one.txt").exists()
    assert (out / "double.txt").exists()
    assert (out / "mine.txt").exists()


def test_the_same_run_twice_is_the_same_bytes(source: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        run_stages(stages(source), tmp_path / name, workers=1 if name == "a" else 2)
        (tmp_path / name / "runtime.json").unlink()
    assert fingerprint(tmp_path / "a") == fingerprint(tmp_path / "b")


def test_mistaken_plans_are_named(source: Path, out: Path) -> None:
    first, second = stages(source)
    with pytest.raises(UfluxError, match=r"every name once, got \['double'\]"):
        run_stages([first, first], out)
    with pytest.raises(UfluxError, match=r"double\.txt: expected the result of an earlier stage"):
        run_stages([second, first], out)
    lazy = Stage("lazy", lambda _: {}, outputs=("never.txt",))
    with pytest.raises(UfluxError, match=r"stage lazy: expected it to write \['never\.txt'\]"):
        run_stages([lazy], out)


def test_code_version_follows_imports_and_no_others() -> None:
    assert code_version("uflux_stats.schema") != code_version("uflux_stats.checks")
    assert code_version("json") == code_version("os.path")
