"""Figures of respiration posteriors, from a posterior made by hand."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.baselines import ClassParameters, DriverEffect, ParameterTable
from uflux_stats.bayes.compat import tree_of
from uflux_stats.bayes.fitted import RespirationFit
from uflux_stats.bayes.gate import Diagnosis
from uflux_stats.bayes.options import RespirationOptions, SamplerOptions
from uflux_stats.bayes.rows import ModelRows
from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.respiration import (
    forest,
    predicted_fields,
    rank_histograms,
    response_curves,
)
from uflux_stats.reporting.sinks import sinks_explained


@pytest.fixture(scope="module")
def fit() -> RespirationFit:
    rng = np.random.default_rng(0)
    site = np.repeat(np.arange(4), 12)
    temperature = rng.normal(10, 6, site.size)
    rows = ModelRows(
        options=RespirationOptions(level="pft"), observed=2.0 * 2.0 ** ((temperature - 10) / 10),
        temperature=temperature, warmth=(temperature - 10) / 10, conditions=np.zeros((48, 0)),
        site=site, season=site * 0, month=np.tile(np.arange(12), 4), group=np.array([0, 0, 1, 1]),
        sites=("A", "B", "C", "D"), groups=("DBF", "ENF"), effects=(),
    )  # fmt: skip
    dims = ("chain", "draw")
    values = {"log_rate": 0.7, "slope": 0.7}
    draws = xr.Dataset({name: (dims, value + 0.1 * rng.normal(size=(2, 30)))
                        for name, value in values.items()})  # fmt: skip
    for name, value in values.items():
        of_class = value + 0.1 * rng.normal(size=(2, 30, 2))
        draws[f"{name}_class"] = ((*dims, "group"), of_class)
    diagnosis = Diagnosis(1.0, 500, 500, 0, 1.0, "slope", passed=True)
    return RespirationFit(rows, tree_of({"posterior": draws}), diagnosis, SamplerOptions())


def test_forest_has_a_line_per_class_and_one_for_all(fit: RespirationFit) -> None:
    left, right = forest(fit).axes
    labels = [label.get_text() for label in left.get_yticklabels()]
    assert labels == ["DBF (2)", "ENF (2)", "all (4)"]
    assert "Q10" in right.get_xlabel()


def test_curves_have_a_panel_per_class(fit: RespirationFit) -> None:
    titles = [ax.get_title() for ax in response_curves(fit).axes if ax.get_visible()]
    assert titles == ["DBF, 2 sites", "ENF, 2 sites"]
    assert response_curves(fit).get_suptitle() == "Response to temperature: Q10"


def test_fields_are_missing_over_the_sea() -> None:
    table = ParameterTable("lloyd_taylor", ClassParameters(2.0, 200.0))
    igbp = xr.DataArray([[1.0, np.nan]], dims=("lat", "lon"))
    fields = predicted_fields(table, xr.Dataset({"IGBP": igbp}))
    assert fields.Rref.values[0, 0] == 2.0
    assert np.isnan(fields.E0.values[0, 1])
    assert fields.E0.attrs["units"] == "K"


def test_fields_have_the_mean_of_their_effects() -> None:
    table = ParameterTable(
        "q10", ClassParameters(2.0, 1.5), effects=(DriverEffect("VPD", 1.0, 0.0, 1.0),)
    )
    dry = xr.DataArray([[[0.0]], [[np.log(3.0)]]], dims=("time", "lat", "lon"))
    igbp = xr.DataArray([[1.0]], dims=("lat", "lon"))
    drivers = xr.Dataset({"IGBP": igbp, "VPD": dry.assign_attrs(units="hPa")})
    assert predicted_fields(table, drivers).Rref.values == pytest.approx(2.0 * (1.0 + 3.0) / 2)


def test_ranks_have_a_panel_per_parameter() -> None:
    ranks = np.random.default_rng(0).integers(0, 64, (100, 3))
    found = xr.Dataset(
        {"rank": (("simulation", "parameter"), ranks)},
        {"parameter": ["slope", "nu", "sigma0"]},
        {"ranks": 63},
    )
    assert sum(ax.get_visible() for ax in rank_histograms(found).axes) == 3
    with pytest.raises(MissingVariableError, match="expected ranks"):
        rank_histograms(xr.Dataset())


def test_sinks_have_a_row_for_each_route_and_say_what_is_left_out() -> None:
    routes = ("dgvm", "hybrid", "direct", "difference", "fixed_q10")
    rows = [("global", route, "", 5.0, 4.0, 6.0) for route in routes]
    rows += [("global", "q10", "shared", 9.0, -90.0, 12.0)]
    rows += [("global", "q10", "spatial", 9.0, 2.0, 12.0)]
    table = pd.DataFrame(rows, columns=["region", "route", "site_effect", "value", "low", "high"])
    figure = sinks_explained(table, "spatial")
    left, right = figure.axes
    labels = [label.get_text() for label in left.get_yticklabels()]
    assert len(labels) == len(rows)
    assert labels[-1] == "GPP - RECO, Q10; cells deviate all alike"
    beyond = [line for line in left.lines if line.get_marker() == "<"]
    assert np.asarray(beyond[0].get_ydata()).tolist() == [0]
    assert right.get_yticklabels()[0].get_text() == ("global\ngap 0.0, form -4.0, draws 10.0")
    points = {str(line.get_label()): np.asarray(line.get_xdata())[0] for line in right.lines}
    assert points["form, median of the draws"] == 9.0
    assert points["vegetation models"] == 5.0
    with pytest.raises(MissingVariableError, match="region 'global'"):
        sinks_explained(table.assign(region="Asia"), "spatial")
