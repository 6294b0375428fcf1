"""The network: two shared layers, a head for each flux, and how outputs become fluxes.

Weights are a plain dictionary of arrays with the members first, so that an ensemble is computed at
once and saved without pickle. In scaled units a head adds to the baseline (or the mean) of its
flux; NEE is RECO - GPP plus what its head adds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from uflux_stats.refinement.neural.backend import Tensor, torch
from uflux_stats.refinement.neural.memory import encode, initial_memory
from uflux_stats.refinement.neural.options import Memory, Monotone, Positivity
from uflux_stats.refinement.responses import RESPONSES

Weights = dict[str, NDArray[np.float32]]

NOT_NEGATIVE: Final = ("GPP", "RECO")
SHARPNESS: Final = 10.0
"""Of softplus, per standard deviation of the flux: at zero it lifts by ln(2)/10 of one."""
FIRST_LIFT: Final = 0.05
"""How much a unit of a built-in response raises its flux at first, in standard deviations."""


@dataclass(frozen=True)
class Design:
    """What comes out of a network, and what it is built of.

    Attributes
    ----------
    fluxes : tuple of str
    scale : tuple of float
        Standard deviation of each flux as observed, in its unit.
    positivity, built_in, memory
        See ``NetworkOptions``; responses of fluxes that are not there are left out.
    """

    fluxes: tuple[str, ...]
    scale: tuple[float, ...]
    positivity: Positivity
    built_in: tuple[Monotone, ...] = ()
    memory: Memory = "none"

    @property
    def balanced(self) -> bool:
        """Whether all three terms of RECO - GPP = NEE are there."""
        return {"GPP", "RECO", "NEE"} <= set(self.fluxes)

    @property
    def ordered(self) -> tuple[str, ...]:
        """The flux of each built-in response."""
        return tuple(RESPONSES[name].flux for name in self.built_in)


@dataclass(frozen=True)
class Signals:
    """What goes into a network, as tensors.

    Attributes
    ----------
    plain : tensor, (..., row, input) [standard deviations]
    base : tensor, (..., row, flux) [standard deviations]
        What the heads add to.
    free, rising : tuple of tensor, (..., row, input) and (..., row, follower)
        Of each built-in response, see ``Ordering.split``.
    past : tensor, (..., row, month, driver), optional
    """

    plain: Tensor
    base: Tensor
    free: tuple[Tensor, ...] = ()
    rising: tuple[Tensor, ...] = ()
    past: Tensor | None = None

    def each(self, change: Callable[[Tensor], Tensor]) -> "Signals":
        """Return the same with all tensors changed."""
        free, rising = (tuple(map(change, parts)) for parts in (self.free, self.rising))
        past = None if self.past is None else change(self.past)
        return Signals(change(self.plain), change(self.base), free, rising, past)

    def tensors(self) -> list[Tensor]:
        """List what is there."""
        past = [] if self.past is None else [self.past]
        return [self.plain, self.base, *self.free, *self.rising, *past]


@dataclass(frozen=True)
class Sizes:
    """Numbers of inputs and units; ``rising`` as in ``Signals``, ``past`` (month, driver)."""

    inputs: int
    hidden: int
    rising: tuple[int, ...] = ()
    past: tuple[int, int] = (0, 0)


def initial_weights(rng: np.random.Generator, design: Design, sizes: Sizes) -> Weights:
    """Draw first weights of a member (He et al. 2015); heads start at zero: at the baseline.

    Examples
    --------
    >>> design = Design(("GPP",), (1.0,), "none")
    >>> sorted(initial_weights(np.random.default_rng(0), design, Sizes(5, 8)))
    ['bias_0', 'bias_1', 'head', 'head_bias', 'layer_0', 'layer_1', 'out', 'out_bias']
    """
    fluxes, hidden = len(design.fluxes), sizes.hidden
    half = max(1, hidden // 2)
    drawn = {
        "layer_0": rng.normal(size=(sizes.inputs, hidden)) * np.sqrt(2.0 / sizes.inputs),
        "bias_0": np.zeros(hidden),
        "layer_1": rng.normal(size=(hidden, hidden)) * np.sqrt(2.0 / hidden),
        "bias_1": np.zeros(hidden),
        "head": rng.normal(size=(fluxes, hidden, half)) * np.sqrt(2.0 / hidden),
        "head_bias": np.zeros((fluxes, half)),
        "out": np.zeros((fluxes, half)),
        "out_bias": np.zeros(fluxes),
    }
    for name, rising in zip(design.built_in, sizes.rising, strict=True):
        drawn |= {
            f"gate_{name}": rng.normal(size=(hidden, half)) / np.sqrt(hidden),
            f"gate_{name}_bias": np.zeros(half),
            f"pull_{name}": rng.normal(size=(rising, half)) / np.sqrt(rising),
            f"lift_{name}": rng.choice([-FIRST_LIFT, FIRST_LIFT], half),
            f"line_{name}": rng.normal(size=rising) * FIRST_LIFT,
        }
    drawn |= initial_memory(rng, design.memory, *sizes.past, hidden)
    return {name: values.astype(np.float32) for name, values in drawn.items()}


def forward(weights: dict[str, Tensor], signals: Signals, design: Design) -> Tensor:
    """Compute fluxes.

    Parameters
    ----------
    weights : dict of tensor, (member, ...)
    signals : Signals
        With the members first, of which one serves all.
    design : Design

    Returns
    -------
    tensor, (member, row, flux)
        In the units of the fluxes.
    """
    library = torch()
    seen = _shared(weights, signals, design)
    streams = dict(zip(design.ordered, seen[1:], strict=True))
    heads = library.stack([streams.get(name, seen[0]) for name in design.fluxes], dim=-3)
    heads = heads @ weights["head"] + weights["head_bias"].unsqueeze(-2)
    heads = library.nn.functional.silu(heads) * weights["out"].unsqueeze(-2)
    out = heads.sum(-1) + weights["out_bias"].unsqueeze(-1)
    columns = dict(zip(design.fluxes, out.unbind(-2), strict=True))
    built_in = zip(design.built_in, design.ordered, signals.rising, seen[1:], strict=True)
    for response, flux, rising, stream in built_in:
        columns[flux] = columns[flux] + _risen(weights, response, rising, stream)
    for name, scale, base in zip(design.fluxes, design.scale, signals.base.unbind(-1), strict=True):
        columns[name] = scale * _shaped(library, columns[name] + base, name, design.positivity)
    if design.balanced:
        columns["NEE"] = columns["NEE"] + columns["RECO"] - columns["GPP"]
    return library.stack([columns[name] for name in design.fluxes], dim=-1)


def _shared(weights: dict[str, Tensor], signals: Signals, design: Design) -> tuple[Tensor, ...]:
    """Pass all inputs, and those of each built-in response, through the shared layers."""
    library = torch()
    silu = library.nn.functional.silu
    streams = library.cat([signals.plain, *signals.free], dim=-2)
    hidden = streams @ weights["layer_0"] + weights["bias_0"].unsqueeze(-2)
    if signals.past is not None:
        recalled = encode(weights, signals.past, design.memory) @ weights["recall"]
        hidden = hidden + library.cat([recalled] * (1 + len(signals.free)), dim=-2)
    hidden = silu(silu(hidden) @ weights["layer_1"] + weights["bias_1"].unsqueeze(-2))
    parts: tuple[Tensor, ...] = hidden.split(signals.plain.shape[-2], dim=-2)
    return parts


def _risen(weights: dict[str, Tensor], name: str, rising: Tensor, stream: Tensor) -> Tensor:
    """Add what can only rise with the ``rising`` inputs: units that saturate, and a line.

    All their weights count by their absolute value; the stream, which does not know the driver,
    says where on its curve a unit is.
    """
    gate = stream @ weights[f"gate_{name}"] + weights[f"gate_{name}_bias"].unsqueeze(-2)
    units = torch().tanh(gate + rising @ weights[f"pull_{name}"].abs())
    curve = (units * weights[f"lift_{name}"].abs().unsqueeze(-2)).sum(-1)
    return curve + (rising * weights[f"line_{name}"].abs().unsqueeze(-2)).sum(-1)


def _shaped(library: Any, values: Tensor, name: str, positivity: Positivity) -> Tensor:
    """Pass a flux that cannot be negative through the output layer."""
    if name in NOT_NEGATIVE and positivity == "softplus":
        return library.nn.functional.softplus(values, beta=SHARPNESS)
    if name in NOT_NEGATIVE and positivity == "relu":
        return library.relu(values)
    return values
