"""From given GPP and RECO to component fluxes: three ways to treat the budget.

With GPP and RECO given, autotrophic respiration comes twice, as (1 - CUE) GPP and as (1 - share)
RECO. "none" and "paper" leave the two apart, "exact" finds the nearest budget that closes.

Five things are known, each with an error of its own: GPP and RECO (and NEP, where it was upscaled
too) with the spread of the members of the upscaling, CUE and the heterotrophic share with the spread
of the vegetation models. All six fluxes are made of these, so their errors are made of the five as
well: NPP errs with GPP and with CUE, and Ra is no sixth observation. What "exact" moves is thus
decided by the five errors alone.
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
"""Error variance that each flux has on its own before closure [(gC m-2 d-1)2]: 0.01 gC m-2 d-1 is
what no upscaled flux is known to."""
RESTING: Final = 0.25
"""Least flux, as a share of the mean of the cell, to which the spread of a share is applied [1]."""
SOURCES: Final = ("GPP", "RECO", "NEP", "CUE", "RH_SHARE")
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

    Ra starts as the mean of its two values by their inverse variances.

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
    own = xr.Dataset({name: ((), LEAST_VARIANCE) for name in fluxes})
    reconciled = reconcile(fluxes, own, shared=shared)
    found = {n: reconciled.adjusted[n].values.astype(np.float32) for n in ("GPP", "Ra", "Rh")}
    closed = {**found, "NPP": found["GPP"] - found["Ra"], "RECO": found["Ra"] + found["Rh"]}
    closed["NEP"] = closed["GPP"] - closed["RECO"]
    return _dataset(closed), reconciled


def prior(given: Given, shares: Shares) -> tuple[xr.Dataset, xr.DataArray]:
    """Fluxes before closure, and how far each source of error moves each of them.

    Errors are propagated to first order: that of GPP to NPP = CUE GPP and Ra, that of RECO to Rh and
    Ra, those of CUE and of the heterotrophic share to the parts they make.

    Parameters
    ----------
    given : Given
    shares : Shares

    Returns
    -------
    fluxes : xr.Dataset, (site, time) [gC m-2 d-1]
    shared : xr.DataArray, (site, time, flux, source) [gC m-2 d-1]
        One standard deviation of each of ``SOURCES``.
    """
    gpp, reco = given.GPP.astype(np.float64), given.RECO.astype(np.float64)
    cue = shares.cue.astype(np.float64)
    sd_gpp, sd_reco = (given.error[name].astype(np.float64) for name in ("GPP", "RECO"))
    sd_cue = shares.cue_spread * _scale(gpp)
    if shares.rh is not None:
        share, sd_share = shares.rh.astype(np.float64), shares.rh_spread * _scale(reco)
    else:  # nothing is known of Rh but what is left
        left = np.maximum(reco - (1 - cue) * gpp, 0.0)
        share, sd_share = np.divide(left, reco, out=np.zeros_like(reco), where=reco > 0), _scale(reco)
    by_gpp = ((1 - cue) * sd_gpp) ** 2 + sd_cue**2
    by_reco = ((1 - share) * sd_reco) ** 2 + sd_share**2
    weight = by_reco / (by_gpp + by_reco + LEAST_VARIANCE) if shares.rh is not None else 1.0
    fluxes = {
        "GPP": gpp,
        "RECO": reco,
        "NPP": cue * gpp,
        "Ra": weight * (1 - cue) * gpp + (1 - weight) * (1 - share) * reco,
        "Rh": share * reco,
    }
    errors = {
        "GPP": {"GPP": sd_gpp},
        "RECO": {"RECO": sd_reco},
        "NPP": {"GPP": cue * sd_gpp, "CUE": sd_cue},
        "Ra": {
            "GPP": weight * (1 - cue) * sd_gpp,
            "RECO": (1 - weight) * (1 - share) * sd_reco,
            "CUE": -weight * sd_cue,
            "RH_SHARE": -(1 - weight) * sd_share,
        },
        "Rh": {"RECO": share * sd_reco, "RH_SHARE": sd_share},
    }
    if given.NEP is not None:
        fluxes["NEP"], errors["NEP"] = given.NEP, {"NEP": given.error["NEP"]}
    return _dataset(fluxes), _by_source(errors, gpp.shape)


def _by_source(
    errors: dict[str, dict[str, NDArray[np.floating]]], shape: tuple[int, ...]
) -> xr.DataArray:
    """Lay the errors out, (site, time, flux, source)."""
    whole = np.zeros((*shape, len(errors), len(SOURCES)))
    for row, sources in enumerate(errors.values()):
        for name, values in sources.items():
            whole[..., row, SOURCES.index(name)] = values
    coords = {"flux": list(errors), "source": list(SOURCES)}
    return xr.DataArray(whole, coords, (*DIMS, "flux", "source"))


def _scale(flux: NDArray[np.float64]) -> NDArray[np.float64]:
    """Size of a flux to which the spread of a share is applied.

    A share says little of a month when the flux rests, but respiration does not rest with
    photosynthesis, so the error does not vanish then.
    """
    least: NDArray[np.float64] = RESTING * flux.mean(axis=1, keepdims=True)
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
