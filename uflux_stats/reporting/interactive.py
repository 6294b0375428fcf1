"""The map of a run to move about in: one field at a time, values under the pointer."""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.grid import land_outlines
from uflux_stats.reporting.extras import extra
from uflux_stats.reporting.maps import NORTH, SOUTH, colour_scale
from uflux_stats.reporting.wording import flux_name, units_text

LARGEST: Final = 360
"""Columns of the map at most: finer grids are thinned, to keep the page small."""
_RECONCILED: Final = "_reconciled"
_SIZES: Final = {"width": 960, "height": 430}
_DETAIL: Final = 0.5
"""Coastlines are drawn to this accuracy [degrees]."""


def shown_fields(fields: xr.Dataset) -> xr.Dataset:
    """Return the fields of the map, from where the maps of the reports begin to where they end.

    Reconciled fluxes are left out: to the eye they are the fluxes themselves, and each field more
    makes the page heavier.
    """
    fields = fields.sortby("lat").sel(lat=slice(SOUTH, NORTH))
    return fields[[name for name in fields.data_vars if not str(name).endswith(_RECONCILED)]]


def map_item(fields: xr.Dataset) -> str:
    """Return an interactive map of several fields as JSON for BokehJS; same fields, same bytes.

    Parameters
    ----------
    fields : xr.Dataset, (lat, lon) [their own units]
        The first is visible; the others are there under their names and can be made so.

    Returns
    -------
    str

    Raises
    ------
    MissingExtraError
        If bokeh is not installed.
    """
    plotting, embed = extra("bokeh.plotting", "report"), extra("bokeh.embed", "report")
    plot = plotting.figure(
        **_SIZES, x_range=(-180, 180), y_range=(SOUTH, NORTH),
        tools="pan,wheel_zoom,box_zoom,reset", active_scroll=None,
        x_axis_label="longitude [degrees]", y_axis_label="latitude [degrees]",
        sizing_mode="scale_width", name="map",
    )  # fmt: skip
    plot.toolbar.logo = None
    for place, name in enumerate(fields.data_vars):
        _add_field(plot, _thinned(fields[name]), visible=place == 0)
    lines = _coast()
    plot.multi_line(
        [line[:, 0].tolist() for line in lines], [line[:, 1].tolist() for line in lines],
        color="#444444", line_width=0.6,
    )  # fmt: skip
    return _plain_ids(embed.json_item(plot, "map"))


def bokeh_script() -> str:
    """Return the JavaScript that draws the map, to be put into the page."""
    resources = extra("bokeh.resources", "report")
    paths = resources.Resources(mode="absolute", components=["bokeh"]).js_files
    return Path(paths[0]).read_text(encoding="utf-8")


def _add_field(plot: Any, field: xr.DataArray, *, visible: bool) -> None:
    models, palettes = extra("bokeh.models", "report"), extra("bokeh.palettes", "report")
    norm, colours = colour_scale(field)
    palette = palettes.Viridis256 if colours == "viridis" else palettes.diverging_palette(
        palettes.Purples[256], palettes.Oranges[256], 256
    )  # fmt: skip
    mapper = models.LinearColorMapper(
        palette=palette, low=norm.vmin, high=norm.vmax, nan_color="rgba(0,0,0,0)"
    )
    lat, lon = field["lat"].values, field["lon"].values
    step_lat, step_lon = abs(lat[1] - lat[0]), abs(lon[1] - lon[0])
    image = plot.image(
        image=[field.values.astype(np.float32)], x=lon[0] - step_lon / 2, y=lat[0] - step_lat / 2,
        dw=lon.size * step_lon, dh=lat.size * step_lat, color_mapper=mapper, name=str(field.name),
        visible=visible,
    )  # fmt: skip
    units = units_text(str(field.attrs["units"]))
    name = flux_name(str(field.name))
    tips = [("longitude, latitude", "$x{0.0}, $y{0.0}"), (name, f"@image{{0.00}} {units}")]
    plot.add_tools(models.HoverTool(renderers=[image], tooltips=tips))
    bar = models.ColorBar(color_mapper=mapper, title=f"{name} [{units}]", visible=visible,
                          name=f"bar {field.name}")  # fmt: skip
    plot.add_layout(bar, "right")


def _thinned(field: xr.DataArray) -> xr.DataArray:
    """Average blocks of cells of a fine grid; blocks of sea stay empty."""
    field = field.transpose("lat", "lon")
    by = -(-field.sizes["lon"] // LARGEST)
    if by == 1:
        return field
    coarse: xr.DataArray = field.coarsen(lat=by, lon=by, boundary="trim").mean(keep_attrs=True)
    return coarse


def _coast() -> list[NDArray[np.float64]]:
    land = shapely.simplify(shapely.union_all(land_outlines(), grid_size=0.01), _DETAIL)
    rings = [shapely.get_coordinates(part.exterior) for part in shapely.get_parts(land)]
    return [ring.round(1) for ring in rings if len(ring) > 4]


def _plain_ids(item: Any) -> str:
    """Rename models by the order they appear in: bokeh counts through the process."""
    names: dict[str, str] = {}

    def collect(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("id"), str):
                names.setdefault(part["id"], f"m{len(names)}")
            for one in part.values():
                collect(one)
        elif isinstance(part, list):
            for one in part:
                collect(one)

    def renamed(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: renamed(one) for name, one in part.items()}
        if isinstance(part, list):
            return [renamed(one) for one in part]
        return names.get(part, part) if isinstance(part, str) else part

    plain = json.loads(json.dumps(item))
    collect(plain)
    return json.dumps(renamed(plain), separators=(",", ":"))
