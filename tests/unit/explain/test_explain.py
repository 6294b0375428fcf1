import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.errors import ConfigError, MissingVariableError, SampleError
from uflux_stats.explain import (
    explain_rows,
    gain,
    interactions,
    local_effects,
    shap_importance,
    shap_values,
    to_explanation,
)
from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.io.twin import TwinOptions, make_twin
from uflux_stats.refinement import RefineOptions, Refiner, refine
from uflux_stats.refinement.learners import Ensemble, fit_ensemble, predict_ensemble
from uflux_stats.refinement.options import StackOptions

NAMES = ("a", "b", "c", "d")


@pytest.fixture(scope="module")
def table() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(3000, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def ensemble(table: np.ndarray) -> Ensemble:
    """Target 2 a + b^2 + a c; d is noise."""
    a, b, c, _ = table.T.astype(float)
    options = RefineOptions(members=3, trees=60, tree_features=1.0, feature_fraction=1.0)
    return fit_ensemble(table, 2 * a + b**2 + a * c, options, [7])


def test_values_and_base_sum_to_the_prediction(ensemble: Ensemble, table: np.ndarray) -> None:
    values, base = explain_rows(ensemble, table[:200])
    predicted = predict_ensemble(ensemble, table[:200]).mean(axis=0)
    np.testing.assert_allclose(values.sum(axis=1) + base, predicted, atol=1e-4)


def test_values_are_those_of_the_package_shap(ensemble: Ensemble, table: np.ndarray) -> None:
    shap = pytest.importorskip("shap", exc_type=ImportError)
    expected = np.mean(
        [shap.TreeExplainer(one).shap_values(table[:100]) for one in ensemble], axis=0
    )
    np.testing.assert_allclose(explain_rows(ensemble, table[:100])[0], expected, atol=1e-4)


def test_interactions_find_the_product(ensemble: Ensemble, table: np.ndarray) -> None:
    found = interactions(ensemble, table[:300])
    np.testing.assert_allclose(found, found.T, atol=1e-4)
    apart = found - np.diag(np.diag(found))
    assert np.unravel_index(apart.argmax(), apart.shape) in [(0, 2), (2, 0)]
    assert apart[0, 2] > 3 * apart[1, 3]


def test_gain_leaves_noise_last(ensemble: Ensemble) -> None:
    shares = gain(ensemble, NAMES)
    assert shares.sum() == pytest.approx(1.0)
    assert shares.idxmin() == "d"


def test_local_effects_have_the_shape_of_the_truth(ensemble: Ensemble, table: np.ndarray) -> None:
    line = local_effects(ensemble, table, NAMES, "a")
    inner = line[(line.value > -1.2) & (line.value < 1.2)]
    assert np.polyfit(inner.value, inner.effect, 1)[0] == pytest.approx(2.0, abs=0.4)
    bowl = local_effects(ensemble, table, NAMES, "b").set_index("value").effect
    assert bowl.iloc[0] > bowl.iloc[len(bowl) // 2] + 1.0
    assert bowl.iloc[-1] > bowl.iloc[len(bowl) // 2] + 1.0
    assert line.n.sum() == len(table)


def test_wrong_tables_are_refused(ensemble: Ensemble, table: np.ndarray) -> None:
    with pytest.raises(SampleError, match="4 features"):
        explain_rows(ensemble, table[:, :3])
    with pytest.raises(SampleError, match="at least one row"):
        explain_rows(ensemble, table[:0])
    with pytest.raises(MissingVariableError, match="'e'"):
        local_effects(ensemble, table, NAMES, "e")
    with pytest.raises(SampleError, match="vary"):
        local_effects(ensemble, np.zeros((10, 4), np.float32), NAMES, "a")


@pytest.fixture(scope="module")
def refiner(tmp_path_factory: pytest.TempPathFactory) -> Refiner:
    options = TwinOptions(resolution=15.0, years=(2003, 2006), n_towers=10, n_dgvms=1)
    paths = make_twin(tmp_path_factory.mktemp("explained") / "twin", options)
    towers = read_fluxnet(paths.towers, sites=paths.sites, fapar=paths.fapar)
    return refine(towers, members=2, trees=15)


@pytest.fixture(scope="module")
def values(refiner: Refiner) -> xr.Dataset:
    return shap_values(refiner, folds=3, members=2)


def test_all_measured_rows_are_explained(refiner: Refiner, values: xr.Dataset) -> None:
    for flux in ("GPP", "RECO", "NEE", "LE"):
        observed = np.isfinite(refiner.table.observed[flux])
        np.testing.assert_array_equal(np.isfinite(values[flux]).all("feature"), observed)
    expected = "residual" if refiner.options.is_residual("GPP") else "flux"
    assert values.GPP.attrs["explains"] == expected
    assert values.feature.values.tolist()[: len(refiner.spec.names)] == list(refiner.spec.names)
    assert np.isfinite(values.predictor.sel(feature="TA")).all()


def test_held_out_values_differ_from_fitted_ones(refiner: Refiner, values: xr.Dataset) -> None:
    fitted = shap_values(refiner, held_out=False)
    assert not np.allclose(fitted.GPP, values.GPP, equal_nan=True)
    known = np.isfinite(fitted.GPP).all("feature")
    predicted = predict_ensemble(refiner.fit.ensembles["GPP"], fitted.predictor.values)
    whole = fitted.GPP.sum("feature") + fitted.GPP_base
    np.testing.assert_allclose(whole[known], predicted.mean(axis=0)[known], atol=1e-4)


def test_other_towers_are_explained_with_the_same_predictors(refiner: Refiner) -> None:
    towers = refiner.table.towers.isel(site=slice(0, 4))
    found = shap_values(refiner, towers, held_out=False)
    assert set(refiner.spec.names) <= set(found.feature.values)
    assert set(found.site.values) <= set(towers.site.values)


@pytest.mark.parametrize("by", [None, "continent", "pft", "koppen", "season"])
def test_importances_are_shares_of_groups(values: xr.Dataset, by: str | None) -> None:
    table = shap_importance(values, "GPP", by=by)
    np.testing.assert_allclose(table.groupby("group").share.sum(), 1.0)
    rows = table.groupby("group").n.first().sum()
    known = int(np.isfinite(values.GPP).all("feature").sum())
    # a tower of so coarse a planet may stand in the sea
    assert 0.8 * known < rows <= known if by == "continent" else rows == known
    assert (table.groupby("group").importance.apply(lambda x: x.is_monotonic_decreasing)).all()


def test_shap_takes_them_over(values: xr.Dataset) -> None:
    explanation = to_explanation(values, "GPP")
    assert explanation.values.shape == values.GPP.shape
    assert explanation.feature_names[0] == str(values.feature.values[0])
    with pytest.raises(MissingVariableError, match="'XX'"):
        to_explanation(values, "XX")


def test_wrong_choices_are_refused(refiner: Refiner, values: xr.Dataset) -> None:
    with pytest.raises(ConfigError, match="folds"):
        shap_values(refiner, folds=1)
    with pytest.raises(ConfigError, match="by"):
        shap_importance(values, "GPP", by="country")
    with pytest.raises(MissingVariableError, match="'XX'"):
        shap_importance(values, "XX")
    loaded = Refiner(refiner.options, refiner.spec, refiner.fit)
    with pytest.raises(MissingVariableError, match="pass them"):
        shap_values(loaded)
    assert isinstance(shap_importance(values, "RECO"), pd.DataFrame)


def test_trees_of_a_blend_are_explained_and_a_kernel_is_refused(refiner: Refiner) -> None:
    assert refiner.table is not None
    few = {
        "options": refiner.options,
        "members": 1,
        "stack": StackOptions(parts=("xgboost", "kernel")),
    }
    blend = refine(refiner.table.towers, model="blend", **few)
    found = shap_values(blend, rows=20, held_out=False)
    assert found.attrs["beside_trees"] == "kernel"
    chosen = found.GPP.notnull().all("feature")
    summed = (found.GPP.sum("feature") + found.GPP_base).values[chosen]
    (booster,) = blend.fit.ensembles["GPP"]
    np.testing.assert_allclose(
        summed, booster.inplace_predict(found.predictor.values[chosen]), rtol=1e-3, atol=1e-3
    )
    kernel = refine(refiner.table.towers, model="kernel", **few)
    with pytest.raises(ConfigError, match="'kernel' that has none"):
        shap_values(kernel)
