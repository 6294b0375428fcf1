"""How much an effect depends on what was assumed: placebos, other graphs, hidden causes."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uflux_stats.attribution.bootstrap import memory_of
from uflux_stats.attribution.copula import fit_copula
from uflux_stats.attribution.effects import QUANTITIES, Effects
from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.moments import MomentMaker
from uflux_stats.attribution.network import Network, require_drivers
from uflux_stats.attribution.ranks import correlation, normal_scores
from uflux_stats.attribution.samples import Sample

Array = NDArray[np.float64]
RANDOM: Final = "random cause"
BLOCK: Final = 12


def refit(network: Network, graph: CausalGraph, sample: Sample) -> Network:
    """Fit another graph, or other rows, as ``network`` was."""
    empirical = correlation(normal_scores(sample.values, sample.weight), sample.weight)
    return Network(graph, network.group, sample, empirical, fit_copula(empirical, graph))


def effect_table(network: Network, quantity: str = "total") -> pd.DataFrame:
    """Estimates of one quantity, target (rows) by driver (columns), without intervals."""
    effects = Effects(network.graph, network.copula, MomentMaker(network.sample).moments())
    values = effects.table()[:, :-1, list(QUANTITIES).index(quantity)]
    return pd.DataFrame(values, list(network.graph.targets), list(network.graph.drivers))


def placebo(network: Network, driver: str, *, seed: int = 0) -> pd.Series:
    """Total effect of a driver whose months were shuffled in blocks of a year: should be nothing.

    Returns
    -------
    pd.Series
        By target [1].
    """
    require_drivers(network.graph, [driver])
    place = network.sample.names.index(driver)
    values = network.sample.values.copy()
    values[:, place] = values[_shuffled(network.sample, np.random.default_rng(seed)), place]
    shuffled = replace(network.sample, values=values)
    return effect_table(refit(network, network.graph, shuffled))[driver]


def _shuffled(sample: Sample, rng: np.random.Generator) -> NDArray[np.intp]:
    """Rows in blocks of a year, the blocks of each place in another order."""
    order = np.empty(sample.n, np.intp)
    for number in np.unique(sample.place):
        rows = np.flatnonzero(sample.place == number)
        turned = np.roll(rows, int(rng.integers(len(rows))))
        blocks = [turned[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
        order[rows] = np.concatenate([blocks[i] for i in rng.permutation(len(blocks))])
    return order


def random_common_cause(network: Network, *, seed: int = 0) -> pd.DataFrame:
    """Total effects with a random cause of all nodes added: should not change."""
    rng = np.random.default_rng(seed)
    sample, graph = network.sample, network.graph
    extended = replace(
        sample,
        names=(*sample.names, RANDOM),
        units=(*sample.units, "1"),
        values=np.column_stack([sample.values, rng.normal(size=sample.n)]),
    )
    parents = {name: (*found, RANDOM) for name, found in graph.parents.items()}
    wider = CausalGraph({**parents, RANDOM: ()}, graph.identities)
    return effect_table(refit(network, wider, extended)).drop(columns=RANDOM)


def leave_one_out(network: Network) -> dict[str, pd.DataFrame]:
    """Total effects without each driver in turn, by the driver left out."""
    return {
        driver: effect_table(_without(network, driver))
        for driver in network.graph.drivers
        if len(network.graph.drivers) > 1
    }


def _without(network: Network, driver: str) -> Network:
    graph = network.graph
    parents = {
        name: tuple(cause for cause in found if cause != driver)
        for name, found in graph.parents.items()
        if name != driver
    }
    place = network.sample.names.index(driver)
    kept = [number for number in range(len(network.sample.names)) if number != place]
    sample = replace(
        network.sample,
        names=tuple(network.sample.names[number] for number in kept),
        units=tuple(network.sample.units[number] for number in kept),
        values=network.sample.values[:, kept],
    )
    return refit(network, CausalGraph(parents, graph.identities), sample)


def robustness_values(network: Network, *, q: float = 1.0) -> pd.DataFrame:
    """How strong a hidden common cause must be to explain a direct effect away.

    Parameters
    ----------
    network : Network
    q : float
        Share of the effect to be explained away.

    Returns
    -------
    pd.DataFrame
        target, driver, partial_r2, robustness_value: the share of what is left of both driver and
        target that a hidden cause must explain (Cinelli and Hazlett 2020, doi 10.1111/rssb.12348,
        eqs 18-19); robustness_value_90: to take it out of the 90 % interval; n_effective.
    """
    memory = memory_of(network.sample)
    rows = network.sample.n * (1.0 - memory) / (1.0 + memory)
    found = []
    for target in network.graph.targets:
        for driver, partial in _partials(network, target):
            freedom = max(rows - len(network.graph.parents[target]) - 1.0, 2.0)
            f = abs(partial) / np.sqrt(max(1.0 - partial**2, 1e-12))
            limit = 1.645 / np.sqrt(freedom - 1.0)
            found.append((target, driver, partial**2, _robustness(q * f),
                          _robustness(max(q * f - limit, 0.0)), rows))  # fmt: skip
    return pd.DataFrame(found, columns=["target", "driver", "partial_r2", "robustness_value",
                                        "robustness_value_90", "n_effective"])  # fmt: skip


def _robustness(f: float) -> float:
    """Compute the robustness value from Cohen's f."""
    return float(0.5 * (np.sqrt(f**4 + 4.0 * f**2) - f**2))


def _partials(network: Network, target: str) -> Iterator[tuple[str, float]]:
    """Correlation of the target with each parent given all other parents, in the rows."""
    names = (target, *network.graph.parents[target])
    places = [network.graph.nodes.index(name) for name in names]
    precision = np.linalg.inv(
        network.empirical[np.ix_(places, places)] + 1e-12 * np.eye(len(names))
    )
    scale = np.sqrt(np.diagonal(precision))
    for number, driver in enumerate(names[1:], start=1):
        yield driver, float(-precision[0, number] / (scale[0] * scale[number]))


def agreement(network: Network, *, seed: int = 0, **others: pd.DataFrame) -> pd.DataFrame:
    """One table of what every method says of each driver and target.

    Parameters
    ----------
    network : Network
    seed : int
    **others : pd.DataFrame
        More methods by name, each target (rows) by driver (columns), such as mean SHAP slopes.

    Returns
    -------
    pd.DataFrame
        target, driver, total, direct, backdoor, random_cause, placebo, lowest and highest
        (without one other driver), partial_r2, robustness_value, the others, same_sign: share of
        back-door, random cause, leave-one-out ends and those others that have an answer whose
        answer has the sign of the total effect; n_methods: how many those are; n: rows.
    """
    tables = {name: effect_table(network, name) for name in ("total", "direct", "backdoor")}
    tables["random_cause"] = random_common_cause(network, seed=seed)
    columns = {driver: placebo(network, driver, seed=seed) for driver in network.graph.drivers}
    tables["placebo"] = pd.DataFrame(columns)
    left = np.stack([table.reindex(columns=tables["total"].columns).to_numpy()
                     for table in leave_one_out(network).values()])  # fmt: skip
    frame = tables["total"]
    for name, edge in (("lowest", np.fmin.reduce(left)), ("highest", np.fmax.reduce(left))):
        tables[name] = pd.DataFrame(edge, frame.index, frame.columns)
    tables |= others
    long: Any = pd.DataFrame({name: table.stack() for name, table in tables.items()})
    long = long.rename_axis(["target", "driver"]).reset_index()
    long = long.merge(robustness_values(network).drop(columns=["n_effective"]), how="left",
                      on=["target", "driver"])  # fmt: skip
    judged = ["backdoor", "random_cause", "lowest", "highest", *others]
    answered = long[judged].notna().sum(axis=1)
    same = long[judged].apply(np.sign).eq(np.sign(long["total"]), axis=0).sum(axis=1)
    result: pd.DataFrame = long.assign(
        same_sign=same / answered, n_methods=answered, n=network.sample.n
    )
    return result
