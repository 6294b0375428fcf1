"""Every result that is no array has a short view in notebooks."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import uflux_stats as us
from uflux_stats.attribution.network import Networks
from uflux_stats.attribution.presets import WEATHER
from uflux_stats.baselines.parameters import default_parameters
from uflux_stats.io.data_check import DataReport
from uflux_stats.pipeline.runner import RunRecord
from uflux_stats.reporting.numbers import Number
from uflux_stats.stats.views import ROWS_SHOWN, html_view


@pytest.fixture
def networks() -> Networks:
    """Noise that drives a flux."""
    warm = np.random.default_rng(1).normal(size=240)
    table = pd.DataFrame({"TA": warm, "GPP": warm + np.random.default_rng(2).normal(size=240)})
    return us.fit_network(table, us.CausalGraph.from_edges([("TA", "GPP")]), transform="raw")


def test_a_view_is_short_and_says_how_much_is_left() -> None:
    shown = html_view("Many", pd.DataFrame({"n": range(1000)}), "")
    assert shown.count("<tr") == ROWS_SHOWN + 1
    assert f"{1000 - ROWS_SHOWN} more rows" in shown
    assert "<p></p>" not in shown


def test_nothing_of_the_data_is_taken_for_markup() -> None:
    table = pd.DataFrame({"<script>": ["<b>"]})
    assert "<script>" not in html_view("<script>", table, "<script>")


def test_parameters_show_every_class_and_the_fallback() -> None:
    table = default_parameters()
    assert len(table.to_frame()) == len(table.classes) + 1
    assert table.to_frame()["class"].iloc[-1] == "all others"
    assert f"{table.classes['ENF'].rate:.4g}" in table._repr_html_()


def test_networks_show_rows_and_what_was_skipped(networks: Networks) -> None:
    assert repr(networks) == "<Networks: 1 fitted, 0 skipped>"
    assert "<td>240</td>" in networks._repr_html_()
    assert repr(networks.select()) == ("<Network globe: 2 nodes, raw of 240 months of 1 towers>")
    assert "rank_correlation" in networks.select()._repr_html_()


def test_graphs_show_parents() -> None:
    assert "P, SWIN, CO2" in WEATHER._repr_html_()


def test_runs_show_numbers() -> None:
    record = RunRecord(Path("out"), (), {"totals.global.GPP": Number(130.25, "PgC yr-1")})
    assert "130.2" in record._repr_html_()
    assert "PgC yr-1" in record._repr_html_()


def test_checks_show_their_rows() -> None:
    report = DataReport("towers", Path("x"), "1 tower", pd.DataFrame({"site": ["DE-Hai"]}))
    assert "towers in x" in report._repr_html_()
    assert "DE-Hai" in report._repr_html_()
