"""Gridded drivers against those at towers."""

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.meteorology import (
    meteorology_by_type,
    meteorology_figure,
    meteorology_table,
)

RNG = np.random.default_rng(1)
TIME = xr.date_range("2001-01", periods=24, freq="MS")


@pytest.fixture
def measured() -> xr.Dataset:
    axes = {"site": ["A", "B", "C"], "time": TIME}
    warmth = xr.DataArray(RNG.normal(10, 5, (3, 24)), axes, dims=list(axes))
    return xr.Dataset({"TA": warmth, "VPD": warmth * 0.5, "IGBP": ("site", [4, 4, 10])})


def rows(table, driver):
    return table[table["driver"] == driver].set_index("igbp")


def test_each_class_and_all_together(measured: xr.Dataset) -> None:
    gridded = measured.assign(TA=measured.TA + xr.where(measured.IGBP == 10, 3.0, 1.0))
    table = rows(meteorology_table(measured, gridded), "TA")
    assert table.index.tolist() == ["all", "DBF", "GRA"]
    assert table["n"].tolist() == [72, 48, 24]
    assert table["towers"].tolist() == [3, 2, 1]
    np.testing.assert_allclose(table["bias"], [5 / 3, 1.0, 3.0])
    np.testing.assert_allclose(table["rmse"], [np.sqrt(11 / 3), 1.0, 3.0])
    np.testing.assert_allclose(table.loc[["DBF", "GRA"], "r"], 1.0)


def test_correlation_keeps_its_sign(measured: xr.Dataset) -> None:
    table = rows(meteorology_table(measured, measured.assign(TA=-measured.TA)), "TA")
    np.testing.assert_allclose(table["r"], -1.0)


def test_common_months_alone_count(measured: xr.Dataset) -> None:
    gridded = measured.isel(time=slice(12, None)).where(measured.site != "C")
    table = rows(meteorology_table(measured.assign(TA=measured.TA.where(TIME.year > 2000)),
                                   gridded), "TA")  # fmt: skip
    assert table["n"].tolist() == [24, 24]
    assert "GRA" not in table.index


def test_nothing_to_compare(measured: xr.Dataset) -> None:
    with pytest.raises(MissingVariableError, match="in both, got none"):
        meteorology_table(measured, measured[["IGBP"]])


def test_a_panel_for_each_driver(measured: xr.Dataset) -> None:
    figure = meteorology_figure(measured, measured + 1.0, source="test")
    titles = [ax.get_xlabel() for ax in figure.axes if ax.axison]
    assert titles == ["TA at the tower [degC]", "VPD at the tower [hPa]"]
    assert figure.axes[0].texts[0].get_text().startswith("n 72")
    assert "bias 1" in figure.axes[0].texts[0].get_text()


def test_a_panel_for_each_driver_with_bias_error_and_size_by_type(measured: xr.Dataset) -> None:
    table = meteorology_table(measured, measured + 1.0)
    figure = meteorology_by_type(table)
    assert "bias, RMSE as bars" in figure.get_suptitle()
    first = figure.axes[0]
    assert first.get_xlabel() == "TA, grid minus tower [degC]"
    assert first.get_yticklabels()[0].get_text() == "all (3 towers)"
    assert first.texts[0].get_text() == "r 1.00, n 72"
    with pytest.raises(MissingVariableError, match="at least one driver"):
        meteorology_by_type(table.iloc[:0])
