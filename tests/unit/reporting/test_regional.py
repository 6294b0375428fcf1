"""Maps of one region: cut out at its edges, empty outside it."""

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.regional import region_map

GRID = {"lat": np.arange(-60.0, 81.0, 10.0), "lon": np.arange(-170.0, 180.0, 10.0)}


@pytest.fixture
def fields() -> xr.Dataset:
    values = xr.DataArray(1.0, GRID, tuple(GRID), attrs={"units": "gC m-2 d-1"})
    return xr.Dataset({"GPP": values, "NEE": -values, "LE": values})


@pytest.fixture
def mask() -> xr.DataArray:
    lat, lon = (xr.DataArray(GRID[name], {name: GRID[name]}, (name,)) for name in GRID)
    return (abs(lat - 50.0) < 11.0) & (abs(lon - 20.0) < 21.0)


def test_each_flux_has_a_panel_within_the_region(fields: xr.Dataset, mask: xr.DataArray) -> None:
    figure = region_map(fields, mask)
    panels = [ax for ax in figure.axes if ax.get_title()]
    assert [ax.get_title() for ax in panels] == ["GPP", "NEE"]
    assert panels[0].get_xlim() == (-4.0, 44.0)
    assert panels[0].get_ylim() == (36.0, 64.0)
    drawn = panels[0].collections[0].get_array()
    assert int((~np.ma.getmaskarray(drawn)).sum()) == int(mask.sum()) == 15


def test_a_region_at_the_edge_stays_on_the_globe(fields: xr.Dataset) -> None:
    whole = fields.assign_coords(lat=np.linspace(-89, 89, 15), lon=np.linspace(-179, 179, 35))
    panel = region_map(whole, xr.ones_like(whole["GPP"], dtype=bool)).axes[0]
    assert panel.get_xlim() == (-180.0, 180.0)
    assert panel.get_ylim() == (-90.0, 90.0)


def test_a_region_without_values_is_refused(fields: xr.Dataset, mask: xr.DataArray) -> None:
    with pytest.raises(MissingVariableError, match="in the region"):
        region_map(fields.where(~mask), mask)
