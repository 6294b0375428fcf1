"""Run a NumPy kernel over every series of a labelled array, in bounded memory.

A kernel sees ``(cells, steps)`` in float64 and answers ``(cells, fields)``. What cannot be computed
is decided here, once for all kernels, and recorded per cell as ``status``.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import xarray as xr

Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Integers: TypeAlias = npt.NDArray[np.int64]
Kernel: TypeAlias = Callable[[Floats], Floats]

STATUS: Final = (
    "computed", "no_data", "too_short", "constant", "too_few_members",
    "zero_mean", "no_yearly_wave", "negative_variance",
)  # fmt: skip
"""Meaning of the codes in ``status``, in order; of the last three only a part is missing."""
ROUNDING: Final = 1e-12
"""What varies less than this share of its size is constant but for rounding."""
CELLS_AT_ONCE: Final = 16384
FIELD: Final = "field"


def classify(series: Floats, *, at_least: int) -> Integers:
    """Say for each series whether a statistic can be computed.

    Parameters
    ----------
    series : array, (cells, steps)
        Any unit; missing values are not finite.
    at_least : int
        Fewest finite values of a series that is long enough.

    Returns
    -------
    array, (cells,)
        Index into ``STATUS``.

    Examples
    --------
    >>> gaps = np.array([[1.0, 2.0, 4.0], [np.nan] * 3, [1.0, np.nan, 2.0], [5.0] * 3])
    >>> [STATUS[code] for code in classify(gaps, at_least=3)]
    ['computed', 'no_data', 'too_short', 'constant']
    """
    finite = np.isfinite(series)
    n = finite.sum(axis=1)
    largest = np.where(finite, series, -np.inf).max(axis=1)
    smallest = np.where(finite, series, np.inf).min(axis=1)
    size = np.maximum(np.abs(largest), np.abs(smallest))
    constant = np.where(n > 0, largest, 0.0) - np.where(n > 0, smallest, 0.0) <= ROUNDING * size
    return np.select([n == 0, n < at_least, constant], [1, 2, 3], default=0)


def compute(kernel: Kernel, values: npt.ArrayLike, *, fields: int, at_least: int) -> Floats:
    """Apply ``kernel`` to the last axis of ``values``, block by block.

    Parameters
    ----------
    kernel : callable
        From ``(cells, steps)`` to ``(cells, fields)``; sees only series that can be computed.
    values : array, (..., steps)
        Any unit.
    fields : int
        How many numbers the kernel gives per series.
    at_least : int
        Fewest finite values of a series.

    Returns
    -------
    array, (..., fields + 2)
        The fields (missing where not computed), then the count of finite values and the status.
    """
    array = np.asarray(values, dtype=np.float64)
    series = array.reshape(-1, array.shape[-1])
    out = np.full((len(series), fields + 2), np.nan)
    for start in range(0, len(series), CELLS_AT_ONCE):
        rows = slice(start, start + CELLS_AT_ONCE)
        block = np.where(np.isinf(series[rows]), np.nan, series[rows])
        status = classify(block, at_least=at_least)
        usable = status == 0
        if usable.any():
            chosen = block if usable.all() else block[usable]
            out[start + np.flatnonzero(usable), :fields] = kernel(chosen)
        out[rows, fields] = np.isfinite(block).sum(axis=1)
        out[rows, fields + 1] = status
    return out.reshape(*array.shape[:-1], fields + 2)


def apply_kernel(
    kernel: Kernel, values: xr.DataArray, dim: str, *, fields: tuple[str, ...], at_least: int
) -> xr.Dataset:
    """Apply ``kernel`` along ``dim`` of a labelled array; lazy where the array is.

    Parameters
    ----------
    kernel : callable
        From ``(cells, steps)`` to ``(cells, fields)``.
    values : xr.DataArray, (..., dim)
        Any unit; Dask chunks along ``dim`` are joined.
    dim : str
        The dimension that disappears.
    fields : tuple of str
        Names of the kernel's numbers.
    at_least : int
        Fewest finite values of a series.

    Returns
    -------
    xr.Dataset, (...)
        One variable per field, and ``n`` and ``status``; without attributes but for ``status``.
    """
    names = [*fields, "n", "status"]
    if values.chunks is not None:
        values = values.chunk({dim: -1})
    stacked = xr.apply_ufunc(
        lambda array: compute(kernel, array, fields=len(fields), at_least=at_least),
        values,
        input_core_dims=[[dim]],
        output_core_dims=[[FIELD]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {FIELD: len(names)}},
    )
    data = xr.Dataset({name: stacked.isel({FIELD: i}) for i, name in enumerate(names)})
    data = data.assign(n=data["n"].astype(np.int64), status=data["status"].astype(np.int8))
    for name in names:
        data[name].attrs = {}
    data["status"].attrs = status_attrs()
    return data


def status_of(*reasons: tuple[str, xr.DataArray]) -> xr.DataArray:
    """Say why something is missing: the first reason that holds, or that it is computed.

    Parameters
    ----------
    *reasons : (str, xr.DataArray of bool)
        Names of ``STATUS`` and where they hold, the strongest first.

    Returns
    -------
    xr.DataArray
        Index into ``STATUS``, described as CF flags.

    Examples
    --------
    >>> n = xr.DataArray([0, 2, 9], dims="cell")
    >>> [STATUS[code] for code in status_of(("no_data", n == 0), ("too_short", n < 4)).values]
    ['no_data', 'too_short', 'computed']
    """
    codes = xr.zeros_like(reasons[0][1], dtype=np.int8)
    for name, holds in reversed(reasons):
        codes = codes.where(~holds, np.int8(STATUS.index(name)))
    return codes.astype(np.int8).assign_attrs(status_attrs())


def status_attrs() -> dict[str, object]:
    """Attributes that say what the codes in ``status`` mean (CF flags)."""
    return {"flag_values": list(range(len(STATUS))), "flag_meanings": " ".join(STATUS)}
