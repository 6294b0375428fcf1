"""GPP that shares its error with RECO seems to explain it; other drivers are not helped."""

import numpy as np
import pytest
import xarray as xr

from uflux_stats.bayes.driver_sets import SETS, compare_driver_sets
from uflux_stats.errors import MissingVariableError
from uflux_stats.schema import variable

YEARS = 3


def towers_with(shared: float, seed: int = 2) -> xr.Dataset:
    """RECO of warmth alone, with an error that GPP has ``shared`` times as well."""
    rng = np.random.default_rng(seed)
    shape = (16, 12 * YEARS)
    season = np.sin(2 * np.pi * np.arange(shape[1]) / 12)[None, :]
    warm = 10.0 + rng.normal(0, 3, (shape[0], 1)) + 8.0 * season + rng.normal(0, 1, shape)
    error = rng.normal(0, 0.6, shape)
    # what is assimilated is large in all months, so that a root of it is nearly linear
    fields = {
        "TA": warm,
        "VPD": np.abs(rng.normal(6, 2, shape)),
        "FAPAR": rng.uniform(0.2, 0.8, shape),
        "SWIN": rng.uniform(50, 250, shape),
        "RECO": 3.0 * 1.8 ** ((warm - 10.0) / 10.0) + error,
        "GPP": 8.0 + rng.normal(0, 0.1, shape) + shared * error,
    }
    towers = xr.Dataset(
        {name: (("site", "time"), values, variable(name).attrs) for name, values in fields.items()},
        coords={
            "site": [f"S{number:02d}" for number in range(shape[0])],
            "time": xr.date_range("2003-01", periods=shape[1], freq="MS"),
        },
    )
    towers["IGBP"] = ("site", np.resize([1, 4], shape[0]), variable("IGBP").attrs)
    return towers


def test_a_shared_error_is_what_the_gpp_of_the_tower_explains() -> None:
    found = compare_driver_sets(towers_with(shared=1.0), folds=4)
    assert found.index.tolist() == [name for name in SETS if name != "predicted_gpp"]
    r2 = found["r2"]
    assert r2["tower_gpp"] > r2["drivers"] + 0.1
    assert r2["other_years_gpp"] < r2["drivers"] + 0.02
    fair = compare_driver_sets(towers_with(shared=0.0), folds=4)["r2"]
    assert fair["tower_gpp"] < fair["drivers"] + 0.02


def test_predicted_gpp_is_used_in_place_of_that_of_the_tower() -> None:
    towers = towers_with(shared=1.0)
    found = compare_driver_sets(towers, towers["GPP"], folds=4)
    assert found.index.tolist() == list(SETS)
    assert found.loc["predicted_gpp", "r2"] == pytest.approx(found.loc["tower_gpp", "r2"])
    assert (found["n"] == towers["RECO"].size).all()


def test_all_sets_are_scored_on_the_same_months() -> None:
    towers = towers_with(shared=0.0)
    predicted = towers["GPP"].where(towers["time"] < towers["time"][24]).isel(site=slice(8))
    found = compare_driver_sets(towers, predicted)  # more folds than towers: each by itself
    assert (found["n"] == 8 * 24).all()
    assert (found["towers"] == 8).all()


def test_missing_drivers_are_named() -> None:
    for name in ("FAPAR", "GPP"):
        with pytest.raises(MissingVariableError, match=name):
            compare_driver_sets(towers_with(shared=0.0).drop_vars(name), folds=4)
