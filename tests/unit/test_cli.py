"""The command line: exit codes, one-line messages, quiet pipes, no lasting settings."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path

import pytest

from uflux_stats.cli import main
from uflux_stats.config import RunConfig
from uflux_stats.errors import DataFileError
from uflux_stats.pipeline import Stage, Task
from uflux_stats.reporting.numbers import Number, number


def total(task: Task) -> Mapping[str, Number]:
    task.output("result.txt").write_text("done")
    return {"totals.global.GPP": number(130.25, "PgC yr-1")}


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[RunConfig]:
    """A plan of one tiny stage; the configurations it was asked for."""
    asked: list[RunConfig] = []

    def plan(config: RunConfig) -> tuple[Stage, ...]:
        asked.append(config)
        return (Stage("total", total, outputs=("result.txt",)),)

    monkeypatch.setattr("uflux_stats.pipeline.run.plan", plan)
    return asked


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def plan(_: RunConfig) -> tuple[Stage, ...]:
        raise error

    monkeypatch.setattr("uflux_stats.pipeline.run.plan", plan)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("uflux-stats ")


def test_run_tells_stages_on_stderr_and_results_on_stdout(
    planned: list[RunConfig], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--out", str(tmp_path / "out"), "--seed", "7"]) == 0
    told = capsys.readouterr()
    assert planned[0].run.seed == 7
    assert told.err.startswith("total ")
    assert len(told.err.splitlines()) == 1
    assert any(line.split() == ["GPP", "[PgC", "yr-1]", "130"] for line in told.out.splitlines())
    provenance = json.loads((tmp_path / "out/provenance.json").read_text())
    assert provenance["seeds"]["twin"] == 7
    assert provenance["data"].startswith("twin Earth")


@pytest.mark.usefixtures("planned")
def test_quiet_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "-q", "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr() == ("", "")


def test_flags_and_set_reach_the_configuration(planned: list[RunConfig], tmp_path: Path) -> None:
    toml = tmp_path / "run.toml"
    toml.write_text("[refine]\nmembers = 3\n[validation]\nmode = 'quick'\n")
    flags = ["--out", str(tmp_path / "out"), "--validation", "full", "--set", "refine.members=4"]
    assert main(["run", str(toml), "-q", *flags]) == 0
    assert planned[0].validation.mode == "full"
    assert planned[0].refine.members == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: COMMAND"),
        (["walk"], "invalid choice: 'walk'"),
        (["run", "--tower", "x"], "unrecognized arguments: --tower"),
        (["run", "--seed", "x"], "invalid int value: 'x'"),
        (["run", "--validation", "slow"], "validation.mode: expected one of ['quick', 'full']"),
        (["run", "--towers", "/no/such/folder"], "input.towers: expected data"),
        (["run", "absent.toml"], "config: expected a readable TOML file"),
        (["run", "--set", "refine.member=3"], "nearest: members"),
    ],
)
def test_bad_usage_is_one_line_and_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert len(told.err.splitlines()) == 1
    assert told.out == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [(DataFileError("towers: empty"), 2), (RuntimeError("odd"), 1), (KeyboardInterrupt(), 130)],
)
def test_failures_have_their_codes_and_no_traceback(
    error: BaseException,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    failing(monkeypatch, error)
    assert main(["run", "--out", str(tmp_path / "out")]) == code
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_very_verbose_shows_where(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(monkeypatch, DataFileError("towers: empty"))
    assert main(["run", "-vv", "--out", str(tmp_path / "out")]) == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.usefixtures("planned")
def test_logging_is_left_as_found(tmp_path: Path) -> None:
    logger = logging.getLogger("uflux_stats")
    before = (logger.level, logger.propagate, list(logger.handlers))
    main(["run", "-v", "--out", str(tmp_path / "out")])
    assert (logger.level, logger.propagate, list(logger.handlers)) == before
