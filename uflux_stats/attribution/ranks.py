"""Ranks, normal scores and their correlation, for one sample or many weightings of it at once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Array = NDArray[np.float64]
Places = NDArray[np.intp]

MANY: Final = 1_000_000
"""Numbers above which two threads sort."""


@dataclass(frozen=True)
class Ranking:
    """The order of one column, found once and used for every weighting of its rows.

    Attributes
    ----------
    distinct : array, (value,)
        Distinct values, ascending.
    order : array of int, (row,)
        Rows by ascending value.
    starts : array of int, (value,)
        Where each distinct value begins in ``order``.
    """

    distinct: Array
    order: Places
    starts: Places

    @classmethod
    def of(cls, values: Array) -> "Ranking":
        """Rank a column (row,) of finite values."""
        order = np.argsort(values)
        ordered = values[order]
        first = np.empty(len(values), bool)
        first[:1] = True
        np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
        return cls(ordered[first], order, np.flatnonzero(first))

    def levels(self, weights: Array | None = None, *, draws: Array | None = None) -> Array:
        """Probability levels of the distinct values, between 0 and 1.

        Without weights these are mean ranks over n + 1 (van der Waerden).

        Parameters
        ----------
        weights : array, (..., row), optional
            Weight of each row, zero where it was not drawn.
        draws : array, (..., 1), optional
            How many rows were drawn, if not all once.

        Returns
        -------
        array, (..., value)
        """
        rows = len(self.order)
        if weights is None:
            ends = np.append(self.starts[1:], rows)
            plain: Array = (self.starts + 1 + ends) / 2.0 / (rows + 1.0)
            return plain
        mass = np.add.reduceat(weights[..., self.order], self.starts, axis=-1)
        up_to = np.cumsum(mass, axis=-1)
        total = up_to[..., -1:]
        share = total / (rows if draws is None else draws)
        # share / 2 makes equal weights give mean ranks over n + 1
        middle: Array = (up_to - mass / 2.0 + share / 2.0) / (total + share)
        return middle

    def spread(self, values: Array) -> Array:
        """Give each row (..., row) the value (..., value) of its distinct value."""
        rows = np.empty((*values.shape[:-1], len(self.order)))
        sizes = np.diff(self.starts, append=len(self.order))
        spread = (
            values if len(self.starts) == len(self.order) else np.repeat(values, sizes, axis=-1)
        )
        rows[..., self.order] = spread
        return rows


def normal_scores(columns: Array, weights: Array | None = None) -> Array:
    """Turn each column into the normal quantiles of its ranks; ties share theirs.

    Parameters
    ----------
    columns : array, (row, node)
        Finite.
    weights : array, (row,), optional

    Returns
    -------
    array, (row, node)

    Examples
    --------
    >>> normal_scores(np.array([[10.0], [30.0], [20.0]])).round(3).ravel().tolist()
    [-0.674, 0.674, 0.0]
    """
    untied = ndtri(np.arange(1.0, len(columns) + 1.0) / (len(columns) + 1.0))
    scores = np.empty(columns.shape[::-1])

    def fill(number: int) -> None:
        column = np.ascontiguousarray(columns[:, number])
        order = np.argsort(column)
        ordered = column[order]
        if weights is None and not (ordered[1:] == ordered[:-1]).any():
            # without ties all columns have the same scores, in another order
            scores[number, order] = untied
        else:
            ranking = Ranking.of(column)
            scores[number] = ranking.spread(ndtri(ranking.levels(weights)))

    numbers = range(columns.shape[1])
    if columns.size < MANY:
        for number in numbers:
            fill(number)
    else:  # sorting lets go of the interpreter
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(fill, numbers))
    return scores.T


def correlation(columns: Array, weights: Array | None = None) -> Array:
    """Weighted correlation matrix of the last axis; zero where a column does not vary.

    Parameters
    ----------
    columns : array, (..., row, node)
    weights : array, (..., row), optional

    Returns
    -------
    array, (..., node, node)
    """
    return to_correlation(covariance(columns, weights))


def covariance(columns: Array, weights: Array | None = None) -> Array:
    """Weighted covariance matrix (..., node, node) of columns (..., row, node)."""
    if weights is None:
        centred = columns - columns.mean(axis=-2, keepdims=True)
        product: Array = np.swapaxes(centred, -1, -2) @ centred / columns.shape[-2]
        return product
    shares = weights / weights.sum(axis=-1, keepdims=True)
    mean = np.einsum("...r,...rk->...k", shares, columns)
    centred = columns - mean[..., np.newaxis, :]
    weighted: Array = np.swapaxes(centred * shares[..., np.newaxis], -1, -2) @ centred
    return weighted


def to_correlation(covariances: Array) -> Array:
    """Turn covariances (..., node, node) into correlations."""
    scale = np.sqrt(np.diagonal(covariances, axis1=-2, axis2=-1))
    product = scale[..., :, np.newaxis] * scale[..., np.newaxis, :]
    result: Array = np.divide(
        covariances, product, out=np.zeros_like(covariances), where=product > 0
    )
    places = np.arange(covariances.shape[-1])
    result[..., places, places] = 1.0
    return result


def to_rank(pearson: Any) -> Any:
    """Spearman's correlation of a normal copula from Pearson's (Pearson 1907)."""
    return 6.0 / np.pi * np.arcsin(np.asarray(pearson) / 2.0)


def to_pearson(rank: Any) -> Any:
    """Pearson's correlation of a normal copula from Spearman's (Pearson 1907).

    Examples
    --------
    >>> round(float(to_rank(to_pearson(0.3))), 12)
    0.3
    """
    return 2.0 * np.sin(np.pi / 6.0 * np.asarray(rank))
