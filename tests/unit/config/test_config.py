"""Configuration: TOML, overrides, and errors that name the key."""

from pathlib import Path
from typing import get_args

import pytest

from tests.unit.refinement.learning.conftest import make_lesson
from uflux_stats.config import (
    InputConfig,
    OutputConfig,
    RefineConfig,
    RunConfig,
    build_config,
    check,
    parse_override,
    read_config,
)
from uflux_stats.config.learning import Learner, Part
from uflux_stats.errors import ConfigError
from uflux_stats.refinement import RefineOptions
from uflux_stats.refinement.learning.registry import LEARNERS
from uflux_stats.refinement.options import ForestOptions, KernelOptions, StackOptions
from uflux_stats.refinement.options import Part as PartOfStack


def write(folder: Path, text: str) -> Path:
    path = folder / "run.toml"
    path.write_text(text)
    return path


def test_no_file_is_all_defaults() -> None:
    assert read_config() == RunConfig()
    assert read_config().is_twin


def test_file_values_reach_their_sections(tmp_path: Path) -> None:
    path = write(tmp_path, "[input]\nqc = 1\n[refine]\nmembers = 3\n[validation]\nmode = 'full'\n")
    config = read_config(path)
    assert config.input.qc == 1.0
    assert isinstance(config.input.qc, float)
    assert config.refine.members == 3
    assert config.validation.wanted == ("random", "tower", "igbp", "koppen", "blocks")


def test_flags_win_over_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "[refine]\nmembers = 3\ntarget = 'direct'\n")
    config = read_config(path, {"refine.members": 5})
    assert (config.refine.members, config.refine.target) == (5, "direct")


def test_paths_start_from_the_file_and_flags_from_here(tmp_path: Path) -> None:
    path = write(tmp_path, "[input]\ntowers = 'fluxnet'\ndrivers = 'era5.nc'\n")
    config = read_config(path, {"output.out": "here"})
    assert config.input.towers == tmp_path / "fluxnet"
    assert config.input.drivers == (tmp_path / "era5.nc",)
    assert config.output.out == Path("here")


def test_seeds_default_to_that_of_the_run() -> None:
    config = build_config({"run": {"seed": 5}, "twin": {"seed": 8}})
    assert (config.twin_seed, config.refine_seed) == (8, 5)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"refine": {"member": 3}}, r"refine\.member: .*nearest: members"),
        ({"refin": {"members": 3}}, r"refin: .*nearest: refine"),
        ({"refine": {"zzz": 3}}, r"refine\.zzz: expected one of \['model', .*use one of them"),
        ({"refine": {"model": "forest"}}, r"refine\.model: .*'xgboost'.*got 'forest'"),
        ({"refine": {"members": 0}}, r"refine\.members: .*from 1 to 1000, got 0"),
        ({"refine": {"members": 2.5}}, r"refine\.members: expected a whole number, got 2\.5"),
        ({"refine": {"members": True}}, r"refine\.members: expected a whole number, got True"),
        ({"refine": {"members": "ten"}}, r"refine\.members: expected a whole number, got 'ten'"),
        ({"run": {"seed": -1}}, r"run\.seed: expected a number of at least 0, got -1"),
        ({"input": {"qc": float("nan")}}, r"input\.qc: .*from 0 to 1, got nan"),
        ({"input": {"towers": 3}}, r"input\.towers: expected a path, got 3"),
        ({"input": {"drivers": [""]}}, r"input\.drivers: expected a path, got ''"),
        ({"validation": {"splits": ["tower", "year"]}}, r"validation\.splits: .*got 'year'"),
        ({"twin": {"years": [2003]}}, r"twin\.years: expected 2 values, got \[2003\]"),
        ({"twin": {"years": [2003, "x"]}}, r"twin\.years: expected a whole number, got 'x'"),
        ({"refine": 3}, r"refine: expected a section, got 3"),
    ],
)
def test_wrong_keys_and_values_are_named(table: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_config(table)


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml.*check the path"):
        read_config(tmp_path / "absent.toml")
    with pytest.raises(ConfigError, match=r"expected TOML, got .*run\.toml"):
        read_config(write(tmp_path, "refine = ["))


def test_overrides_without_a_section_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"section\.key=value, got 'members=3'"):
        parse_override("members=3")
    assert parse_override('input.drivers=["a.nc", "b.nc"]') == ("input.drivers", ["a.nc", "b.nc"])


def test_building_looks_at_no_path() -> None:
    assert InputConfig(towers=Path("/nowhere")).towers == Path("/nowhere")


def test_check_accepts_the_twin_and_existing_input(tmp_path: Path) -> None:
    towers = tmp_path / "towers"
    towers.mkdir()
    (towers / "FLX.csv").touch()
    out = OutputConfig(out=tmp_path / "out")
    check(RunConfig(output=out))
    check(RunConfig(input=InputConfig(towers=towers), output=out))


def test_check_names_missing_input(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for given, message in (
        (InputConfig(towers=tmp_path / "no"), r"input\.towers: .*does not exist"),
        (InputConfig(towers=empty), r"input\.towers: .*is empty"),
        (InputConfig(drivers=(empty,)), r"input\.towers: .*got none"),
        (InputConfig(towers=empty, tower_drivers="grid"), r"input\.drivers: .*got none"),
    ):
        with pytest.raises(ConfigError, match=message):
            check(RunConfig(input=given, output=OutputConfig(out=tmp_path / "out")))


def test_check_holds_values_that_python_gave() -> None:
    with pytest.raises(ConfigError, match=r"refine\.members: .*got 0"):
        check(RunConfig(refine=RefineConfig(members=0)))


def test_check_does_not_write_over_other_files(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ConfigError, match=r"output\.out: .*holds other files"):
        check(RunConfig(output=OutputConfig(out=tmp_path)))
    with pytest.raises(ConfigError, match=r"output\.out: .*got the file"):
        check(RunConfig(output=OutputConfig(out=tmp_path / "thesis.tex")))
    (tmp_path / ".stages").mkdir()
    check(RunConfig(output=OutputConfig(out=tmp_path)))


def test_one_group_of_towers_cannot_be_left_out() -> None:
    with pytest.raises(ConfigError, match=r"respiration.folds: expected 0 or at least 2"):
        build_config({"respiration": {"folds": 1}})


@pytest.mark.parametrize("name", LEARNERS)
def test_what_a_run_explains_has_trees(name: str) -> None:
    """A stage that explains is planned before anything is fitted."""
    if name in ("lightgbm", "catboost"):
        pytest.importorskip(name)
    options = RefineOptions(
        members=1, trees=5, forest=ForestOptions(trees=3), kernel=KernelOptions(points=40)
    )
    model = LEARNERS[name](make_lesson(rows=200), options, [0])
    # depth of a cascade and weights of a stack are learned: they may have trees, or none
    assert RefineConfig(model=name).explained <= bool(model.trees)  # type: ignore[arg-type]
    assert set(get_args(Learner)) == {*LEARNERS, "neural"}


def test_parts_of_a_blend_reach_the_refinement() -> None:
    given = {"model": "blend", "parts": ["kernel", "neural"], "tower_effect": 0.02, "memory": "tcn"}
    config = build_config({"refine": given}, {"run.seed": 7})
    options = RefineOptions.from_dict(config.learner)
    assert options.stack == StackOptions(parts=("kernel", "neural"))
    assert (options.kernel.tower, options.network.memory, options.seed) == (0.02, "tcn", 7)
    assert not config.refine.explained
    assert RefineConfig(model="blend", parts=("kernel", "extra_trees")).explained
    assert set(get_args(Part)) == set(get_args(PartOfStack))
    with pytest.raises(ConfigError, match=r"refine\.parts: .*'xgboost'.*got 'forest'"):
        build_config({"refine": {"parts": ["forest"]}})


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"model": "xgboost", "parts": ["kernel"]}, "parts"),
        ({"model": "blend", "parts": ["xgboost"], "tower_effect": 0.1}, "tower_effect"),
        ({"model": "xgboost", "tower_effect": 0.1}, "tower_effect"),
        ({"model": "stack", "memory": "tcn"}, "memory"),
    ],
)
def test_what_a_learner_does_not_heed_is_refused(given: dict[str, object], key: str) -> None:
    with pytest.raises(ConfigError, match=rf"refine\.{key}: expected a learner that heeds it"):
        check(build_config({"refine": given}))


def test_what_a_learner_heeds_is_taken(tmp_path: Path) -> None:
    given = {"model": "stack", "parts": ["kernel", "neural"], "tower_effect": 1, "memory": "tcn"}
    check(build_config({"refine": given, "output": {"out": str(tmp_path / "new")}}))
    blend = {"model": "blend", "tower_effect": 1}
    check(build_config({"refine": blend, "output": {"out": str(tmp_path / "new")}}))


def test_a_run_learns_by_the_defaults_of_the_package() -> None:
    assert RefineOptions.from_dict(RunConfig().learner) == RefineOptions()
