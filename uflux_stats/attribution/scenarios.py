"""What the targets would be if drivers were otherwise: counterfactuals of every row."""

from collections.abc import Iterator, Mapping
from typing import Any

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
from uflux_stats.attribution.copula import Copula, fit_copula
from uflux_stats.attribution.lasting import lasting_changes
from uflux_stats.attribution.local import LocalNetworks
from uflux_stats.attribution.moments import MomentMaker
from uflux_stats.attribution.network import Network, Networks, one_network, require_drivers
from uflux_stats.attribution.validity import flags
from uflux_stats.choices import require_options
from uflux_stats.errors import RangeError

Array = NDArray[np.float64]
_REPLICATES = 200
_RIDGE = 1e-9


def what_if(
    network: Network | Networks | LocalNetworks,
    changes: Mapping[str, float],
    *,
    region: str | None = None,
    pft: str | None = None,
    **options: Any,
) -> xr.Dataset:
    """Mean change of the targets if drivers were set higher or lower than they were.

    Every row keeps its own circumstances (the noise of each node); the drivers are set to what
    they were plus the change, which travels along the graph; a driver that is itself set does not
    follow its own causes (Pearl 2009, counterfactuals by abduction, action and prediction). That
    is the change within the month. With the equations of ``fit_local`` the change lasts, and works
    through memory too: see ``lasting_changes``.

    Parameters
    ----------
    network : Network, Networks or LocalNetworks
    changes : mapping of str to float
        Change of each driver in its unit.
    region, pft : str, optional
        The globe and all types by default.
    **options
        replicates (200 by default), block, level, seed: see ``BootstrapOptions``; hold, level for
        ``LocalNetworks``.

    Returns
    -------
    xr.Dataset, (target,)
        change, low, high in ``unit``; ``outside_share``, the share of rows whose drivers are then
        beyond all that was seen, where the answer stays at the last one seen; ``n``; of a
        ``Network`` also ``flag``, which assumptions do not hold.

    Raises
    ------
    GraphError
        If a name is no driver.
    ConfigError
        If an option is unknown or out of its range.
    RangeError
        If a change is not finite, or there is none.
    SampleError
        If there is no network of that region and type.
    """
    if isinstance(network, LocalNetworks):
        require_options(options, ("hold", "level"))
        group = network.select(region, pft)
        return lasting_changes(network, changes, groups=(group,), **options)[group]
    chosen = one_network(network, region, pft)
    require_drivers(chosen.graph, list(changes))
    if not changes or not np.isfinite(list(changes.values())).all():
        raise RangeError(f"changes: expected finite changes of drivers, got {dict(changes)}")
    how = bootstrap_options(**{"replicates": _REPLICATES, **options})
    estimate = _changes(chosen, changes, chosen.copula, None)
    error = np.max([_error(chosen, changes, how, one) for one in schemes(chosen.sample)], axis=0)
    targets = list(chosen.graph.targets)
    units = dict(zip(chosen.sample.names, chosen.sample.units, strict=True))
    return xr.Dataset(
        {
            "change": ("target", estimate),
            "low": ("target", estimate - error),
            "high": ("target", estimate + error),
            "unit": ("target", [units[name] for name in targets]),
        },
        coords={"target": targets},
        attrs={
            "n": chosen.sample.n,
            "n_places": chosen.sample.n_places,
            "group": str(chosen.group),
            "transform": chosen.sample.transform,
            "changes": ", ".join(f"{name} {value:+g}" for name, value in changes.items()),
            "flag": flags(chosen),
            "outside_share": _outside(chosen, changes),
        },
    )


def _error(
    network: Network, changes: Mapping[str, float], how: BootstrapOptions, scheme: Scheme
) -> Array:
    """Half-widths (target,) of the interval."""
    replicates = np.stack(list(_replicates(network, changes, how, scheme)))
    error: Array = interval_factor(network.sample, how, scheme) * replicates.std(axis=0, ddof=1)
    return error


def _replicates(
    network: Network, changes: Mapping[str, float], how: BootstrapOptions, scheme: Scheme
) -> Iterator[Array]:
    counts = draw_counts(network.sample, how, scheme)
    done = 0
    for moments in MomentMaker(network.sample).chunks(counts):
        copula = fit_copula(moments.correlation, network.graph, ridge=_RIDGE)
        for number in range(len(moments.scale)):
            one = Copula(
                copula.correlation[number], copula.coefficients[number], copula.partial[number]
            )
            yield _changes(network, changes, one, counts[done])
            done += 1


def _changes(
    network: Network, changes: Mapping[str, float], copula: Copula, counts: Array | None
) -> Array:
    """Mean change (target,) in units."""
    graph, sample = network.graph, network.sample
    moved = np.zeros((sample.n, len(graph.nodes)))
    before = _scores(network)
    for place, parents in graph.indices:
        name = graph.nodes[place]
        if name in changes:
            margin = network.margins[place]
            moved[:, place] = (
                margin.to_scores(sample.values[:, place] + changes[name]) - before[:, place]
            )
        elif parents:
            chosen = list(parents)
            moved[:, place] = moved[:, chosen] @ copula.coefficients[place, chosen]
    weights = np.ones(sample.n) if counts is None else counts
    weights = weights if sample.weight is None else weights * sample.weight
    shares = weights / weights.sum()
    nodes = {}
    for name in {*graph.targets, *(term for t in graph.identities.values() for term in t)}:
        place = graph.nodes.index(name)
        after = network.margins[place].to_values(before[:, place] + moved[:, place])
        nodes[name] = float(shares @ (after - sample.values[:, place]))
    for name, terms in graph.identities.items():
        nodes[name] = sum(factor * nodes[term] for term, factor in terms.items())
    return np.array([nodes[name] for name in graph.targets])


def _scores(network: Network) -> Array:
    columns = [
        margin.to_scores(column)
        for margin, column in zip(network.margins, network.sample.values.T, strict=True)
    ]
    return np.stack(columns, axis=-1)


def _outside(network: Network, changes: Mapping[str, float]) -> float:
    beyond = np.zeros(network.sample.n, bool)
    for name, change in changes.items():
        margin = network.margins[network.graph.nodes.index(name)]
        beyond |= margin.outside(network.sample.column(name) + change)
    return float(beyond.mean())
