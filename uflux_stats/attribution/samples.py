"""Rows that a network is fitted to, one set per region and plant functional type."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.options import SEASONS, SampleOptions
from uflux_stats.attribution.panel import (
    Panel,
    panel_of_dataset,
    panel_of_frame,
    region_mean,
    transform_panel,
)
from uflux_stats.errors import ConfigError, MissingVariableError, SampleError
from uflux_stats.grid import region_masks

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
GroupBy = Literal["continent", "pft", "koppen", "tropics", "latitude"]
ALL: Final = "all"
GLOBE: Final = "globe"
NO_EDGE: Final = "no edge in the graph"
"""Why there is no direct effect: none was assumed, so none was found."""


@dataclass(frozen=True, order=True)
class Group:
    """A region and a plant functional type; ``all`` types together by default."""

    region: str = GLOBE
    pft: str = ALL

    def __str__(self) -> str:
        return self.region if self.pft == ALL else f"{self.region}, {self.pft}"


@dataclass(frozen=True)
class Sample:
    """Complete rows of one group.

    Attributes
    ----------
    names, units : tuple of str
        Of the columns.
    values : array, (row, node)
        Sorted by place and month.
    place, month : array of int, (row,)
        Number of the tower or cell; months since 1970-01.
    cluster : array of int, (row,)
        Rows whose places are resampled together.
    weight : array, (row,) or None
        Land area, where it differs.
    transform : str
    pixels : bool
        Whether places are cells of a grid.
    averaged : int
        How many places each one is the mean of.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    values: Array
    place: NDArray[np.intp]
    month: NDArray[np.intp]
    cluster: NDArray[np.intp]
    weight: Array | None = None
    transform: str = "raw"
    pixels: bool = False
    averaged: int = 1

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.values)

    @property
    def n_places(self) -> int:
        """Number of towers or cells."""
        return len(np.unique(self.place)) * self.averaged

    def column(self, name: str) -> Array:
        """Values (row,) of one node."""
        column: Array = self.values[:, self.names.index(name)]
        return column


def samples(
    data: pd.DataFrame | xr.Dataset,
    graph: CausalGraph,
    by: GroupBy | Sequence[GroupBy] | None,
    options: SampleOptions,
) -> tuple[dict[Group, Sample], dict[Group, str]]:
    """Make the rows of every group.

    Parameters
    ----------
    data : pd.DataFrame, or xr.Dataset (site, time) or (time, lat, lon)
    graph : CausalGraph
    by : str or sequence of str, optional
        Kinds of groups; ("continent", "pft") gives both, each of their pairs, and the globe.
    options : SampleOptions

    Returns
    -------
    dict of Group to Sample, dict of Group to str
        Samples, and why a group that has places got none.

    Raises
    ------
    SampleError
        If a variable does not vary, or nothing is left.
    """
    if isinstance(data, pd.DataFrame):
        if by is not None:
            raise ConfigError("by: expected None for a table, which has no places; select its rows")
        panel, masks = panel_of_frame(data, graph), {Group(): np.ones(1, bool)}
    else:
        panel = panel_of_dataset(data, graph)
        masks = groups_in(data, by, options)
    if options.pool == "cells":
        panel = transform_panel(panel, options)
    made: dict[Group, Sample] = {}
    skipped: dict[Group, str] = {}
    for group, members in masks.items():
        try:
            made[group] = _sample(panel, members, options)
        except SampleError as error:
            if len(masks) == 1:
                raise
            skipped[group] = str(error)
    if not made:
        raise SampleError(
            f"data: expected a group with at least {options.min_months} complete months, got none "
            f"of {[str(group) for group in masks]}"
        )
    return made, skipped


def groups_in(
    data: xr.Dataset, by: GroupBy | Sequence[GroupBy] | None, options: SampleOptions
) -> dict[Group, Mask]:
    """Which places (unit,) belong to each group that has some."""
    kinds = (by,) if isinstance(by, str) else tuple(by or ())
    if unknown := [kind for kind in kinds if kind not in get_args(GroupBy)]:
        raise ConfigError(f"by: expected kinds of {list(get_args(GroupBy))}, got {unknown}")
    places = {name: data[name].load() for name in ("IGBP", "KOPPEN", "lat", "lon", "continent")
              if name in data.coords or name in data}  # fmt: skip
    if kinds and not {"lat", "lon"} <= set(places):
        raise MissingVariableError("data: expected coordinates lat and lon to group by; add them")
    holder = xr.Dataset(coords=places)
    size = int(np.prod([data.sizes[dim] for dim in data.sizes if dim in ("site", "lat", "lon")]))
    whole = np.ones(size, bool)
    regions, types = {GLOBE: whole}, {ALL: whole}
    for kind in kinds:
        found = region_masks(holder, kind, regions=options.regions)
        masks = found.values.reshape(found.sizes["region"], -1)
        named = {str(name): mask for name, mask in zip(found["region"].values, masks, strict=True)}
        (types if kind == "pft" else regions).update(named)
    both = {Group(region, pft): inside & of_type
            for region, inside in regions.items() for pft, of_type in types.items()}  # fmt: skip
    return {group: mask for group, mask in both.items() if mask.any()}


def _sample(panel: Panel, members: Mask, options: SampleOptions) -> Sample:
    """Flatten the complete months of some places."""
    if options.pool == "mean":
        panel = transform_panel(region_mean(panel, members), options)
        members = np.ones(1, bool)
    kept = np.isfinite(panel.values[0]) & members[:, np.newaxis]
    if options.season:
        kept &= np.isin(panel.calendar + 1, SEASONS[options.season])[np.newaxis, :]
    place, month = np.nonzero(kept)
    months = len(place) * (12 if options.transform == "annual" else 1)
    if months < options.min_months:
        raise SampleError(
            f"data: expected at least {options.min_months} complete months, got {months}; "
            "take a larger region, a longer record or fewer variables"
        )
    area = panel.area[place]
    sample = Sample(
        names=panel.names,
        units=panel.units,
        values=panel.values[:, kept].T,
        place=place,
        month=month + panel.first_month,
        cluster=panel.cluster[place],
        weight=None if np.ptp(area) == 0 else area / area.mean(),
        transform=options.transform,
        pixels=panel.pixels,
        averaged=panel.averaged,
    )
    _require_variation(sample)
    return sample


def _require_variation(sample: Sample) -> None:
    low, high = sample.values.min(axis=0), sample.values.max(axis=0)
    spread, scale = high - low, np.maximum(np.abs(low), np.abs(high))
    constant = [
        name
        for name, width, size in zip(sample.names, spread, scale, strict=True)
        if width <= max(1e-9 * size, 1e-12)  # what rounding leaves of a constant's anomalies
    ]
    if constant:
        raise SampleError(
            f"data: expected variables that vary, got constant {constant}; leave them out of the "
            "graph"
        )


def groups_of(keys: Iterator[Group] | Sequence[Group]) -> tuple[list[str], list[str]]:
    """List the regions and the types of groups, the globe and all types first."""
    found = list(keys)
    regions = sorted({group.region for group in found}, key=lambda name: (name != GLOBE, name))
    types = sorted({group.pft for group in found}, key=lambda name: (name != ALL, name))
    return regions, types
