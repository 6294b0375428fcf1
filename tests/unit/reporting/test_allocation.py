"""Figures of allocation show what they are given and leave no trace."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.allocation import (
    biomass_comparison,
    emulation_skill,
    sink_divergence,
    stock_change_figure,
)
from uflux_stats.reporting.style import save_figure


def metrics():
    names, members = ["NPP", "cVeg", "CUE"], ["mean", "p25", "p75"]
    values = np.linspace(0.5, 0.99, 9).reshape(3, 3)
    dims = ("member", "variable")
    return xr.Dataset(
        {"r2": (dims, values), "nrmse_mean": (dims, 1 - values)},
        {"member": members, "variable": names},
    )


def test_skill_has_a_panel_per_split(tmp_path):
    figure = emulation_skill({"random": metrics(), "blocks": metrics()})
    assert [ax.get_title() for ax in figure.axes] == ["random", "blocks"]
    texts = {text.get_text() for text in figure.axes[0].texts}
    assert texts == {"NPP", "cVeg"}
    assert save_figure(figure, tmp_path / "x.png").stat().st_size > 10_000
    with pytest.raises(MissingVariableError, match="at least one split"):
        emulation_skill({})
    with pytest.raises(MissingVariableError, match="expected some of"):
        emulation_skill({"random": metrics().sel(variable=["CUE"])})


def test_divergence_draws_every_region():
    number = {"value": 6.0, "low": 4.0, "high": 8.0, "units": "PgC yr-1"}
    numbers = {}
    for region in ("Africa", "global"):
        for route in ("dgvm", "hybrid", "direct", "difference"):
            numbers[f"divergence.{region}.NEP.{route}"] = number
        numbers[f"divergence.{region}.gap.Ra"] = {"value": 3.0}
    figure = sink_divergence(numbers)
    assert [t.get_text() for t in figure.axes[1].get_xticklabels()] == ["global", "Africa"]
    with pytest.raises(MissingVariableError, match=r"divergence\.REGION"):
        sink_divergence({"totals.global.GPP": number})


def test_trends_of_gpp_and_reco_get_a_panel_where_there_are_years():
    number = {"value": 6.0, "low": 4.0, "high": 8.0}
    numbers = {"divergence.tropics.NEP.dgvm": number, "divergence.tropics.trend.GPP": number}
    panels = sink_divergence(numbers).axes
    assert len(panels) == 3
    assert panels[2].get_ylabel().startswith("trend")
    numbers["divergence.tropics.trend.GPP"] = {"value": None, "note": "skipped: fewer than 4 years"}
    assert len(sink_divergence(numbers).axes) == 2


def test_stock_change_names_the_imbalance_of_each_way():
    table = pd.DataFrame(
        {
            "way": ["integrated", "integrated", "ratio", "ratio"],
            "year": [2001, 2002] * 2,
            "stock_change": [1.0, 2.0, 3.0, 2.5],
            "NEP": [1.5, 2.0] * 2,
        }
    )
    figure = stock_change_figure(table)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [
        "stocks, integrated: imbalance -0.250",
        "stocks, ratio: imbalance 1.000",
        "NEP",
    ]
    with pytest.raises(MissingVariableError, match=r"got no \['NEP'\]"):
        stock_change_figure(table.drop(columns="NEP"))


def test_biomass_shows_scores_and_map():
    axes = {"lat": [-0.5, 0.5], "lon": [9.5, 10.5, 11.5]}
    unit = {"units": "MgC ha-1"}
    observed = xr.DataArray([[10.0, 20, 30], [40, 50, np.nan]], axes, ("lat", "lon"), attrs=unit)
    modelled = (1.2 * observed).assign_attrs(unit)
    maps = xr.Dataset(
        {"observed": observed, "modelled": modelled, "difference": modelled - observed}
    )
    assert "slope 1.20" in biomass_comparison(maps).axes[0].get_title()
    with pytest.raises(MissingVariableError, match="expected cells with both"):
        biomass_comparison(maps * np.nan)
    with pytest.raises(MissingVariableError, match="got no"):
        biomass_comparison(maps.drop_vars("observed"))
