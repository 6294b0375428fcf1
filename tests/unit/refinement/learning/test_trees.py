"""Trees of other libraries predict as boosters what they predict in their own library."""

from importlib import import_module
from typing import Any

import numpy as np
import pytest
import xgboost as xgb

from uflux_stats.refinement import RefineOptions
from uflux_stats.refinement.learners import fit_ensemble, predict_ensemble
from uflux_stats.refinement.learning import catboost_trees, forests, lightgbm_trees
from uflux_stats.refinement.learning.lesson import Lesson
from uflux_stats.refinement.learning.models import Trees
from uflux_stats.refinement.learning.trees import (
    Tree,
    below_or_at,
    booster_of,
    weighted_sum,
    weighted_sums,
)

LIBRARIES = {
    "RandomForestRegressor": ("sklearn.ensemble", forests.fit_random_forest),
    "ExtraTreesRegressor": ("sklearn.ensemble", forests.fit_extra_trees),
    "CatBoostRegressor": ("catboost", catboost_trees.fit_catboost),
    "train": ("lightgbm", lightgbm_trees.fit_lightgbm),
}


def stump(threshold: float, low: float, high: float, *, missing_left: bool) -> Tree:
    return Tree(
        left=np.array([1, -1, -1]), right=np.array([2, -1, -1]), feature=np.array([0, 0, 0]),
        threshold=np.float32([threshold, 0, 0]), missing_left=np.array([missing_left, 0, 0], bool),
        value=np.array([0.0, low, high]), gain=np.array([1.0, 0.0, 0.0]),
        cover=np.array([10.0, 4.0, 6.0]),
    )  # fmt: skip


@pytest.mark.parametrize(("missing_left", "missing"), [(True, 1.0), (False, 2.0)])
def test_a_stump_by_hand(missing_left: bool, missing: float) -> None:
    booster = booster_of([stump(0.5, 1.0, 2.0, missing_left=missing_left)], 1)
    rows = np.float32([[0.4], [0.5], [np.nan]])
    assert booster.inplace_predict(rows).tolist() == [1.0, 2.0, missing]
    contributions = booster.predict(xgb.DMatrix(rows), pred_contribs=True)
    np.testing.assert_allclose(contributions[:, -1], 0.4 * 1.0 + 0.6 * 2.0, rtol=1e-6)
    np.testing.assert_allclose(contributions.sum(axis=1), [1.0, 2.0, missing], rtol=1e-6)


@pytest.mark.parametrize("name", LIBRARIES)
def test_converted_trees_predict_the_same(
    name: str, lesson: Lesson, small: RefineOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, learn = LIBRARIES[name]
    module = pytest.importorskip(library)
    grown: list[Any] = []
    original = getattr(module, name)

    def kept(*args: Any, **kwargs: Any) -> Any:
        grown.append(original(*args, **kwargs))
        return grown[-1]

    monkeypatch.setattr(module, name, kept)
    options = RefineOptions(**{**vars(small), "members": 1, "feature_fraction": 1.0})
    ensemble = learn(lesson, options, [0]).members
    ours = predict_ensemble(ensemble, lesson.table)[0]
    np.testing.assert_allclose(ours, grown[0].predict(lesson.table), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", LIBRARIES)
def test_converted_trees_explain_what_matters(
    name: str, lesson: Lesson, small: RefineOptions
) -> None:
    library, learn = LIBRARIES[name]
    pytest.importorskip(library)
    shares = learn(lesson, small, [0]).importance()
    assert shares.sum() == pytest.approx(1.0)
    assert shares[:2].sum() > 0.8


def test_sum_of_boosters_is_the_sum_of_predictions(lesson: Lesson, small: RefineOptions) -> None:
    parts = [fit_ensemble(lesson.table, lesson.target + 5.0, small, [seed]) for seed in (1, 2)]
    both = predict_ensemble(weighted_sums(parts, [0.25, 0.75]), lesson.table)
    wanted = 0.25 * predict_ensemble(parts[0], lesson.table)
    wanted += 0.75 * predict_ensemble(parts[1], lesson.table)
    np.testing.assert_allclose(both, wanted, rtol=1e-5, atol=1e-5)


def test_sum_keeps_shares_of_predictors(lesson: Lesson, small: RefineOptions) -> None:
    (booster, *_) = ensemble = fit_ensemble(lesson.table, lesson.target, small, [1])
    doubled = [weighted_sum([booster], [2.0])]
    np.testing.assert_allclose(
        Trees(doubled).importance(), Trees(ensemble[:1]).importance(), rtol=1e-5
    )


def test_edges_are_exact_in_float32() -> None:
    thresholds = np.random.default_rng(0).normal(size=2000)
    near = thresholds.astype(np.float32)
    for moved in (near, np.nextafter(near, np.float32(9)), np.nextafter(near, np.float32(-9))):
        np.testing.assert_array_equal(moved < below_or_at(thresholds), moved <= thresholds)


def test_libraries_are_named_by_their_extra(
    lesson: Lesson, small: RefineOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, fit in ((lightgbm_trees, lightgbm_trees.fit_lightgbm),
                        (catboost_trees, catboost_trees.fit_catboost)):  # fmt: skip
        monkeypatch.setattr(module, "import_module", _absent)
        with pytest.raises(ImportError, match=r"uflux-stats\[learners\]"):
            fit(lesson, small, [0])


def _absent(name: str) -> None:
    import_module(f"{name}_that_nobody_has")
