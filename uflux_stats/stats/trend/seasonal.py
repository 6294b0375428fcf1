"""The seasonal Mann-Kendall test: trends in monthly series, each month against itself."""

import numpy as np

from uflux_stats.stats.cells import Floats
from uflux_stats.stats.trend.rank import (
    RANK_FIELDS,
    KendallTest,
    kendall_test,
    median_sorted,
    pair_slopes,
    sen_interval,
    variance,
)

CELLS_AT_ONCE = 512
MONTHS = 12


def seasonal_mann_kendall(months: Floats, time: Floats, confidence: float) -> Floats:
    """Median slope over all pairs of the same month, tested over all months together.

    Months are taken as independent of each other.

    Arguments and result are those of a monthly ``Method.kernel``; the columns are ``RANK_FIELDS``.

    References
    ----------
    Hirsch, R. M., Slack, J. R. and Smith, R. A. (1982), Water Resour. Res. 18, 107-121,
    doi 10.1029/WR018i001p00107.
    """
    out = np.empty((len(months), len(RANK_FIELDS)))
    for start in range(0, len(months), CELLS_AT_ONCE):
        block = months[start : start + CELLS_AT_ONCE].reshape(-1, len(time), MONTHS)
        out[start : start + CELLS_AT_ONCE] = _test_block(block, time, confidence)
    return out


def _test_block(block: Floats, time: Floats, confidence: float) -> Floats:
    seasons = [np.ascontiguousarray(block[:, :, month]) for month in range(MONTHS)]
    slopes = np.concatenate([pair_slopes(season, time) for season in seasons], axis=1)
    slopes.sort(axis=1)
    test: KendallTest = kendall_test(slopes, sum(map(variance, seasons), np.zeros(len(block))))
    slope = median_sorted(slopes)
    low, high = sen_interval(slopes, test, confidence)
    flat = block.reshape(len(block), -1)
    fraction = (np.arange(MONTHS) / MONTHS + time[:, None]).ravel()
    present = np.where(np.isfinite(flat), fraction, np.nan)
    intercept = np.nanmedian(flat, axis=1) - slope * np.nanmedian(present, axis=1)
    return np.column_stack([slope, low, high, test.p, intercept, test.z, test.tau])
