"""Every learner: same seed same model, files that give it back, and towers kept whole."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.refinement.learning.conftest import make_lesson
from uflux_stats.errors import ConfigError
from uflux_stats.refinement import RefineOptions
from uflux_stats.refinement.learning.cascade import Cascade
from uflux_stats.refinement.learning.folds import fit_folds, fold_of_towers
from uflux_stats.refinement.learning.kernel import ROWS, TowerErrors
from uflux_stats.refinement.learning.lesson import Lesson, row_weights
from uflux_stats.refinement.learning.mixture import Mixture
from uflux_stats.refinement.learning.models import Model
from uflux_stats.refinement.learning.registry import LEARNERS, fit_xgboost, load_model
from uflux_stats.refinement.options import ForestOptions, KernelOptions, StackOptions

NEEDS = {"lightgbm": "lightgbm", "catboost": "catboost"}


@pytest.fixture(params=LEARNERS)
def name(request: pytest.FixtureRequest) -> str:
    if request.param in NEEDS:
        pytest.importorskip(NEEDS[request.param])
    return str(request.param)


def r2(model: Model, lesson: Lesson) -> float:
    error = model.predict(lesson.table).mean(axis=0) - lesson.target
    return float(1.0 - error.var() / lesson.target.var())


def test_learns_what_is_there(name: str, lesson: Lesson, small: RefineOptions) -> None:
    model = LEARNERS[name](lesson, replace(small, trees=60), [0])
    assert r2(model, make_lesson(seed=4)) > 0.7
    assert model.width == lesson.table.shape[1]
    assert model.importance().shape == (model.width,)


def test_same_seed_same_predictions(name: str, lesson: Lesson, small: RefineOptions) -> None:
    first, again, other = (
        LEARNERS[name](lesson, small, seed).predict(lesson.table) for seed in ([1], [1], [2])
    )
    np.testing.assert_array_equal(first, again)
    assert first.shape == (small.members, len(lesson.target))
    assert not np.array_equal(first, other)
    assert not np.array_equal(*first)


def test_files_give_the_model_back(
    name: str, lesson: Lesson, small: RefineOptions, tmp_path: Path
) -> None:
    model = LEARNERS[name](lesson, small, [1])
    loaded = load_model(tmp_path, model.save(tmp_path, "GPP"))
    np.testing.assert_array_equal(loaded.predict(lesson.table), model.predict(lesson.table))
    assert {path.suffix for path in tmp_path.iterdir()} <= {".ubj", ".npz"}


def test_rows_that_weigh_nothing_do_not_matter(
    name: str, lesson: Lesson, small: RefineOptions
) -> None:
    if name in {"catboost", "lightgbm"}:
        pytest.skip("bins are laid on all rows there, whatever they weigh")
    unseen = lesson.tower % 4 == 0
    weight = np.where(unseen, 0.0, 1.0)
    spoilt = np.where(unseen, 1e3, lesson.target)
    options = replace(small, row_fraction=1.0)
    found = [
        LEARNERS[name](replace(lesson, weight=weight, target=target), options, [0])
        .predict(lesson.table[~unseen])
        for target in (lesson.target, spoilt)
    ]  # fmt: skip
    np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-4)


def test_folds_never_predict_a_tower_they_have_seen(lesson: Lesson, small: RefineOptions) -> None:
    fold = fold_of_towers(lesson.tower, 4, [0])
    for tower in np.unique(lesson.tower):
        assert np.unique(fold[lesson.tower == tower]).size == 1
    out = fold == 2
    spoilt = replace(lesson, target=np.where(out, 99.0, lesson.target))
    clean, dirty = (fit_folds(each, fold, small, ([5], fit_xgboost)) for each in (lesson, spoilt))
    np.testing.assert_array_equal(clean.predicted[out], dirty.predicted[out])
    assert not np.array_equal(clean.predicted[~out], dirty.predicted[~out])


def test_one_tower_alone_is_learned_by_all(lesson: Lesson, small: RefineOptions) -> None:
    alone = replace(lesson, tower=np.zeros_like(lesson.tower))
    assert np.isfinite(LEARNERS["stack"](alone, small, [0]).predict(lesson.table)).all()


def test_blend_is_the_mean_of_its_parts(lesson: Lesson, small: RefineOptions) -> None:
    blend = LEARNERS["blend"](lesson, small, [0])
    assert isinstance(blend, Mixture)
    wanted = np.mean([part.predict(lesson.table) for part in blend.parts], axis=0)
    np.testing.assert_allclose(blend.predict(lesson.table), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("weights", ["nnls", "ridge"])
def test_stack_trusts_what_predicts_unseen_towers(
    lesson: Lesson, small: RefineOptions, weights: str
) -> None:
    useless = ForestOptions(trees=1, least_rows=500)
    stack = StackOptions(parts=("xgboost", "random_forest"), weights=weights)
    fitted = LEARNERS["stack"](lesson, replace(small, forest=useless, stack=stack), [0])
    assert isinstance(fitted, Mixture)
    assert fitted.weights[0] > 0.8
    assert abs(fitted.weights[1]) < 0.25


def test_trees_of_a_mixture_are_its_parts_that_are_trees(
    lesson: Lesson, small: RefineOptions
) -> None:
    parts = StackOptions(parts=("xgboost", "extra_trees", "kernel"))
    blend = LEARNERS["blend"](lesson, replace(small, stack=parts), [0])
    assert isinstance(blend, Mixture)
    wanted = np.mean([part.predict(lesson.table) for part in blend.parts[:2]], axis=0)
    found = np.stack([booster.inplace_predict(lesson.table) for booster in blend.trees])
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    alone = replace(small, stack=StackOptions(parts=("kernel",)))
    assert LEARNERS["blend"](lesson, alone, [0]).trees == []


def test_cascade_stops_where_unseen_towers_are_predicted_worse(small: RefineOptions) -> None:
    rng = np.random.default_rng(0)
    noise = Lesson(
        rng.normal(size=(200, 3)).astype(np.float32), rng.normal(size=200), np.ones(200),
        np.arange(200) // 10,
    )  # fmt: skip
    fitted = LEARNERS["cascade"](noise, small, [0])
    assert isinstance(fitted, Cascade)
    assert 1 <= len(fitted.layers) < 10


def test_kernel_is_the_mean_far_from_all_rows(lesson: Lesson, small: RefineOptions) -> None:
    narrow = replace(small, kernel=KernelOptions(points=80, length=0.2))
    far = np.full((1, lesson.table.shape[1]), 1e6, np.float32)
    predicted = LEARNERS["kernel"](lesson, narrow, [0]).predict(far)
    mean = np.average(lesson.target, weights=lesson.weight)
    np.testing.assert_allclose(predicted, mean, atol=0.05)


def test_kernel_follows_the_baseline_far_from_all_rows(
    lesson: Lesson, small: RefineOptions
) -> None:
    far = np.full((2, lesson.table.shape[1]), -1e6, np.float32)
    far[:, 0] = 0.0, 2.0
    guided = replace(lesson, target=3.0 * lesson.table[:, 0], trend=np.array([0]))
    narrow = replace(small, kernel=KernelOptions(points=80, length=0.2))
    low, high = LEARNERS["kernel"](guided, narrow, [0]).predict(far).mean(axis=0)
    assert high - low == pytest.approx(6.0, rel=0.05)
    without = replace(narrow, kernel=replace(narrow.kernel, trend=False))
    low, high = LEARNERS["kernel"](guided, without, [0]).predict(far).mean(axis=0)
    assert high == pytest.approx(low, abs=1e-3)


def test_a_kernel_predicts_a_row_alike_whatever_stands_beside_it(
    lesson: Lesson, small: RefineOptions
) -> None:
    fitted = LEARNERS["kernel"](replace(lesson, trend=np.array([0, 1])), small, [0])
    table = np.tile(lesson.table, (4, 1))
    assert len(table) > 2 * ROWS
    whole = fitted.predict(table)
    np.testing.assert_array_equal(fitted.predict(table, threads=2), whole)
    for size in (1, 7, 1500):
        bands = [fitted.predict(table[at : at + size]) for at in range(0, 3000, size)][:40]
        found = np.concatenate(bands, axis=1)
        np.testing.assert_array_equal(found, whole[:, : found.shape[1]])


def test_the_line_of_a_kernel_keeps_to_the_predictors_drawn(
    lesson: Lesson, small: RefineOptions
) -> None:
    guided = replace(lesson, trend=np.array([1, 3]))
    half = replace(small, feature_fraction=0.5, members=6)
    for member in LEARNERS["kernel"](guided, half, [0]).members:
        sloped = np.flatnonzero(member.slope)
        drawn = np.flatnonzero(np.isfinite(member.spread))
        assert sloped.tolist() == np.intersect1d(drawn, guided.trend).tolist()


def test_errors_of_one_tower_go_together(lesson: Lesson) -> None:
    same = lesson.tower[:, np.newaxis] == lesson.tower
    covariance = np.diag(1.0 / lesson.weight) + 0.3 * same
    columns = np.random.default_rng(0).normal(size=(len(lesson.target), 4)).astype(np.float32)
    errors, inverse = TowerErrors.of(lesson, 0.3), np.linalg.inv(covariance)
    np.testing.assert_allclose(errors.times(columns[:, 0]), inverse @ columns[:, 0], atol=1e-5)
    expected = columns.T @ inverse @ columns
    parts = [slice(0, 100), slice(100, len(columns))]
    blocks = [(rows, columns[rows].copy()) for rows in parts]
    np.testing.assert_allclose(errors.product(blocks, 4), expected, atol=1e-3)


def test_more_bells_than_single_precision_tells_apart() -> None:
    table = np.random.default_rng(0).normal(size=(1000, 4)).astype(np.float32)
    many = Lesson(table, table.sum(axis=1, dtype=float), np.ones(1000), np.arange(1000) // 10)
    wide = KernelOptions(points=1000, length=10.0, ridge=1e-9, tower=0.0)
    options = RefineOptions(members=1, feature_fraction=1.0, kernel=wide)
    predicted = LEARNERS["kernel"](many, options, [0]).predict(table)[0]
    assert np.sqrt(np.mean((predicted - many.target) ** 2)) < 0.1


def test_effects_of_towers_hardly_move_the_kernel(lesson: Lesson, small: RefineOptions) -> None:
    effect = np.random.default_rng(0).normal(size=lesson.tower.max() + 1)[lesson.tower]
    moved = []
    for tower in (0.0, 1.0):
        options = replace(small, kernel=replace(small.kernel, tower=tower))
        with_effect, without = (
            LEARNERS["kernel"](replace(lesson, target=target), options, [0]).predict(lesson.table)
            for target in (lesson.target + effect, lesson.target)
        )
        moved.append(np.std(with_effect - without))
    assert moved[1] < 0.7 * moved[0]


def test_weights_of_rows() -> None:
    tower = np.array([0, 0, 0, 0, 7])
    np.testing.assert_allclose(row_weights(tower, "months"), 1.0)
    root = row_weights(tower, "root")
    assert root[4] / root[0] == pytest.approx(2.0)
    assert root.mean() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StackOptions(parts="xgboost"), "stack.parts"),
        (lambda: StackOptions(parts=("boost",)), "nearest"),
        (lambda: StackOptions(parts=()), "stack.parts"),
        (lambda: StackOptions(folds=1), "stack.folds"),
        (lambda: KernelOptions(length=0.0), "kernel.length"),
        (lambda: KernelOptions(points=0), "kernel.points"),
        (lambda: KernelOptions(tower=-0.1), "kernel.tower"),
        (lambda: ForestOptions(features=1.5), "forest.features"),
        (lambda: ForestOptions(trees=0), "forest.trees"),
        (lambda: RefineOptions(weighting="rows"), "weighting"),
    ],
)
def test_options_that_cannot_be_meant(make: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()  # type: ignore[operator]
