"""The normal copula of a graph: from conditional correlations to all correlations, closed form.

Each node has, for its ordered parents, the correlation with the first, the one with the second
given the first, and so on; given its parents it is independent of all earlier nodes. These numbers
are free in (-1, 1) and give one positive definite matrix (Hanea, Kurowicka and Cooke 2006, doi
10.1002/qre.808). Written with Cholesky factors nothing needs a recursion: the last row of the
factor of (parents, node) holds the semi-partial correlations c, and the correlations with the
parents are L c with L the factor of the parents' own correlations.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.ranks import to_pearson
from uflux_stats.errors import GraphError, SampleError

Array = NDArray[np.float64]
LastRow = Callable[[int, Sequence[int]], Array]
_LEAST_PIVOT: Final = 1e-6


@dataclass(frozen=True)
class Copula:
    """Normal copulas of one graph, one or a stack of them.

    Attributes
    ----------
    correlation : array, (..., node, node)
        Product-moment correlations of the normal scores.
    coefficients : array, (..., node, node)
        Regression of each node (row) on its parents (columns), in units of standard deviations.
    partial : array, (..., node, node)
        Correlation of each node (row) with each parent given the parents before it.
    """

    correlation: Array
    coefficients: Array
    partial: Array

    @property
    def noise(self) -> Array:
        """Standard deviation (..., node) of each node given its parents."""
        explained = np.einsum("...ij,...ij->...i", self.coefficients, self.correlation)
        left: Array = np.sqrt(np.maximum(1.0 - explained, 0.0))
        return left

    @property
    def total_effects(self) -> Array:
        """Sum over all directed paths to each node (row) from each node (column)."""
        size = self.coefficients.shape[-1]
        total = np.linalg.inv(np.eye(size) - self.coefficients)
        return total.astype(np.float64, copy=False)


def fit_copula(empirical: Array, graph: CausalGraph, *, ridge: float = 0.0) -> Copula:
    """Fit the copula of a graph to correlations of normal scores.

    Parameters
    ----------
    empirical : array, (..., node, node)
        Correlations in the order of ``graph.nodes``.
    graph : CausalGraph
    ridge : float
        Added to the diagonal, for stacks in which a resample may be degenerate.

    Returns
    -------
    Copula

    Raises
    ------
    SampleError
        If parents are linear combinations of each other.
    """
    size = len(graph.nodes)
    stable = empirical + ridge * np.eye(size)

    def last_row(node: int, parents: Sequence[int]) -> Array:
        places = np.array([*parents, node])
        try:
            factor = np.linalg.cholesky(stable[..., places[:, np.newaxis], places])
        except np.linalg.LinAlgError as error:
            raise _collinear([graph.nodes[place] for place in places]) from error
        if not ridge and np.diagonal(factor, axis1=-2, axis2=-1).min() < _LEAST_PIVOT:
            raise _collinear([graph.nodes[place] for place in places])
        return factor[..., -1, :].astype(np.float64, copy=False)

    return _imply(graph, empirical.shape[:-2], last_row)


def _collinear(names: Sequence[str]) -> SampleError:
    return SampleError(
        f"data: expected linearly independent variables, got {list(names)} with one that follows "
        "from the others; drop it, or declare it an identity"
    )


def specify_copula(
    graph: CausalGraph, conditional: Mapping[str, Sequence[float]], *, rank: bool = True
) -> Copula:
    """Make a copula from stated conditional correlations.

    Parameters
    ----------
    graph : CausalGraph
    conditional : mapping of str to sequence of float
        For each node with parents: one number per parent, in their order, each given those before.
    rank : bool
        Whether the numbers are Spearman's; Pearson's of the normal scores otherwise.

    Returns
    -------
    Copula

    Raises
    ------
    GraphError
        If there is not one number in (-1, 1) per parent.
    """
    graph.require(*conditional)
    wanted = {}
    for number, (name, parents) in enumerate(graph.parents.items()):
        values = np.asarray(conditional.get(name, ()), dtype=np.float64)
        if values.shape != (len(parents),) or (np.abs(values) >= 1.0).any():
            raise GraphError(
                f"conditional[{name!r}]: expected {len(parents)} numbers between -1 and 1, "
                f"got {values.tolist()}; give one for each of {list(parents)}"
            )
        wanted[number] = to_pearson(values) if rank else values

    def last_row(node: int, _: Sequence[int]) -> Array:
        partial = wanted[node]
        left = np.cumprod(np.concatenate([[1.0], np.sqrt(1.0 - partial**2)]))
        return np.append(partial * left[:-1], left[-1])

    return _imply(graph, (), last_row)


def _imply(graph: CausalGraph, stack: tuple[int, ...], last_row: LastRow) -> Copula:
    """Walk from causes to effects and fill in what the parents imply."""
    size = len(graph.nodes)
    implied = np.broadcast_to(np.eye(size), (*stack, size, size)).copy()
    coefficients, partial = np.zeros_like(implied), np.zeros_like(implied)
    done: list[int] = []
    for node, parents in graph.indices:
        if parents:
            chosen = np.array(parents)
            row = last_row(node, parents)
            semi, left = row[..., :-1], _left(row)
            factor = np.linalg.cholesky(implied[..., chosen[:, np.newaxis], chosen])
            weights = np.linalg.solve(np.swapaxes(factor, -1, -2), semi[..., np.newaxis])[..., 0]
            with_done = np.einsum(
                "...dp,...p->...d", implied[..., np.array(done)[:, np.newaxis], chosen], weights
            )
            implied[..., node, done] = with_done
            implied[..., done, node] = with_done
            coefficients[..., node, chosen] = weights
            partial[..., node, chosen] = semi / left
        done.append(node)
    return Copula(implied, coefficients, partial)


def _left(row: Array) -> Array:
    """Return what the parents before each have left unexplained, a standard deviation."""
    explained = np.cumsum(row[..., :-2] ** 2, axis=-1)
    first = np.zeros((*row.shape[:-1], 1))
    return np.sqrt(np.maximum(1.0 - np.concatenate([first, explained], axis=-1), 1e-300))
