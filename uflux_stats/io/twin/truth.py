"""The processes that are true on the twin Earth: fluxes of carbon and water from weather."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.io.twin.climate import evaporative_demand
from uflux_stats.io.twin.noise import fixed_noise
from uflux_stats.io.twin.options import TwinOptions
from uflux_stats.io.twin.parameters import CO2_REFERENCE, CO2_RESPONSE, plant_parameters
from uflux_stats.io.twin.weather import saturation
from uflux_stats.schema import variable
from uflux_stats.units import PG_PER_G

Floats = NDArray[np.float64]

GLOBAL_GPP: Final = 125.0
"""Mean true GPP of the globe [PgC yr-1]; scales all efficiencies."""
RETURNED: Final = 0.972
"""Mean share of GPP that is respired; the rest is the sink."""
BUCKET: Final = 150.0
"""Water that the soil can hold [mm]."""
BARREN: Final = 0.005
"""Where mean GPP would be smaller, nothing lives at all [gC m-2 d-1]."""
QUANTUM: Final = 2.0**-16
"""Carbon fluxes are whole multiples of this [gC m-2 d-1], so that sums are exact in 32 bits."""
FLUXES: Final = ("GPP", "RECO", "NEE", "LE", "NPP", "Ra", "Rh")


@dataclass(frozen=True)
class Properties:
    """What a place has besides its weather, all (cell,).

    ``efficiency`` [gC MJ-1], ``best`` growing temperature [degC], ``rref`` respiration at 10 degC
    without shortage [gC m-2 d-1], ``q10`` [1], ``usual_gpp`` long-term mean [gC m-2 d-1] and
    ``share`` of Rh at 10 degC [1].
    """

    efficiency: Floats
    best: Floats
    rref: Floats
    q10: Floats
    usual_gpp: Floats
    share: Floats

    def altered(self, efficiency: Floats, rref: Floats, index: NDArray[np.int64]) -> "Properties":
        """Take the places ``index``, with factors on efficiency and reference respiration."""
        return Properties(
            self.efficiency[index] * efficiency,
            self.best[index],
            self.rref[index] * rref,
            self.q10[index],
            self.usual_gpp[index] * efficiency,
            self.share[index],
        )


def settle(planet: xr.Dataset, weather: xr.Dataset, options: TwinOptions) -> Properties:
    """Find the properties under which the planet has its global GPP and a modest sink.

    The reference respiration of a cell follows its productivity: over all years it respires a
    share of its GPP that varies smoothly in space about ``RETURNED``.
    """
    plants = plant_parameters(planet["IGBP"])
    warmth = np.maximum(planet["TA"].values, 0)
    best = np.clip((warmth**2).sum(axis=0) / np.maximum(warmth.sum(axis=0), 1) + 2.0, 10, 30)
    water = soil_water(weather)
    nothing = np.ones(best.size)
    trial = Properties(
        plants["efficiency"].values, best, nothing, plants["q10"].values, nothing,
        plants["share"].values,
    )  # fmt: skip
    gpp = gross_production(weather, trial, water)
    days = options.time.days_in_month.to_numpy()[:, None]
    n_years = options.years[1] - options.years[0] + 1
    total = (gpp * days * planet["land_area"].values).sum() * PG_PER_G / n_years
    scale = GLOBAL_GPP / total
    gpp = np.where(gpp.mean(axis=0) * scale < BARREN, 0.0, gpp)
    mean_gpp = (gpp * scale).mean(axis=0)
    usual = np.maximum(mean_gpp, 1e-3)
    lat, lon = planet["lat"].values, planet["lon"].values
    returned = RETURNED + 0.02 * fixed_noise(options.rng("sinks"), lat, lon)
    efficiency = np.where(mean_gpp > 0, trial.efficiency * scale, 0.0)
    breathing = Properties(efficiency, best, nothing, trial.q10, usual, trial.share)
    unit = respiration(weather, breathing, water, gpp * scale).mean(axis=0)
    rref = returned * mean_gpp / unit
    return Properties(breathing.efficiency, best, rref, trial.q10, usual, trial.share)


def true_fluxes(weather: xr.Dataset, properties: Properties) -> xr.Dataset:
    """Compute all true fluxes.

    Parameters
    ----------
    weather : xr.Dataset, (time, cell)
        Drivers, from ``make_weather``.
    properties : Properties
        Of the same places.

    Returns
    -------
    xr.Dataset, (time, cell)
        ``FLUXES`` in the units of the schema. NEE = RECO - GPP, NPP = GPP - Ra and
        RECO = Ra + Rh hold exactly.
    """
    water = soil_water(weather)
    gpp = _exact(gross_production(weather, properties, water))
    reco = _exact(respiration(weather, properties, water, gpp))
    share = np.clip(properties.share - 0.004 * (weather["TA"].values - 10), 0.25, 0.75)
    rh = _exact(share * reco)
    fields = {
        "GPP": gpp, "RECO": reco, "NEE": reco - gpp, "LE": latent_heat(weather, water),
        "NPP": gpp - (reco - rh), "Ra": reco - rh, "Rh": rh,
    }  # fmt: skip
    return xr.Dataset(
        {
            name: (weather["TA"].dims, values, variable(name).attrs)
            for name, values in fields.items()
        },
        coords=weather["TA"].coords,
    )


def _exact(flux: Floats) -> Floats:
    return np.asarray(np.round(flux / QUANTUM) * QUANTUM)


def soil_water(weather: xr.Dataset) -> Floats:
    """Fill a bucket of soil with rain and empty it by demand (time, cell) [1].

    The first year is run three times to forget the start.
    """
    days = weather["time"].dt.days_in_month.values[:, None]
    rain = weather["P"].values * days
    demand = 0.02 * np.maximum(weather["RNET"].values, 0) + 0.01
    demand = (demand + evaporative_demand(weather["TA"].values, 1.6 * weather["SWIN"].values)) / 2
    empty = 1 + 1.3 * demand * days / BUCKET
    filling = np.full(rain.shape[1], 0.5 * BUCKET)
    for step in [*range(12)] * 3:
        filling = np.minimum((filling + rain[step]) / empty[step], BUCKET)
    water: Floats = np.empty_like(rain)
    for step in range(rain.shape[0]):
        filling = np.minimum((filling + rain[step]) / empty[step], BUCKET)
        water[step] = filling / BUCKET
    return water


def gross_production(weather: xr.Dataset, properties: Properties, water: Floats) -> Floats:
    """GPP (time, cell) [gC m-2 d-1]: absorbed light times efficiency, with four limits."""
    air = weather["TA"].values
    light = 0.45 * 0.0864 * weather["SWIN"].values * weather["FAPAR"].values
    warmth = np.where(air < properties.best, (air + 4) / (properties.best + 4), 1.0)
    warmth = np.clip(warmth, 0, 1) ** 1.3
    heat = np.clip(1 - ((air - properties.best) / 22) ** 2, 0, 1)
    warmth = np.where(air < properties.best, warmth, heat)
    dry_air = np.exp(-0.022 * np.maximum(weather["VPD"].values - 4, 0))
    drought = np.clip(2.2 * water, 0, 1) ** 0.6
    fertile = 1 + CO2_RESPONSE * np.log(weather["CO2"].values / CO2_REFERENCE)
    if fertile.ndim == 1:
        fertile = fertile[:, None]
    return np.asarray(properties.efficiency * light * warmth * dry_air * drought * fertile)


def respiration(weather: xr.Dataset, properties: Properties, water: Floats, gpp: Floats) -> Floats:
    """RECO (time, cell) [gC m-2 d-1] = Rref Q10^((TA - 10)/10) * moisture * substrate.

    Moisture lies between 0.6 and 1; substrate is 0.3 plus 0.7 of the GPP of the last twelve months
    over its long-term mean.
    """
    warm = properties.q10 ** ((weather["TA"].values - 10) / 10)
    moist = 0.6 + 0.4 * np.clip(1.5 * water, 0, 1)
    start = np.concatenate([np.repeat(gpp[:12].mean(axis=0)[None], 12, axis=0), gpp])
    running = np.cumsum(start, axis=0)
    recent = (running[12:] - running[:-12]) / 12
    substrate = 0.3 + 0.7 * recent / properties.usual_gpp
    return np.asarray(properties.rref * warm * moist * substrate)


def latent_heat(weather: xr.Dataset, water: Floats) -> Floats:
    """LE (time, cell) [W m-2] after Priestley and Taylor 1972, limited by leaves and water."""
    air, energy = weather["TA"].values, 0.95 * np.maximum(weather["RNET"].values, 2)
    slope = 4098 * saturation(air) / (air + 237.3) ** 2
    gamma = 6.65e-3 * weather["PA"].values
    leaves = 0.35 + 0.65 * weather["FAPAR"].values
    return np.asarray(
        1.26 * slope / (slope + gamma) * energy * leaves * np.clip(1.8 * water, 0.03, 1) ** 0.7
    )
