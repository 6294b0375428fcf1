"""A saved refiner: plain files, the same predictions, and damage that is told."""

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import DataFileError, MissingVariableError
from uflux_stats.io.fingerprints import fingerprint
from uflux_stats.refinement import Refiner, refine


@pytest.fixture
def saved(refiner: Refiner, tmp_path: Path) -> Path:
    return refiner.save(tmp_path / "refiner")


def test_round_trip_gives_identical_predictions(
    refiner: Refiner, saved: Path, towers: xr.Dataset
) -> None:
    loaded = Refiner.load(saved)
    xr.testing.assert_identical(loaded.predict(towers), refiner.predict(towers))
    assert loaded.options == refiner.options
    assert loaded.spec == refiner.spec
    assert loaded.fit.parameters == refiner.fit.parameters
    assert loaded.sites == refiner.sites == tuple(towers["site"].values.tolist())
    assert "12 towers" in repr(loaded)


def test_direct_target_survives(towers: xr.Dataset, refiner: Refiner, tmp_path: Path) -> None:
    direct = refine(towers, options=refiner.options, target="direct", coordinates=True)
    loaded = Refiner.load(direct.save(tmp_path / "direct"))
    xr.testing.assert_identical(loaded.predict(towers), direct.predict(towers))


def test_files_are_json_trees_and_arrays(saved: Path) -> None:
    assert {path.suffix for path in saved.iterdir()} == {".json", ".npy", ".npz", ".ubj"}
    assert len(list(saved.iterdir())) == 2 + 4 * (3 + 1)
    assert not any(path.read_bytes().startswith(b"\x80") for path in saved.iterdir())
    assert json.loads((saved / "refiner.json").read_text())["layout"] == 5


def test_same_fit_same_bytes(saved: Path, tmp_path: Path) -> None:
    again = Refiner.load(saved).save(tmp_path / "again")
    for path in saved.iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes()


def test_an_older_refiner_is_replaced_whole(
    towers: xr.Dataset, refiner: Refiner, saved: Path
) -> None:
    refine(towers, options=refiner.options, members=1).save(saved)
    assert Refiner.load(saved).options.members == 1
    assert len(list(saved.iterdir())) == 2 + 4 * 2
    assert [path.name for path in saved.parent.iterdir()] == ["refiner"]


def test_something_else_is_not_replaced(refiner: Refiner, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(DataFileError, match="new folder or an older refiner"):
        refiner.save(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_remains_of_a_killed_run_are_no_hindrance(refiner: Refiner, tmp_path: Path) -> None:
    remains = tmp_path / ".refiner.partial"
    remains.mkdir()
    (remains / "GPP-000.ubj").write_bytes(b"half")
    with pytest.raises(DataFileError, match="written by Refiner"):
        Refiner.load(tmp_path / "refiner")
    Refiner.load(refiner.save(tmp_path / "refiner"))
    assert not remains.exists()


def test_a_loaded_refiner_is_validated_on_given_towers(saved: Path, towers: xr.Dataset) -> None:
    loaded = Refiner.load(saved)
    with pytest.raises(MissingVariableError, match="towers="):
        loaded.validate()
    metrics = loaded.validate(towers=towers, folds=2, members=1)
    assert metrics["r2"].notnull().all()


def edit(change: Callable[[dict], object]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        head = json.loads((folder / "refiner.json").read_text())
        change(head)
        (folder / "refiner.json").write_text(json.dumps(head))

    return damage


def cut(folder: Path) -> None:
    trees = folder / "LE-0-002.ubj"
    trees.write_bytes(trees.read_bytes()[:-40])


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DAMAGES: dict[str, Callable[[Path], object]] = {
    "no folder": shutil.rmtree,
    "no head": lambda folder: (folder / "refiner.json").unlink(),
    "half a head": lambda folder: (folder / "refiner.json").write_text('{"layout": 1, "opt'),
    "binary head": lambda folder: (folder / "refiner.json").write_bytes(b"\xff\xfe\x00\x81"),
    "head is a list": lambda folder: (folder / "refiner.json").write_text("[1]"),
    "no trees": lambda folder: (folder / "GPP-0-001.ubj").unlink(),
    "half the trees": cut,
    "no kernel": lambda folder: (folder / "RECO-1.npz").unlink(),
    "half a kernel": lambda folder: halve(folder / "RECO-1.npz"),
    "no training rows": lambda folder: (folder / "training.npy").unlink(),
    "other training rows": lambda folder: np.save(folder / "training.npy", np.zeros((3, 2))),
    "no threshold": edit(lambda head: head["domain"].pop("threshold")),
    "empty trees": lambda folder: (folder / "GPP-0-001.ubj").write_bytes(b""),
    "trees of another table": edit(lambda head: head["features"].update(coordinates=True)),
    "other layout": edit(lambda head: head.update(layout=99)),
    "unknown option": edit(lambda head: head["options"].update(soil=1)),
    "unknown model": edit(lambda head: head["options"].update(model="forest")),
    "negative rate": edit(lambda head: head["parameters"]["fallback"].update(rate=-1.0)),
    "no parameters": edit(lambda head: head.pop("parameters")),
    "classes of another form": edit(lambda head: head["features"].update(classes=[["IGBP"]])),
    "features of another form": edit(lambda head: head.update(features=[1])),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damage_is_told(saved: Path, damage: Callable[[Path], object]) -> None:
    damage(saved)
    with pytest.raises(DataFileError, match="path: expected"):
        Refiner.load(saved)


class Killed(BaseException):
    """Stands in for the end of the process."""


@pytest.mark.parametrize("at", range(1, 8))
def test_a_save_that_is_killed_leaves_a_whole_one_or_none(
    refiner: Refiner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    place = refiner.save(tmp_path / "refiner")
    whole = fingerprint(place)
    (tmp_path / ".refiner.old").mkdir()
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps == at:
            raise Killed

    def rename(self: Path, target: Path) -> Path:
        step()
        os.replace(self, target)
        return Path(target)

    def rmtree(path: Path, **_: object) -> None:
        for left in sorted(path.rglob("*"))[:1]:
            left.unlink()
        step()
        remove(path)

    remove = partial(shutil.rmtree, ignore_errors=True)
    with monkeypatch.context() as patched, suppress(Killed):
        patched.setattr(Path, "rename", rename)
        patched.setattr("uflux_stats.refinement.persistence.shutil.rmtree", rmtree)
        refiner.save(place)
    assert not place.exists() or fingerprint(place) == whole
    assert fingerprint(refiner.save(place)) == whole
    assert [left.name for left in tmp_path.iterdir()] == ["refiner"]
    assert (steps < at) == (at > 5)
