"""The area of applicability: distances by hand, and what it says of towers and grids."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import MissingVariableError
from uflux_stats.refinement import Refiner, refine
from uflux_stats.refinement.dissimilarity import fit_domain
from uflux_stats.refinement.learners import fit_ensemble, importance
from uflux_stats.refinement.options import RefineOptions


def brute(table: np.ndarray, weights: np.ndarray, tower: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean distance of all pairs, and dissimilarity to other towers, in the plainest way."""
    scaled = (table - table.mean(axis=0)) / table.std(axis=0) * weights
    apart = np.array([[np.linalg.norm(a - b) for b in scaled] for a in scaled])
    pairs = apart[~np.eye(len(table), dtype=bool)]
    others = np.where(tower[:, None] == tower, np.inf, apart)
    return pairs.mean(), others.min(axis=1) / pairs.mean()


@pytest.fixture
def table() -> np.ndarray:
    return np.random.default_rng(5).normal(size=(40, 4)).astype(np.float32)


def test_distances_are_those_of_the_definition(table: np.ndarray) -> None:
    tower = np.repeat(np.arange(8), 5)
    weights = np.array([0.5, 0.3, 0.2, 0.0])
    domain = fit_domain(table, weights, tower)
    mean, others = brute(table, weights, tower)
    assert domain.mean_distance == pytest.approx(mean, rel=1e-5)
    np.testing.assert_allclose(domain.to_other_towers(tower), others, rtol=1e-4)
    low, high = np.quantile(others, (0.25, 0.75))
    assert domain.threshold == pytest.approx(others[others <= 2.5 * high - 1.5 * low].max())


def test_a_row_of_training_is_not_dissimilar_and_a_far_one_is(table: np.ndarray) -> None:
    domain = fit_domain(table, np.full(4, 0.25), np.repeat(np.arange(8), 5))
    np.testing.assert_allclose(domain.dissimilarity(table), 0.0, atol=1e-6)
    far = domain.dissimilarity(table + np.float32(100.0))
    assert (far > 10.0 * domain.threshold).all()


def test_what_does_not_count_does_not_matter(table: np.ndarray) -> None:
    domain = fit_domain(table, np.array([0.6, 0.4, 0.0, 0.0]), np.repeat(np.arange(8), 5))
    strange = table.copy()
    strange[:, 2:] = 1e6
    np.testing.assert_array_equal(domain.dissimilarity(strange), domain.dissimilarity(table))


def test_units_do_not_matter(table: np.ndarray) -> None:
    tower, equal = np.repeat(np.arange(8), 5), np.full(4, 0.25)
    other = table * np.float32([1.0, 1000.0, 0.01, 1.0]) + np.float32([0.0, 273.15, 0.0, 0.0])
    ours, theirs = (fit_domain(rows, equal, tower) for rows in (table, other))
    assert ours.threshold == pytest.approx(theirs.threshold, rel=1e-4)


def test_a_missing_predictor_counts_as_its_mean(table: np.ndarray) -> None:
    domain = fit_domain(table, np.full(4, 0.25), np.repeat(np.arange(8), 5))
    unknown, mean = table[:1].copy(), table[:1].copy()
    unknown[0, 1], mean[0, 1] = np.nan, domain.centre[1]
    np.testing.assert_allclose(domain.dissimilarity(unknown), domain.dissimilarity(mean), atol=1e-6)


def test_there_is_no_yardstick_of_one_tower_or_of_one_climate(table: np.ndarray) -> None:
    assert fit_domain(table, np.full(4, 0.25), np.zeros(40, np.intp)) is None
    assert fit_domain(np.ones((4, 2), np.float32), np.full(2, 0.5), np.arange(4)) is None
    assert fit_domain(table, np.zeros(4), np.repeat(np.arange(8), 5)) is None


def test_importance_is_that_of_what_was_learned(table: np.ndarray, quick: RefineOptions) -> None:
    options = replace(quick, feature_fraction=1.0, tree_features=1.0)
    ensemble = fit_ensemble(table, 3.0 * table[:, 1].astype(float), options, [0])
    shares = importance(ensemble, 4)
    assert shares.sum() == pytest.approx(1.0)
    assert shares.argmax() == 1
    assert importance(fit_ensemble(table, np.ones(40), quick, [0]), 4).tolist() == [0.0] * 4


def test_towers_of_training_are_inside(refiner: Refiner, towers: xr.Dataset) -> None:
    found = refiner.applicability(towers)
    assert found["DI"].dims == found["AOA"].dims == ("site", "time")
    known = refiner.predict(towers)["GPP"].notnull().all("member")
    xr.testing.assert_equal(found["DI"].notnull().drop_vars("member", errors="ignore"), known)
    seen = found["DI"].where(known.drop_vars("member", errors="ignore"))
    assert float(seen.median()) < 1e-6
    assert found["AOA"].attrs["threshold"] == refiner.domain.threshold
    assert set(np.unique(found["AOA"])) <= {0.0, 1.0}


def test_a_strange_climate_is_outside(refiner: Refiner, towers: xr.Dataset) -> None:
    # cold and dark, but green: no tower is like that
    strange = towers.assign(
        SWIN=towers["SWIN"] * 0.0 + 15.0, FAPAR=towers["FAPAR"] * 0.0 + 0.98,
        TA=towers["TA"] * 0.0 - 15.0,
    )  # fmt: skip
    for name in ("SWIN", "FAPAR", "TA"):
        strange[name].attrs = towers[name].attrs
    found, usual = (refiner.applicability(drivers) for drivers in (strange, towers))
    assert float(found["DI"].min()) > float(usual["DI"].median())
    assert float(found["AOA"].mean()) < 0.2 < float(usual["AOA"].mean())


def test_a_grid_says_the_same_as_towers(
    refiner: Refiner, towers: xr.Dataset, as_grid: Callable[[xr.Dataset], xr.Dataset]
) -> None:
    gridded = refiner.applicability(as_grid(towers))["DI"]
    assert gridded.dims == ("time", "lat", "lon")
    flat = gridded.stack(site=("lat", "lon")).transpose("site", "time")
    np.testing.assert_array_equal(flat, refiner.applicability(towers)["DI"])


def test_saved_with_the_refiner(refiner: Refiner, towers: xr.Dataset, tmp_path: Path) -> None:
    loaded = Refiner.load(refiner.save(tmp_path / "refiner"))
    xr.testing.assert_identical(loaded.applicability(towers), refiner.applicability(towers))


def test_one_tower_knows_no_dissimilarity(
    refiner: Refiner, towers: xr.Dataset, tmp_path: Path
) -> None:
    alone = refine(towers.isel(site=[0]), options=replace(refiner.options, members=1))
    for version in (alone, Refiner.load(alone.save(tmp_path / "alone"))):
        with pytest.raises(MissingVariableError, match="two towers or more"):
            version.applicability(towers)
