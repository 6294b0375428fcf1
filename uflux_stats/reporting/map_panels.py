"""Maps of the globe, each with its profile over latitude and over longitude."""

from collections.abc import Hashable

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase
from matplotlib.ticker import MaxNLocator

from uflux_stats.checks import require_dims
from uflux_stats.errors import MissingVariableError, UnitsError
from uflux_stats.grid import cell_area
from uflux_stats.reporting.maps import NORTH, PARALLELS, SOUTH, draw_globe, heights
from uflux_stats.reporting.projections import Projection, projector
from uflux_stats.reporting.style import BLACK, COLOURS, axis_label, new_figure, style
from uflux_stats.stats.totals import Along, area_mean


def flux_map(field: xr.DataArray, *, title: str, projection: Projection = "plate") -> Figure:
    """Draw a global map of a field, with its latitude and longitude profiles.

    Colours span the 1st to 99th percentile; a field of both signs is centred on zero.

    Parameters
    ----------
    field : xr.DataArray, (lat, lon) [its own unit]
        Missing over the sea. Latitude and longitude are cell centres in degrees.
    title : str
        What is drawn, and of which time.
    projection : {"plate", "robinson", "equal_earth"}
        All but "plate" need cartopy.

    Returns
    -------
    Figure

    Raises
    ------
    DimensionError
        If ``lat`` or ``lon`` is missing.
    UnitsError
        If the field has no unit.
    MissingVariableError
        If no cell has a value.
    MissingExtraError
        If the projection needs cartopy, which is not installed.
    """
    if "units" not in field.attrs:
        raise UnitsError("field: expected attrs['units'] to label it with, got none; set it")
    name = str(field.name or "value")
    figure = map_panels(xr.Dataset({name: field}), projection=projection)
    figure.axes[0].set_title(title)
    return figure


def map_panels(
    fields: xr.Dataset,
    *,
    significant: xr.Dataset | None = None,
    projection: Projection = "plate",
) -> Figure:
    """Draw maps of several fields with their latitude and longitude profiles.

    Profiles are means over land, each cell weighed by its area.

    Parameters
    ----------
    fields : xr.Dataset, (lat, lon) [their own units]
        One row of panels per variable; missing over the sea.
    significant : xr.Dataset of bool, (lat, lon), optional
        Cells to mark by dots, under the names of ``fields``.
    projection : {"plate", "robinson", "equal_earth"}
        All but "plate" need cartopy.

    Returns
    -------
    Figure

    Raises
    ------
    DimensionError
        If ``lat`` or ``lon`` is missing.
    MissingVariableError
        If there is no variable, or one without any value.
    MissingExtraError
        If the projection needs cartopy, which is not installed.
    """
    names = list(fields.data_vars)
    if not names:
        raise MissingVariableError("fields: expected at least one variable, got none; add a field")
    with style():
        figure = new_figure(8.0, 3.9 * len(names))
        parts = figure.subfigures(len(names), 1, squeeze=False)[:, 0]
        for part, name in zip(parts, names, strict=True):
            field = fields[name]
            require_dims(field, ("lat", "lon"), name=str(name))
            if not bool(field.notnull().any()):
                raise MissingVariableError(f"fields.{name}: expected a value, got none; check it")
            axes = part.subplots(2, 2, width_ratios=(6, 1), height_ratios=(4, 1))
            field = field.transpose("lat", "lon").load()
            _map(axes[0, 0], field, part, projection)
            _dots(axes[0, 0], significant, name, projection)
            _profiles(axes, field, projection)
            axes[1, 1].set_visible(False)
            axes[0, 0].set_title(str(name))
    return figure


def profile(field: xr.DataArray, along: Along) -> xr.DataArray:
    """Mean of a field at each latitude or longitude, cells weighed by area.

    Parameters
    ----------
    field : xr.DataArray, (lat, lon)
        Any unit.
    along : {"lat", "lon"}
        The dimension that stays.

    Returns
    -------
    xr.DataArray, (along,) [unit of ``field``]

    Examples
    --------
    >>> field = xr.DataArray([[1.0, 3.0], [5.0, np.nan]], {"lat": [-0.5, 0.5], "lon": [0.0, 1.0]},
    ...                      dims=("lat", "lon"))
    >>> profile(field, "lon").values.round(6).tolist()
    [3.0, 3.0]
    """
    area = field.coords.get("land_area")
    weights = cell_area(field["lat"], field["lon"]) if area is None else area
    return area_mean(field, along=along, area=weights)


def _map(ax: Axes, field: xr.DataArray, part: FigureBase, projection: Projection) -> None:
    mesh = draw_globe(ax, field, projection)
    label = axis_label(str(field.name), str(field.attrs.get("units", "1")))
    part.colorbar(mesh, ax=ax, location="left", label=label, extend="both")


def _dots(ax: Axes, significant: xr.Dataset | None, name: Hashable, projection: Projection) -> None:
    if significant is None or name not in significant:
        return
    rows, columns = np.nonzero(significant[name].transpose("lat", "lon").values)
    lat, lon = significant["lat"].values[rows], significant["lon"].values[columns]
    ax.plot(*projector(projection)(lon, lat), ".", color=BLACK, markersize=0.6, rasterized=True)


def _profiles(
    axes: "np.typing.NDArray[np.object_]", field: xr.DataArray, projection: Projection
) -> None:
    """Draw the mean at each latitude, at its height on the map, and at each longitude."""
    label = axis_label(str(field.name), str(field.attrs.get("units", "1")))
    by_lat, by_lon = profile(field, "lat"), profile(field, "lon")
    beside, below = axes[0, 1], axes[1, 0]
    beside.plot(by_lat, heights(by_lat["lat"], projection), color=COLOURS["refined"])
    ticks = xr.DataArray([*PARALLELS])
    beside.set_yticks(heights(ticks, projection), [f"{north:.0f}" for north in PARALLELS])
    beside.set_ylim(heights(xr.DataArray([SOUTH, NORTH]), projection))
    below.plot(by_lon["lon"], by_lon, color=COLOURS["refined"])
    below.set_xlim(-180, 180)
    beside.set_xlabel(label.replace(" [", "\n["), fontsize=6)
    below.set_xlabel(axis_label("longitude", "degrees"))
    below.set_ylabel(label.replace(" [", "\n["), fontsize=6)
    beside.xaxis.set_major_locator(MaxNLocator(2))
    beside.tick_params(axis="x", labelsize=6)
    below.yaxis.set_major_locator(MaxNLocator(2))
    if field.min() < 0 < field.max():
        beside.axvline(0, color=BLACK, linewidth=0.4)
        below.axhline(0, color=BLACK, linewidth=0.4)
