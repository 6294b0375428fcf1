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
    for region in ("global", "Africa"):
        for route in ("dgvm", "hybrid", "direct", "difference"):
            numbers[f"divergence.{region}.NEP.{route}"] = number
        numbers[f"divergence.{region}.gap.Ra"] = {"value": 3.0}
    figure = sink_divergence(numbers)
    assert [t.get_text() for t in figure.axes[1].get_xticklabels()] == ["global", "Africa"]
    with pytest.raises(MissingVariableError, match=r"divergence\.REGION"):
        sink_divergence({"totals.global.GPP": number})


def test_stock_change_names_the_imbalance():
    table = pd.DataFrame({"year": [2001, 2002], "stock_change": [1.0, 2.0], "NEP": [1.5, 2.0]})
    figure = stock_change_figure(table)
    assert "-0.250" in figure.get_suptitle()
    with pytest.raises(MissingVariableError, match=r"got no \['NEP'\]"):
        stock_change_figure(table.drop(columns="NEP"))
