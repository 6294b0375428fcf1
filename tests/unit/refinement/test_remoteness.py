"""Skill by distance: towers of the same fold do not count, and scores by hand."""

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import ConfigError
from uflux_stats.refinement import Refiner
from uflux_stats.refinement.remoteness import (
    distance_to_training,
    km_classes,
    skill_by,
    skill_by_distance,
)


def held_out(fold: list[list[float]], **places: list[float]) -> xr.Dataset:
    flux = np.zeros((3, *np.shape(fold)))
    return xr.Dataset(
        {"fold": (("site", "time"), fold), "GPP": (("source", "site", "time"), flux)},
        coords={"source": ["observed", "baseline", "refined"],
                **{name: ("site", values) for name, values in places.items()}},
    )  # fmt: skip


def test_towers_of_the_same_fold_were_not_learned_from() -> None:
    known = held_out([[0.0], [0.0], [1.0]], lat=[0.0, 0.1, 60.0], lon=[0.0, 0.0, 0.0])
    degree = 2.0 * np.pi * 6371.0 / 360.0
    found = distance_to_training(known)
    np.testing.assert_allclose(found, degree * np.array([60.0, 59.9, 59.9]), rtol=1e-4)
    assert found.attrs["units"] == "km"


def test_towers_without_a_fold_a_place_or_others() -> None:
    unknown = held_out([[0.0], [np.nan], [1.0]], lat=[0.0, 1.0, np.nan], lon=[0.0, 1.0, 5.0])
    assert distance_to_training(unknown).isnull().all()
    alone = held_out([[0.0], [0.0]], lat=[0.0, 1.0], lon=[0.0, 1.0])
    assert distance_to_training(alone).isnull().all()
    with pytest.raises(ConfigError, match="towers held out whole"):
        distance_to_training(held_out([[0.0, 1.0]], lat=[0.0], lon=[0.0]))


def test_every_distance_is_in_one_class() -> None:
    far = np.array([[0.0, 29.9, 30.0, 999.0, 1e4]])
    assert (sum(own.astype(int) for own in km_classes(far).values()) == 1).all()


def test_scores_by_hand() -> None:
    two = held_out([[0.0, 0.0], [1.0, 1.0]], lat=[0.0, 0.0], lon=[0.0, 1.0])
    two["GPP"].values[0] = [[1.0, 3.0], [5.0, np.nan]]
    two["GPP"].values[2] = [[2.0, 3.0], [5.0, 5.0]]
    far = xr.DataArray([[1.0, 3.0], [9.0, 9.0]], dims=("site", "time"))
    near = np.array([[True, True], [False, False]])
    found = skill_by(two, far, {"near": near, "far": ~near}).set_index("group")
    assert found.loc["near", ["far", "r2", "bias", "months", "towers"]].tolist() == [
        2.0, 0.5, 0.5, 2, 1
    ]  # fmt: skip
    assert found.loc["near", "rmse"] == pytest.approx(np.sqrt(0.5))
    assert found.loc["far", "months"] == 1
    assert np.isnan(found.loc["far", "r2"])


def test_of_a_validation_all_months_are_scored(refiner: Refiner) -> None:
    refiner.validate("tower", folds=3, members=1)
    predicted = refiner.validation["tower"]
    found = skill_by_distance(predicted)
    months = predicted["GPP"].notnull().all("source").sum().item()
    assert found.loc[found["flux"] == "GPP", "months"].sum() == months
