from dataclasses import replace

import numpy as np
import pytest
import xgboost as xgb

from uflux_stats.emulation import EmulateOptions
from uflux_stats.emulation.options import LEARNER
from uflux_stats.errors import ConfigError
from uflux_stats.explain import allocation_shap, gain, local_effects, shap_importance
from uflux_stats.explain.allocation import Explained
from uflux_stats.io.dgvm import read_dgvm
from uflux_stats.io.drivers import read_drivers
from uflux_stats.io.twin import TwinOptions, make_twin

LEARNING = EmulateOptions(learner=replace(LEARNER, trees=10, depth=4), rows=2000)
WANTED = ("CUE", "WOOD_SHARE")


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Explained]:
    options = TwinOptions(resolution=10, years=(2003, 2004), n_towers=6, n_dgvms=3)
    paths = make_twin(tmp_path_factory.mktemp("shap") / "twin", options)
    return allocation_shap(
        read_dgvm(paths.dgvm), read_drivers(paths.drivers), parameters=WANTED, rows=300,
        learning=LEARNING,
    )  # fmt: skip


def test_values_and_base_sum_to_the_mean_of_the_models(explained: dict[str, Explained]) -> None:
    for name, one in explained.items():
        values = one.values
        # the trees that are kept are those of the last fold
        matrix = xgb.DMatrix(values["predictor"].values)
        predicted = np.mean([tree.predict(matrix) for tree in one.trees], axis=0)
        summed = values[name].sum("feature").values + values[f"{name}_base"].values
        near = np.isclose(summed, predicted, atol=1e-4)
        assert 0.1 < near.mean() < 0.9, "one fold of two is explained by these trees"


def test_every_parameter_has_its_own_rows(explained: dict[str, Explained]) -> None:
    months, years = (explained[name].values for name in WANTED)
    assert {"GPP", "GPP_year"} <= set(months["feature"].values)
    assert "TA_mean" in years["feature"].values
    assert len(np.unique(months["time"].dt.month)) == 12
    assert years.sizes["row"] == len(np.unique(years["site"]))


@pytest.mark.parametrize("by", [None, "continent", "pft", "season"])
def test_importances_are_by_group(explained: dict[str, Explained], by: str | None) -> None:
    table = shap_importance(explained["CUE"].values, "CUE", by=by)
    np.testing.assert_allclose(table.groupby("group")["share"].sum(), 1.0, rtol=1e-6)
    if by is None:
        assert table["feature"].head(3).str.startswith(("TA", "TS", "LWIN")).any()


def test_gain_and_curves_of_the_same_trees(explained: dict[str, Explained]) -> None:
    one = explained["CUE"]
    names = [str(name) for name in one.values["feature"].values]
    assert gain(one.trees, names).sum() == pytest.approx(1.0)
    curve = local_effects(one.trees, one.values["predictor"].values, names, "TA", bins=8)
    # the twin's models breathe more and keep less of their carbon where it is warm
    assert curve["effect"].iloc[-1] < curve["effect"].iloc[0]


def test_unknown_parameters_are_refused() -> None:
    with pytest.raises(ConfigError, match="parameters: expected some of"):
        allocation_shap(None, None, parameters=("CUEE",))
    with pytest.raises(ConfigError, match="folds, rows"):
        allocation_shap(None, None, folds=1)
