"""Figures of the comparison with observations carry sizes, units and scores."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.benchmarks import (
    map_comparison,
    relative_maps,
    respiration_scatter,
    sink_series,
)


def test_map_shows_scores_and_difference():
    axes = {"lat": [-0.5, 0.5], "lon": [9.5, 10.5, 11.5]}
    unit = {"units": "MgC ha-1"}
    observed = xr.DataArray([[10.0, 20, 30], [40, 50, np.nan]], axes, ("lat", "lon"), attrs=unit)
    modelled = (1.2 * observed).assign_attrs(unit)
    maps = xr.Dataset(
        {"observed": observed, "modelled": modelled, "difference": modelled - observed}
    )
    figure = map_comparison(maps, title="biomass")
    assert figure.axes[0].get_title() == "n = 5 cells"
    assert "slope 1.20" in figure.axes[0].texts[0].get_text()
    with pytest.raises(MissingVariableError, match="expected cells with both"):
        map_comparison(maps * np.nan, title="")
    with pytest.raises(MissingVariableError, match="got no"):
        map_comparison(maps.drop_vars("observed"), title="")


def test_relative_differences_leave_out_where_hardly_any_was_observed():
    axes = {"lat": [-0.5, 0.5], "lon": [9.5, 10.5, 11.5]}
    observed = xr.DataArray([[10.0, 20, 30], [40, 50, 0.5]], axes, ("lat", "lon"))
    maps = {name: xr.Dataset({"observed": observed, "difference": share * observed})
            for name, share in (("low", -0.2), ("mean", 0.1))}  # fmt: skip
    figure = relative_maps(maps)
    assert [ax.get_title() for ax in figure.axes if ax.get_title()] == ["low", "mean"]
    drawn = figure.axes[0].collections[0].get_array()
    np.testing.assert_allclose(np.ma.compressed(drawn), -20.0)
    assert np.ma.getmaskarray(drawn).sum() == 1


def test_respiration_has_a_panel_per_kind():
    rows = pd.DataFrame({"kind": ["Rh"] * 3 + ["Rs"] * 3, "observed": [300.0, 400, 500] * 2,
                         "modelled": [350.0, 380, 600] * 2, "n": [1, 2, 1] * 2})  # fmt: skip
    figure = respiration_scatter(rows)
    assert [ax.get_title() for ax in figure.axes] == [
        "Rh: n = 3 cells, 4 rows", "Rs: n = 3 cells, 4 rows",
    ]  # fmt: skip
    assert "upper bound" in figure.axes[1].get_ylabel()
    with pytest.raises(MissingVariableError, match="expected Rh or Rs"):
        respiration_scatter(rows.iloc[:0])


def test_sink_stands_beside_the_models():
    sink = xr.DataArray([[1.0, 2.0], [2.0, 3.0]], {"model": ["A", "B"], "year": [2001, 2002]},
                        ("model", "year"))  # fmt: skip
    years = pd.DataFrame({"year": [2002], "NEP": [4.0], "S_LAND": [2.5]})
    ax = sink_series(sink.to_dataset(name="S_LAND"), years).axes[0]
    mean, emulated = (np.asarray(line.get_ydata()).tolist() for line in ax.get_lines()[:2])
    assert (mean, emulated) == ([1.5, 2.5], [4.0])
