"""What the refinement does whatever the drivers."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from uflux_stats.errors import ConfigError
from uflux_stats.refinement import SPLITS, RefineOptions, Refiner, refine, split_folds
from uflux_stats.refinement.features import FeatureSpec, features
from uflux_stats.refinement.upscaling import QUANTILES, quantiles
from uflux_stats.schema import FLUXES, variable

SITES, MONTHS = 6, 24
RANGES = {
    "TA": (-40.0, 45.0), "VPD": (0.0, 60.0), "SWIN": (0.0, 400.0), "RNET": (-100.0, 250.0),
    "P": (0.0, 30.0), "PA": (60.0, 105.0), "CO2": (350.0, 450.0), "FAPAR": (0.0, 1.0),
}  # fmt: skip
SEEDS = st.integers(0, 2**32 - 1)


def made(seed: int, gaps: float = 0.0) -> xr.Dataset:
    """Towers of any weather, with fluxes, and gaps in all but temperature."""
    rng = np.random.default_rng(seed)
    shape, dims = (SITES, MONTHS), ("site", "time")
    data = {name: rng.uniform(*ends, shape) for name, ends in RANGES.items()}
    for name in set(RANGES) - {"TA"}:
        data[name][rng.random(shape) < gaps] = np.nan
    data |= {name: rng.normal(5.0, 3.0, shape) for name in FLUXES}
    towers = xr.Dataset({name: (dims, data[name], variable(name).attrs) for name in sorted(data)})
    statics = {
        "IGBP": rng.integers(1, 13, SITES).astype(float),
        "KOPPEN": rng.integers(1, 6, SITES).astype(float),
        "C4": rng.uniform(0.0, 1.0, SITES),
    }
    for name, values in statics.items():
        towers[name] = ("site", values, variable(name).attrs)
    return towers.assign_coords(
        time=xr.date_range("2001-04", periods=MONTHS, freq="MS"),
        lat=("site", rng.uniform(-60.0, 70.0, SITES)),
        lon=("site", rng.uniform(-180.0, 180.0, SITES)),
    )


@pytest.fixture(scope="module")
def refiner() -> Refiner:
    options = RefineOptions(members=2, trees=4, depth=3, min_weight=1.0)
    return refine(made(0), options=options)


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.floats(0.0, 0.6))
def test_signs_and_sums_hold(refiner: Refiner, seed: int, gaps: float) -> None:
    towers = made(seed, gaps)
    predicted = refiner.predict(towers)
    required = towers[["TA", "VPD", "SWIN", "FAPAR"]].to_dataarray().notnull().all("variable")
    for name in ("GPP", "RECO"):
        assert not (predicted[name] < 0.0).any()
    for name in predicted:
        assert not (predicted[name].notnull() & ~required).any()
    difference = predicted["RECO"] - predicted["GPP"]
    xr.testing.assert_equal(predicted["NEE_difference"], difference)


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.permutations(range(SITES)))
def test_towers_may_come_in_any_order(refiner: Refiner, seed: int, order: list[int]) -> None:
    towers = made(seed, 0.2)
    shuffled = refiner.predict(towers.isel(site=order))
    xr.testing.assert_identical(shuffled, refiner.predict(towers).isel(site=order))


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(1, MONTHS - 1))
def test_lags_and_running_means_do_not_look_ahead(seed: int, month: int) -> None:
    towers = made(seed, 0.2)
    spec = FeatureSpec.of(towers)
    other = made(seed + 1, 0.2)
    past = xr.DataArray(np.arange(MONTHS) < month, dims="time")
    changed = towers.assign(
        {name: towers[name].where(past, other[name]).assign_attrs(towers[name].attrs)
         for name in RANGES}
    )  # fmt: skip
    # the climate of a place is that of its whole record; all others know the past alone
    causal = [n for n in spec.names if not n.endswith(("_mean", "_range", "_max"))]
    before, after = (
        features(drivers, spec).sel(feature=causal).isel(time=slice(0, month))
        for drivers in (towers, changed)
    )
    xr.testing.assert_identical(before, after)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.sampled_from([split for split in SPLITS if split != "random"]))
def test_no_tower_stands_on_both_sides(seed: int, split: str) -> None:
    towers = made(seed)
    site = np.sort(np.random.default_rng(seed).integers(0, SITES, 40))
    try:
        fold = split_folds(towers, site, split=split)
    except ConfigError:  # all of one group
        reject()
    assert all(len(set(fold[site == tower])) <= 1 for tower in range(SITES))


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(1, 12))
def test_quantiles_are_ordered_and_within_the_members(seed: int, size: int) -> None:
    values = np.random.default_rng(seed).normal(size=(size, 3)).astype(np.float32)
    members = xr.Dataset({"GPP": (("member", "lat"), values)})
    found = quantiles(members)["GPP_quantile"].values
    assert (np.diff(found, axis=0) >= -1e-6).all()
    assert (found[0] >= values.min(axis=0) - 1e-6).all()
    assert (found[-1] <= values.max(axis=0) + 1e-6).all()
    np.testing.assert_allclose(found, np.quantile(values, QUANTILES, axis=0), atol=1e-5)
