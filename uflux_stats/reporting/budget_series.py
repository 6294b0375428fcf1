"""Yearly fluxes and stocks of the globe, beside the vegetation models and by mass balance."""

from collections.abc import Mapping
from typing import Final

import xarray as xr
from matplotlib.figure import Figure

from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.yearly_series import yearly_series
from uflux_stats.stats.totals import total

FLUXES: Final = ("GPP", "NPP", "RECO", "NEP")
POOLS: Final = ("cVeg", "cLeaf", "cWood", "cLitter", "cSoil")
BALANCES: Final = {
    "GPP": ("NPP", "Ra", 1.0),
    "NPP": ("GPP", "Ra", -1.0),
    "RECO": ("Ra", "Rh", 1.0),
    "NEP": ("NPP", "Rh", -1.0),
}
"""Each flux from two others: first plus or minus second."""
CLOSED: Final = "closed budget"
APART: Final = "each part learned apart"
BALANCED: Final = "from two of these parts"
MODELS: Final = "vegetation models"


def mass_balance(parts: xr.Dataset) -> xr.Dataset:
    """Compute every flux from two others, which differs from the flux where nothing was closed.

    Parameters
    ----------
    parts : xr.Dataset
        Some of GPP, NPP, RECO, NEP, Ra and Rh in the same unit.

    Returns
    -------
    xr.Dataset
        GPP = NPP + Ra, NPP = GPP - Ra, RECO = Ra + Rh and NEP = NPP - Rh, as far as the parts
        allow.

    Examples
    --------
    >>> parts = xr.Dataset({"NPP": 60.0, "Ra": 60.0, "GPP": 130.0})
    >>> found = mass_balance(parts)
    >>> found.GPP.item(), found.NPP.item(), "NEP" in found
    (120.0, 70.0, False)
    """
    return xr.Dataset(
        {
            name: (parts[first] + sign * parts[second]).assign_attrs(parts[first].attrs)
            for name, (first, second, sign) in BALANCES.items()
            if first in parts and second in parts
        }
    )


def globe_totals(cubes: xr.Dataset, names: tuple[str, ...]) -> xr.Dataset:
    """Sum fluxes and stocks over all land, year by year.

    Parameters
    ----------
    cubes : xr.Dataset, (member, time or year, lat, lon) [gC m-2 d-1 or gC m-2]
        With ``land_area``; those of ``names`` that are there are summed.
    names : tuple of str

    Returns
    -------
    xr.Dataset, (member, year) [PgC yr-1 or PgC]
    """
    summed = {name: total(cubes[name]).compute() for name in names if name in cubes}
    return xr.Dataset(summed)


def budget_series(
    closed: xr.Dataset, apart: xr.Dataset, models: xr.Dataset | None = None
) -> Figure:
    """Draw yearly GPP, NPP, RECO and NEP: closed, not closed, by mass balance, and of the models.

    Parameters
    ----------
    closed : xr.Dataset, (member, year) [PgC yr-1]
        Fluxes of the closed budget.
    apart : xr.Dataset, (member, year) [PgC yr-1]
        Parts that were learned each for itself.
    models : xr.Dataset, (member, year) [PgC yr-1], optional
        The vegetation models themselves, where they come with years.

    Returns
    -------
    Figure
        Where the lines of a panel part, the budget is open. Bands hold 90 % of the members.

    Raises
    ------
    MissingVariableError
        If there is no flux.
    """
    sources = {CLOSED: closed, APART: apart, BALANCED: mass_balance(apart)}
    if models is not None:
        sources[MODELS] = models
    return yearly_series(_of(sources, FLUXES))


def stock_series(stocks: xr.Dataset, models: xr.Dataset | None = None) -> Figure:
    """Draw yearly stocks beside those of the vegetation models.

    Parameters
    ----------
    stocks : xr.Dataset, (member, year) [PgC]
    models : xr.Dataset, (member, year) [PgC], optional

    Returns
    -------
    Figure

    Raises
    ------
    MissingVariableError
        If there is no stock.
    """
    sources = {"this run": stocks} | ({MODELS: models} if models is not None else {})
    return yearly_series(_of(sources, POOLS))


def _of(sources: Mapping[str, xr.Dataset], names: tuple[str, ...]) -> dict[str, xr.Dataset]:
    """Keep the variables that are drawn, in the order of ``names``."""
    chosen = {
        source: data[[name for name in names if name in data]] for source, data in sources.items()
    }
    there = {source: data for source, data in chosen.items() if data.data_vars}
    if not there:
        raise MissingVariableError(f"sources: expected some of {list(names)}, got none; add totals")
    return there
