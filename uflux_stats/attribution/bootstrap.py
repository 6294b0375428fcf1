"""Resampling of rows that are neither independent in time nor in space.

A tower or a single series is resampled in moving blocks of twelve consecutive rows (Kunsch 1989,
doi 10.1214/aos/1176347265). Cells of a grid are all there are, and share their weather: calendar
years are drawn, the same for all. Towers are a sample of places and share their weather too: whole
towers are drawn, and calendar years by themselves, and the wider interval is given. To draw both
at once would count the noise of single months twice (Owen 2007, doi 10.1214/07-AOAS122).
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from uflux_stats.attribution.samples import Sample
from uflux_stats.choices import require_options
from uflux_stats.errors import ConfigError

Array = NDArray[np.float64]
Counts = NDArray[np.float64]
Scheme = Literal["blocks", "places", "years"]
MIN_CLUSTERS: Final = 5
"""With fewer towers or clusters only months are resampled: the interval is then for these alone."""
MIN_YEARS: Final = 3
"""With fewer calendar years these cannot be resampled."""
FEWEST_KNOWN: Final = 3.0
"""Below so many degrees of freedom Satterthwaite's approximation is far too wide."""


@dataclass(frozen=True)
class BootstrapOptions:
    """How intervals are made.

    Attributes
    ----------
    replicates : int
    block : int
        Rows in a block; twelve months keep the seasonal cycle and most of the memory of weather.
        1 takes rows for independent, which they hardly are.
    level : float
        Of the interval.
    seed : int

    Raises
    ------
    ConfigError
        If a value is out of its range.
    """

    replicates: int = 500
    block: int = 12
    level: float = 0.9
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.replicates < 20 or self.block < 1 or not 0.0 < self.level < 1.0:
            raise ConfigError(
                "replicates, block, level: expected at least 20, at least 1 and a share between 0 "
                f"and 1, got {self.replicates}, {self.block} and {self.level}"
            )


def bootstrap_options(**options: Any) -> BootstrapOptions:
    """Make options of keywords; raise ``ConfigError`` for an unknown one."""
    require_options(options, [one.name for one in fields(BootstrapOptions)])
    return BootstrapOptions(**options)


def schemes(sample: Sample) -> tuple[Scheme, ...]:
    """Say what is resampled, each by itself: of their intervals the wider holds.

    Parameters
    ----------
    sample : Sample

    Returns
    -------
    tuple of str
        "blocks" of months of each place, whole "places" (clusters of cells), or calendar "years"
        of all places together.
    """
    places = len(np.unique(sample.cluster))
    apart: Scheme = "places" if places >= MIN_CLUSTERS else "blocks"
    if len(np.unique(sample.place)) == 1 or len(_rows_of_years(sample)) < MIN_YEARS:
        return (apart,)
    return ("years",) if sample.pixels else (apart, "years")


def draw_counts(sample: Sample, options: BootstrapOptions, scheme: Scheme) -> Counts:
    """Draw how often each row is in each replicate.

    Parameters
    ----------
    sample : Sample
    options : BootstrapOptions
    scheme : {"blocks", "places", "years"}
        One of ``schemes``.

    Returns
    -------
    array, (replicate, row)
        Whole numbers.
    """
    return _DRAWS[scheme](sample, options, np.random.default_rng(options.seed))


def degrees_of_freedom(sample: Sample, options: BootstrapOptions, scheme: Scheme) -> int:
    """How many independent pieces carry the interval, less what is fitted to them.

    That is the mean; and of blocks or years, of which the effect itself is estimated, that effect:
    the products of driver and residual of all of them sum to nothing, as they do not in towers
    that differ. Years of few rows count for less (Kish 1965: the sum squared over that of squares).
    """
    if scheme == "places":
        return len(np.unique(sample.cluster)) - 1
    if scheme == "years":
        rows = _rows_of_years(sample)
        return max(int(rows.sum() ** 2 / (rows**2).sum()) - 2, 1)
    return max(_blocks(sample, options) - 2, 1)


def _rows_of_years(sample: Sample) -> NDArray[np.intp]:
    return np.unique(sample.month // 12, return_counts=True)[1]


def _blocks(sample: Sample, options: BootstrapOptions) -> int:
    rows = 12 if sample.transform == "annual" else 1
    return sample.n * rows // options.block


def interval_factor(sample: Sample, options: BootstrapOptions, scheme: Scheme) -> float:
    """Half-width of the interval in standard deviations of the replicates.

    Student's t for few pieces and their degrees of freedom in the variance. For blocks and years
    also what pieces of this length miss of the memory (as prewhitening does: Andrews and Monahan
    1992, doi 10.2307/2951574); for blocks the degrees of freedom that a regression on all other
    nodes takes from the effective number of rows.
    """
    freedom = degrees_of_freedom(sample, options, scheme)
    if scheme == "places":
        width = student.ppf(0.5 + options.level / 2.0, freedom)
        return float(width * np.sqrt((freedom + 1.0) / freedom))
    memory, rows = memory_of(sample), _rows_of_piece(sample, options, scheme)
    known = freedom_of_variance(freedom, rows, memory)
    inflation = (freedom + 2.0) / freedom
    if rows > 1.0:
        inflation *= missed_memory(memory, round(rows))
    if scheme == "blocks" and options.block > 1:
        effective = sample.n * (1.0 - memory) / (1.0 + memory)
        taken = min(len(sample.names), effective / 2.0)
        inflation *= effective / (effective - taken)
    return float(student.ppf(0.5 + options.level / 2.0, known) * np.sqrt(inflation))


def freedom_of_variance(freedom: float, rows: float, memory: float) -> float:
    """Degrees of freedom of the variance between pieces that are sums of few products.

    What a piece adds to an effect is a sum of products of driver and residual. Of two normals such
    a product has an excess kurtosis of 6, a sum of independent ones its share of that, and the
    variance of as many of them is known as well as its own variance says (Satterthwaite 1946, doi
    10.2307/3002019): worse than that of normal pieces. Never taken for fewer than three, or than
    that of normal pieces: replicates of so few years already spread more than their sums.

    Parameters
    ----------
    freedom : float
        Of normal pieces.
    rows : float
        Of one place in a piece; all places are taken to share their weather.
    memory : float
        Lag-1 correlation of the products, see ``memory_of``.

    Examples
    --------
    Ten years of twelve months, and of one month:

    >>> round(freedom_of_variance(10, 12, 0.0), 1), round(freedom_of_variance(10, 1, 0.0), 1)
    (8.0, 3.0)
    """
    independent = max(rows * (1.0 - memory) / (1.0 + memory), 1.0)
    known = 2.0 / (2.0 / freedom + 6.0 / independent / freedom)
    return max(known, min(freedom, FEWEST_KNOWN))


def _rows_of_piece(sample: Sample, options: BootstrapOptions, scheme: Scheme) -> float:
    """Rows of one place in a block or in a calendar year."""
    if scheme == "years":
        return len(np.unique(sample.month)) / len(np.unique(sample.month // 12))
    return 1.0 if sample.transform == "annual" else options.block


def missed_memory(memory: float, block: int) -> float:
    """Ratio of the variance of a mean to what blocks see of it, for a given lag-1 correlation.

    Blocks weigh the correlation at lag k by 1 - k / block, and see none beyond their length.

    Examples
    --------
    >>> missed_memory(0.0, 12), round(missed_memory(0.49, 12), 2)
    (1.0, 1.12)
    """
    lags = np.arange(1, block)
    seen = 1.0 + 2.0 * float(((1.0 - lags / block) * memory**lags).sum())
    return (1.0 + memory) / (1.0 - memory) / seen


def memory_of(sample: Sample) -> float:
    """Typical lag-1 correlation of products of two columns: the square of that of one.

    Its bias in short records is removed (Kendall 1954, doi 10.1093/biomet/41.3-4.403).
    """
    together = sample.place[1:] == sample.place[:-1]
    if together.sum() < 2 * MIN_CLUSTERS:
        return 0.0
    centred = sample.values - sample.values.mean(axis=0)
    before, after = centred[:-1][together], centred[1:][together]
    scale = np.sqrt((before**2).sum(axis=0) * (after**2).sum(axis=0))
    lagged = (before * after).sum(axis=0) / np.where(scale > 0, scale, 1.0)
    one = float(lagged.mean())
    return float(np.clip(one + (1.0 + 4.0 * one) / together.sum(), 0.0, 0.95) ** 2)


def _moving_blocks(sample: Sample, options: BootstrapOptions, rng: np.random.Generator) -> Counts:
    block = 1 if sample.transform == "annual" else options.block
    first = np.flatnonzero(np.diff(sample.place, prepend=sample.place[0] - 1))
    sizes = np.diff(first, append=sample.n)
    change = np.zeros((options.replicates, sample.n + 1))
    replicate = np.arange(options.replicates)[:, np.newaxis]
    for start, size in zip(first, sizes, strict=True):
        whole, rest = divmod(int(size), block)
        lengths = np.array([block] * whole + [rest] * (rest > 0))
        drawn = rng.random((options.replicates, len(lengths))) * (size - lengths + 1)
        begin = start + drawn.astype(int)
        np.add.at(change, (replicate, begin), 1.0)
        np.add.at(change, (replicate, begin + lengths), -1.0)
    counts: Counts = np.cumsum(change[:, :-1], axis=1)
    return counts


def _places(sample: Sample, options: BootstrapOptions, rng: np.random.Generator) -> Counts:
    """Draw whole towers, or clusters of cells, with replacement."""
    return _drawn(sample.cluster, options, rng)


def _years(sample: Sample, options: BootstrapOptions, rng: np.random.Generator) -> Counts:
    """Draw calendar years with replacement, the same for all places."""
    return _drawn(sample.month // 12, options, rng)


def _drawn(labels: NDArray[np.intp], options: BootstrapOptions, rng: np.random.Generator) -> Counts:
    """Draw labels (row,) with replacement, all rows of a label together."""
    found, member = np.unique(labels, return_inverse=True)
    even = np.full(len(found), 1.0 / len(found))
    drawn = rng.multinomial(len(found), even, options.replicates)
    counts: Counts = drawn[:, member].astype(np.float64)
    return counts


_Draw = Callable[[Sample, BootstrapOptions, np.random.Generator], Counts]
_DRAWS: Final[dict[Scheme, _Draw]] = {
    "blocks": _moving_blocks, "places": _places, "years": _years,
}  # fmt: skip
