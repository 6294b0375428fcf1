"""Gaps of GPP, RECO and NEE at a tower, filled so that NEE is RECO - GPP."""

from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.refinement.consistency import (
    BUDGET,
    CLOSED,
    CONSISTENT,
    POSITIVE,
    RECONCILED,
    reconciled_attrs,
)
from uflux_stats.stats.reconcile import FLOOR, solve

Values = NDArray[np.float64]

Correlation = tuple[tuple[float, ...], ...]
"""Of the errors of GPP, RECO and NEE."""
FEWEST: Final = 2
"""Months that a correlation is taken of."""


def correlate(scores: Values, weight: Values) -> Correlation | None:
    """Correlate standardised errors of GPP, RECO and NEE.

    Parameters
    ----------
    scores : array, (month, flux) [1]
    weight : array, (month,)

    Returns
    -------
    tuple of three tuples of three float, or None if there are too few months, or no errors

    Examples
    --------
    >>> found = correlate(np.array([[1.0, 1.0, 2.0], [-1.0, -1.0, 2.0]]), np.ones(2))
    >>> np.round(found, 6).tolist()
    [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    if len(scores) < FEWEST:
        return None
    square = (scores.T * weight) @ scores
    size = np.sqrt(np.diag(square))
    if not (size > 0.0).all():
        return None
    return tuple(map(tuple, (square / np.outer(size, size)).tolist()))


def close_gaps(filled: xr.Dataset, spread: xr.Dataset, correlation: Correlation) -> xr.Dataset:
    """Move what was filled of GPP, RECO and NEE by as little as its error allows, to close.

    Parameters
    ----------
    filled : xr.Dataset, (site, time) [gC m-2 d-1]
        The three fluxes, as observed or as filled.
    spread : xr.Dataset, (site, time) [gC m-2 d-1]
        Standard deviation of the error of what was filled; 0 of what was observed.
    correlation : tuple of three tuples of three float [1]
        Of the errors.

    Returns
    -------
    xr.Dataset, (site, time) [gC m-2 d-1]
        ``NAME_reconciled`` of the three; GPP and RECO not negative where filled. What was observed
        stays, so that a month with all three observed, or with a GPP that would have to be
        negative, closes as far as the tower says. Missing where one of the three is.

    Examples
    --------
    RECO was observed, and GPP is twice as uncertain as NEE:

    >>> fluxes = dict(zip(CONSISTENT, (6.0, 4.0, -1.0)))
    >>> errors = dict(zip(CONSISTENT, (2.0, 0.0, 1.0)))
    >>> filled, spread = (
    ...     xr.Dataset({name: (("site", "time"), [[value]]) for name, value in given.items()})
    ...     for given in (fluxes, errors)
    ... )
    >>> found = close_gaps(filled, spread, ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))
    >>> [round(found[name].item(), 2) for name in RECONCILED]
    [5.2, 4.0, -1.2]
    """
    like = filled[CONSISTENT[0]]
    given, error = (
        np.stack([part[name].transpose(*like.dims).values.ravel() for name in CONSISTENT], axis=1)
        for part in (filled, spread)
    )
    closed = np.full_like(given, np.nan)
    known = np.isfinite(given).all(axis=1)
    closed[known] = _close(given[known], error[known], np.array(correlation))
    return xr.Dataset(
        {
            wanted: like.copy(data=column.reshape(like.shape)).assign_attrs(reconciled_attrs(name))
            for name, wanted, column in zip(CONSISTENT, RECONCILED, closed.T, strict=True)
        }
    )


def _close(given: Values, error: Values, correlation: Values) -> Values:
    """Project rows on the budget, each with its own errors; those without errors stay."""
    covariance = error[:, :, np.newaxis] * error[:, np.newaxis, :] * correlation
    gain = covariance @ BUDGET[0]
    variance = gain @ BUDGET[0]
    # errors that close by themselves tell nothing of the gap
    free = variance > CLOSED * np.trace(covariance, axis1=1, axis2=2)
    step = np.divide(given @ BUDGET[0], variance, out=np.zeros(len(given)), where=free)
    closed = given - gain * step[:, np.newaxis]
    filled = error > 0.0
    below = (closed < 0.0) & filled
    negative = free & below[:, list(POSITIVE)].any(axis=1)
    for told in np.unique(filled[negative], axis=0):
        rows = np.flatnonzero(negative & (filled == told).all(axis=1))
        # what was observed may be negative
        held = tuple(flux for flux in POSITIVE if told[flux])
        whole = covariance[rows]
        own = np.arange(given.shape[1])
        largest = whole[:, own, own].max(axis=1, keepdims=True)
        whole[:, own, own] += FLOOR * largest
        found = solve(given[rows], whole, BUDGET, held)[:, : given.shape[1]]
        closed[rows] = np.where(told, found, given[rows])
    return np.asarray(closed)
