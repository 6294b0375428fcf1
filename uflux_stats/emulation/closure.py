"""From given GPP and RECO to component fluxes: three ways to treat the budget.

With GPP and RECO given, autotrophic respiration comes twice, as (1 - CUE) GPP and as (1 - share)
RECO. "none" and "paper" leave the two apart, "exact" finds the nearest budget that closes.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.emulation.options import Closure
from uflux_stats.emulation.prior import DIMS, LEAST_VARIANCE, Given, Shares, as_dataset, prior
from uflux_stats.stats.reconcile import Reconciled, reconcile

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Ratios:
    """The unbounded ratios of the method paper, arrays (site, time) [1]."""

    gpp_per_ra: Array
    gpp_per_npp: Array
    reco_per_rh: Array | None


def separate(given: Given, shares: Shares) -> xr.Dataset:
    """Compute every part on its own ("none"): no sum needs to come out.

    NPP from GPP, Rh and Ra from RECO, NEP as upscaled directly (or as difference without that).

    Parameters
    ----------
    given : Given
    shares : Shares

    Returns
    -------
    xr.Dataset, (site, time) [gC m-2 d-1]
    """
    parts = {"GPP": given.GPP, "RECO": given.RECO, "NPP": shares.cue * given.GPP}
    if shares.rh is not None:
        parts |= {"Ra": (1 - shares.rh) * given.RECO, "Rh": shares.rh * given.RECO}
    else:
        parts |= {"Ra": (1 - shares.cue) * given.GPP}
    parts["NEP"] = given.GPP - given.RECO if given.NEP is None else given.NEP
    return as_dataset(parts)


def by_ratios(given: Given, ratios: Ratios) -> xr.Dataset:
    """Compute parts from unbounded ratios ("paper", eqs 16 and 17): NEP is NPP minus Rh.

    Parameters
    ----------
    given : Given
    ratios : Ratios

    Returns
    -------
    xr.Dataset, (site, time) [gC m-2 d-1]
    """
    parts = {
        "GPP": given.GPP,
        "RECO": given.RECO,
        "NPP": given.GPP / ratios.gpp_per_npp,
        "Ra": given.GPP / ratios.gpp_per_ra,
    }
    if ratios.reco_per_rh is not None:
        parts["Rh"] = given.RECO / ratios.reco_per_rh
        parts["NEP"] = parts["NPP"] - parts["Rh"]
    else:
        parts["NEP"] = given.GPP - given.RECO
    return as_dataset(parts)


def close(given: Given, shares: Shares) -> tuple[xr.Dataset, Reconciled]:
    """Find the nearest closed budget with no negative GPP, RECO, Ra and Rh ("exact").

    What disagrees is Ra, told twice, and the net flux, told twice where it was upscaled directly:
    ``chi_square`` has two degrees of freedom, or one. GPP or RECO of zero without an error stays
    zero; there is always such a budget, as the other fluxes can follow down to zero.

    Parameters
    ----------
    given : Given
    shares : Shares

    Returns
    -------
    closed : xr.Dataset, (site, time) [gC m-2 d-1]
        All of GPP, RECO, NEP, NPP, Ra, Rh; sums hold to single precision.
    reconciled : Reconciled
        How the budget was reached.
    """
    fluxes, shared = prior(given, shares)
    resting = {n: (given.error[n] == 0) & (getattr(given, n) == 0) for n in ("GPP", "RECO")}
    own = xr.Dataset({name: (DIMS, np.full(given.GPP.shape, LEAST_VARIANCE)) for name in fluxes})
    own = own.assign({n: own[n].where(~held, 0.0) for n, held in resting.items()})
    reconciled = reconcile(fluxes, own, shared=shared)
    found = {n: reconciled.adjusted[n].values.astype(np.float32) for n in ("GPP", "Ra", "Rh")}
    # a variance of zero leaves what rounding of its size moves
    for name, at_rest in (("GPP", "GPP"), ("Ra", "RECO"), ("Rh", "RECO")):
        found[name][resting[at_rest]] = 0.0
    closed = {**found, "NPP": found["GPP"] - found["Ra"], "RECO": found["Ra"] + found["Rh"]}
    closed["NEP"] = closed["GPP"] - closed["RECO"]
    return as_dataset(closed), reconciled


def needs_ratios(closure: Closure) -> bool:
    """Tell whether the mode takes the unbounded ratios."""
    return closure == "paper"
