"""Scores against scipy and against formulas by hand."""

import dask.array
import numpy as np
import pytest
import xarray as xr
from scipy import stats

from uflux_stats.errors import DimensionError, GridError, UnitsError
from uflux_stats.stats.metrics import LONG_NAMES, score


def pairs(seed: int = 0, size: int = 60) -> tuple[xr.DataArray, xr.DataArray]:
    rng = np.random.default_rng(seed)
    observed = rng.normal(4, 2, size)
    modelled = 0.7 * observed + 1 + rng.normal(0, 1, size)
    attrs = {"units": "gC m-2 d-1", "standard_name": "some_flux"}
    return (
        xr.DataArray(observed, dims="time", attrs=attrs),
        xr.DataArray(modelled, dims="time", attrs=attrs),
    )


def test_by_hand() -> None:
    found = score(xr.DataArray([1.0, 2.0, 3.0]), xr.DataArray([1.0, 2.0, 4.0]))
    expected = {
        "r2": 0.5, "r2_pearson": 27 / 28, "rmse": 3**-0.5, "nrmse_mean": 3**-0.5 / 2,
        "nrmse_sd": 0.5**0.5, "slope_model_on_obs": 1.5, "intercept_model_on_obs": -2 / 3,
        "slope_obs_on_model": 9 / 14, "intercept_obs_on_model": 0.5, "mae": 1 / 3, "bias": 1 / 3,
        "mean_observed": 2.0, "n": 3,
    }  # fmt: skip
    assert list(found) == list(expected) == list(LONG_NAMES)
    for name, value in expected.items():
        assert found[name].item() == pytest.approx(value), name


def test_regressions_equal_scipy() -> None:
    observed, modelled = pairs()
    found = score(observed, modelled)
    forward, backward = stats.linregress(observed, modelled), stats.linregress(modelled, observed)
    assert found.slope_model_on_obs.item() == pytest.approx(forward.slope)
    assert found.intercept_model_on_obs.item() == pytest.approx(forward.intercept)
    assert found.slope_obs_on_model.item() == pytest.approx(backward.slope)
    assert found.intercept_obs_on_model.item() == pytest.approx(backward.intercept)
    assert found.r2_pearson.item() == pytest.approx(forward.rvalue**2)
    assert found.nrmse_sd.item() ** 2 == pytest.approx(1 - found.r2.item())


def test_only_complete_pairs_count() -> None:
    observed, modelled = pairs()
    observed[3], modelled[[3, 10]], observed[20] = np.nan, np.nan, np.inf
    keep = np.setdiff1d(np.arange(60), [3, 10, 20])
    found = score(observed, modelled)
    assert found.n.item() == 57
    xr.testing.assert_allclose(found, score(observed[keep], modelled[keep]))


def test_dimensions_members_and_order() -> None:
    observed, modelled = pairs()
    members = xr.concat([modelled, modelled + 1], xr.Variable("member", [1, 2])).transpose()
    found = score(observed, members, dim="time")
    assert found.r2.dims == ("member",)
    assert float(found.bias[1] - found.bias[0]) == pytest.approx(1)
    assert found.r2_pearson[0].item() == pytest.approx(score(observed, modelled).r2_pearson.item())
    assert score(observed, members, dim=["time", "member"]).n.item() == 120


def test_attributes_are_set_and_none_is_stale() -> None:
    found = score(*pairs())
    assert found.rmse.attrs["units"] == "gC m-2 d-1"
    assert found.r2.attrs["units"] == "1"
    assert "standard_name" not in found.rmse.attrs
    assert "units" not in score(xr.DataArray([1.0, 2.0]), xr.DataArray([1.0, 2.0])).bias.attrs


@pytest.mark.parametrize("values", [[], [1.0], [np.nan, np.nan], [1.0, np.nan]])
def test_below_two_pairs_all_is_missing(values: list[float]) -> None:
    one = xr.DataArray(np.asarray(values, float), dims="time")
    found = score(one, one)
    assert found.n.item() == np.isfinite(values).sum()
    assert all(np.isnan(found[name]) for name in found if name != "n")


def test_constant_observations_leave_what_needs_no_variance() -> None:
    found = score(xr.DataArray(np.full(50, 0.1)), xr.DataArray(np.linspace(0, 1, 50)))
    missing = {name for name in found if np.isnan(found[name])}
    assert missing == {
        "r2", "r2_pearson", "nrmse_sd", "slope_model_on_obs", "intercept_model_on_obs",
    }  # fmt: skip
    assert found.slope_obs_on_model.item() == pytest.approx(0, abs=1e-12)


def test_zero_mean_has_no_relative_error() -> None:
    found = score(xr.DataArray([-1.0, 1.0]), xr.DataArray([0.0, 1.0]))
    assert np.isnan(found.nrmse_mean)
    assert found.rmse.item() == pytest.approx(0.5**0.5)


def test_single_precision_is_computed_in_double() -> None:
    observed, modelled = pairs()
    single = score(observed.astype("f4") + 1e4, modelled.astype("f4") + 1e4)
    assert single.r2.dtype == np.float64


def test_dask_stays_lazy_and_agrees() -> None:
    observed, modelled = pairs()
    observed[5] = np.nan
    lazy = score(observed.chunk(time=7), modelled.chunk(time=11))
    assert all(isinstance(metric.data, dask.array.Array) for metric in lazy.values())
    xr.testing.assert_allclose(lazy.compute(), score(observed, modelled))


def test_arguments_stay_as_they_were() -> None:
    observed, modelled = pairs()
    before = observed.copy(deep=True), modelled.copy(deep=True)
    score(observed, modelled)
    xr.testing.assert_identical(observed, before[0])
    xr.testing.assert_identical(modelled, before[1])


def test_bad_input_is_refused() -> None:
    observed, modelled = pairs()
    with pytest.raises(UnitsError, match="modelled: expected the units of observed"):
        score(observed, modelled.assign_attrs(units="W m-2"))
    with pytest.raises(DimensionError, match=r"expected dimensions \['site'\]"):
        score(observed, modelled, dim="site")
    steps = np.arange(60.0)
    with pytest.raises(GridError, match="observed, modelled: expected exactly the same"):
        score(observed.assign_coords(time=steps), modelled.assign_coords(time=steps + 1e-9))


@pytest.mark.parametrize("bare", ["observed", "modelled"])
def test_arrays_without_names_are_refused(bare: str) -> None:
    both = dict(zip(("observed", "modelled"), pairs(), strict=True))
    both[bare] = both[bare].values
    with pytest.raises(DimensionError, match=f"{bare}: expected an array with named dimensions"):
        score(**both)
