"""Maps of one field, with land outlines and a profile over latitude."""

from functools import lru_cache
from typing import Final

import numpy as np
import shapely
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from uflux_stats.checks import require_dims
from uflux_stats.errors import MissingVariableError, UnitsError
from uflux_stats.grid import land_outlines
from uflux_stats.reporting.style import BLACK, COLOURS, GREY, axis_label, new_figure, style

ONE_SIDED: Final = "viridis"
TWO_SIDED: Final = "PuOr"
"""Colour maps that keep their order for colour-blind readers."""


def flux_map(field: xr.DataArray, *, title: str) -> Figure:
    """Draw a global map of a field, beside it its mean over longitude.

    Colours span the 1st to 99th percentile; a field of both signs is centred on zero.

    Parameters
    ----------
    field : xr.DataArray, (lat, lon) [its own unit]
        Missing over the sea. Latitude and longitude are cell centres in degrees.
    title : str
        What is drawn, and of which time.

    Returns
    -------
    Figure
        Map and latitude profile (plain mean of the cells with a value at each latitude).

    Raises
    ------
    DimensionError
        If ``lat`` or ``lon`` is missing.
    UnitsError
        If the field has no unit.
    MissingVariableError
        If no cell has a value.
    """
    require_dims(field, ("lat", "lon"), name="field")
    if "units" not in field.attrs:
        raise UnitsError("field: expected attrs['units'] to label it with, got none; set it")
    if not bool(field.notnull().any()):
        raise MissingVariableError("field: expected a cell with a value, got none")
    label = axis_label(str(field.name or "value"), field.attrs["units"])
    with style():
        figure = new_figure(8.0, 4.2)
        chart, profile = figure.subplots(1, 2, width_ratios=(6, 1), sharey=True)
        _draw_map(figure, chart, field.transpose("lat", "lon"), label)
        _draw_profile(profile, field, label)
        chart.set_title(title)
    return figure


def _draw_map(figure: Figure, ax: Axes, field: xr.DataArray, label: str) -> None:
    draw_field(figure, ax, field, label)
    ax.set(xlim=(-180, 180), ylim=(-60, 85))
    ax.set(xlabel=axis_label("longitude", "degrees"), ylabel=axis_label("latitude", "degrees"))


def draw_field(figure: Figure, ax: Axes, field: xr.DataArray, label: str) -> None:
    """Draw a field in the order (lat, lon) as colours, with coastlines and a colour bar below."""
    norm, colours = colour_scale(field)
    mesh = ax.pcolormesh(
        field["lon"], field["lat"], field, shading="nearest", norm=norm, cmap=colours,
        rasterized=True,
    )  # fmt: skip
    ax.add_collection(LineCollection(coastlines(), colors=GREY, linewidths=0.3))
    figure.colorbar(
        mesh, ax=ax, location="bottom", label=label, shrink=0.6, aspect=40, extend="both"
    )


@lru_cache(maxsize=1)
def coastlines() -> "list[NDArray[np.float64]]":
    """Rings of longitude and latitude around the land, without borders inside it."""
    land = shapely.union_all(land_outlines(), grid_size=0.01)
    return [shapely.get_coordinates(part.exterior) for part in shapely.get_parts(land)]


def colour_scale(field: xr.DataArray) -> tuple[Normalize, str]:
    """Span the 1st to 99th percentile; centred on zero where both signs occur."""
    low, high = np.nanpercentile(field.values, [1, 99])
    if low < 0 < high:
        reach = max(-low, high)
        return Normalize(-reach, reach), TWO_SIDED
    return Normalize(low, high), ONE_SIDED


def _draw_profile(ax: Axes, field: xr.DataArray, label: str) -> None:
    mean = field.mean("lon")
    ax.plot(mean, field["lat"], color=COLOURS["refined"])
    ax.axvline(0, color=BLACK, linewidth=0.4)
    ax.xaxis.set_major_locator(MaxNLocator(2))
    ax.set_xlabel(label.split(" [")[0])
