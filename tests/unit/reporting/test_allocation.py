"""Figures of allocation show what they are given and leave no trace."""

import pandas as pd
import pytest

from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.allocation import (
    sink_divergence,
    stock_change_figure,
)


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
        "change of stocks, pools integrated from fluxes: mean less NEP -0.25 PgC yr$^{-1}$",
        "change of stocks, pools by the paper's ratio: mean less NEP 1.00 PgC yr$^{-1}$",
        "NEP",
    ]
    with pytest.raises(MissingVariableError, match=r"got no \['NEP'\]"):
        stock_change_figure(table.drop(columns="NEP"))
