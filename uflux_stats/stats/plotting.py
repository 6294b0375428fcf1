"""Quick looks at results; the figures of reports are made elsewhere, with more care."""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from uflux_stats.errors import DimensionError


def plot_result(
    data: xr.Dataset, *, title: str, variable: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw one variable of a result as its dimensions ask.

    Parameters
    ----------
    data : xr.Dataset, (lat, lon), one dimension, or none
        The first variable is drawn unless ``variable`` says which; ``low`` and ``high`` become
        error bars.
    title : str
        Above the axes.
    variable : str, optional
        Name of the variable.
    ax : matplotlib axes, optional
        Where to draw; by default new axes.

    Returns
    -------
    matplotlib axes

    Raises
    ------
    DimensionError
        If the variable has more dimensions than a plot can show.
    """
    name = variable or str(next(iter(data.data_vars)))
    shown = data[name]
    if not ({"lat", "lon"} == set(shown.dims) or shown.ndim <= 1):
        raise DimensionError(
            f"{name}: expected (lat, lon), one dimension or none, got {list(shown.dims)}; "
            "select or average first"
        )
    axes = plt.subplots()[1] if ax is None else ax
    label = f"{shown.attrs.get('long_name', name)} [{shown.attrs.get('units', '1')}]"
    axes.set_title(title)
    if shown.ndim == 2:
        _draw_map(axes, shown.transpose("lat", "lon"), label)
    else:
        _draw_points(axes, data, name, label)
    return axes


def _draw_map(axes: Axes, shown: xr.DataArray, label: str) -> None:
    finite = shown.values[np.isfinite(shown.values)]
    reach = float(np.quantile(np.abs(finite), 0.98)) if finite.size else 1.0
    two_sided = bool((finite < 0).any())
    mesh = axes.pcolormesh(
        shown["lon"].values,
        shown["lat"].values,
        shown.values,
        cmap="RdBu_r" if two_sided else "viridis",
        vmin=-reach if two_sided else 0.0,
        vmax=reach or 1.0,
        shading="nearest",
    )
    axes.set_xlabel("longitude [degrees east]")
    axes.set_ylabel("latitude [degrees north]")
    axes.figure.colorbar(mesh, ax=axes, label=label)


def _draw_points(axes: Axes, data: xr.Dataset, name: str, label: str) -> None:
    shown = np.atleast_1d(data[name].values)
    position = np.arange(len(shown))
    dims = data[name].dims
    names = [str(v) for v in data[dims[0]].values] if dims else [""]
    axes.plot(position, shown, "o", color="black")
    if {"slope", "low", "high"} <= set(data.data_vars) and name == "slope":
        low, high = np.atleast_1d(data["low"].values), np.atleast_1d(data["high"].values)
        axes.vlines(position, low, high, color="black")
    axes.axhline(0.0, color="0.7", linewidth=0.8)
    axes.set_xticks(position, names, rotation=45 if len(names) > 4 else 0)
    axes.set_ylabel(label)
