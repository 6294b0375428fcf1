"""Budgets by year: what is summed, and where lines part."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.budget_series import (
    APART,
    BALANCED,
    CLOSED,
    MODELS,
    budget_series,
    globe_totals,
    mass_balance,
    stock_series,
)
from uflux_stats.reporting.changes import net_flux_twice
from uflux_stats.reporting.style import style

YEARS = np.arange(2003, 2013)


def yearly(units: str = "PgC yr-1", **means: float) -> xr.Dataset:
    spread = np.array([[-1.0], [1.0]]) + 0.1 * (YEARS - YEARS[0])
    coords = {"member": ["a", "b"], "year": YEARS}
    return xr.Dataset(
        {
            name: xr.DataArray(mean + spread, coords, ("member", "year"), attrs={"units": units})
            for name, mean in means.items()
        }
    )


def test_each_flux_follows_from_two_others() -> None:
    parts = yearly(GPP=130.0, NPP=60.0, Ra=60.0, RECO=110.0, Rh=50.0)
    found = mass_balance(parts).mean()
    # the trend of 0.1 a year adds 0.45, and cancels in differences
    for name, value in {"GPP": 120.9, "NPP": 70.0, "RECO": 110.9, "NEP": 10.0}.items():
        assert float(found[name]) == pytest.approx(value)
    assert mass_balance(parts).GPP.attrs == parts.GPP.attrs


def test_lines_of_an_open_budget_part() -> None:
    apart = yearly(GPP=130.0, NPP=60.0, Ra=60.0)
    figure = budget_series(yearly(GPP=125.0), apart, yearly(GPP=140.0))
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    for label, name in zip(labels, (CLOSED, APART, BALANCED, MODELS), strict=True):
        assert label.startswith(name)
    heights = [float(np.mean(line.get_ydata())) for line in figure.axes[0].lines]
    assert heights == pytest.approx([125.45, 130.45, 120.9, 140.45])


def test_the_legend_has_room_above_the_lines() -> None:
    panel = stock_series(yearly("PgC", cVeg=400.0), yearly("PgC", cVeg=450.0)).axes[0]
    highest = max(float(np.max(line.get_ydata())) for line in panel.lines)
    low, high = panel.get_ylim()
    assert (high - highest) / (high - low) > 0.15


@pytest.mark.parametrize("years", [4, 20, 41])
def test_years_are_whole_and_do_not_run_into_each_other(years: int) -> None:
    ones = {"year": np.arange(2003, 2003 + years)}
    line = xr.DataArray(np.ones(years), ones, attrs={"units": "PgC"})
    figure = stock_series(xr.Dataset({"cVeg": line, "cSoil": line}))
    canvas: Any = figure.canvas
    with style():
        canvas.draw()
        for ax in figure.axes:
            low, high = ax.get_xlim()
            labels = ax.get_xticklabels()
            shown = [label for label in labels if low <= label.get_position()[0] <= high]
            assert len(shown) >= 3
            assert all(label.get_text().isdigit() for label in shown)
            boxes = [label.get_window_extent() for label in shown]
            assert all(one.x1 < other.x0 for one, other in pairwise(boxes))


def test_totals_of_the_globe_are_of_what_is_there() -> None:
    axes = {"member": ["a"], "year": YEARS, "lat": [0.5], "lon": [10.5]}
    pool = xr.DataArray(1000.0, axes, dims=list(axes), attrs={"units": "gC m-2"})
    land = xr.DataArray([[1e12]], {"lat": [0.5], "lon": [10.5]}, attrs={"units": "m2"},
                        dims=("lat", "lon"))  # fmt: skip
    found = globe_totals(xr.Dataset({"cVeg": pool}).assign_coords(land_area=land), ("cVeg", "NPP"))
    assert list(found) == ["cVeg"]
    assert found.cVeg.values.tolist() == [[1.0] * YEARS.size]


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(MissingVariableError, match="sources"):
        budget_series(yearly(LE=1.0), yearly(LE=1.0))


def test_the_net_flux_twice_is_drawn_with_its_difference() -> None:
    lat, lon = np.arange(-10.0, 15.0, 5.0), np.arange(0.0, 25.0, 5.0)
    values = np.random.default_rng(0).normal(size=(lat.size, lon.size))
    field = xr.DataArray(values, {"lat": lat, "lon": lon}, ("lat", "lon"),
                         attrs={"units": "gC m-2 d-1"})  # fmt: skip
    other = (field - 0.5).assign_attrs(field.attrs)
    figure = net_flux_twice(field, other)
    assert figure.axes[0].get_xlabel().startswith("RECO - GPP [gC")
    assert figure.axes[0].get_title() == "n = 25 cells"
    np.testing.assert_allclose(figure.axes[1].collections[0].get_array(), 0.5)
