"""The whole attribution of a run: every region, type, target and driver, raw beside anomalies."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr

from uflux_stats.attribution.attribute import attribute
from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.network import fit_network
from uflux_stats.attribution.options import Pool, Transform
from uflux_stats.attribution.samples import ALL, GLOBE
from uflux_stats.grid import CONTINENTS
from uflux_stats.schema import IGBP_CLASSES

TRANSFORMS: Final[tuple[Transform, ...]] = ("anomaly", "raw")
_TOLD: Final = ("association", "direct", "total", "lasting", "trend_share", "iav_share")
_TOLD_OF_TYPES: Final = ("total",)
"""Of land cover types over the whole globe; all else is in the file."""
NO_PLACES: Final = "no towers or cells"


def attribution_dataset(
    data: xr.Dataset,
    graph: str | Path | CausalGraph = "default",
    *,
    transforms: Sequence[Transform] = TRANSFORMS,
    regions: str = "geographic",
    pool: Pool = "cells",
    **options: Any,
) -> xr.Dataset:
    """Attribute all targets in every continent and plant functional type.

    Parameters
    ----------
    data : xr.Dataset, (site, time) or (time, lat, lon)
        Towers, or cubes of drivers and fluxes.
    graph : str, path or CausalGraph
    transforms : sequence of str
        The first is what ``query`` answers by default.
    regions : {"geographic", "natural_earth"}
    pool : {"cells", "mean"}
        Rows of all places of a group, or of its mean over land area.
    **options
        replicates, block, level, seed: see ``attribute``.

    Returns
    -------
    xr.Dataset
        As ``attribute`` gives it, with a dimension ``transform``, and all continents and types:
        those without data have ``n`` 0 and a ``note``.

    Raises
    ------
    SampleError
        If no group has enough months.
    """
    parts = []
    for transform in transforms:
        networks = fit_network(
            data, graph, by=("continent", "pft"), transform=transform, regions=regions, pool=pool
        )
        parts.append(_complete(attribute(networks, **options)))
    whole = xr.concat(
        parts, xr.Variable("transform", list(transforms)), data_vars="all", combine_attrs="drop"
    )
    unit = whole["unit"].isel(transform=0)
    return whole.assign(unit=unit).assign_attrs(
        title="Attribution of fluxes to drivers", regions=regions
    )


def _complete(found: xr.Dataset) -> xr.Dataset:
    """Add the continents and types that have no places."""
    names = [GLOBE, *CONTINENTS.values()]
    types = [ALL, *IGBP_CLASSES.values()]
    filled = found.reindex(
        region=names, pft=types, fill_value={"n": 0, "n_places": 0, "flag": "", "note": NO_PLACES}
    )
    return filled.assign(note=filled["note"].where(filled["note"] != "no data", NO_PLACES))


def attribution_numbers(
    found: xr.Dataset, name: str = "attribution"
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield what goes into the numbers of a run: key parts, and value, unit, interval and n.

    Parameters
    ----------
    found : xr.Dataset
        Of ``attribution_dataset``; the first transform. Regions have all types together, and of
        each type the total effects over the globe are told, with the type in place of the region.
    name : str
        First part of the keys.

    Yields
    ------
    tuple
        ``(name, region, target, driver, quantity)``, and a dict with value, units,
        interval, n and note: which assumptions fail.
    """
    first = found.isel(transform=0)
    for region in first["region"].values:
        stem, there = (name, str(region)), first.sel(region=region, pft=ALL)
        yield from _numbers_of(there, stem, _TOLD)
    for pft in first["pft"].values[first["pft"].values != ALL]:
        there = first.sel(region=GLOBE, pft=pft)
        yield from _numbers_of(there, (name, str(pft)), _TOLD_OF_TYPES)


def _numbers_of(
    there: xr.Dataset, stem: tuple[str, ...], quantities: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield the estimates of one group that are known."""
    for target in there["target"].values:
        for driver in there["driver"].values:
            for quantity in quantities:
                one = there.sel(target=target, driver=driver, quantity=quantity)
                value, low, high = one["attribution"].values.tolist()
                if np.isfinite(value):
                    yield (
                        (*stem, str(target), str(driver), quantity),
                        {"value": value, "units": str(one["unit"].item()),
                         "interval": (low, high), "n": int(one["n"]),
                         "note": str(one["flag"].item())},
                    )  # fmt: skip
