"""The ensemble: what a member sees, and what it must not."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xgboost as xgb

from uflux_stats.errors import ConfigError
from uflux_stats.refinement import RefineOptions
from uflux_stats.refinement import learners as module
from uflux_stats.refinement.learners import fit_ensemble, predict_ensemble

FEATURES = 10


@pytest.fixture
def table() -> np.ndarray:
    return np.random.default_rng(3).normal(size=(300, FEATURES)).astype(np.float32)


@pytest.fixture
def target(table: np.ndarray) -> np.ndarray:
    return table.sum(axis=1).astype(float)


def features_used(booster: xgb.Booster) -> set[int]:
    trees = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]["trees"]
    return {
        feature
        for tree in trees
        for feature, child in zip(tree["split_indices"], tree["left_children"], strict=True)
        if child != -1
    }


@pytest.mark.parametrize("share", [0.2, 0.5, 1.0])
def test_member_uses_no_feature_that_it_was_not_dealt(
    table: np.ndarray, target: np.ndarray, quick: RefineOptions, share: float
) -> None:
    options = replace(quick, feature_fraction=0.3, tree_features=share, trees=30, members=4)
    used = [features_used(booster) for booster in fit_ensemble(table, target, options, [0])]
    assert all(1 <= len(found) <= 3 for found in used)
    assert len(set(map(frozenset, used))) > 1


def test_member_uses_all_features_where_all_are_dealt(
    table: np.ndarray, target: np.ndarray, quick: RefineOptions
) -> None:
    options = replace(quick, feature_fraction=1.0, tree_features=1.0, trees=40, members=1)
    assert features_used(*fit_ensemble(table, target, options, [0])) == set(range(FEATURES))


def test_rows_that_weigh_nothing_do_not_matter(
    table: np.ndarray, target: np.ndarray, quick: RefineOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[np.ndarray] = []
    original = module._draw

    def recorded(*args: object) -> np.ndarray:
        drawn.append(original(*args))
        return drawn[-1]

    monkeypatch.setattr(module, "_draw", recorded)
    options = replace(quick, members=1, row_fraction=0.6)
    before = fit_ensemble(table, target, options, [5])[0].save_raw()
    unseen = drawn[0] == 0.0
    assert unseen.sum() == 120
    spoilt = np.where(unseen, 1e6, target)
    assert fit_ensemble(table, spoilt, options, [5])[0].save_raw() == before
    spoilt[np.flatnonzero(~unseen)[0]] += 10.0
    assert fit_ensemble(table, spoilt, options, [5])[0].save_raw() != before


def test_same_seed_same_bytes_and_members_differ(
    table: np.ndarray, target: np.ndarray, quick: RefineOptions
) -> None:
    first, again, other = (
        [bytes(booster.save_raw()) for booster in fit_ensemble(table, target, quick, seed)]
        for seed in ([1, 2], [1, 2], [1, 3])
    )
    assert first == again
    assert len({*first, *other}) == 2 * quick.members


def test_threads_do_not_matter(table: np.ndarray, target: np.ndarray, quick: RefineOptions) -> None:
    ensemble = fit_ensemble(table, target, quick, [0])
    one, two = (predict_ensemble(ensemble, table, threads=threads) for threads in (1, 2))
    np.testing.assert_array_equal(one, two)
    assert one.shape == (quick.members, 300)


def test_missing_predictors_are_allowed(
    table: np.ndarray, target: np.ndarray, quick: RefineOptions
) -> None:
    table[::3, 0] = np.nan
    predicted = predict_ensemble(fit_ensemble(table, target, quick, [0]), table)
    assert np.isfinite(predicted).all()


def test_learns_what_is_there(table: np.ndarray, target: np.ndarray, quick: RefineOptions) -> None:
    options = replace(quick, trees=60, depth=4)
    predicted = predict_ensemble(fit_ensemble(table, target, options, [0]), table).mean(axis=0)
    assert np.corrcoef(predicted, target)[0, 1] > 0.95


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "forest"}, "model: expected one of .*'forest'"),
        ({"row_fraction": 0.0}, "row_fraction"),
        ({"tree_features": 1.1}, "tree_features"),
        ({"members": 0}, "members: expected at least 1, got 0"),
        ({"seed": -1}, "seed"),
        ({"bins": 1}, "bins"),
    ],
)
def test_options_that_cannot_be_meant(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RefineOptions(**change)
