"""What is known before a budget is closed: six fluxes, and the errors that they are made of.

Five things are known, each with an error of its own: GPP and RECO (and NEP, where it was upscaled
too) with the spread of the members of the upscaling, CUE and the heterotrophic share with the
spread of the vegetation models. All six fluxes are made of these, so their errors are made of the
five as well: NPP errs with GPP and with CUE, and Ra is no sixth observation. What a closed budget
moves is thus decided by the five errors alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

Array = NDArray[np.float32]
Floats = NDArray[np.float64]
FLUXES: Final = ("GPP", "RECO", "NEP", "NPP", "Ra", "Rh")
SOURCES: Final = ("GPP", "RECO", "NEP", "CUE", "RH_SHARE")
DIMS: Final = ("site", "time")
UNIT: Final = {"units": "gC m-2 d-1"}
LEAST_VARIANCE: Final = 1e-4
"""Error variance that each flux has on its own [(gC m-2 d-1)2]: no upscaled flux is known to
0.01 gC m-2 d-1."""
LEAST_ERROR: Final = 0.05
"""Error of a given flux beside its relative one [gC m-2 d-1]."""
LEAST_SPREAD: Final = 0.03
"""Smallest standard deviation of CUE and of the heterotrophic share [1]."""
UNKNOWN_SPREAD: Final = 0.1
"""Their standard deviation where fewer than three members tell it [1]."""
MEMBERS_FOR_SPREAD: Final = 3
RESTING: Final = 0.25
"""Least flux, as a share of the mean of the cell, to which the spread of a share is applied [1]."""


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
        Standard deviation of GPP, RECO and, if there, NEP; 0 holds GPP or RECO as given, at zero.
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


def prior(given: Given, shares: Shares) -> tuple[xr.Dataset, xr.DataArray]:
    """Fluxes before closure, and how far each source of error moves each of them.

    Errors are propagated to first order: that of GPP to NPP = CUE GPP and Ra, that of RECO to Rh
    and Ra, those of CUE and of the heterotrophic share to the parts they make. Ra starts as the
    mean of its two values by their inverse variances.

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
    gpp, reco, cue = (part.astype(np.float64) for part in (given.GPP, given.RECO, shares.cue))
    sd_gpp, sd_reco = (given.error[name].astype(np.float64) for name in ("GPP", "RECO"))
    sd_cue = shares.cue_spread * _scale(gpp)
    share, sd_share = _heterotrophic(reco, (1 - cue) * gpp, shares)
    variances = (((1 - cue) * sd_gpp) ** 2 + sd_cue**2, ((1 - share) * sd_reco) ** 2 + sd_share**2)
    # without a share of its own, Ra of RECO is but what Ra of GPP leaves
    trust = np.ones_like(gpp) if shares.rh is None else _weight(*variances)
    fluxes = {
        "GPP": gpp,
        "RECO": reco,
        "NPP": cue * gpp,
        "Ra": trust * (1 - cue) * gpp + (1 - trust) * (1 - share) * reco,
        "Rh": share * reco,
    }
    errors = {
        "GPP": {"GPP": sd_gpp},
        "RECO": {"RECO": sd_reco},
        "NPP": {"GPP": cue * sd_gpp, "CUE": sd_cue},
        "Ra": {
            "GPP": trust * (1 - cue) * sd_gpp,
            "RECO": (1 - trust) * (1 - share) * sd_reco,
            "CUE": -trust * sd_cue,
            "RH_SHARE": -(1 - trust) * sd_share,
        },
        "Rh": {"RECO": share * sd_reco, "RH_SHARE": sd_share},
    }
    if given.NEP is not None:
        fluxes["NEP"] = given.NEP.astype(np.float64)
        errors["NEP"] = {"NEP": given.error["NEP"].astype(np.float64)}
    return as_dataset(fluxes), _by_source(errors, gpp.shape)


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


def unless_at_rest(error: Array, members: Array) -> Array:
    """Take the error away where all members (member, site, time) say that there is no flux."""
    certain: Array = np.where((members == 0).all(axis=0), np.zeros_like(error), error)
    return certain


def as_dataset(parts: Mapping[str, NDArray[np.floating]]) -> xr.Dataset:
    """Label fluxes (site, time) [gC m-2 d-1]."""
    return xr.Dataset({name: (DIMS, parts[name], UNIT) for name in FLUXES if name in parts})


def _heterotrophic(reco: Floats, ra: Floats, shares: Shares) -> tuple[Floats, Floats]:
    """Heterotrophic share of RECO and the error of Rh; what Ra leaves where no model tells."""
    if shares.rh is not None:
        return shares.rh.astype(np.float64), shares.rh_spread * _scale(reco)
    left = np.maximum(reco - ra, 0.0)
    share: Floats = np.divide(left, reco, out=np.zeros_like(reco), where=reco > 0)
    return share, _scale(reco)


def _weight(first: Floats, second: Floats) -> Floats:
    """Weight of the first of two values by their inverse variances."""
    weight: Floats = second / (first + second + LEAST_VARIANCE)
    return weight


def _by_source(errors: Mapping[str, Mapping[str, Floats]], shape: tuple[int, ...]) -> xr.DataArray:
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
    known = np.isfinite(flux)
    count = known.sum(axis=1, keepdims=True)
    mean = np.where(known, flux, 0.0).sum(axis=1, keepdims=True) / np.maximum(count, 1)
    least: NDArray[np.float64] = RESTING * mean
    return np.maximum(flux, least)
