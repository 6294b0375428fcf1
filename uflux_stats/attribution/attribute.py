"""Attribution of targets to drivers, with intervals, for all regions and types of a fit."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.attribution.bootstrap import (
    BootstrapOptions,
    Scheme,
    bootstrap_options,
    draw_counts,
    interval_factor,
    schemes,
)
from uflux_stats.attribution.copula import fit_copula
from uflux_stats.attribution.effects import IN_UNITS, QUANTITIES, REMAINDER, Effects
from uflux_stats.attribution.moments import MomentMaker
from uflux_stats.attribution.network import Network, Networks
from uflux_stats.attribution.samples import NO_EDGE, Group, groups_of
from uflux_stats.attribution.validity import flags

Array = NDArray[np.float64]

BOUNDS: Final = ("estimate", "low", "high")
_RIDGE: Final = 1e-9
_RATIOS: Final = ("trend_share", "iav_share")
_TRENDLESS: Final = {"raw", "detrended"}
_NO_TREND: Final = ("trend", "trend_share")
_SHARED: Final = ("trend", "trend_share", "iav_share")
_DIRECT: Final = ("direct", "direct_sensitivity", *_SHARED)


def attribute(
    network: Network | Networks,
    target: str | Sequence[str] | None = None,
    **options: Any,
) -> xr.Dataset:
    """Say what drives the targets, by how much, and how surely.

    Parameters
    ----------
    network : Network or Networks
        From ``fit_network``.
    target : str or several, optional
        Nodes that drive nothing; all of them by default.
    **options
        replicates, block, level, seed: see ``BootstrapOptions``.

    Returns
    -------
    xr.Dataset
        ``attribution`` (region, pft, target, driver, quantity, bound) with the quantities of
        ``QUANTITIES`` and the bounds estimate, low and high; ``unit`` (target, driver, quantity);
        ``reason`` (target, driver, quantity), why there is no such effect in any group;
        ``n`` and ``n_places`` (region, pft), rows and towers or cells; ``support`` (region, pft,
        driver, end), the range of the driver; ``flag`` (region, pft), which assumptions do not
        hold, see ``flags``; ``note`` (region, pft), why there is nothing. The
        driver ``remainder`` is what no driver explains. Trends of months as they are, and of
        detrended ones, are not attributed.

    Raises
    ------
    GraphError
        If a target is not in the graph.
    ConfigError
        If an option is out of its range.
    """
    how = bootstrap_options(**options)
    fitted = network.fitted if isinstance(network, Networks) else {network.group: network}
    skipped = network.skipped if isinstance(network, Networks) else {}
    regions, types = groups_of([*fitted, *skipped])
    first = next(iter(fitted.values()))
    result = _empty(first, regions, types)
    for group, reason in skipped.items():
        result["note"].loc[_place(group)] = reason
    for group, one in fitted.items():
        _fill(result, one, group, how)
    wanted = [target] if isinstance(target, str) else list(target or first.graph.targets)
    first.graph.require(*wanted)
    return result.sel(target=[name for name in first.graph.targets if name in wanted])


def group_effects(network: Network, options: BootstrapOptions) -> Array:
    """Effects of one network with their bounds.

    Parameters
    ----------
    network : Network
    options : BootstrapOptions

    Returns
    -------
    array, (target, driver and remainder, quantity, bound)
    """
    maker = MomentMaker(network.sample)
    estimate = Effects(network.graph, network.copula, maker.moments()).table()
    ends = [
        _interval(
            estimate,
            replicate_tables(network, options, scheme),
            interval_factor(network.sample, options, scheme),
            options,
        )
        for scheme in schemes(network.sample)
    ]
    low = np.min([lower for lower, _ in ends], axis=0)
    high = np.max([upper for _, upper in ends], axis=0)
    table = np.stack([estimate, low, high], axis=-1)
    table[_reasons(network) != ""] = np.nan
    return table


def _reasons(network: Network) -> NDArray[np.object_]:
    """Why there is no answer (target, driver and remainder, quantity); nothing if there is one."""
    graph, transform = network.graph, network.sample.transform
    drivers = [*graph.drivers, REMAINDER]
    table = np.full((len(graph.targets), len(drivers), len(QUANTITIES)), "", dtype=object)
    for place, quantity in enumerate(QUANTITIES):
        if quantity in _DIRECT:
            apart = [[not graph.has_edge(driver, target) for driver in graph.drivers]
                     for target in graph.targets]  # fmt: skip
            table[:, :-1, place][np.array(apart)] = NO_EDGE
        if quantity not in _SHARED:
            table[:, -1, place] = "only shares of trends and of variance have a remainder"
        if quantity in _NO_TREND and transform in _TRENDLESS:
            table[..., place] = f"trends of {transform} months are not attributed"
    return table


def replicate_tables(network: Network, options: BootstrapOptions, scheme: Scheme) -> Array:
    """Effects of every resample, each fitted anew, (replicate, target, driver, quantity)."""
    maker = MomentMaker(network.sample)
    counts = draw_counts(network.sample, options, scheme)
    tables = [
        Effects(
            network.graph, fit_copula(moments.correlation, network.graph, ridge=_RIDGE), moments
        ).table()
        for moments in maker.chunks(counts)
    ]
    return np.concatenate(tables)


def _interval(
    estimate: Array, replicates: Array, factor: float, options: BootstrapOptions
) -> tuple[Array, Array]:
    """Return the ends of the interval.

    Correlations get theirs on Fisher's scale, shares of something that may be near zero from
    quantiles of the replicates, all else from the standard error.
    """
    names = list(QUANTITIES)
    low, high = _normal(estimate, replicates, factor)
    place = names.index("association")
    for end, value in zip(
        (low, high),
        _normal(np.arctanh(estimate[..., place]), np.arctanh(replicates[..., place]), factor),
        strict=True,
    ):
        end[..., place] = np.tanh(value)
    ratios = [names.index(name) for name in _RATIOS]
    tails = (0.5 - options.level / 2.0, 0.5 + options.level / 2.0)
    low[..., ratios], high[..., ratios] = np.quantile(replicates[..., ratios], tails, axis=0)
    return low, high


def _normal(estimate: Array, replicates: Array, factor: float) -> tuple[Array, Array]:
    error = factor * replicates.std(axis=0, ddof=1)
    return estimate - error, estimate + error


def _place(group: Group) -> dict[str, str]:
    return {"region": group.region, "pft": group.pft}


def _empty(network: Network, regions: list[str], types: list[str]) -> xr.Dataset:
    graph = network.graph
    drivers = [*graph.drivers, REMAINDER]
    axes: dict[str, list[str]] = {
        "region": regions, "pft": types, "target": list(graph.targets), "driver": drivers,
        "quantity": list(QUANTITIES), "bound": list(BOUNDS), "end": ["low", "high"],
    }  # fmt: skip
    shape = {name: len(values) for name, values in axes.items()}
    wide = ("region", "pft", "target", "driver", "quantity", "bound")
    groups = (shape["region"], shape["pft"])
    return xr.Dataset(
        {
            "attribution": (wide, np.full([shape[name] for name in wide], np.nan)),
            "unit": (("target", "driver", "quantity"), _units(network, drivers)),
            "reason": (("target", "driver", "quantity"), _reasons(network)),
            "n": (("region", "pft"), np.zeros(groups, int)),
            "n_places": (("region", "pft"), np.zeros(groups, int)),
            "support": (("region", "pft", "driver", "end"),
                        np.full((*groups, shape["driver"], 2), np.nan)),
            "flag": (("region", "pft"), np.full(groups, "", dtype=object)),
            "note": (("region", "pft"), np.full(groups, "no data", dtype=object)),
        },
        coords=axes,
        attrs={"transform": network.sample.transform, "engine": network.engine},
    )  # fmt: skip


def _units(network: Network, drivers: list[str]) -> NDArray[np.object_]:
    of = dict(zip(network.sample.names, network.sample.units, strict=True))
    table = np.full((len(network.graph.targets), len(drivers), len(QUANTITIES)), "1", dtype=object)
    for row, target in enumerate(network.graph.targets):
        for column, driver in enumerate(drivers):
            for place, quantity in enumerate(QUANTITIES):
                if quantity in IN_UNITS:
                    table[row, column, place] = f"{of[target]} per {of.get(driver, '1')}"
                elif quantity == "trend":
                    table[row, column, place] = f"{of[target]} yr-1"
    return table


def _fill(result: xr.Dataset, network: Network, group: Group, how: BootstrapOptions) -> None:
    place = _place(group)
    sample = network.sample
    result["attribution"].loc[place] = group_effects(network, how)
    result["n"].loc[place] = sample.n
    result["n_places"].loc[place] = sample.n_places
    result["note"].loc[place] = ""
    result["flag"].loc[place] = flags(network)
    ends = np.stack([sample.values.min(axis=0), sample.values.max(axis=0)], axis=-1)
    for name in network.graph.drivers:
        result["support"].loc[{**place, "driver": name}] = ends[sample.names.index(name)]
