"""The network: two shared layers, a head for each flux, and how outputs become fluxes.

Weights are a plain dictionary of arrays, so that they are saved without pickle. In scaled units a
head adds to the baseline (or the mean) of its flux; NEE is RECO - GPP plus what its head adds.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from uflux_stats.refinement.neural.backend import Tensor, torch
from uflux_stats.refinement.neural.options import Positivity

Weights = dict[str, NDArray[np.float32]]

NOT_NEGATIVE: Final = ("GPP", "RECO")
SHARPNESS: Final = 10.0
"""Of softplus, per standard deviation of the flux: at zero it lifts by ln(2)/10 of one."""


@dataclass(frozen=True)
class Design:
    """What comes out of a network.

    Attributes
    ----------
    fluxes : tuple of str
    scale : tuple of float
        Standard deviation of each flux as observed, in its unit.
    positivity : str
        See ``NetworkOptions``.
    """

    fluxes: tuple[str, ...]
    scale: tuple[float, ...]
    positivity: Positivity

    @property
    def balanced(self) -> bool:
        """Whether all three terms of RECO - GPP = NEE are there."""
        return {"GPP", "RECO", "NEE"} <= set(self.fluxes)


def initial_weights(rng: np.random.Generator, inputs: int, hidden: int, fluxes: int) -> Weights:
    """Draw first weights (He et al. 2015); the last layer starts at zero, that is at the baseline.

    Examples
    --------
    >>> sorted(initial_weights(np.random.default_rng(0), 5, 8, 4))
    ['bias_0', 'bias_1', 'head', 'head_bias', 'layer_0', 'layer_1', 'out', 'out_bias']
    """
    half = max(1, hidden // 2)
    drawn = {
        "layer_0": rng.normal(size=(inputs, hidden)) * np.sqrt(2.0 / inputs),
        "bias_0": np.zeros(hidden),
        "layer_1": rng.normal(size=(hidden, hidden)) * np.sqrt(2.0 / hidden),
        "bias_1": np.zeros(hidden),
        "head": rng.normal(size=(fluxes, hidden, half)) * np.sqrt(2.0 / hidden),
        "head_bias": np.zeros((fluxes, half)),
        "out": np.zeros((fluxes, half)),
        "out_bias": np.zeros(fluxes),
    }
    return {name: values.astype(np.float32) for name, values in drawn.items()}


def forward(weights: dict[str, Tensor], inputs: Tensor, base: Tensor, design: Design) -> Tensor:
    """Compute fluxes.

    Parameters
    ----------
    weights : dict of tensor
    inputs : tensor, (row, input) [standard deviations]
    base : tensor, (row, flux) [standard deviations]
        What the heads add to.
    design : Design

    Returns
    -------
    tensor, (row, flux)
        In the units of the fluxes.
    """
    library = torch()
    silu = library.nn.functional.silu
    hidden = silu(inputs @ weights["layer_0"] + weights["bias_0"])
    hidden = silu(hidden @ weights["layer_1"] + weights["bias_1"])
    heads = library.einsum("rh,fhk->rfk", hidden, weights["head"]) + weights["head_bias"]
    out = (silu(heads) * weights["out"]).sum(-1) + weights["out_bias"] + base
    columns = {
        name: scale * _shaped(library, out[:, number], name, design.positivity)
        for number, (name, scale) in enumerate(zip(design.fluxes, design.scale, strict=True))
    }
    if design.balanced:
        columns["NEE"] = columns["NEE"] + columns["RECO"] - columns["GPP"]
    return library.stack([columns[name] for name in design.fluxes], dim=1)


def _shaped(library: Any, values: Tensor, name: str, positivity: Positivity) -> Tensor:
    """Pass a flux that cannot be negative through the output layer."""
    if name in NOT_NEGATIVE and positivity == "softplus":
        return library.nn.functional.softplus(values, beta=SHARPNESS)
    if name in NOT_NEGATIVE and positivity == "relu":
        return library.relu(values)
    return values
