"""Figures of statistics: what is drawn, its colours, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import DimensionError, MissingVariableError
from uflux_stats.reporting.boxes import FALL, NO_TREND, RISE, regional_boxes
from uflux_stats.reporting.map_panels import map_panels
from uflux_stats.reporting.style import save_figure
from uflux_stats.reporting.yearly_series import yearly_series

YEARS = np.arange(2003, 2023)


def totals() -> xr.Dataset:
    noise = 0.1 * np.random.default_rng(0).normal(size=(3, 20))
    rows = 10 + np.array([0.2, -0.2, 0.0])[:, None] * np.arange(20) + noise
    coords = {"region": ["Africa", "Asia", "Europe"], "year": YEARS}
    array = xr.DataArray(rows, coords, ("region", "year"), attrs={"units": "PgC yr-1"})
    return xr.Dataset(dict.fromkeys(("GPP", "RECO", "NEP", "cVeg"), array))


def colour_of(patch) -> str:
    from matplotlib.colors import to_hex

    return to_hex(patch.get_facecolor()).upper()


def test_boxes_are_coloured_by_their_trend(tmp_path: Path) -> None:
    figure = regional_boxes(totals())
    panel = figure.axes[0]
    assert [colour_of(patch) for patch in panel.patches] == [RISE, FALL, NO_TREND]
    assert [text.get_text() for text in panel.texts] == ["+0.2", "-0.2"]
    assert panel.get_ylabel() == "GPP [PgC yr$^{-1}$]"
    assert save_figure(figure, tmp_path / "boxes.png").stat().st_size > 10_000


def test_a_region_without_data_has_no_box() -> None:
    yearly = totals().where(totals()["region"] != "Asia")
    for name in yearly.data_vars:
        yearly[name].attrs["units"] = "PgC yr-1"
    assert len(regional_boxes(yearly).axes[0].patches) == 2


def test_series_carry_bands_and_trends(tmp_path: Path) -> None:
    members = totals()[["GPP"]].rename(region="member")
    single = totals().isel(region=0, drop=True)
    figure = yearly_series({"hybrid": members, "models": single})
    panel = figure.axes[0]
    assert len(panel.lines) == 2
    assert len(panel.collections) == 1
    labels = [text.get_text() for text in panel.get_legend().get_texts()]
    assert labels[1].startswith("models +0.197* (")
    assert "PgC yr$^{-2}$" in labels[0]
    assert len(figure.axes) == 4
    few = {"short": single.isel(year=slice(0, 3))}
    assert "fewer than four years" in yearly_series(few).axes[0].get_legend().texts[0].get_text()
    save_figure(figure, tmp_path / "series.png")


def test_maps_have_two_profiles_and_dots(tmp_path: Path) -> None:
    lat, lon = np.arange(-55.0, 80.0, 10.0), np.arange(-175.0, 180.0, 10.0)
    values = np.cos(np.deg2rad(lat))[:, None] * np.ones(len(lon))
    field = xr.DataArray(
        values, {"lat": lat, "lon": lon}, ("lat", "lon"), attrs={"units": "gC m-2 d-1"}
    )
    marks = xr.Dataset({"NPP": field > 0.9})
    figure = map_panels(xr.Dataset({"NPP": field, "NEP": field - 0.5}), significant=marks)
    first = figure.axes[0]
    assert len(first.lines[0].get_xdata()) == int(marks["NPP"].sum())
    by_latitude = figure.axes[1].lines[0].get_xdata()
    np.testing.assert_allclose(by_latitude, np.cos(np.deg2rad(lat)))
    assert save_figure(figure, tmp_path / "maps.png").stat().st_size > 10_000


def test_what_cannot_be_drawn_is_named() -> None:
    with pytest.raises(MissingVariableError, match="yearly"):
        regional_boxes(xr.Dataset())
    with pytest.raises(DimensionError, match=r"yearly\.GPP"):
        regional_boxes(totals()[["GPP"]].isel(region=0))
    with pytest.raises(MissingVariableError, match="sources"):
        yearly_series({})
    with pytest.raises(MissingVariableError, match="fields"):
        map_panels(xr.Dataset())
