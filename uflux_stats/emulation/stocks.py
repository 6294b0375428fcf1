"""Pools from fluxes: as a ratio to yearly NPP, or integrated through time."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from uflux_stats.emulation.parameters import DAYS_PER_YEAR

Floats = NDArray[np.floating]
SPIN_UP_YEARS: Final = 5
"""Years whose mean NPP the first state is in balance with."""
PARTS: Final = ("cLeaf", "cWood", "cRoot")


@dataclass(frozen=True)
class Turnover:
    """Learned turnover [yr-1] and shares [1], arrays (site, year); missing ones are None."""

    vegetation: Floats | None
    soil: Floats | None
    litter: Floats | None
    leaf_share: Floats | None
    wood_share: Floats | None


@dataclass(frozen=True)
class Months:
    """Fluxes (site, month) [gC m-2 d-1] of whole years, and the days of each month (month,)."""

    npp: Floats
    rh: Floats
    days: Floats

    @property
    def yearly_npp(self) -> Floats:
        """NPP of each year, (site, year) [gC m-2 yr-1], never negative."""
        grams = (self.npp * self.days).reshape(len(self.npp), -1, 12).sum(axis=2)
        total: Floats = np.maximum(grams, 0.0)
        return total


def by_ratio(npp: Floats, turnover: Turnover) -> dict[str, Floats]:
    """Pools as yearly NPP over turnover (the steady state, and the method paper's way).

    Parameters
    ----------
    npp : array, (site, year) [gC m-2 yr-1]
    turnover : Turnover

    Returns
    -------
    dict of array, (site, year) [gC m-2]
        cVeg, cLitter and cSoil, as far as their turnover is known.

    Examples
    --------
    >>> rates = Turnover(np.array([[0.1]]), None, None, None, None)
    >>> by_ratio(np.array([[500.0]]), rates)["cVeg"].item()
    5000.0
    """
    rates = {"cVeg": turnover.vegetation, "cLitter": turnover.litter, "cSoil": turnover.soil}
    return {name: npp / rate for name, rate in rates.items() if rate is not None}


def integrate(months: Months, turnover: Turnover) -> tuple[dict[str, Floats], Floats]:
    """Integrate d(pool)/dt = input - loss from the steady state of the first years.

    Vegetation gains NPP and loses a fraction of itself to litter; litter loses a fraction of itself
    to soil; soil loses the heterotrophic respiration. So the change of all pools is NPP - Rh.
    Without litter, what falls goes to the soil. Where respiration takes more than the soil held at
    first, there must have been more: its first state is raised by what is lacking, and no more. Of
    what is uncertain there, fluxes, balance of the first years and turnover, that leaves the fluxes
    and the change of the stocks as they are; the level of the soil is then a lower bound.

    Parameters
    ----------
    months : Months
    turnover : Turnover
        Those of vegetation and soil must be there.

    Returns
    -------
    pools : dict of array, (site, year) [gC m-2]
        cVeg, [cLitter,] cSoil at the end of each year.
    raised : array, (site,) [gC m-2]
        By how much the first state of the soil was raised; 0 in most cells.
    """
    if turnover.vegetation is None or turnover.soil is None:
        raise AssertionError("turnover of vegetation and soil is needed")
    start = months.yearly_npp[:, :SPIN_UP_YEARS].mean(axis=1, keepdims=True)
    first = by_ratio(start, _first_years(turnover))
    veg, soil = first["cVeg"][:, 0], first["cSoil"][:, 0]
    litter = first["cLitter"][:, 0] if "cLitter" in first else None
    kept, lowest = [], np.zeros_like(soil)
    for step, days in enumerate(months.days):
        share = days / DAYS_PER_YEAR
        year = step // 12
        fall = veg * -np.expm1(-share * turnover.vegetation[:, year])
        grown = veg + months.npp[:, step] * days - fall
        # a plant that respires more than it has draws the rest from what lies dead
        veg, dead = np.maximum(grown, 0.0), fall + np.minimum(grown, 0.0)
        if litter is not None and turnover.litter is not None:
            decay = litter * -np.expm1(-share * turnover.litter[:, year])
            left = litter + dead - decay
            litter, dead = np.maximum(left, 0.0), decay + np.minimum(left, 0.0)
        soil = soil + dead - months.rh[:, step] * days
        lowest = np.minimum(lowest, soil)
        if step % 12 == 11:
            kept.append((veg, litter, soil))
    soil_by_year = np.stack([k[2] for k in kept], 1) - lowest[:, None]
    pools = {"cVeg": np.stack([k[0] for k in kept], 1), "cSoil": soil_by_year}
    if litter is not None:
        pools["cLitter"] = np.stack([k[1] for k in kept if k[1] is not None], 1)
    return pools, -lowest


def _first_years(turnover: Turnover) -> Turnover:
    def first(rate: Floats | None) -> Floats | None:
        return None if rate is None else rate[:, :SPIN_UP_YEARS].mean(axis=1, keepdims=True)

    return Turnover(first(turnover.vegetation), first(turnover.soil), first(turnover.litter),
                    None, None)  # fmt: skip


def with_parts(pools: dict[str, Floats], turnover: Turnover) -> dict[str, Floats]:
    """Divide vegetation into leaf, wood and root, above and below ground.

    Parameters
    ----------
    pools : dict of array, (site, year) [gC m-2]
    turnover : Turnover

    Returns
    -------
    dict of array, (site, year) [gC m-2]
        With cLeaf + cWood + cRoot = cVeg, cAGB = cLeaf + cWood and cBGB = cRoot, if the shares are
        known.
    """
    if "cVeg" not in pools or turnover.leaf_share is None or turnover.wood_share is None:
        return pools
    leaf = turnover.leaf_share * pools["cVeg"]
    wood = turnover.wood_share * (pools["cVeg"] - leaf)
    root = pools["cVeg"] - leaf - wood
    parts = {"cLeaf": leaf, "cWood": wood, "cRoot": root, "cAGB": leaf + wood, "cBGB": root}
    return pools | parts
