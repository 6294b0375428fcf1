"""Maps: a field in colours with land outlines, in degrees or in a projection."""

from functools import lru_cache
from typing import Final

import numpy as np
import shapely
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from uflux_stats.grid import land_outlines
from uflux_stats.reporting.projections import Floats, Projection, projector
from uflux_stats.reporting.style import GREY, axis_label

ONE_SIDED: Final = "viridis"
TWO_SIDED: Final = "PuOr"
"""Colour maps that keep their order for colour-blind readers."""
SOUTH: Final = -60.0
NORTH: Final = 85.0
"""Latitudes that maps of the globe end at: there are no fluxes beyond."""
PARALLELS: Final = (-60.0, -30.0, 0.0, 30.0, 60.0)
_MERIDIANS: Final = (-180.0, -120.0, -60.0, 0.0, 60.0, 120.0, 180.0)


def draw_field(figure: Figure, ax: Axes, field: xr.DataArray, label: str) -> None:
    """Draw a field in the order (lat, lon) as colours, with coastlines and a colour bar below."""
    mesh = draw_cells(ax, field)
    figure.colorbar(
        mesh, ax=ax, location="bottom", label=label, shrink=0.6, aspect=40, extend="both"
    )


def draw_globe(ax: Axes, field: xr.DataArray, projection: Projection = "plate") -> QuadMesh:
    """Draw a field on the whole globe, with degrees or a graticule at the edges.

    Parameters
    ----------
    ax : Axes
    field : xr.DataArray, (lat, lon)
    projection : {"plate", "robinson", "equal_earth"}

    Returns
    -------
    QuadMesh
        For a colour bar.

    Raises
    ------
    MissingExtraError
        If the projection needs cartopy, which is not installed.
    """
    mesh = draw_cells(ax, field, projection)
    if projection == "plate":
        ax.set(xlim=(-180, 180), ylim=(SOUTH, NORTH), ylabel=axis_label("latitude", "degrees"))
    else:
        _graticule(ax, projection)
    return mesh


def draw_cells(ax: Axes, field: xr.DataArray, projection: Projection = "plate") -> QuadMesh:
    """Draw the cells of a field (lat, lon) and the outlines of the land."""
    place = projector(projection)
    norm, colours = colour_scale(field)
    lon, lat = np.meshgrid(_edges(field["lon"], 180.0), _edges(field["lat"], 90.0))
    mesh = ax.pcolormesh(
        *place(lon, lat), field.values, shading="flat", norm=norm, cmap=colours, rasterized=True
    )
    outlines = [np.column_stack(place(ring[:, 0], ring[:, 1])) for ring in coastlines()]
    ax.add_collection(LineCollection(outlines, colors=GREY, linewidths=0.3))
    return mesh


def heights(lat: xr.DataArray, projection: Projection) -> Floats:
    """Return how high latitudes stand on a map, for a profile beside it."""
    north: Floats = lat.values.astype(np.float64)
    return projector(projection)(np.zeros_like(north), north)[1]


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


def _edges(centres: xr.DataArray, reach: float) -> Floats:
    """Edges of cells: halfway between centres, the outer ones as far out, on the globe."""
    at: Floats = centres.values.astype(np.float64)
    if at.size == 1:
        return np.array([at[0] - 0.5, at[0] + 0.5])
    middle = (at[1:] + at[:-1]) / 2
    ends = [2 * at[0] - middle[0]], [2 * at[-1] - middle[-1]]
    edges: Floats = np.concatenate([ends[0], middle, ends[1]]).clip(-reach, reach)
    return edges


def _graticule(ax: Axes, projection: Projection) -> None:
    """Replace the axes of a projected map by parallels and meridians."""
    place = projector(projection)
    along, up = np.linspace(-180.0, 180.0, 181), np.linspace(SOUTH, NORTH, 73)
    lines = [np.column_stack(place(along, np.full(181, north))) for north in PARALLELS]
    lines += [np.column_stack(place(np.full(73, east), up)) for east in _MERIDIANS]
    ax.add_collection(LineCollection(lines, colors=GREY, linewidths=0.2, zorder=0.5))
    low, high = place(np.zeros(2), np.array([SOUTH, NORTH]))[1]
    width = place(np.array([180.0]), np.zeros(1))[0].item()
    ax.set(xlim=(-width, width), ylim=(low, high), aspect="equal")
    ax.set_axis_off()
