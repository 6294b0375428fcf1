"""Whether a network's assumptions hold: normal copula, independencies, support."""

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import chi2, rankdata

from uflux_stats.attribution.bootstrap import MIN_CLUSTERS, memory_of
from uflux_stats.attribution.families import FAMILIES, ROTATED, normal_cdf
from uflux_stats.attribution.network import Network
from uflux_stats.attribution.ranks import correlation, normal_scores, to_correlation, to_rank

Array = NDArray[np.float64]

TRIFLE: Final = 0.1
"""Partial correlation below which an independence is taken to hold (Cohen 1988: a small one)."""
_SIGNIFICANT: Final = 0.01
_QUICK: Final = 200
MOST_ROWS: Final = 1500
"""More rows are thinned evenly: the statistic compares every row with every other."""


def copula_fit(frame: pd.DataFrame) -> pd.DataFrame:
    """Cramer-von Mises distance of each pair of columns from four families of copulas.

    Parameters
    ----------
    frame : pd.DataFrame
        A column per node; rows with missing values are left out.

    Returns
    -------
    pd.DataFrame
        first, second, rank_correlation, normal, clayton, frank, gumbel: sums over the rows of the
        squared difference of empirical and fitted copula (Genest et al. 2009, doi
        10.1016/j.insmatheco.2007.10.005); best, the family with the least; n.
    """
    whole = frame.dropna()
    if len(whole) > MOST_ROWS:
        whole = whole.iloc[np.linspace(0, len(whole) - 1, MOST_ROWS).astype(int)]
    levels = rankdata(whole.to_numpy(np.float64), axis=0) / (len(whole) + 1.0)
    rows = []
    for first, second in combinations(range(levels.shape[1]), 2):
        values = whole.iloc[:, [first, second]].to_numpy(np.float64)
        distances = _distances(levels[:, first], levels[:, second], values)
        rank = float(np.corrcoef(levels[:, first], levels[:, second])[0, 1])
        best = min(distances, key=lambda name: distances[name])
        rows.append({"first": frame.columns[first], "second": frame.columns[second],
                     "rank_correlation": rank, **distances, "best": best,
                     "n": len(whole)})  # fmt: skip
    return pd.DataFrame(rows)


def _distances(u: Array, v: Array, values: Array) -> dict[str, float]:
    turned = correlation(values)[0, 1] < 0.0
    rho = float(correlation(normal_scores(np.column_stack([u, v])))[0, 1])
    found = {"normal": _distance(u, v, normal_cdf(u, v, rho))}
    for name, family in FAMILIES.items():
        other = 1.0 - v if turned and name in ROTATED else v
        found[name] = _distance(u, other, family.cdf(u, other, family.fit(u, other)))
    return found


def _distance(u: Array, v: Array, fitted: Array) -> float:
    below = (u[:, np.newaxis] >= u) & (v[:, np.newaxis] >= v)
    empirical = below.sum(axis=1) / (len(u) + 1.0)
    return float(((empirical - fitted) ** 2).sum())


@dataclass(frozen=True)
class Calibration:
    """Two d-calibration scores, 1 for equal matrices, with what chance alone would give.

    Attributes
    ----------
    normal : float
        Of the ranks' own correlations against those of a normal copula.
    network : float
        Of the correlations that the graph implies against those of the normal copula.
    normal_limits, network_limits : tuple of float
        5 and 95 % of the score of two samples of as many independent rows of one normal copula.
    n : float
        Effective number of rows.
    """

    normal: float
    network: float
    normal_limits: tuple[float, float]
    network_limits: tuple[float, float]
    n: float

    @property
    def copula_is_normal(self) -> bool:
        """Whether a normal copula fits as well as chance allows."""
        return self.normal >= self.normal_limits[0]

    @property
    def graph_is_sufficient(self) -> bool:
        """Whether the graph's correlations fit as well as chance allows."""
        return self.network >= self.network_limits[0]


def flags(network: Network) -> str:
    """Say which assumptions do not hold, in a few words; nothing if all do.

    The normal copula and the graph are judged by ``d_calibration``, the graph's independencies by
    the largest that is both significant and no trifle, since with many rows any is significant;
    intervals of few places are for these places alone. What targets share beyond their drivers,
    such as errors of flux partitioning, is no failure: no effect of a driver depends on it.
    """
    score = d_calibration(network, replicates=_QUICK, between_targets=False)
    places = network.sample.n_places
    said = {
        "copula not normal": not score.copula_is_normal,
        "graph misses correlations": not score.graph_is_sufficient,
        _broken(network): True,
        f"only {places} place{'s' if places > 1 else ''}": places < MIN_CLUSTERS,
    }
    return "; ".join(words for words, holds in said.items() if holds and words)


def _broken(network: Network) -> str:
    """Name the claim of the graph that fails most, not between two targets; nothing if none.

    Of many claims some fail by chance: p counts them all (Bonferroni).
    """
    tests = independence_tests(network, between_targets=False)
    claims = tests[tests["first"] != "all"]
    significant = claims["p"] * len(claims) < _SIGNIFICANT
    failing = claims[significant & (claims["partial"].abs() > TRIFLE)]
    if failing.empty:
        return ""
    worst = failing.sort_values("partial", key=np.abs).iloc[-1]
    pair = f"{worst['first']} and {worst['second']}"
    return f"{pair} are related beyond the graph (partial correlation {worst['partial']:.2f})"


def d_calibration(
    network: Network, *, replicates: int = 1000, seed: int = 0, between_targets: bool = True
) -> Calibration:
    """Hellinger-based d-calibration of a network.

    Parameters
    ----------
    network : Network
    between_targets : bool
        Whether the graph's correlations of two targets are judged, or taken as they are.
    replicates : int
        Pairs of samples behind the limits.
    seed : int

    Returns
    -------
    Calibration

    References
    ----------
    Morales-Napoles, O. et al. (2014); Hanea, A. et al. (2015), doi 10.1016/j.ress.2015.07.027.
    """
    sample = network.sample
    levels = ndtr(normal_scores(sample.values, sample.weight))
    ranks = to_correlation(np.cov(levels, rowvar=False, aweights=sample.weight))
    assumed = network.copula.correlation if between_targets else _free_targets(network)
    normal, implied = to_rank(network.empirical), to_rank(assumed)
    memory = memory_of(sample)
    rows = sample.n * (1.0 - memory) / (1.0 + memory)
    rng = np.random.default_rng(seed)
    limits = [_chance(matrix, rows, replicates, rng) for matrix in (network.empirical, assumed)]
    return Calibration(
        float(d_score(ranks, normal)), float(d_score(implied, normal)), limits[0], limits[1], rows
    )


def _free_targets(network: Network) -> Array:
    """Correlations of the graph, with those of what is left of two targets as in the rows.

    The joint normal whose drivers, and each target given all drivers, are the graph's.
    """
    graph = network.graph
    targets = [graph.nodes.index(name) for name in graph.targets]
    drivers = [graph.nodes.index(name) for name in graph.drivers]
    implied = _left_over(network.copula.correlation, targets, drivers)
    found = _left_over(network.empirical, targets, drivers)
    size = np.sqrt(np.diagonal(implied) / np.maximum(np.diagonal(found), 1e-12))
    freed = network.copula.correlation.copy()
    freed[np.ix_(targets, targets)] += found * np.outer(size, size) - implied
    return freed


def _left_over(matrix: Array, targets: list[int], drivers: list[int]) -> Array:
    """Covariance of targets given drivers."""
    across = matrix[np.ix_(targets, drivers)]
    within = matrix[np.ix_(drivers, drivers)] + 1e-12 * np.eye(len(drivers))
    left: Array = matrix[np.ix_(targets, targets)] - across @ np.linalg.solve(within, across.T)
    return left


def d_score(first: Array, second: Array) -> Array:
    """1 minus the Hellinger distance of two normals with these correlations (..., k, k).

    Variables that others determine have a small variance of their own, so that two normals which
    agree in that score 1.
    """
    own = 1e-12 * np.eye(first.shape[-1])
    logs = [np.linalg.slogdet(each + own).logabsdet
            for each in (first, second, (first + second) / 2.0)]  # fmt: skip
    affinity = np.exp((logs[0] + logs[1]) / 4.0 - logs[2] / 2.0)
    score: Array = 1.0 - np.sqrt(np.maximum(1.0 - affinity, 0.0))
    return score


def _chance(
    correlation: Array, rows: float, replicates: int, rng: np.random.Generator
) -> tuple[float, float]:
    """5 and 95 % of the score of two samples of one normal, by Bartlett's decomposition."""
    size = len(correlation)
    factor = np.linalg.cholesky(correlation + 1e-12 * np.eye(size))
    draws = np.tril(rng.standard_normal((2, replicates, size, size)), -1)
    degrees = max(rows - 1.0, size) - np.arange(size)
    places = np.arange(size)
    draws[..., places, places] = np.sqrt(rng.chisquare(degrees, (2, replicates, size)))
    root = factor @ draws
    pair = to_rank(to_correlation(root @ np.swapaxes(root, -1, -2)))
    low, high = np.quantile(d_score(pair[0], pair[1]), (0.05, 0.95))
    return float(low), float(high)


def independence_tests(network: Network, *, between_targets: bool = True) -> pd.DataFrame:
    """Test every conditional independence that the graph claims.

    Parameters
    ----------
    network : Network
    between_targets : bool
        Whether claims between two targets are tested: their errors may be correlated.

    Returns
    -------
    pd.DataFrame
        first, second, given, partial (correlation of normal scores), p, n (effective rows: the
        memory of the series is taken off). The last row, "all", is Fisher's C over all claims
        (Shipley 2000, doi 10.1207/S15328007SEM0702_4). With thousands of rows trifles are
        significant: look at the size first.
    """
    memory = memory_of(network.sample)
    rows = network.sample.n * (1.0 - memory) / (1.0 + memory)
    found = []
    for first, second, given in network.graph.independencies():
        if not between_targets and {first, second} <= set(network.graph.targets):
            continue
        partial = _partial(network, first, second, given)
        z = np.arctanh(np.clip(partial, -0.999999, 0.999999))
        z *= np.sqrt(max(rows - len(given) - 3.0, 1.0))
        found.append((first, second, given, partial, float(2.0 * ndtr(-abs(z))), rows))
    table = pd.DataFrame(found, columns=["first", "second", "given", "partial", "p", "n"])
    if len(table):
        statistic = -2.0 * np.log(np.maximum(table["p"], 1e-300)).sum()
        joint = float(chi2.sf(statistic, 2 * len(table)))
        found.append(("all", "", (), np.nan, joint, rows))
    return pd.DataFrame(found, columns=table.columns)


def _partial(network: Network, first: str, second: str, given: tuple[str, ...]) -> float:
    places = [network.graph.nodes.index(name) for name in (first, second, *given)]
    matrix = network.empirical[np.ix_(places, places)]
    precision = np.linalg.inv(matrix + 1e-12 * np.eye(len(places)))
    return float(-precision[0, 1] / np.sqrt(precision[0, 0] * precision[1, 1]))
