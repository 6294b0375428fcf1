from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.attribution.attribute import attribute
from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.network import Networks, fit_network
from uflux_stats.attribution.query import query
from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.attribution import forest, graph_pair, raw_against_anomaly, trend_shares
from uflux_stats.reporting.explanation import bee_swarm, importance_bars, response_curve
from uflux_stats.reporting.style import save_figure

GRAPH = CausalGraph({"TA": (), "CO2": (), "GPP": ("TA", "CO2"), "RECO": ("TA",)})


def world() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"TA": rng.normal(size=120), "CO2": np.arange(120) + rng.normal(size=120)})
    table["GPP"] = table.TA + 0.02 * table.CO2 + rng.normal(size=120)
    table["RECO"] = table.TA + rng.normal(size=120)
    return table.set_index(pd.date_range("2001-01", periods=120, freq="MS"))


@pytest.fixture(scope="module")
def raw() -> Networks:
    return fit_network(world(), GRAPH, transform="raw")


@pytest.fixture(scope="module")
def effects() -> xr.Dataset:
    return attribute(fit_network(world(), GRAPH), replicates=30)


@pytest.fixture(scope="module")
def explained() -> xr.Dataset:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(300, 6)).astype(np.float32) * np.arange(1, 7)
    values[5] = np.nan
    return xr.Dataset(
        {
            "GPP": (("row", "feature"), values, {"explains": "residual"}),
            "GPP_base": ("row", np.ones(300)),
            "predictor": (("row", "feature"), np.where(values > 5, np.nan, values)),
        },
        coords={"feature": list("abcdef"), "site": ("row", ["x"] * 300)},
    )


def texts(figure) -> str:
    return " ".join(text.get_text() for ax in figure.axes for text in ax.texts)


def test_the_graph_carries_its_values(raw, effects, tmp_path: Path) -> None:
    figure = graph_pair(raw.select(), effects)
    value = float(raw.select().rank_correlation.sel(node="GPP", other="TA"))
    assert f"{value:.2f}" in texts(figure)
    assert "n = 120" in figure.axes[0].get_title()
    assert save_figure(figure, tmp_path / "graph.png").stat().st_size > 10_000
    with pytest.raises(MissingVariableError, match="RECO"):
        graph_pair(raw.select(), effects.sel(target=["GPP"]))


def test_what_may_be_nothing_has_no_value(raw, effects) -> None:
    doubtful = effects.copy(deep=True)
    doubtful["attribution"].loc[{"target": "GPP", "driver": "CO2", "bound": "low"}] = -9.0
    arrows = query(doubtful, quantity="direct").dropna(subset="estimate")
    sure = arrows["low"] > 0.0
    assert sure.sum() == 2
    told = [text.get_text() for text in graph_pair(raw.select(), doubtful).axes[1].texts]
    assert {f"{value:.2f}" for value in arrows["estimate"][sure]} <= set(told)
    assert f"{arrows['estimate'][~sure].item():.2f}" not in told


def test_the_forest_has_every_driver(effects, tmp_path: Path) -> None:
    figure = forest(query(effects, quantity="total"))
    assert [ax.get_title() for ax in figure.axes] == ["GPP", "RECO"]
    assert {text.get_text() for text in figure.legends[0].get_texts()} == {"TA", "CO2"}
    save_figure(figure, tmp_path / "forest.png")
    with pytest.raises(MissingVariableError, match="one quantity"):
        forest(query(effects))


def test_groups_without_an_estimate_are_named(effects) -> None:
    known = query(effects, quantity="total").assign(region="globe")
    lacking = known.assign(region="Africa", estimate=np.nan, n=0)
    figure = forest(pd.concat([known, lacking]))
    assert figure.get_suptitle() == "too few tower months: Africa"
    assert len(figure.axes[0].get_yticklabels()) == 1
    assert forest(known).get_suptitle() == ""


def test_the_heat_map_has_raw_and_anomaly(raw, effects, tmp_path: Path) -> None:
    both = xr.concat(
        [effects, attribute(raw, replicates=30)], pd.Index(["anomaly", "raw"], name="transform"),
        data_vars="all", combine_attrs="drop",
    )  # fmt: skip
    both["unit"] = effects["unit"]
    figure = raw_against_anomaly(both)
    assert figure.axes[0].get_title().startswith("raw: association")
    save_figure(figure, tmp_path / "heat.png")


def test_shares_add_up_to_the_trend(effects, tmp_path: Path) -> None:
    figure = trend_shares(query(effects, region=None, quantity="trend"), target="GPP")
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {"TA", "CO2", "remainder", "trend", "90 % interval of CO2"} <= set(labels)
    save_figure(figure, tmp_path / "shares.png")


def test_swarms_and_bars(explained, tmp_path: Path) -> None:
    from uflux_stats.explain import shap_importance

    figure = bee_swarm(explained, "GPP", top=4)
    assert "alone" not in figure.axes[0].get_title()
    blend = bee_swarm(explained.assign_attrs(beside_trees="kernel"), "GPP", top=4)
    assert "residual, trees alone" in blend.axes[0].get_title()
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list("fedc")
    assert "n = 299" in figure.axes[0].get_title()
    save_figure(figure, tmp_path / "bees.png")
    table = shap_importance(explained, "GPP")
    small = table.assign(group="b", n=1, share=table["share"].to_numpy()[::-1])
    both = importance_bars(pd.concat([small, table]))
    assert both.axes[0].get_yticklabels()[0].get_text() == "f", "one row does not count as 299"
    bars = importance_bars(table, pd.Series(1 / 6, index=list("abcdef")))
    assert bars.axes[0].get_yticklabels()[0].get_text() == "f"
    save_figure(bars, tmp_path / "bars.png")
    with pytest.raises(MissingVariableError, match="at least one group"):
        importance_bars(table.iloc[:0])


def test_a_response_curve(tmp_path: Path) -> None:
    curve = pd.DataFrame({"value": [0.0, 1.0], "effect": [-1.0, 1.0], "low": [-2.0, 0.0],
                          "high": [0.0, 2.0], "n": [0, 10]})  # fmt: skip
    figure = response_curve(curve, feature="TA", name="GPP", units="gC m-2 d-1")
    assert figure.axes[0].get_title() == "n = 10"
    assert figure.axes[0].get_xlabel() == "TA [degC]"
    save_figure(figure, tmp_path / "curve.png")
