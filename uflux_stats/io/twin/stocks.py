"""True stocks of carbon on the twin Earth, integrated from the true fluxes."""

from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.io.twin.parameters import plant_parameters
from uflux_stats.io.twin.truth import soil_water
from uflux_stats.schema import variable

Floats = NDArray[np.float64]

LEAF_YEARS: Final = 1.2
ROOT_YEARS: Final = 2.5
LITTER_YEARS: Final = 2.0
SOIL_YEARS: Final = 32.0
DECAY_Q10: Final = 1.85
"""Turnover times of litter and soil at 15 degC in wet ground [yr] and their factor per 10 K: in the
middle of what the pretend models are drawn from, so that the truth is one that they can tell of."""
LITTER_SHARE: Final = 0.6
"""Share of heterotrophic respiration that comes from litter."""
SLOWEST: Final = 0.04
"""Least speed of decomposition, as a share of that at 15 degC in wet ground."""
DAYS_PER_YEAR: Final = 365.25
STOCKS: Final = ("cVeg", "cLeaf", "cWood", "cRoot", "cLitter", "cSoil")


def decomposition_speed(weather: xr.Dataset, q10: float) -> Floats:
    """Speed of decomposition against that at 15 degC in wet ground, (time, cell) [1]."""
    warm = q10 ** ((weather["TS"].values - 15) / 10)
    speed: Floats = np.maximum(warm * (0.35 + 0.65 * soil_water(weather)), SLOWEST)
    return speed


def true_stocks(planet: xr.Dataset, weather: xr.Dataset, fluxes: xr.Dataset) -> xr.Dataset:
    """Integrate d(pool)/dt = input - output month by month.

    Net primary production is shared among leaves, wood and roots by the fractions of the class;
    each loses a fixed fraction per day to litter; litter and soil lose the true heterotrophic
    respiration; as much carbon is humified per day as the soil respires in the mean.

    Parameters
    ----------
    planet : xr.Dataset, (cell,)
        With ``IGBP``.
    weather : xr.Dataset, (time, cell)
        Drivers of the same months.
    fluxes : xr.Dataset, (time, cell) [gC m-2 d-1]
        ``NPP`` and ``Rh`` of whole years.

    Returns
    -------
    xr.Dataset, (year, cell) [gC m-2]
        Stocks at the **end** of each year, so that the change of cVeg + cLitter + cSoil over a year
        equals the sum of NPP - Rh over its days.
    """
    plants = plant_parameters(planet["IGBP"])
    leaf, wood = plants["leaf"].values, plants["wood"].values
    parts = np.stack([leaf, wood, 1 - leaf - wood])
    years = np.stack(
        [np.full(leaf.size, LEAF_YEARS), plants["lifetime"].values, np.full(leaf.size, ROOT_YEARS)]
    )
    supply = fluxes["Rh"].mean("time").values
    speed = decomposition_speed(weather, DECAY_Q10).mean(axis=0)
    humified = (1 - LITTER_SHARE) * supply
    veg = parts * years * supply * DAYS_PER_YEAR
    litter = LITTER_YEARS / speed * supply * DAYS_PER_YEAR
    soil = SOIL_YEARS / speed * humified * DAYS_PER_YEAR

    time = fluxes["time"]
    days = time.dt.days_in_month.values
    npp, rh = fluxes["NPP"].values, fluxes["Rh"].values
    kept = []
    for step in range(time.size):
        fall = veg * -np.expm1(-days[step] / (years * DAYS_PER_YEAR))
        veg = veg + parts * npp[step] * days[step] - fall
        litter = litter + fall.sum(axis=0) - (LITTER_SHARE * rh[step] + humified) * days[step]
        soil = soil + (humified - (1 - LITTER_SHARE) * rh[step]) * days[step]
        if (step + 1) % 12 == 0:
            kept.append(np.stack([veg.sum(axis=0), *veg, litter, soil]))
    return _labelled(np.stack(kept), fluxes)


def _labelled(stocks: Floats, fluxes: xr.Dataset) -> xr.Dataset:
    years = np.unique(fluxes["time"].dt.year.values)
    return xr.Dataset(
        {
            name: (
                ("year", "cell"),
                stocks[:, index],
                variable(name).attrs | {"comment": "at the end of the year"},
            )
            for index, name in enumerate(STOCKS)
        },
        coords={"year": years, "lat": fluxes["lat"], "lon": fluxes["lon"]},
    )
