"""Kernel ridge regression on drawn rows: smooth where trees are steps, calm where no row is."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from threadpoolctl import threadpool_limits

from uflux_stats.refinement.learners import Ensemble, Table
from uflux_stats.refinement.learning.drawing import drawn
from uflux_stats.refinement.learning.lesson import Lesson, Values
from uflux_stats.refinement.learning.models import Head
from uflux_stats.refinement.options import RefineOptions

ROWS: Final = 1024
"""Rows at a time, so that what is between steps stays near the processor."""
_FARTHEST: Final = 4.0
"""Standard deviations from the mean at which a predictor is held."""
_LEAST: Final = np.float32(-60.0)
"""Exponent at which a bell is held: numbers much below are slow, and of no weight."""
_JITTER: Final = 1e-5
"""First floor of the eigenvalues of the normal equations, in units of their mean."""


@dataclass(frozen=True)
class Smooth:
    """One member: a line in the fluxes of the baseline, and bells around rows of training.

    Attributes
    ----------
    centre, spread : array, (feature,)
        Mean and standard deviation of the predictors in training; an infinite spread drops one.
    points : array, (point, feature) [standard deviations]
        Middles of the bells.
    height : array, (point,)
    mean : array, (1,)
    slope : array, (feature,)
        With ``mean``, the line that is predicted far from all points; zero but for the fluxes of
        the baseline.
    length : array, (1,) [standard deviations]
        Width of the bells, over all predictors.
    """

    centre: Table
    spread: Table
    points: Table
    height: Table
    mean: Table
    slope: Table
    length: Table

    def predict(self, table: Table) -> Table:
        """Predict rows of predictors, (row,).

        All blocks are of one size: rounding, and with it the prediction of a row, does not hang on
        how many others there are.
        """
        predicted = np.empty(len(table), np.float32)
        drawn = np.isfinite(self.spread)
        centre, spread, slope = self.centre[drawn], self.spread[drawn], self.slope[drawn]
        points = np.ascontiguousarray(self.points[:, drawn])
        bells = np.empty((ROWS, len(points)), np.float32)
        for start in range(0, len(table), ROWS):
            rows = table[start : start + ROWS, drawn]
            block = np.zeros((ROWS, len(centre)), np.float32)
            block[: len(rows)] = _scaled(rows, centre, spread)
            _lay_bells(bells, block, points, self.length)
            found = self.mean + block @ slope + bells @ self.height
            predicted[start : start + ROWS] = found[: len(rows)]
        return predicted


@dataclass(frozen=True)
class Kernel:
    """An ensemble, each of whose members saw its own draw of rows and predictors."""

    members: tuple[Smooth, ...]

    @property
    def width(self) -> int:
        """Number of predictors."""
        return len(self.members[0].centre)

    @property
    def trees(self) -> Ensemble:
        """None: there are no trees."""
        return []

    def predict(self, table: Table, *, threads: int = 1) -> Table:
        """Predict with every member, (member, row); threads share the members."""
        with _one_thread(), ThreadPoolExecutor(threads) as pool:
            return np.stack(list(pool.map(lambda member: member.predict(table), self.members)))

    def importance(self) -> NDArray[np.float64]:
        """Tell that all predictors count alike."""
        return np.full(self.width, 1.0 / self.width)

    def save(self, folder: Path, stem: str) -> Head:
        """Write the arrays of all members to one file."""
        names = [field.name for field in fields(Smooth)]
        arrays = {f"{n:03d}/{name}": getattr(member, name)
                  for n, member in enumerate(self.members) for name in names}  # fmt: skip
        with (folder / f"{stem}.npz").open("wb") as stream:
            np.savez(stream, **arrays)
        return {"kind": "kernel", "stem": stem, "members": len(self.members)}

    @classmethod
    def load(cls, folder: Path, head: Head) -> "Kernel":
        """Read what ``save`` wrote; no code is run from the file."""
        names = [field.name for field in fields(Smooth)]
        with (
            (folder / f"{head['stem']}.npz").open("rb") as stream,
            np.load(stream, allow_pickle=False) as stored,
        ):
            return cls(tuple(Smooth(**{name: stored[f"{n:03d}/{name}"] for name in names})
                             for n in range(head["members"])))  # fmt: skip


def fit_kernel(lesson: Lesson, options: RefineOptions, seed: Sequence[int]) -> Kernel:
    """Fit ``options.members`` members, each on its own draw of rows and predictors.

    The kernel is Gaussian on standardised predictors, a missing one being average; the solution is
    sought among bells around drawn rows (Nystroem's approximation). What it departs from is linear
    in the fluxes of the baseline, so that it follows them where no row is near. Its slopes are
    fitted together with the bells (as by universal kriging, but for a slight penalty); where these
    fluxes are average it is the weighted mean of the target, which is not fitted again.

    References
    ----------
    Cressie (1993), Statistics for Spatial Data, Wiley, section 3.4 (universal kriging).
    Williams and Seeger (2001), Using the Nystroem method to speed up kernel machines, NIPS 13.
    """
    members = range(options.members)
    with _one_thread():
        return Kernel(tuple(_fit_member(lesson, options, [*seed, number]) for number in members))


def _one_thread() -> threadpool_limits:
    """Hold BLAS to one thread: folds have theirs, and results depend on no number of them."""
    return threadpool_limits(1, user_api="blas")


def _fit_member(lesson: Lesson, options: RefineOptions, seed: Sequence[int]) -> Smooth:
    seen, columns, rng = drawn(lesson, options, seed)
    centre, spread = _standard(seen.table)
    scaled = _scaled(seen.table, centre, spread)
    length = np.full(1, options.kernel.length * np.sqrt(len(columns)), np.float32)
    chance = seen.weight / seen.weight.sum()
    count = min(options.kernel.points, len(scaled))
    points = scaled[rng.choice(len(scaled), count, replace=False, p=chance)]
    inverse = TowerErrors.of(seen, options.kernel.tower)
    mean = np.average(seen.target, weights=inverse.times(np.ones(len(seen.target))))
    trend = seen.trend if options.kernel.trend else seen.trend[:0]
    height, slope = _solve(scaled, trend, (points, length, options.kernel.ridge),
                           (seen.target - mean, inverse))  # fmt: skip
    width = lesson.table.shape[1]
    return Smooth(
        centre=_spread_out(centre, columns, width, 0.0),
        spread=_spread_out(spread, columns, width, np.inf),
        points=_spread_out(points, columns, width, 0.0),
        height=height.astype(np.float32),
        mean=np.full(1, mean, np.float32),
        slope=_spread_out(slope.astype(np.float32), columns[trend], width, 0.0),
        length=length,
    )


@dataclass(frozen=True)
class TowerErrors:
    """Inverse of the covariance of errors, of which each tower has one in common.

    The covariance is diagonal, one over the weight of each row, plus a constant among the rows of
    one tower; its inverse is written out by the formula of Sherman and Morrison.

    Attributes
    ----------
    weight : array, (row,)
    member : sparse array, (row, tower)
        One where a row is of a tower.
    share : array, (tower,)
        Of the weighted sum of the tower that is taken for its own.
    """

    weight: Table
    member: sparse.csr_array
    share: Table

    @classmethod
    def of(cls, lesson: Lesson, tower: float) -> "TowerErrors":
        """Take rows and towers of a lesson; ``tower`` is the constant."""
        _, number = np.unique(lesson.tower, return_inverse=True)
        ones = np.ones(len(number), np.float32)
        member = sparse.csr_array((ones, (np.arange(len(number)), number)))
        share = tower / (1.0 + tower * np.bincount(number, lesson.weight))
        return cls(lesson.weight.astype(np.float32), member, share.astype(np.float32))

    def times(self, values: Values) -> Values:
        """Multiply values, (row,), by the inverse.

        Examples
        --------
        Two rows of one tower and one of another, with an error in common as large as their own:

        >>> lesson = Lesson(np.zeros((3, 1)), np.zeros(3), np.ones(3), np.array([4, 4, 7]))
        >>> TowerErrors.of(lesson, 1.0).times(np.ones(3)).round(3).tolist()
        [0.333, 0.333, 0.5]
        """
        weighted = values * self.weight
        own = self.share * (self.member.T @ weighted)
        rest: Values = weighted - (self.member @ own) * self.weight
        return rest

    def product(self, blocks: Iterable[tuple[slice, Table]], width: int) -> Table:
        """Multiply columns by the inverse and by themselves, (column, column).

        Parameters
        ----------
        blocks : iterable of (slice, array)
            Rows, and their columns (row, column), which are changed in place.
        width : int
            Number of columns.
        """
        root = np.sqrt(self.weight)
        total = np.zeros((width, width), np.float32)
        own = np.zeros((len(self.share), width), np.float32)
        for rows, columns in blocks:
            columns *= root[rows, np.newaxis]
            total += columns.T @ columns
            own += self.member[rows].T @ (columns * root[rows, np.newaxis])
        total -= (own.T * self.share) @ own
        return total


def _spread_out(values: Table, columns: NDArray[np.intp], width: int, fill: float) -> Table:
    """Put values of some predictors, the last axis, where they are among all."""
    whole = np.full((*values.shape[:-1], width), fill, np.float32)
    whole[..., columns] = values
    return whole


def _standard(table: Table) -> tuple[Table, Table]:
    """Mean and standard deviation of each predictor where it is known; infinite if none is."""
    known = np.isfinite(table)
    count = np.maximum(known.sum(axis=0), 1)
    centre = np.where(known, table, 0.0).sum(axis=0, dtype=float) / count
    square = np.where(known, table - centre, 0.0) ** 2
    spread = np.sqrt(square.sum(axis=0, dtype=float) / count)
    return centre.astype(np.float32), np.where(spread > 0.0, spread, np.inf).astype(np.float32)


def _scaled(table: Table, centre: Table, spread: Table) -> Table:
    scaled = np.nan_to_num((table - centre) / spread, copy=False, nan=0.0)
    held: Table = np.clip(scaled, -_FARTHEST, _FARTHEST, out=scaled)
    return held


def _lay_bells(bells: Table, rows: Table, points: Table, length: Table) -> None:
    """Write the Gaussian kernel of rows and points to ``bells``, (row, point)."""
    narrow = points / length**2
    np.matmul(rows, narrow.T, out=bells)
    bells -= (rows**2).sum(axis=1)[:, np.newaxis] * np.float32(0.5) / length**2
    bells -= (points * narrow).sum(axis=1) * np.float32(0.5)
    np.clip(bells, _LEAST, 0.0, out=bells)
    np.exp(bells, out=bells)


def _solve(
    scaled: Table,
    trend: NDArray[np.intp],
    kernel: tuple[Table, Table, float],
    rows: tuple[Values, TowerErrors],
) -> tuple[Values, Values]:
    """Heights and slopes that fit weighted residuals.

    Heights are penalised by their norm in the space of the kernel, slopes by their squares.
    """
    points, length, ridge = kernel
    residual, inverse = rows
    bells, slopes = np.split(np.arange(len(points) + len(trend)), [len(points)])
    last = len(points) + len(trend)

    def blocks() -> Iterator[tuple[slice, Table]]:
        design = np.empty((ROWS, last + 1), np.float32)
        for start in range(0, len(scaled), ROWS):
            chosen = slice(start, start + ROWS)
            block = design[: len(scaled[chosen])]
            _lay_bells(block[:, : len(points)], scaled[chosen], points, length)
            block[:, slopes] = scaled[chosen][:, trend]
            block[:, last] = residual[chosen]
            yield chosen, block

    product = inverse.product(blocks(), last + 1).astype(np.float64)
    normal, known = product[:last, :last], product[:last, last]
    among = np.empty((len(points), len(points)), np.float32)
    _lay_bells(among, points, points, length)
    normal[: len(points), : len(points)] += ridge * among
    normal[slopes, slopes] += ridge
    found: Values = cho_solve(_factor(normal, bells), known)
    return found[: len(points)], found[len(points) :]


def _factor(normal: Values, bells: NDArray[np.intp]) -> tuple[Values, bool]:
    """Factorise the normal equations.

    Bells that are nearly the same need a floor, in proportion to what single precision loses: the
    more bells, the more of it.
    """
    floor = _JITTER * normal[bells, bells].mean()
    while True:
        normal[bells, bells] += floor
        try:
            factor, lower = cho_factor(normal)
        except LinAlgError:
            floor *= 10.0
        else:
            return factor, lower
