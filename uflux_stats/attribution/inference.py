"""Asking a network: sampling, conditioning on evidence, prediction with intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.special import ndtri

from uflux_stats.attribution import banshee
from uflux_stats.attribution.network import Network
from uflux_stats.attribution.ranks import to_rank
from uflux_stats.errors import RangeError, SampleError

Array = NDArray[np.float64]


def sample_network(network: Network, size: int, seed: int = 0) -> pd.DataFrame:
    """Draw rows from a network.

    Parameters
    ----------
    network : Network
    size : int
    seed : int

    Returns
    -------
    pd.DataFrame
        A column per node; identities hold exactly in every row.
    """
    rng = np.random.default_rng(seed)
    names = network.graph.nodes
    scores = rng.standard_normal((size, len(names))) * network.copula.noise
    scores = scores @ network.copula.total_effects.T
    values = {
        name: margin.to_values(column)
        for name, margin, column in zip(names, network.margins, scores.T, strict=True)
    }
    for name, terms in network.graph.identities.items():
        values[name] = np.sum([factor * values[term] for term, factor in terms.items()], axis=0)
    return pd.DataFrame(values)


def condition(
    network: Network,
    evidence: pd.DataFrame | Mapping[str, Any],
    *,
    quantiles: Sequence[float] = (0.05, 0.95),
    seed: int = 0,
) -> xr.Dataset:
    """Distribution of all other nodes where some are known.

    Parameters
    ----------
    network : Network
    evidence : pd.DataFrame or mapping of str to numbers
        Known nodes; a row per case. Known means observed, not set: see ``what_if`` for that.
    quantiles : sequence of float
        Levels in (0, 1).
    seed : int
        Of the Monte Carlo of engine="pybanshee"; the package's own engine has none.

    Returns
    -------
    xr.Dataset, (row, node)
        mean, median, quantile (quantile, row, node) in the units of the nodes; ``outside`` (row,)
        flags evidence beyond what the network has seen, which counts as the nearest seen value.
        Means respect identities; quantiles are those of the node itself.

    Raises
    ------
    GraphError
        If a known node is not in the graph.
    SampleError
        If evidence is missing (NaN), nothing is known or nothing is unknown.
    RangeError
        If a quantile is not in (0, 1).
    """
    known_values = _evidence(network, evidence)
    levels = np.asarray(quantiles, dtype=np.float64)
    if ((levels <= 0.0) | (levels >= 1.0)).any():
        raise RangeError(f"quantiles: expected levels between 0 and 1, got {levels.tolist()}")
    names = network.graph.nodes
    known = [names.index(name) for name in known_values]
    unknown = [place for place in range(len(names)) if place not in known]
    scores = np.stack([network.margins[place].to_scores(known_values[names[place]].to_numpy())
                       for place in known], axis=-1)  # fmt: skip
    centre, spread = _conditional(network.copula.correlation, known, unknown, scores)
    margins = [network.margins[place] for place in unknown]
    median = [margin.to_values(column) for margin, column in zip(margins, centre.T, strict=True)]
    around = [margin.to_values(column + ndtri(levels)[:, np.newaxis] * width)
              for margin, column, width in zip(margins, centre.T, spread, strict=True)]  # fmt: skip
    outside = np.logical_or.reduce(
        [network.margins[place].outside(known_values[names[place]].to_numpy()) for place in known]
    )
    means = _means(network, known_values, unknown, (centre, spread), seed)
    return xr.Dataset(
        {
            "mean": (("row", "node"), means),
            "median": (("row", "node"), np.stack(median, axis=-1)),
            "quantiles": (("quantile", "row", "node"), np.stack(around, axis=-1)),
            "outside": (("row",), outside),
            "units": (("node",), [network.sample.units[place] for place in unknown]),
        },
        coords={"node": [names[place] for place in unknown], "quantile": levels,
                "row": np.arange(len(scores))},
        attrs={"n": network.sample.n, "group": str(network.group),
               "outside_share": float(outside.mean())},
    )  # fmt: skip


def _evidence(network: Network, evidence: pd.DataFrame | Mapping[str, Any]) -> pd.DataFrame:
    if isinstance(evidence, pd.DataFrame):
        frame = evidence.astype(np.float64)
    else:
        frame = pd.DataFrame({k: np.atleast_1d(np.asarray(v, float)) for k, v in evidence.items()})
    network.graph.require(*map(str, frame))
    if frame.empty or len(frame.columns) == len(network.graph.nodes):
        raise SampleError(
            f"evidence: expected some but not all of {list(network.graph.nodes)}, "
            f"got {list(map(str, frame))}; leave out what is asked for"
        )
    if not np.isfinite(frame.to_numpy()).all():
        raise SampleError("evidence: expected finite values, got missing ones; drop those rows")
    return frame


def _conditional(
    correlation: Array, known: list[int], unknown: list[int], scores: Array
) -> tuple[Array, Array]:
    """Mean (row, node) and standard deviation (node,) of the unknown scores."""
    given = correlation[np.ix_(known, known)]
    cross = correlation[np.ix_(unknown, known)]
    weights = np.linalg.solve(given, cross.T)
    variance = 1.0 - np.einsum("ij,ji->i", cross, weights)
    return scores @ weights, np.sqrt(np.maximum(variance, 0.0))


def _means(
    network: Network,
    known: pd.DataFrame,
    unknown: list[int],
    normal: tuple[Array, Array],
    seed: int,
) -> Array:
    """Conditional means (row, node), by quadrature or by py-banshee."""
    names = [network.graph.nodes[place] for place in unknown]
    if network.engine == "pybanshee":
        rank = to_rank(network.copula.correlation)
        return banshee.infer(rank, network.sample, known, seed=seed)[names].to_numpy()
    centre, spread = normal
    means = {
        name: network.margins[place].mean(column, float(width))
        for name, place, column, width in zip(names, unknown, centre.T, spread, strict=True)
    }
    everything = {**{str(name): known[name].to_numpy() for name in known}, **means}
    for name, terms in network.graph.identities.items():
        if name in means:
            means[name] = np.sum([factor * everything[t] for t, factor in terms.items()], axis=0)
    return np.stack(list(means.values()), axis=-1)
