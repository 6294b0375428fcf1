"""Figures of one region: where it is, and what its fluxes and stocks did from year to year."""

from typing import Final

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.maps import draw_field
from uflux_stats.reporting.style import axis_label, new_figure, style

MAPPED: Final = ("GPP", "RECO", "NEE")
_MARGIN: Final = 4.0
"""Degrees of surroundings shown."""


def region_map(fields: xr.Dataset, mask: xr.DataArray) -> Figure:
    """Draw the mean fluxes of one region side by side, cut out at its edges.

    Parameters
    ----------
    fields : xr.Dataset, (lat, lon) [their own units]
        Means over time; those of GPP, RECO and NEE that are there are drawn.
    mask : xr.DataArray, (lat, lon) [bool]
        Cells of the region, on exactly the grid of ``fields``.

    Returns
    -------
    Figure

    Raises
    ------
    MissingVariableError
        If no field has a value inside the region.
    """
    inside = {
        name: fields[name].where(mask).transpose("lat", "lon")
        for name in MAPPED
        if name in fields and bool((mask & fields[name].notnull()).any())
    }
    if not inside:
        raise MissingVariableError("fields: expected GPP, RECO or NEE with values in the region, "
                                   "got none; check the mask")  # fmt: skip
    limits = _limits(mask)
    ratio = np.ptp(limits[1]) / np.ptp(limits[0])
    with style():
        figure = new_figure(2.8 * len(inside), min(max(2.8 * ratio, 1.6), 3.6) + 0.9)
        # room for a notice below
        figure.set_layout_engine("constrained", rect=(0, 0.05, 1, 0.95))
        axes = figure.subplots(1, len(inside), squeeze=False)[0]
        for ax, (name, field) in zip(axes, inside.items(), strict=True):
            draw_field(figure, ax, field, axis_label(name, str(field.attrs["units"])))
            ax.set(xlim=limits[0], ylim=limits[1], title=name)
            ax.set_xlabel(axis_label("longitude", "degrees"))
        axes[0].set_ylabel(axis_label("latitude", "degrees"))
    return figure


def _limits(mask: xr.DataArray) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the edges of the region in longitude and latitude, with a margin."""
    ends = []
    for name, other, reach in (("lon", "lat", 180.0), ("lat", "lon", 90.0)):
        there = mask[name].values[mask.any(other).values]
        ends.append((max(there.min() - _MARGIN, -reach), min(there.max() + _MARGIN, reach)))
    return ends[0], ends[1]
