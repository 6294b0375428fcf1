"""The terms of the loss: misfit of the data, closed carbon, positive fluxes, monotone responses.

Zhu et al. (2026, doi 10.1016/j.agrformet.2026.111197), eqs 10-15. Every term is in standard
deviations, one number for each member. A slope is the derivative of a flux with respect to a
driver in its own unit, taken by automatic differentiation: all inputs that the driver is part of
move with it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from uflux_stats.refinement.neural.backend import Tensor, torch
from uflux_stats.refinement.neural.network import NOT_NEGATIVE, Design, Signals, forward
from uflux_stats.refinement.neural.options import NetworkOptions
from uflux_stats.refinement.responses import LIGHT, Response

CONSTRAINTS: Final = ("mass", "positive", "light", "temperature")
LEARNED: Final = "log_lambda"
"""Weights of the network that change those of the constraints, (member, constraint)."""
_WIDEST: Final = float(np.log(20.0))


@dataclass(frozen=True)
class Slope:
    """How inputs and base move with the driver of a response.

    Attributes
    ----------
    response : Response
    inputs : tensor, (..., row, input)
        Derivatives of the inputs, per unit of the driver.
    base : tensor, (..., row, flux)
    spread : float
        Standard deviation of the driver.
    inside : tensor of bool, (..., row)
        Where the response must be monotone.
    reach : tensor, (..., row, 2)
        From the driver to its lowest value and to the limit of the response.
    shift : tensor, (..., row, 1), optional
        By which the driver is moved before the slope is taken.
    """

    response: Response
    inputs: Tensor
    base: Tensor
    spread: float
    inside: Tensor
    reach: Tensor
    shift: Tensor | None = None

    def each(self, change: Callable[[Tensor], Tensor]) -> "Slope":
        """Return the same with all tensors changed."""
        names = ("inputs", "base", "inside", "reach")
        return replace(self, **{name: change(getattr(self, name)) for name in names})

    def elsewhere(self, rng: np.random.Generator, share: float) -> "Slope":
        """Move the driver of a share of the rows to anywhere below the limit."""
        shape = tuple(self.inside.shape)
        moved, place = (torch().from_numpy(rng.random(shape, np.float32)).to(self.inside.device)
                        for _ in range(2))  # fmt: skip
        chosen = moved < share
        low, high = self.reach.unbind(-1)
        shift = torch().where(chosen, low + place * (high - low), 0.0)
        return replace(self, inside=self.inside | chosen, shift=shift.unsqueeze(-1))


@dataclass(frozen=True)
class Batch:
    """Rows as tensors.

    Attributes
    ----------
    signals : Signals
    observed : tensor, (..., row, flux)
        In the units of the fluxes; anything where it is not ``known``.
    known : tensor of bool, (..., row, flux)
    weight : tensor, (..., row) [1]
        What a row counts in the misfit.
    slopes : tuple of Slope
    """

    signals: Signals
    observed: Tensor
    known: Tensor
    weight: Tensor
    slopes: tuple[Slope, ...] = ()

    def take(self, rows: NDArray[np.intp]) -> "Batch":
        """Return the chosen rows, (member, row) of them."""
        index = torch().from_numpy(rows).to(self.observed.device)
        return self.each(lambda part: part[index])

    def to(self, device: str) -> "Batch":
        """Return the same in the memory of a device."""
        return self.each(lambda part: part.to(device))

    def arrays(self) -> list[NDArray[Any]]:
        """Return what it holds, for recognising it."""
        slopes = [part for each in self.slopes for part in (each.inputs, each.base, each.inside)]
        parts = [*self.signals.tensors(), self.observed, self.known, self.weight, *slopes]
        return [part.cpu().numpy() for part in parts]

    def each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        """Return the same with all tensors changed."""
        return Batch(
            self.signals.each(change),
            change(self.observed),
            change(self.known),
            change(self.weight),
            tuple(slope.each(change) for slope in self.slopes),
        )


def terms(
    weights: dict[str, Tensor], batch: Batch, design: Design, options: NetworkOptions
) -> dict[str, Tensor]:
    """Compute the terms of the loss that have a weight, each a mean over rows.

    Returns
    -------
    dict of tensor, (member,) [standard deviations]
        "misfit", and where they apply "mass", "positive", "light", "temperature".
    """
    fluxes, slopes = with_slopes(weights, batch, design)
    column = dict(zip(design.fluxes, fluxes.unbind(-1), strict=True))
    scale = dict(zip(design.fluxes, design.scale, strict=True))
    found = {"misfit": misfit(fluxes, batch, design)}
    if design.balanced and options.mass:
        open_ = column["NEE"] - (column["RECO"] - column["GPP"])
        found["mass"] = open_.abs().mean(-1) / scale["NEE"]
    if options.positivity == "penalty":
        below = [torch().relu(-column[k]).mean(-1) / scale[k] for k in NOT_NEGATIVE if k in column]
        found["positive"] = sum(below)
    for slope, value in zip(batch.slopes, slopes, strict=True):
        falling = torch().relu(-value) * slope.inside
        name = "light" if slope.response == LIGHT else "temperature"
        found[name] = falling.mean(-1) * slope.spread / scale[slope.response.flux]
    return found


def misfit(fluxes: Tensor, batch: Batch, design: Design) -> Tensor:
    """Sum over fluxes of the mean Huber loss (Huber 1964); what was not observed has no part."""
    library = torch()
    scale = fluxes.new_tensor(design.scale)
    difference = library.where(batch.known, (fluxes - batch.observed) / scale, 0.0)
    robust = library.nn.functional.huber_loss(
        difference, library.zeros_like(difference), reduction="none"
    )
    counts = batch.known * batch.weight.unsqueeze(-1)
    return ((counts * robust).sum(-2) / counts.sum(-2).clamp(min=1.0)).sum(-1)


def with_slopes(
    weights: dict[str, Tensor], batch: Batch, design: Design
) -> tuple[Tensor, list[Tensor]]:
    """Compute fluxes (member, row, flux), and each response's slope (member, row).

    Slopes are in the unit of the flux per unit of the driver. Each row is moved by an amount of
    driver, zero unless the slope has a shift; the derivative is taken to that amount.
    """
    fluxes = forward(weights, batch.signals, design)
    return fluxes, [_slope(weights, batch.signals, slope, design) for slope in batch.slopes]


def _slope(weights: dict[str, Tensor], signals: Signals, slope: Slope, design: Design) -> Tensor:
    library = torch()
    zero = library.zeros_like(signals.plain[..., :1])
    amount = (zero if slope.shift is None else slope.shift + zero).requires_grad_()
    moved = replace(
        signals,
        plain=signals.plain + amount * slope.inputs,
        base=signals.base + amount * slope.base,
    )
    flux = forward(weights, moved, design)[..., design.fluxes.index(slope.response.flux)]
    (gradient,) = library.autograd.grad(flux.sum(), amount, create_graph=True)
    return gradient[..., 0]


def total(
    found: dict[str, Tensor],
    options: NetworkOptions,
    strength: float = 1.0,
    learned: Tensor | None = None,
) -> Tensor:
    """Add the terms up, (member,): the constraints with their weights times ``strength``.

    Where weights are ``learned``, (member, constraint), a term counts exp(-s) as much, plus s.
    """
    whole = found["misfit"]
    for number, name in enumerate(CONSTRAINTS):
        if name in found:
            value = getattr(options, name) * found[name]
            if learned is not None:
                scale = learned[..., number].clamp(-_WIDEST, _WIDEST)
                value = torch().exp(-scale) * value + scale
            whole = whole + strength * value
    return whole
