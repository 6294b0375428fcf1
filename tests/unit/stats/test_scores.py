"""Scores equal those of ilamb3, and known error variances are recovered."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import DimensionError, GridError, UnitsError
from uflux_stats.stats.scores import ilamb_scores, score_maps
from uflux_stats.stats.taylor import taylor, triple_collocation

REFERENCE = Path(__file__).parents[2] / "reference" / "ilamb3_scores.json"
CASES = json.loads(REFERENCE.read_text())["cases"]
spec = importlib.util.spec_from_file_location("ilamb3_scores", REFERENCE.with_suffix(".py"))
maker = importlib.util.module_from_spec(spec)
spec.loader.exec_module(maker)


@pytest.mark.parametrize("seed", CASES)
def test_scores_equal_ilamb3(seed: str) -> None:
    reference, model = maker.fields(int(seed))
    found, wanted = ilamb_scores(reference, model), CASES[seed]
    pairs = {
        "bias": "Bias",
        "bias_score": "Bias Score",
        "shift": "Phase Shift",
        "seasonal_score": "Seasonal Cycle Score",
        "spatial_score": "Spatial Distribution Score",
    }
    for ours, theirs in pairs.items():
        assert found[ours].item() == pytest.approx(wanted[theirs], rel=1e-10)


@pytest.mark.parametrize("seed", CASES)
def test_rmse_equals_ilamb3_with_its_month_lengths(seed: str) -> None:
    """It takes a month as half the way to its neighbours' 15th, in years without leap day."""
    reference, model = maker.fields(int(seed))
    lengths = np.tile([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], 5)[:-1].astype(float)
    ends = np.concatenate([lengths[:1], lengths, lengths[-1:]])
    months = xr.DataArray((ends[:-1] + ends[1:]) / 2, {"time": reference["time"]}, dims="time")
    found, wanted = ilamb_scores(reference, model, weights=months), CASES[seed]
    assert found["rmse"].item() == pytest.approx(wanted["RMSE"], rel=1e-10)
    assert found["rmse_score"].item() == pytest.approx(wanted["RMSE Score"], rel=1e-10)
    true_days = ilamb_scores(reference, model)
    assert true_days["rmse_score"].item() == pytest.approx(wanted["RMSE Score"], rel=2e-3)


def test_a_perfect_model_scores_one_everywhere() -> None:
    reference, _ = maker.fields(1)
    found = ilamb_scores(reference, reference)
    for name in ("bias", "rmse", "seasonal", "interannual", "spatial"):
        assert found["rmse" if name == "x" else f"{name}_score"].item() == pytest.approx(1.0)
    assert found["overall"].item() == pytest.approx(1.0)


def test_towers_with_gaps_are_compared_where_both_have_data() -> None:
    reference, model = maker.fields(2)
    towers = reference.stack(site=("lat", "lon"), create_index=False).dropna("site", how="all")
    others = model.stack(site=("lat", "lon"), create_index=False).dropna("site", how="all")
    gapped = towers.where(np.random.default_rng(0).random(towers.shape) > 0.2)
    found = ilamb_scores(gapped, others)
    twice = ilamb_scores(gapped, others.where(gapped.notnull()))
    assert found["overall"].item() == pytest.approx(twice["overall"].item())
    assert 0 < found["overall"].item() < 1


def test_dask_gives_the_same_lazily() -> None:
    reference, model = maker.fields(1)
    maps = score_maps(reference.chunk(time=12, lat=3), model.chunk(time=12, lat=3))
    assert maps["rmse_score"].chunks is not None
    xr.testing.assert_allclose(maps.compute(), score_maps(reference, model))


def test_bad_input_is_named() -> None:
    reference, model = maker.fields(1)
    with pytest.raises(UnitsError, match="model: expected units"):
        score_maps(reference, model.assign_attrs(units="W m-2"))
    with pytest.raises(GridError, match="reference, model"):
        score_maps(reference, model.assign_coords(lat=model["lat"] + 0.1))
    with pytest.raises(DimensionError, match="reference"):
        score_maps(reference.isel(time=0), model)


def test_taylor_statistics_obey_the_cosine_law() -> None:
    reference, model = maker.fields(3)
    found = taylor(reference, model)
    law = (
        found["sd_reference"] ** 2
        + found["sd_model"] ** 2
        - 2 * found["sd_reference"] * found["sd_model"] * found["correlation"]
    )
    assert found["centred_rmse"].item() ** 2 == pytest.approx(law.item())


@pytest.mark.parametrize("scaled", [True, False])
def test_error_variances_are_recovered(scaled: bool) -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=(2, 40000))
    sd, gain = {"a": 0.5, "b": 0.8, "c": 0.3}, {"a": 1.0, "b": 1.4, "c": 0.6}
    made = {
        name: (
            ("cell", "time"),
            (gain[name] if scaled else 1.0) * truth + sd[name] * random.normal(size=truth.shape),
        )
        for name in sd
    }
    found = triple_collocation(xr.Dataset(made), dim=["time"], scaled=scaled)
    for name, value in sd.items():
        np.testing.assert_allclose(found.error_variance.sel(source=name), value**2, rtol=0.1)
        size = gain[name] if scaled else 1.0
        wanted = size / np.hypot(size, value)
        np.testing.assert_allclose(found.correlation.sel(source=name), wanted, rtol=0.02)


def test_three_sources_in_one_unit_are_needed() -> None:
    two = xr.Dataset({"a": ("time", [1.0, 2.0]), "b": ("time", [1.0, 2.0])})
    with pytest.raises(UnitsError, match="expected three variables in one unit"):
        triple_collocation(two)
