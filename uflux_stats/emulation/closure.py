"""From given GPP and RECO to component fluxes: three ways to treat the budget.

With GPP and RECO given, autotrophic respiration comes twice, as (1 - CUE) GPP and as (1 - share)
RECO. "none" and "paper" leave the two apart, "exact" finds the nearest budget that closes.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.emulation.options import Closure
from uflux_stats.stats.reconcile import Reconciled, reconcile

Array = NDArray[np.float32]
FLUXES: Final = ("GPP", "RECO", "NEP", "NPP", "Ra", "Rh")
UNIT: Final = {"units": "gC m-2 d-1"}
LEAST_ERROR: Final = 0.05
"""Error of a given flux beside its relative one [gC m-2 d-1]."""
LEAST_SPREAD: Final = 0.03
"""Smallest standard deviation of CUE and of the heterotrophic share [1]."""
UNKNOWN_SPREAD: Final = 0.1
"""Their standard deviation where fewer than three members tell it [1]."""
MEMBERS_FOR_SPREAD: Final = 3
LEAST_VARIANCE: Final = 1e-4
"""Smallest error variance of a flux before closure [(gC m-2 d-1)2]."""
NO_NEWS: Final = 100.0
"""Variance of Ra over that of the fluxes it follows from, so that it gives way to them."""
DIMS: Final = ("site", "time")


@dataclass(frozen=True)
class Given:
    """Fluxes of one member before closure, arrays (site, time) [gC m-2 d-1].

    Attributes
    ----------
    GPP, RECO : array
        As given, never negative.
    NEP : array or None
        As upscaled directly, if it was.
    error : dict of array
        Standard deviation of GPP, RECO and, if there, NEP.
    """

    GPP: Array
    RECO: Array
    NEP: Array | None
    error: dict[str, Array]


@dataclass(frozen=True)
class Shares:
    """Learned shares of one member, arrays (site, time) [1], and their spread over members."""

    cue: Array
    rh: Array | None
    cue_spread: Array
    rh_spread: Array


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
    return _dataset(parts)


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
    return _dataset(parts)


def close(given: Given, shares: Shares) -> tuple[xr.Dataset, Reconciled]:
    """Find the nearest closed budget with no negative GPP, RECO, Ra and Rh ("exact").

    Ra starts as the mean of its two values by their inverse variances, but weighs nothing: it
    follows from GPP, NPP, RECO and Rh, among which the conflict is shared out.

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
    fluxes, variances = prior(given, shares)
    reconciled = reconcile(fluxes, variances)
    found = {n: reconciled.adjusted[n].values.astype(np.float32) for n in ("GPP", "Ra", "Rh")}
    closed = {**found, "NPP": found["GPP"] - found["Ra"], "RECO": found["Ra"] + found["Rh"]}
    closed["NEP"] = closed["GPP"] - closed["RECO"]
    return _dataset(closed), reconciled


def prior(given: Given, shares: Shares) -> tuple[xr.Dataset, xr.Dataset]:
    """Fluxes before closure and their error variances.

    Parameters
    ----------
    given : Given
    shares : Shares

    Returns
    -------
    fluxes, variances : xr.Dataset, (site, time) [gC m-2 d-1, (gC m-2 d-1)2]
    """
    gpp, reco = given.GPP.astype(np.float64), given.RECO.astype(np.float64)
    gpp_scale, reco_scale = _scale(gpp), _scale(reco)
    known = shares.rh is not None
    share = shares.rh if shares.rh is not None else np.zeros_like(shares.cue)
    ra_cue, var_cue = (1 - shares.cue) * gpp, (shares.cue_spread * gpp_scale) ** 2
    ra_reco, var_reco = (1 - share) * reco, (shares.rh_spread * reco_scale) ** 2
    weight = var_reco / np.maximum(var_cue + var_reco, 1e-12) if known else np.ones_like(gpp)
    ra = weight * ra_cue + (1 - weight) * ra_reco
    rh = share * reco if known else np.maximum(reco - ra_cue, 0.0)
    x: dict[str, NDArray[np.floating]] = {
        "GPP": gpp,
        "RECO": reco,
        "NPP": shares.cue * gpp,
        "Ra": ra,
        "Rh": rh,
    }
    variance: dict[str, NDArray[np.floating]] = {
        "GPP": given.error["GPP"] ** 2,
        "RECO": given.error["RECO"] ** 2,
        "NPP": var_cue,
        # Ra holds no news: both its values are made of what is already here
        "Ra": NO_NEWS * (var_cue + var_reco),
        "Rh": var_reco if known else reco_scale**2,
    }
    if given.NEP is not None:
        x["NEP"], variance["NEP"] = given.NEP, given.error["NEP"] ** 2
    return _dataset(x), _dataset({name: v + LEAST_VARIANCE for name, v in variance.items()})


def _scale(flux: NDArray[np.float64]) -> NDArray[np.float64]:
    """Size of a flux to which the spread of a share is applied.

    A share says little of a month when the flux rests, but respiration does not rest with
    photosynthesis: a quarter of the mean flux of the cell is the least.
    """
    least: NDArray[np.float64] = 0.25 * flux.mean(axis=1, keepdims=True)
    return np.maximum(flux, least)


def spread(values: Array) -> Array:
    """Spread of a share over members, (member, site, step) -> (site, step) [1]."""
    if len(values) < MEMBERS_FOR_SPREAD:
        return np.full(values.shape[1:], UNKNOWN_SPREAD, np.float32)
    between: Array = values.std(axis=0, ddof=1)
    return np.maximum(between, np.float32(LEAST_SPREAD))


def relative_error(flux: Array, size: Array, members: Array | None, share: float) -> Array:
    """Estimate the standard deviation of a flux: spread of members, share of its size, floor."""
    between = 0.0 if members is None or len(members) < 2 else members.var(axis=0, ddof=1)
    error: Array = np.sqrt(between + (share * np.abs(size)) ** 2 + LEAST_ERROR**2)
    return error.astype(flux.dtype)


def needs_ratios(closure: Closure) -> bool:
    """Tell whether the mode takes the unbounded ratios."""
    return closure == "paper"


def _dataset(parts: dict[str, NDArray[np.floating]]) -> xr.Dataset:
    return xr.Dataset({name: (DIMS, parts[name], UNIT) for name in FLUXES if name in parts})
