"""Towers, cubes and tables as one panel of places and months, and its transforms."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.memory import months_before
from uflux_stats.attribution.options import SampleOptions, Transform
from uflux_stats.checks import require_dims, require_monthly, require_variables
from uflux_stats.errors import CalendarError, MissingVariableError, SampleError
from uflux_stats.schema import SCHEMA

Array = NDArray[np.float64]
_YEAR: Final = 12
CLUSTER_DEGREES: Final = 10.0
"""Cells this close are resampled together: weather is correlated over about 1,000 km."""


@dataclass(frozen=True)
class Panel:
    """Values of the nodes of a graph at places and months.

    Attributes
    ----------
    names : tuple of str
    units : tuple of str
    values : array, (node, unit, month)
        NaN in all nodes where one is missing.
    first_month : int
        Months from 1970-01 to the first one.
    area : array, (unit,)
        Weight of each place.
    cluster : array of int, (unit,)
        Places that are resampled together.
    pixels : bool
        Whether places are cells of a grid, which share their weather.
    averaged : int
        How many places each one is the mean of.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    values: Array
    first_month: int
    area: Array
    cluster: NDArray[np.intp]
    pixels: bool = False
    averaged: int = 1

    @property
    def calendar(self) -> NDArray[np.intp]:
        """Calendar month, 0 for January, of each month."""
        months: NDArray[np.intp] = (self.first_month + np.arange(self.values.shape[2])) % _YEAR
        return months


def panel_of_dataset(data: xr.Dataset, graph: CausalGraph) -> Panel:
    """Lay a dataset out as a panel.

    Parameters
    ----------
    data : xr.Dataset, (site, time) or (time, lat, lon)
        Units of the schema; NEP is made of its identity, or as -NEE, where it is missing. Weights
        are ``land_area`` where there is one.
    graph : CausalGraph

    Raises
    ------
    MissingVariableError, UnitsError, DimensionError, CalendarError
        If a node is missing, in another unit, or not monthly.
    """
    require_dims(data, ["time"], name="data")
    require_monthly(data["time"])
    whole = _with_derived(data, graph)
    given = [name for name in graph.nodes if name not in graph.memory]
    require_variables(whole, given, name="data")
    lead = whole[given[0]]
    space = [str(dim) for dim in lead.dims if dim != "time"]
    layout = [*space, "time"]
    full = {dim: whole.sizes[dim] for dim in layout}
    stacked = [
        np.asarray(
            whole[name]
            .expand_dims({dim: size for dim, size in full.items() if dim not in whole[name].dims})
            .transpose(*layout),
            dtype=np.float64,
        ).reshape(-1, full["time"])
        for name in given
    ]
    first = _month_number(pd.Timestamp(data["time"].values[0]))
    units = {name: str(whole[name].attrs.get("units", "1")) for name in given}
    return Panel(
        graph.nodes,
        _units(units, graph),
        _complete(_nodes(dict(zip(given, stacked, strict=True)), graph, first)),
        first,
        _area(whole, space),
        _clusters(whole, space),
        pixels="lat" in space,
    )


def panel_of_frame(frame: pd.DataFrame, graph: CausalGraph) -> Panel:
    """Lay a table out as a panel of one place.

    Parameters
    ----------
    frame : pd.DataFrame
        A column per node; that of an identity is made of its terms where it is missing. Rows
        are months: of a DatetimeIndex, in order and without gaps, or simply numbered.

    Raises
    ------
    MissingVariableError
        If a node has no column.
    CalendarError
        If dates are not month starts in order.
    """
    whole = frame.copy(deep=False)
    for name, terms in graph.identities.items():
        if name not in whole and set(terms) <= set(whole):
            whole[name] = sum(factor * whole[term] for term, factor in terms.items())
    given = [name for name in graph.nodes if name not in graph.memory]
    if lacking := [name for name in given if name not in whole]:
        raise MissingVariableError(
            f"data: expected columns {lacking}, got {list(map(str, frame))}; add them"
        )
    first = 0
    if isinstance(frame.index, pd.DatetimeIndex):
        require_monthly(xr.DataArray(frame.index.to_numpy(), dims="time"))
        first = _month_number(frame.index[0])
    columns = {name: whole[name].to_numpy(np.float64)[np.newaxis] for name in given}
    values = _complete(_nodes(columns, graph, first))
    units = {name: SCHEMA[name].units if name in SCHEMA else "1" for name in given}
    return Panel(graph.nodes, _units(units, graph), values, first, np.ones(1), np.zeros(1, np.intp))


def _nodes(given: Mapping[str, Array], graph: CausalGraph, first_month: int) -> Array:
    """Stack all nodes (node, unit, month): as given, behind time, or of the months before."""
    made = {
        name: months_before(given[source], months, first_month)
        for name, (source, months) in graph.memory.items()
    }
    whole = {**given, **made}
    return np.stack([_lag(whole[name], graph.lags.get(name, 0)) for name in graph.nodes])


def _units(given: Mapping[str, str], graph: CausalGraph) -> tuple[str, ...]:
    return tuple(given[graph.memory.get(name, (name, 0))[0]] for name in graph.nodes)


def _with_derived(data: xr.Dataset, graph: CausalGraph) -> xr.Dataset:
    derived = {}
    for name, terms in graph.identities.items():
        if name not in data and set(terms) <= set(data):
            total = sum(factor * data[term] for term, factor in terms.items())
            derived[name] = xr.DataArray(total).assign_attrs(data[next(iter(terms))].attrs)
    if "NEP" in graph.nodes and "NEP" not in {*derived, *data} and "NEE" in data:
        derived["NEP"] = (-data["NEE"]).assign_attrs(data["NEE"].attrs)
    return data.assign(derived)


def _month_number(date: pd.Timestamp) -> int:
    return (date.year - 1970) * _YEAR + date.month - 1


def _lag(values: Array, months: int) -> Array:
    if months == 0:
        return values
    shifted = np.full_like(values, np.nan)
    shifted[:, months:] = values[:, :-months]
    return shifted


def _complete(values: Array) -> Array:
    """Make a month missing in all nodes where it is in one."""
    return np.where(np.isfinite(values).all(axis=0), values, np.nan)


def _area(data: xr.Dataset, space: list[str]) -> Array:
    if "land_area" not in data.coords or not space:
        return np.ones(int(np.prod([data.sizes[dim] for dim in space])))
    area = data["land_area"].transpose(*space).values.ravel().astype(np.float64)
    return np.where(np.isfinite(area), area, 0.0)


def _clusters(data: xr.Dataset, space: list[str]) -> NDArray[np.intp]:
    size = int(np.prod([data.sizes[dim] for dim in space]))
    if space != ["lat", "lon"]:
        return np.arange(size)
    lat, lon = np.meshgrid(data["lat"].values, data["lon"].values, indexing="ij")
    boxes = np.floor(lat / CLUSTER_DEGREES) * 1000 + np.floor(lon / CLUSTER_DEGREES)
    found: NDArray[np.intp] = np.unique(boxes.ravel(), return_inverse=True)[1]
    return found


def region_mean(panel: Panel, members: NDArray[np.bool_]) -> Panel:
    """Average some places of a panel into one, month by month, by their area."""
    chosen = panel.values[:, members]
    known = np.isfinite(chosen)
    weight = np.where(known, panel.area[members][np.newaxis, :, np.newaxis], 0.0)
    total = weight.sum(axis=1, keepdims=True)
    mean = np.full(total.shape, np.nan)
    summed = (weight * np.where(known, chosen, 0.0)).sum(axis=1, keepdims=True)
    np.divide(summed, total, out=mean, where=total > 0)
    one = replace(panel, values=mean, area=np.ones(1), cluster=np.zeros(1, np.intp))
    return replace(one, pixels=False, averaged=int(known.any(axis=(0, 2)).sum()))


def transform_panel(panel: Panel, options: SampleOptions) -> Panel:
    """Apply the transform of ``options`` to every place by itself.

    Raises
    ------
    SampleError
        If no place has enough years.
    """
    changed = replace(panel, values=_TRANSFORMS[options.transform](panel, options.min_years))
    if not np.isfinite(changed.values).any():
        raise SampleError(
            f"data: expected a place with at least {options.min_years} years of complete months "
            f"for transform={options.transform!r}, got none; use transform='raw', or longer records"
        )
    return changed


def _raw(panel: Panel, _: int) -> Array:
    return panel.values


def _anomaly(panel: Panel, min_years: int) -> Array:
    """Minus the mean of the same calendar month at the same place."""
    result = np.full_like(panel.values, np.nan)
    for month in range(_YEAR):
        chosen = panel.calendar == month
        values = panel.values[:, :, chosen]
        known = np.isfinite(values)
        count = known.sum(axis=2, keepdims=True)
        mean = np.where(known, values, 0.0).sum(axis=2, keepdims=True) / np.maximum(count, 1)
        result[:, :, chosen] = np.where(count >= min_years, values - mean, np.nan)
    return result


def _detrended(panel: Panel, min_years: int) -> Array:
    """Anomalies minus the least-squares line over their own months."""
    values = _anomaly(panel, min_years)
    known = np.isfinite(values)
    time = np.broadcast_to(np.arange(values.shape[2], dtype=np.float64), values.shape)
    count = np.maximum(known.sum(axis=2, keepdims=True), 1)
    centre = np.where(known, time, 0.0).sum(axis=2, keepdims=True) / count
    mean = np.where(known, values, 0.0).sum(axis=2, keepdims=True) / count
    offset = np.where(known, time - centre, 0.0)
    square = (offset**2).sum(axis=2, keepdims=True)
    product = (offset * np.where(known, values - mean, 0.0)).sum(axis=2, keepdims=True)
    slope = np.divide(product, square, out=np.zeros_like(product), where=square > 0)
    line: Array = mean + slope * (time - centre)
    return values - line


def _annual(panel: Panel, min_years: int) -> Array:
    """Means of whole calendar years, at their Januaries, minus the mean of the place."""
    if panel.values.shape[2] < _YEAR:
        raise CalendarError("data: expected whole years for transform='annual', got fewer months")
    result = np.full_like(panel.values, np.nan)
    januaries = np.flatnonzero(panel.calendar == 0)
    januaries = januaries[januaries + _YEAR <= panel.values.shape[2]]
    years = np.stack([panel.values[:, :, start : start + _YEAR].mean(axis=2)
                      for start in januaries], axis=2)  # fmt: skip
    known = np.isfinite(years)
    count = known.sum(axis=2, keepdims=True)
    mean = np.where(known, years, 0.0).sum(axis=2, keepdims=True) / np.maximum(count, 1)
    result[:, :, januaries] = np.where(count >= min_years, years - mean, np.nan)
    return result


_TRANSFORMS: Final[dict[Transform, Callable[[Panel, int], Array]]] = {
    "raw": _raw, "anomaly": _anomaly, "detrended": _detrended, "annual": _annual,
}  # fmt: skip
