"""``uflux-stats validate``: of towers and of a run, with the split named."""

import json
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

from uflux_stats.cli import main
from uflux_stats.config import build_config
from uflux_stats.errors import ConfigError
from uflux_stats.pipeline.plan import plan
from uflux_stats.pipeline.runner import run_stages
from uflux_stats.refinement import Refiner
from uflux_stats.refinement.adaptation import Adaptation
from uflux_stats.reporting.numbers import read_numbers

TINY = {
    "twin": {"resolution": 15.0, "years": [2003, 2004], "towers": 8, "models": 2},
    "refine": {"members": 1},
    "validation": {"splits": ["tower"]},
}
SMALL = ("--set", "refine.members=1", "-q")
Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first stages of a run, validated under one split."""
    out = tmp_path_factory.mktemp("run") / "out"
    wanted = ("twin", "towers", "refine", "validate", "adaptation")
    stages = [stage for stage in plan(build_config(TINY)) if stage.name in wanted]
    run_stages(stages, out)
    return out


def test_a_run_tells_what_it_has_stored(folder: Path, capsys: Captured) -> None:
    assert main(["validate", "--run", str(folder), "--csv"]) == 0
    told = pd.read_csv(StringIO(capsys.readouterr().out))
    assert set(told["split"]) == {"tower"}
    stored = read_numbers(folder / "numbers.json")
    for row in told.to_dict("records"):
        known = stored[f"validation.{row['step']}.tower.{row['flux']}.r2"].value
        assert row["r2"] == pytest.approx(known, rel=1e-4)
    assert set(told["folds"]) == {told["n_towers"].max()}


def test_a_split_that_a_run_lacks_is_computed_by_its_learner(
    folder: Path, capsys: Captured
) -> None:
    before = (folder / "validation.nc").read_bytes()
    assert main(["validate", "--run", str(folder), "--split", "random", "--json"]) == 0
    told = pd.DataFrame(json.loads(capsys.readouterr().out))
    assert set(told["split"]) == {"random"}
    assert set(told["folds"]) == {10}
    assert (folder / "validation.nc").read_bytes() == before


def test_towers_alone_and_quick_or_full(folder: Path, capsys: Captured) -> None:
    towers = ["--towers", str(folder / "twin/towers")]
    assert main(["validate", *towers, "--split", "tower", "--json", *SMALL]) == 0
    alone = pd.DataFrame(json.loads(capsys.readouterr().out))
    assert main(["validate", "--run", str(folder), "--split", "tower", "--json"]) == 0
    stored = pd.DataFrame(json.loads(capsys.readouterr().out))
    pd.testing.assert_frame_equal(alone, stored, rtol=1e-4)
    assert main(["validate", *towers, "--validation", "quick", *SMALL]) == 0
    told = capsys.readouterr().out
    assert "random: holds out months of any tower: flatters" in told
    assert "tower: holds out whole towers" in told
    assert told.splitlines()[0].split()[:3] == ["flux", "split", "folds"]


def test_a_run_can_adapt_to_a_tower_it_has_not_seen(folder: Path) -> None:
    own = xr.load_dataset(folder / "towers.nc").isel(site=[0])
    own["GPP"][:, 3:6] = float("nan")
    learned = Adaptation.from_json((folder / "adaptation.json").read_text())
    refiner = Refiner.load(folder / "refiner")
    with pytest.raises(ConfigError, match="not learned from"):
        refiner.adapt(own, learned)
    filled = refiner.adapt(own.assign_coords(site=["XX-New"]), learned)
    assert filled.GPP_flag.values[0, 3:6].tolist() == [1, 1, 1]
    sizes = read_numbers(folder / "numbers.json")
    assert sizes["adaptation.LE.season"].value == learned.models["LE"].season
    assert sizes["adaptation.LE.season"].units == "W m-2"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "towers: expected --towers or --run, got neither"),
        (["--run", "a", "--towers", "b"], "got both"),
        (["--run", "/no/such/run"], "run: expected the folder of a run"),
        (["--run", "a", "--split", "year"], "validation.splits: expected one of"),
        (["--run", "a", "--validation", "slow"], "validation.mode: expected one of"),
    ],
)
def test_bad_usage_is_told(arguments: list[str], message: str, capsys: Captured) -> None:
    assert main(["validate", *arguments]) == 2
    assert message in capsys.readouterr().err
