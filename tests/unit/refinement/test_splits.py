"""Folds that keep together what must not be torn apart."""

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import ConfigError, MissingVariableError
from uflux_stats.refinement import SPLITS, split_folds

ROWS = np.repeat(np.arange(12), 5)
WHOLE = [split for split in SPLITS if split != "random"]


def folds_of_towers(fold: np.ndarray) -> list[set[int]]:
    return [set(fold[tower == ROWS]) for tower in range(12)]


@pytest.mark.parametrize("folds", [None, 2, 3])
@pytest.mark.parametrize("split", WHOLE)
def test_towers_stay_whole(towers: xr.Dataset, split: str, folds: int | None) -> None:
    fold = split_folds(towers, ROWS, split=split, folds=folds)
    assert all(len(found) == 1 for found in folds_of_towers(fold))
    assert set(fold) == set(range(fold.max() + 1))
    assert folds is None or fold.max() + 1 == folds


def test_random_split_tears_towers_apart(towers: xr.Dataset) -> None:
    fold = split_folds(towers, ROWS, split="random")
    assert np.bincount(fold).tolist() == [6] * 10
    assert any(len(found) > 1 for found in folds_of_towers(fold))


@pytest.mark.parametrize(("split", "name"), [("igbp", "IGBP"), ("koppen", "KOPPEN")])
def test_a_class_is_held_out_whole(towers: xr.Dataset, split: str, name: str) -> None:
    fold = split_folds(towers, ROWS, split=split)
    classes = towers[name].values[ROWS]
    assert len(set(zip(fold, classes, strict=True))) == len(set(classes)) == fold.max() + 1


def test_one_tower_at_a_time_counts_only_those_with_rows(towers: xr.Dataset) -> None:
    fold = split_folds(towers, np.array([3, 3, 7, 9]), split="tower")
    assert fold.tolist() == [0, 0, 1, 2]


def test_blocks_are_at_most_a_thousand_kilometres_wide(towers: xr.Dataset) -> None:
    # on the equator a degree is 111 km: 0 and 8 are together, 17 is too far from 0; the date line
    # parts nobody
    lon = [0.0, 8.0, 17.0, 179.0, -179.0, *np.arange(30.0, 170.0, 20.0)]
    towers = towers.assign_coords(lat=("site", np.zeros(12)), lon=("site", lon))
    fold = split_folds(towers, np.arange(12), split="blocks")
    assert fold[0] == fold[1] != fold[2]
    assert fold[3] == fold[4]
    assert fold.max() + 1 == 10


def test_unknown_classes_are_a_group_of_their_own(towers: xr.Dataset) -> None:
    towers["KOPPEN"][[0, 5]] = np.nan
    fold = split_folds(towers, np.arange(12), split="koppen")
    assert fold[0] == fold[5]
    assert (fold == fold[0]).sum() == 2


def test_seed_decides(towers: xr.Dataset) -> None:
    def fold(seed: int) -> list[int]:
        return split_folds(towers, ROWS, split="random", seed=seed).tolist()

    assert fold(1) == fold(1) != fold(2)


def test_what_cannot_be_split_is_refused(towers: xr.Dataset) -> None:
    with pytest.raises(ConfigError, match="'site'"):
        split_folds(towers, ROWS, split="site")
    with pytest.raises(ConfigError, match="at least 2, got 1"):
        split_folds(towers, ROWS, folds=1)
    with pytest.raises(ConfigError, match="at least 13 groups, got 12"):
        split_folds(towers, ROWS, folds=13)
    with pytest.raises(ConfigError, match="at least 2 groups, got 1"):
        split_folds(towers, np.zeros(9, np.intp))
    with pytest.raises(MissingVariableError, match="KOPPEN"):
        split_folds(towers.drop_vars("KOPPEN"), ROWS, split="koppen")
    towers["lat"][3] = np.nan
    with pytest.raises(MissingVariableError, match="lat and lon"):
        split_folds(towers, ROWS, split="blocks")
