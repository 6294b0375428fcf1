"""Apply an emulator to cells in a row: parameters, closure and pools of every member."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.emulation.closure import Ratios, by_ratios, close, separate
from uflux_stats.emulation.emulator import Emulator, Values
from uflux_stats.emulation.options import Closure
from uflux_stats.emulation.prior import (
    FLUXES,
    Given,
    Shares,
    relative_error,
    spread,
    unless_at_rest,
)
from uflux_stats.emulation.stocks import Months, Turnover, by_ratio, integrate, with_parts
from uflux_stats.stats.reconcile import Reconciled

Array = NDArray[np.float32]
RATIO: Final = "_ratio"
"""Ends the names of pools as the direct ratio, where pools are integrated."""
RAISED: Final = "cSoil_raised"
MOVED: Final = ("GPP", "RECO", "NEP", "NPP", "Ra", "Rh")


@dataclass(frozen=True)
class Applied:
    """What an emulator gives for cells in a row.

    Attributes
    ----------
    fluxes : dict of array, (member, time, site) [gC m-2 d-1]
    pools : dict of array, (member, year, site) [gC m-2]
        Where they are integrated, ``X_ratio`` is the direct ratio beside.
    first : dict of array, (member, site) [gC m-2]
        ``cSoil_raised``, by how much the first state of integrated soil was raised.
    moved : dict of array, (time, site)
        Of "exact": ``adjustment_X`` (mean over members) and ``adjustment_size_X`` (mean of its
        size) [gC m-2 d-1], ``posterior_sd_X`` [gC m-2 d-1], ``chi_square`` [1].
    counts : dict of int
        Over all members: cells and years with negative NPP, cells whose first soil was raised. Of
        the given fluxes: negative values of GPP and of RECO, which count as zero; cells in which no
        month, and in which only some months, have all fluxes: what takes the others is missing.
    """

    fluxes: dict[str, Array]
    pools: dict[str, Array]
    first: dict[str, Array]
    moved: dict[str, Array]
    counts: dict[str, int]


@dataclass(frozen=True)
class Predicted:
    """What the emulator predicts for cells in a row, before any budget is closed.

    Attributes
    ----------
    given : list of Given
        Fluxes of each member of the emulator.
    values : list of dict
        Parameters of each member.
    spreads : tuple of array, (site, step) [1]
        Spread of CUE and of the heterotrophic share over members.
    days : array, (month,)
    integrated : bool
        Whether pools are to be integrated through time.
    counts : dict of int
        What was wrong with the given fluxes.
    """

    given: list[Given]
    values: list[Values]
    spreads: tuple[Array, Array]
    days: NDArray[np.float64]
    integrated: bool
    counts: dict[str, int]


def predict_cells(emulator: Emulator, drivers: xr.Dataset, fluxes: xr.Dataset) -> Predicted:
    """Predict the parameters of all members on cells in a row.

    Parameters
    ----------
    emulator : Emulator
    drivers : xr.Dataset, (time, site)
        Whole years of months.
    fluxes : xr.Dataset, ([member,] time, site) [gC m-2 d-1]
        GPP, RECO and, if there, NEE. Member k of the emulator takes member k of the fluxes, and
        begins again when there are fewer of those.

    Returns
    -------
    Predicted
    """
    predictors = emulator.predictors(drivers)
    arrays = {n: _member_first(fluxes[n]) for n in ("GPP", "RECO", "NEE") if n in fluxes}
    given = [_given(arrays, k, emulator.options.flux_error) for k in range(len(emulator.members))]
    values = [
        emulator.parameters(name, predictors, one.GPP)
        for name, one in zip(emulator.members, given, strict=True)
    ]
    cue = spread(np.stack([v["CUE"] for v in _alike(values, "CUE")]))
    has_rh = all("RH_SHARE" in v for v in values)
    rh = spread(np.stack([v["RH_SHARE"] for v in _alike(values, "RH_SHARE")])) if has_rh else cue
    days = drivers["time"].dt.days_in_month.values.astype(np.float64)
    integrated = emulator.options.stocks == "integrated"
    return Predicted(given, values, (cue, rh), days, integrated, _counts(arrays))


def _counts(arrays: dict[str, Array]) -> dict[str, int]:
    """Count what is wrong with given fluxes (member, site, time)."""
    negative = {f"negative_{n.lower()}": int((arrays[n] < 0).sum()) for n in ("GPP", "RECO")}
    known = np.logical_and.reduce([np.isfinite(flux).all(axis=0) for flux in arrays.values()])
    some, every = known.any(axis=1), known.all(axis=1)
    return {**negative, "cells_left_out": int((~some).sum()),
            "cells_with_gaps": int((some & ~every).sum())}  # fmt: skip


def apply_closure(predicted: Predicted, closure: Closure) -> Applied:
    """Make fluxes and pools of all members under one closure.

    Parameters
    ----------
    predicted : Predicted
    closure : {"none", "paper", "exact"}

    Returns
    -------
    Applied
    """
    parts = []
    for one, own in zip(predicted.given, predicted.values, strict=True):
        shares = _shares(own, predicted.spreads, one.GPP.shape)
        data, reconciled = _closed(one, shares, own, closure)
        parts.append(_Member(data, _stocks(data, own, predicted), reconciled))
    return _together(parts, predicted.counts)


def _alike(values: list[Values], name: str) -> list[Values]:
    """Members whose parameter has the most common step, so that a spread can be taken."""
    shapes = [v[name].shape for v in values]
    common = max(set(shapes), key=shapes.count)
    return [v for v, shape in zip(values, shapes, strict=True) if shape == common]


def _member_first(flux: xr.DataArray) -> Array:
    whole = flux if "member" in flux.dims else flux.expand_dims(member=1)
    ordered: Array = whole.transpose("member", "site", "time").values.astype(np.float32)
    return ordered


def _given(arrays: dict[str, Array], member: int, share: float) -> Given:
    """Fluxes of one member and their errors."""
    own = {name: values[member % len(values)] for name, values in arrays.items()}
    gpp, reco = np.maximum(own["GPP"], 0.0), np.maximum(own["RECO"], 0.0)
    error = {
        name: unless_at_rest(relative_error(flux, flux, arrays[name], share), arrays[name])
        for name, flux in (("GPP", gpp), ("RECO", reco))
    }
    nep = -own["NEE"] if "NEE" in own else None
    if nep is not None:
        error["NEP"] = relative_error(nep, (gpp + reco) / 2, arrays["NEE"], share)
    return Given(gpp, reco, nep, error)


def _monthly(values: Array, shape: tuple[int, ...]) -> Array:
    """Repeat yearly values (site, year) for the months of each year."""
    return values if values.shape == shape else np.repeat(values, 12, axis=1)


def _shares(own: Values, spreads: tuple[Array, Array], shape: tuple[int, ...]) -> Shares:
    rh = own.get("RH_SHARE")
    return Shares(
        _monthly(own["CUE"], shape),
        None if rh is None else _monthly(rh, shape),
        _monthly(spreads[0], shape),
        _monthly(spreads[1], shape),
    )


def _closed(
    given: Given, shares: Shares, own: Values, closure: Closure
) -> tuple[xr.Dataset, Reconciled | None]:
    if closure == "exact":
        return close(given, shares)
    if closure == "none":
        return separate(given, shares), None
    shape = given.GPP.shape
    per_rh = own.get("RECO_PER_RH")
    ratios = Ratios(
        _monthly(own["GPP_PER_RA"], shape),
        _monthly(own["GPP_PER_NPP"], shape),
        None if per_rh is None else _monthly(per_rh, shape),
    )
    return by_ratios(given, ratios), None


@dataclass(frozen=True)
class _Stocks:
    """Pools of one member (site, year), what was added to the first state (site,), and counts."""

    pools: dict[str, NDArray[np.floating]]
    first: dict[str, NDArray[np.floating]]
    counts: dict[str, int]


@dataclass(frozen=True)
class _Member:
    fluxes: xr.Dataset
    stocks: _Stocks
    reconciled: Reconciled | None


def _stocks(data: xr.Dataset, own: Values, predicted: Predicted) -> _Stocks:
    """Pools of one member, and what had to be counted."""
    days = predicted.days
    years = len(days) // 12

    def rate(name: str) -> NDArray[np.floating] | None:
        return own[name].astype(np.float64) if name in own else None

    turnover = Turnover(*(rate(f"{n}_TURNOVER") for n in ("VEG", "SOIL", "LITTER")),
                        *(rate(f"{n}_SHARE") for n in ("LEAF", "WOOD")))  # fmt: skip
    npp = data["NPP"].values.astype(np.float64)
    rh = data["Rh"].values.astype(np.float64) if "Rh" in data else None
    months = Months(npp, npp if rh is None else rh, days)
    sums = (npp * days).reshape(len(npp), years, 12).sum(axis=2)
    counts = {"negative_npp": int((sums < 0).sum()), "raised_soil": 0}
    ratio = by_ratio(months.yearly_npp, turnover)
    through_time = predicted.integrated and years > 1 and rh is not None
    if not through_time or turnover.vegetation is None or turnover.soil is None:
        return _Stocks(with_parts(ratio, turnover), {}, counts)
    pools, raised = integrate(months, turnover)
    counts["raised_soil"] = int((raised > 0).sum())
    beside = {name + RATIO: values for name, values in ratio.items()}
    return _Stocks(with_parts(pools, turnover) | beside, {RAISED: raised}, counts)


def _together(members: list[_Member], counted: dict[str, int]) -> Applied:
    """Put the members side by side, time first."""
    fluxes = {
        name: np.stack([m.fluxes[name].values.T for m in members]).astype(np.float32)
        for name in FLUXES
        if name in members[0].fluxes
    }
    pools, first = (
        {name: np.stack([part[name].T for part in parts]).astype(np.float32) for name in parts[0]}
        for parts in ([m.stocks.pools for m in members], [m.stocks.first for m in members])
    )
    counts = {
        name: sum(m.stocks.counts[name] for m in members)
        for name in ("negative_npp", "raised_soil")
    }
    found = [m.reconciled for m in members if m.reconciled is not None]
    return Applied(fluxes, pools, first, _moved(found) if found else {}, counts | counted)


def _moved(found: list[Reconciled]) -> dict[str, Array]:
    """Means over members of how far the budget moved each flux."""
    moved = {}
    for name in MOVED:
        if name not in found[0].adjustment:
            continue
        steps = [one.adjustment[name].values for one in found]
        moved[f"adjustment_{name}"] = np.mean(steps, axis=0)
        moved[f"adjustment_size_{name}"] = np.mean(np.abs(steps), axis=0)
        variance = np.mean([one.posterior_variance[name].values for one in found], axis=0)
        moved[f"posterior_sd_{name}"] = np.sqrt(variance)
    moved["chi_square"] = np.mean([one.chi_square.values for one in found], axis=0)
    return {name: values.T.astype(np.float32) for name, values in moved.items()}
