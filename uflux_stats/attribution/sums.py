"""Weighted sums of the effects of several drivers, with the interval of the sum."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.attribution.attribute import BOUNDS, replicate_tables
from uflux_stats.attribution.bootstrap import bootstrap_options, interval_factor, schemes
from uflux_stats.attribution.effects import QUANTITIES, REMAINDER, Effects
from uflux_stats.attribution.moments import MomentMaker
from uflux_stats.attribution.network import Network
from uflux_stats.choices import unknown_name

Array = NDArray[np.float64]
_NAMES: Final = list(QUANTITIES)


@dataclass(frozen=True)
class EffectSum:
    """A sum over drivers of one quantity.

    Attributes
    ----------
    quantity : str
        One of ``QUANTITIES``.
    weights : mapping of str to float
        By driver, or ``remainder``.
    """

    quantity: str
    weights: Mapping[str, float]


def sum_effects(network: Network, sums: Mapping[str, EffectSum], **options: Any) -> xr.DataArray:
    """Sum the effects of drivers; the interval knows how their errors go together.

    Parameters
    ----------
    network : Network
    sums : mapping of str to EffectSum
        By the name of the sum.
    **options
        replicates, block, level, seed: see ``BootstrapOptions``.

    Returns
    -------
    xr.DataArray, (target, sum, bound)
        Estimate, low and high, in the unit of the quantity times that of the weights.

    Raises
    ------
    UfluxError
        If a quantity or a driver is unknown; the nearest are suggested.

    Examples
    --------
    One degree more in air and soil, all else held:

    >>> from uflux_stats.attribution import network as networks
    >>> rng = np.random.default_rng(1)
    >>> frame = networks.pd.DataFrame(rng.normal(size=(240, 2)), columns=["TA", "TS"])
    >>> frame["GPP"] = frame.TA + frame.TS + 0.1 * rng.normal(size=240)
    >>> graph = networks.CausalGraph.from_edges([("TA", "GPP"), ("TS", "GPP")])
    >>> fitted = networks.fit_network(frame, graph).select()
    >>> warmer = {"warmer": EffectSum("direct_sensitivity", {"TA": 1.0, "TS": 1.0})}
    >>> found = sum_effects(fitted, warmer, replicates=20)
    >>> round(found.sel(target="GPP", sum="warmer", bound="estimate").item())
    2
    """
    how = bootstrap_options(**options)
    estimate = Effects(network.graph, network.copula, MomentMaker(network.sample).moments()).table()
    added, errors = _added(network, estimate, sums), []
    for scheme in schemes(network.sample):
        spread = _added(network, replicate_tables(network, how, scheme), sums).std(axis=0, ddof=1)
        errors.append(interval_factor(network.sample, how, scheme) * spread)
    error = np.max(errors, axis=0)
    bounds = np.stack([added, added - error, added + error], axis=-1)
    axes = {"target": list(network.graph.targets), "sum": list(sums), "bound": list(BOUNDS)}
    return xr.DataArray(bounds, axes, tuple(axes), attrs={"n": network.sample.n})


def _added(network: Network, tables: Array, sums: Mapping[str, EffectSum]) -> Array:
    """All sums (..., target, sum) of tables (..., target, driver, quantity)."""
    return np.stack([_add(network, tables, one) for one in sums.values()], axis=-1)


def _add(network: Network, tables: Array, one: EffectSum) -> Array:
    """Add up columns of tables (replicate, target, driver, quantity)."""
    drivers = [*network.graph.drivers, REMAINDER]
    if one.quantity not in _NAMES:
        raise unknown_name("quantity", one.quantity, _NAMES)
    if unknown := [name for name in one.weights if name not in drivers]:
        raise unknown_name("driver", unknown[0], drivers)
    places = [drivers.index(name) for name in one.weights]
    columns = tables[..., places, _NAMES.index(one.quantity)]
    added: Array = columns @ np.array(list(one.weights.values()))
    return added
