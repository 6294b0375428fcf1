"""The terms of the loss: misfit of the data, closed carbon, positive fluxes, monotone responses.

Zhu et al. (2026, doi 10.1016/j.agrformet.2026.111197), eqs 10-15. Every term is in standard
deviations. A slope is the derivative of a flux with respect to a driver in its own unit, taken
by automatic differentiation: all inputs that the driver is part of move with it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uflux_stats.refinement.neural.backend import Tensor, torch
from uflux_stats.refinement.neural.network import NOT_NEGATIVE, Design, forward
from uflux_stats.refinement.neural.options import NetworkOptions
from uflux_stats.refinement.responses import LIGHT, Response


@dataclass(frozen=True)
class Slope:
    """How inputs and base move with the driver of a response.

    Attributes
    ----------
    response : Response
    inputs : tensor, (row, input)
        Derivatives of the inputs, per unit of the driver.
    base : tensor, (row, flux)
    spread : float
        Standard deviation of the driver.
    inside : tensor of bool, (row,)
        Where the response must be monotone.
    """

    response: Response
    inputs: Tensor
    base: Tensor
    spread: float
    inside: Tensor

    def each(self, change: Callable[[Tensor], Tensor]) -> "Slope":
        """Return the same with all tensors changed."""
        return replace(
            self, inputs=change(self.inputs), base=change(self.base), inside=change(self.inside)
        )


@dataclass(frozen=True)
class Batch:
    """Rows as tensors.

    Attributes
    ----------
    inputs : tensor, (row, input)
    base : tensor, (row, flux)
    observed : tensor, (row, flux)
        In the units of the fluxes; anything where it is not ``known``.
    known : tensor of bool, (row, flux)
    slopes : tuple of Slope
    """

    inputs: Tensor
    base: Tensor
    observed: Tensor
    known: Tensor
    slopes: tuple[Slope, ...] = ()

    def take(self, rows: NDArray[np.intp]) -> "Batch":
        """Return the chosen rows."""
        index = torch().from_numpy(rows).to(self.inputs.device)
        return self._each(lambda part: part[index])

    def to(self, device: str) -> "Batch":
        """Return the same in the memory of a device."""
        return self._each(lambda part: part.to(device))

    def seeing(self, inputs: NDArray[np.bool_]) -> "Batch":
        """Return the same with zeros for all other inputs (input,): these get no gradient."""
        mask = torch().from_numpy(inputs).to(self.inputs.device)
        slopes = tuple(replace(each, inputs=each.inputs * mask) for each in self.slopes)
        return replace(self, inputs=self.inputs * mask, slopes=slopes)

    def arrays(self) -> list[NDArray[Any]]:
        """Return what it holds, for recognising it."""
        slopes = [part for each in self.slopes for part in (each.inputs, each.base, each.inside)]
        parts = [self.inputs, self.base, self.observed, self.known, *slopes]
        return [part.cpu().numpy() for part in parts]

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        return Batch(
            change(self.inputs),
            change(self.base),
            change(self.observed),
            change(self.known),
            tuple(slope.each(change) for slope in self.slopes),
        )


def terms(
    weights: dict[str, Tensor], batch: Batch, design: Design, options: NetworkOptions
) -> dict[str, Tensor]:
    """Compute the terms of the loss that have a weight, each a mean over rows.

    Returns
    -------
    dict of tensor, () [standard deviations]
        "misfit", and where they apply "mass", "positive", "light", "temperature".
    """
    fluxes, slopes = with_slopes(weights, batch, design)
    column = dict(zip(design.fluxes, fluxes.unbind(1), strict=True))
    scale = dict(zip(design.fluxes, design.scale, strict=True))
    found = {"misfit": misfit(fluxes, batch, design)}
    if design.balanced and options.mass:
        open_ = column["NEE"] - (column["RECO"] - column["GPP"])
        found["mass"] = open_.abs().mean() / scale["NEE"]
    if options.positivity == "penalty":
        below = [torch().relu(-column[k]).mean() / scale[k] for k in NOT_NEGATIVE if k in column]
        found["positive"] = sum(below)
    for slope, value in zip(batch.slopes, slopes, strict=True):
        falling = torch().relu(-value) * slope.inside
        name = "light" if slope.response == LIGHT else "temperature"
        found[name] = falling.mean() * slope.spread / scale[slope.response.flux]
    return found


def misfit(fluxes: Tensor, batch: Batch, design: Design) -> Tensor:
    """Sum over fluxes of the mean Huber loss (Huber 1964); what was not observed has no part."""
    library = torch()
    scale = library.tensor(design.scale, device=fluxes.device)
    difference = library.where(batch.known, (fluxes - batch.observed) / scale, 0.0)
    robust = library.nn.functional.huber_loss(
        difference, library.zeros_like(difference), reduction="none"
    )
    return (robust.sum(0) / batch.known.sum(0).clamp(min=1)).sum()


def with_slopes(
    weights: dict[str, Tensor], batch: Batch, design: Design
) -> tuple[Tensor, list[Tensor]]:
    """Compute fluxes (row, flux), and for each response its slope (row,) [flux per driver].

    Each row is moved by an amount of driver that is zero; the derivative is taken to that amount.
    """
    library = torch()
    amounts = [library.zeros_like(batch.inputs[:, :1], requires_grad=True) for _ in batch.slopes]
    inputs, base = batch.inputs, batch.base
    for slope, amount in zip(batch.slopes, amounts, strict=True):
        inputs, base = inputs + amount * slope.inputs, base + amount * slope.base
    fluxes = forward(weights, inputs, base, design)
    slopes = []
    for slope, amount in zip(batch.slopes, amounts, strict=True):
        flux = fluxes[:, design.fluxes.index(slope.response.flux)]
        (gradient,) = library.autograd.grad(flux.sum(), amount, create_graph=True)
        slopes.append(gradient[:, 0])
    return fluxes, slopes


def total(found: dict[str, Tensor], options: NetworkOptions, strength: float = 1.0) -> Tensor:
    """Add the terms up, the constraints with their weights times ``strength``."""
    rest = sum(getattr(options, name) * value for name, value in found.items() if name != "misfit")
    return found["misfit"] + strength * rest
