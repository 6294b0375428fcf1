"""Rounding of single-precision results to the bits that mean something, so that they pack well."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

MANTISSA: Final = 23
"""Bits of the mantissa of a number in single precision."""
KEPT: Final = 13
"""Bits that are kept: a relative error of at most 1/16384, far below any spread of fluxes."""


def round_mantissa(values: NDArray[np.float32], *, kept: int = KEPT) -> NDArray[np.float32]:
    """Round to the nearest number with few bits of mantissa; the others become zero.

    Parameters
    ----------
    values : array of float32, any shape
        Missing values stay missing.
    kept : int
        Bits of the mantissa to keep, at most 22.

    Returns
    -------
    array of float32, same shape

    References
    ----------
    Klower et al. (2021), doi 10.1038/s43588-021-00156-2.

    Examples
    --------
    >>> round_mantissa(np.float32([1.0, 1.00001, 1.2345678, np.nan])).tolist()
    [1.0, 1.0, 1.2346..., nan]
    """
    lost = MANTISSA - kept
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    # half of the last bit kept, less one where that bit is even: ties go to the even
    half = np.uint32((1 << (lost - 1)) - 1) + ((bits >> np.uint32(lost)) & np.uint32(1))
    mask = np.uint32(0xFFFFFFFF ^ ((1 << lost) - 1))
    rounded = ((bits + half) & mask).view(np.float32)
    return np.where(np.isfinite(values), rounded, values)
