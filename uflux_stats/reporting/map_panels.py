"""Maps of several fields, each with its profile over latitude and over longitude."""

from collections.abc import Hashable

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure, FigureBase

from uflux_stats.checks import require_dims
from uflux_stats.errors import MissingVariableError
from uflux_stats.grid import cell_area
from uflux_stats.reporting.maps import coastlines, colour_scale
from uflux_stats.reporting.style import COLOURS, GREY, axis_label, new_figure, style
from uflux_stats.stats.totals import Along, area_mean


def map_panels(fields: xr.Dataset, *, significant: xr.Dataset | None = None) -> Figure:
    """Draw maps of several fields with their latitude and longitude profiles.

    Profiles are means over land, each cell weighed by its area.

    Parameters
    ----------
    fields : xr.Dataset, (lat, lon) [their own units]
        One row of panels per variable; missing over the sea.
    significant : xr.Dataset of bool, (lat, lon), optional
        Cells to mark by dots, under the names of ``fields``.

    Returns
    -------
    Figure

    Raises
    ------
    DimensionError
        If ``lat`` or ``lon`` is missing.
    MissingVariableError
        If there is no variable, or one without any value.
    """
    names = list(fields.data_vars)
    if not names:
        raise MissingVariableError("fields: expected at least one variable, got none; add a field")
    with style():
        figure = new_figure(8.0, 3.6 * len(names))
        parts = figure.subfigures(len(names), 1, squeeze=False)[:, 0]
        for part, name in zip(parts, names, strict=True):
            field = fields[name]
            require_dims(field, ("lat", "lon"), name=str(name))
            if not bool(field.notnull().any()):
                raise MissingVariableError(f"fields.{name}: expected a value, got none; check it")
            axes = part.subplots(2, 2, width_ratios=(6, 1), height_ratios=(4, 1))
            field = field.transpose("lat", "lon").load()
            _map(axes[0, 0], field, part)
            _dots(axes[0, 0], significant, name)
            _profiles(axes, field)
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


def _map(ax: Axes, field: xr.DataArray, part: FigureBase) -> None:
    norm, colours = colour_scale(field)
    mesh = ax.pcolormesh(
        field["lon"], field["lat"], field, shading="nearest", norm=norm, cmap=colours,
        rasterized=True,
    )  # fmt: skip
    ax.add_collection(LineCollection(coastlines(), colors=GREY, linewidths=0.3))
    ax.set(xlim=(-180, 180), ylim=(-60, 85), ylabel=axis_label("latitude", "degrees"))
    label = axis_label(str(field.name), str(field.attrs.get("units", "1")))
    part.colorbar(mesh, ax=ax, location="left", label=label, extend="both")


def _dots(ax: Axes, significant: xr.Dataset | None, name: Hashable) -> None:
    if significant is None or name not in significant:
        return
    rows, columns = np.nonzero(significant[name].transpose("lat", "lon").values)
    lat, lon = significant["lat"].values[rows], significant["lon"].values[columns]
    ax.plot(lon, lat, ".", color="black", markersize=0.6, rasterized=True)


def _profiles(axes: "np.typing.NDArray[np.object_]", field: xr.DataArray) -> None:
    label = str(field.name)
    by_lat, by_lon = profile(field, "lat"), profile(field, "lon")
    axes[0, 1].plot(by_lat, by_lat["lat"], color=COLOURS["refined"])
    axes[0, 1].set(ylim=(-60, 85), xlabel=label)
    axes[1, 0].plot(by_lon["lon"], by_lon, color=COLOURS["refined"])
    axes[1, 0].set(xlim=(-180, 180), xlabel=axis_label("longitude", "degrees"), ylabel=label)
