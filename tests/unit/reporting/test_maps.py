"""Maps in degrees and in projections: where cells and profiles stand, and what is refused."""

import socket
import sys

import numpy as np
import pytest
import xarray as xr

from uflux_stats.config import RunConfig, check
from uflux_stats.config.sections import OutputConfig
from uflux_stats.errors import ConfigError, MissingExtraError
from uflux_stats.reporting.map_panels import flux_map
from uflux_stats.reporting.maps import draw_cells, heights
from uflux_stats.reporting.projections import projector
from uflux_stats.reporting.style import new_figure


@pytest.fixture
def field() -> xr.DataArray:
    lat, lon = np.arange(-87.5, 90.0, 5.0), np.arange(-177.5, 180.0, 5.0)
    values = np.cos(np.deg2rad(lat))[:, None] * np.ones(lon.size)
    return xr.DataArray(
        values, {"lat": lat, "lon": lon}, ("lat", "lon"), "GPP", {"units": "gC m-2 d-1"}
    )


def test_cells_are_drawn_around_their_centres(field: xr.DataArray) -> None:
    mesh = draw_cells(new_figure(4, 3).subplots(), field)
    corners = mesh.get_coordinates()
    assert corners[0, 0].tolist() == [-180.0, -90.0]
    assert corners[-1, -1].tolist() == [180.0, 90.0]
    assert corners[1, 1].tolist() == [-175.0, -85.0]


@pytest.mark.parametrize("projection", ["robinson", "equal_earth"])
def test_a_projection_bends_meridians_and_downloads_nothing(
    field: xr.DataArray, projection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("cartopy", reason="the extra maps is not installed")

    def refuse(*_: object) -> None:
        raise AssertionError("a map asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    figure = flux_map(field, title="GPP", projection=projection)
    chart, profile = figure.axes[:2]
    corners = chart.collections[0].get_coordinates()
    assert abs(corners[-1, -1, 0]) < 0.7 * abs(corners[len(field.lat) // 2, -1, 0])
    # the profile stands at the heights of the map
    assert profile.get_ylim() == chart.get_ylim()
    assert [label.get_text() for label in profile.get_yticklabels()][2] == "0"


def test_equal_earth_keeps_areas() -> None:
    """Cells of a degree have the areas that they have on the ellipsoid WGS84 of cartopy."""
    pytest.importorskip("cartopy", reason="the extra maps is not installed")
    place = projector("equal_earth")
    areas = []
    for north in (0.0, 60.0):
        lon, lat = np.array([0.0, 1.0, 1.0, 0.0]), north + np.array([-0.5, -0.5, 0.5, 0.5])
        x, y = place(lon, lat)
        areas.append(abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2)
    flattening = 1 / 298.257223563
    eccentric = flattening * (2 - flattening)  # squared
    true = 0.5 / (1 - eccentric * np.sin(np.deg2rad(60.0)) ** 2) ** 2
    assert areas[1] / areas[0] == pytest.approx(true, rel=1e-3)


def test_without_cartopy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cartopy.crs", None)
    with pytest.raises(MissingExtraError, match=r"uflux-stats\[maps\]"):
        projector("robinson")
    assert heights(xr.DataArray([10.0]), "plate").tolist() == [10.0]
    with pytest.raises(ConfigError, match="nearest: robinson"):
        projector("robinsom")


def test_a_run_asks_before_it_begins(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setitem(sys.modules, "cartopy.crs", None)
    check(RunConfig(output=OutputConfig(out=tmp_path / "run")))
    with pytest.raises(MissingExtraError, match=r"uflux-stats\[maps\]"):
        check(RunConfig(output=OutputConfig(out=tmp_path / "run", projection="robinson")))
