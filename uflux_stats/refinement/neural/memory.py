"""What a network remembers of the months before: two small encoders of a sequence.

All arrays have the members first. The encoders end in ``CODE`` numbers for a row.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from uflux_stats.refinement.neural.backend import Tensor, torch
from uflux_stats.refinement.neural.options import Memory

CODE: Final = 16
_KERNEL: Final = 3
"""Months that one convolution sees."""

Drawn = dict[str, NDArray[np.float64]]


def initial_memory(
    rng: np.random.Generator, memory: Memory, months: int, drivers: int, hidden: int
) -> Drawn:
    """Draw first weights of an encoder, and of its way into the first shared layer."""
    if memory == "none":
        return {}
    sizes = _lstm_sizes(drivers) if memory == "lstm" else _tcn_sizes(months, drivers)
    drawn = {name: rng.normal(size=size) / np.sqrt(size[0]) for name, size in sizes.items()}
    biases = {f"{name}_bias": np.zeros(size[1]) for name, size in sizes.items()}
    return {**drawn, **biases, "recall": rng.normal(size=(CODE, hidden)) / np.sqrt(CODE)}


def _lstm_sizes(drivers: int) -> dict[str, tuple[int, int]]:
    return {"gates": (drivers + CODE, 4 * CODE)}


def _tcn_sizes(months: int, drivers: int) -> dict[str, tuple[int, int]]:
    left = (months - _KERNEL + 1) // _KERNEL
    sizes = {"near": (_KERNEL * drivers, CODE), "far": (_KERNEL * CODE, CODE)}
    return sizes | {"year": (left * CODE, CODE)}


def memory_inputs(memory: Memory, dealt: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Lay a number for each driver (driver,) out along the inputs of the first layer."""
    if memory == "none":
        return {}
    if memory == "tcn":
        return {"near": np.repeat(dealt, _KERNEL)[:, np.newaxis]}
    return {"gates": np.concatenate([dealt, np.ones(CODE, np.float32)])[:, np.newaxis]}


def encode(weights: dict[str, Tensor], past: Tensor, memory: Memory) -> Tensor:
    """Encode sequences (member, row, month, driver), oldest first, to (member, row, code)."""
    how: dict[str, Callable[[dict[str, Tensor], Tensor], Any]] = {"tcn": _tcn, "lstm": _lstm}
    return how[memory](weights, past)


def _tcn(weights: dict[str, Tensor], past: Tensor) -> Tensor:
    """Convolve along time, first month by month, then by quarters that do not overlap."""
    silu = torch().nn.functional.silu
    near = silu(_dense(weights, "near", past.unfold(-2, _KERNEL, 1).flatten(-2)))
    # the latest quarters: what is left over is the oldest month or two
    near = near[..., near.shape[-2] % _KERNEL :, :]
    far = silu(_dense(weights, "far", near.unfold(-2, _KERNEL, _KERNEL).flatten(-2)))
    return silu(_dense(weights, "year", far.flatten(-2).unsqueeze(-2))).squeeze(-2)


def _lstm(weights: dict[str, Tensor], past: Tensor) -> Tensor:
    """Go through the months with gates that keep, take in and give out."""
    library = torch()
    drivers = past.shape[-1]
    matrix = weights["gates"]
    given = past @ matrix[:, :drivers].unsqueeze(-3) + weights["gates_bias"][:, None, None]
    state = cell = given.new_zeros((*given.shape[:-2], CODE))
    for month in given.unbind(-2):
        keep, take, give, new = (month + state @ matrix[:, drivers:]).chunk(4, dim=-1)
        cell = library.sigmoid(keep + 1.0) * cell + library.sigmoid(take) * library.tanh(new)
        state = library.sigmoid(give) * library.tanh(cell)
    return state


def _dense(weights: dict[str, Tensor], name: str, values: Tensor) -> Tensor:
    """Apply a layer to (member, row, month, value)."""
    bias = weights[f"{name}_bias"][:, None, None]
    return values @ weights[name].unsqueeze(-3) + bias
