"""Simulated monthly weather and greenness of the twin Earth."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.io.twin.climate import evaporative_demand
from uflux_stats.io.twin.noise import red_index, red_noise
from uflux_stats.io.twin.options import TwinOptions
from uflux_stats.io.twin.parameters import plant_parameters
from uflux_stats.schema import variable
from uflux_stats.units import ZERO_CELSIUS

Floats = NDArray[np.float64]

STEFAN_BOLTZMANN: Final = 5.670374e-8
"""[W m-2 K-4]; CODATA 2018."""
DRIVERS: Final = ("TA", "TS", "VPD", "SWIN", "LWIN", "RNET", "P", "PA", "CO2", "FAPAR")


def make_weather(
    planet: xr.Dataset, options: TwinOptions, *, shifts: Mapping[str, float] | None = None
) -> xr.Dataset:
    """Simulate all drivers on the land cells.

    Parameters
    ----------
    planet : xr.Dataset
        From ``make_planet``.
    options : TwinOptions
        Years, seed and deliberate trends. The same seed gives the same noise whatever the trends.
    shifts : mapping of str to float, optional
        By how much TA [K] and P [mm d-1] are higher, always and everywhere; what they cause
        follows.

    Returns
    -------
    xr.Dataset, (time, cell), CO2 (time,)
        ``DRIVERS`` in the units of the schema.
    """
    month = options.time.month.to_numpy() - 1
    wave = red_index(options.rng("oscillation"), options.time.size, persistence=0.92)[:, None]
    higher = shifts or {}
    air = _temperature(planet, options, wave) + higher.get("TA", 0.0)
    rain = _rain(planet, options, wave) + higher.get("P", 0.0)
    sun = planet["sun"].values[month]
    moist = _wetness(planet["P"].values[month], rain, planet["aridity"].values)
    cloud = 1 - np.exp(-rain / 3.5)
    shine = _sunshine(planet, options, sun, cloud)
    soil = _soil_temperature(planet, options, air)
    vpd = _vapour_deficit(planet, options, air, moist)
    longwave = _longwave(air, vpd, cloud)
    pressure = 101.325 * (1 - 2.25577e-5 * planet["DEM"].values) ** 5.25588
    flicker = _noise(planet, options, "pressure", 0.3)
    fields = {
        "TA": air, "TS": soil, "VPD": vpd, "SWIN": shine, "LWIN": longwave,
        "RNET": _net_radiation(planet, air, soil, shine, longwave), "P": rain,
        "PA": pressure * (1 + 0.002 * flicker), "FAPAR": _greenness(planet, options),
    }  # fmt: skip
    weather = xr.Dataset(
        {name: (("time", "cell"), values) for name, values in fields.items()},
        coords={"time": options.time, "lat": planet["lat"], "lon": planet["lon"]},
    )
    weather["CO2"] = ("time", carbon_dioxide(options))
    for name in DRIVERS:
        weather[name].attrs = variable(name).attrs
    return weather


def carbon_dioxide(options: TwinOptions) -> Floats:
    """Mole fraction of CO2 (time,) [ppm]: growing, the same everywhere, without seasons."""
    growth, bend = options.trends.carbon_dioxide
    return np.asarray(375.3 + growth * options.elapsed + bend * options.elapsed**2)


def warming_pattern(lat: Floats) -> Floats:
    """Factor on the deliberate warming by latitude [degree], same shape [1].

    Examples
    --------
    >>> warming_pattern(np.array([0.0, 90.0]))
    array([0.7, 1.5])
    """
    return np.asarray(0.7 + 0.8 * np.sin(np.radians(lat)) ** 2)


def _noise(planet: xr.Dataset, options: TwinOptions, purpose: str, persistence: float) -> Floats:
    lat, lon = planet["lat"].values, planet["lon"].values
    rng = options.rng(purpose)
    return red_noise(rng, options.time.size, lat, lon, persistence=persistence)


def _temperature(planet: xr.Dataset, options: TwinOptions, wave: Floats) -> Floats:
    lat = planet["lat"].values
    month = options.time.month.to_numpy() - 1
    season = 1 + 0.35 * np.cos(2 * np.pi * month[:, None] / 12) * np.sign(lat)
    spread = 0.45 + 1.9 * (np.abs(lat) / 65) ** 1.5 * (0.4 + 0.6 * planet["inland"].values) * season
    slow = 0.35 * _noise(planet, options, "slow temperature", 0.93)
    warming = options.trends.warming * warming_pattern(planet["lat"].values)
    return np.asarray(
        planet["TA"].values[month]
        + spread * _noise(planet, options, "temperature", 0.35)
        + slow
        + 0.30 * np.exp(-((lat / 20) ** 2)) * wave
        + warming * options.elapsed[:, None]
    )


def _rain(planet: xr.Dataset, options: TwinOptions, wave: Floats) -> Floats:
    lat = planet["lat"].values
    month = options.time.month.to_numpy() - 1
    spread = 0.28 + 0.35 * np.exp(-planet["aridity"].values / 0.25)
    logs = spread * _noise(planet, options, "rain", 0.3) - spread**2 / 2
    drought = -0.13 * np.exp(-((lat / 20) ** 2)) * wave
    return np.asarray(planet["P"].values[month] * np.exp(logs + drought))


def _wetness(usual: Floats, rain: Floats, aridity: Floats) -> Floats:
    """How damp the air is (time, cell) [1], from mean climate and from this month."""
    usual_damp = 1 - np.exp(-1.3 * np.sqrt(aridity * (0.4 + 0.6 * usual / usual.mean(axis=0))))
    return np.asarray(np.clip(usual_damp + 0.07 * np.log(rain / usual), 0.03, 0.97))


def _sunshine(planet: xr.Dataset, options: TwinOptions, sun: Floats, cloud: Floats) -> Floats:
    clear = 0.67 + 1.5e-5 * planet["DEM"].values
    flicker = 1 + 0.035 * _noise(planet, options, "sunshine", 0.2)
    return np.asarray(np.clip(sun * (clear - 0.32 * cloud) * flicker, 0, 400))


def _soil_temperature(planet: xr.Dataset, options: TwinOptions, air: Floats) -> Floats:
    """Soil follows air, later and damped; snow keeps it warm."""
    before = np.vstack([air[:1], air[:-1]])
    damped = 0.7 * air + 0.3 * before
    mean = planet["TA"].mean("month").values
    soil = 0.85 * damped + 0.15 * mean
    soil = np.where(soil < 0, 0.4 * soil, soil)
    return soil + 0.5 * _noise(planet, options, "soil", 0.4)


def saturation(temperature: Floats) -> Floats:
    """Saturated vapour pressure [hPa] at a temperature [degC]; FAO-56, eq. 11."""
    return np.asarray(6.108 * np.exp(17.27 * temperature / (temperature + 237.3)))


def _vapour_deficit(planet: xr.Dataset, options: TwinOptions, air: Floats, moist: Floats) -> Floats:
    relative = 0.22 + 0.70 * moist
    flicker = np.exp(0.10 * _noise(planet, options, "humidity", 0.3))
    return np.asarray(np.clip(1.25 * saturation(air) * (1 - relative) * flicker, 0.01, 80))


def _longwave(air: Floats, vpd: Floats, cloud: Floats) -> Floats:
    """Brutsaert 1975 (doi 10.1029/WR011i005p00742) for clear sky, more under cloud."""
    kelvin = air + ZERO_CELSIUS
    vapour = np.maximum(saturation(air) - vpd / 1.25, 0.05)
    emissivity = np.minimum(1.24 * (vapour / kelvin) ** (1 / 7) * (1.02 + 0.17 * cloud), 0.99)
    return np.asarray(emissivity * STEFAN_BOLTZMANN * kelvin**4)


def _net_radiation(
    planet: xr.Dataset, air: Floats, soil: Floats, shine: Floats, longwave: Floats
) -> Floats:
    green = plant_parameters(planet["IGBP"])["green"].values
    snow = 1 / (1 + np.exp((air + 2) / 1.5))
    albedo = 0.28 - 0.16 * green + snow * (0.45 - 0.30 * green)
    surface = 0.7 * air + 0.3 * np.maximum(soil, air) + 0.005 * shine
    outgoing = 0.97 * STEFAN_BOLTZMANN * (surface + ZERO_CELSIUS) ** 4
    return np.asarray((1 - albedo) * shine + 0.97 * longwave - outgoing)


def _greenness(planet: xr.Dataset, options: TwinOptions) -> Floats:
    """FAPAR: the mean season of warmth and water, greening, and noise; not this year's weather."""
    month = options.time.month.to_numpy() - 1
    plants = plant_parameters(planet["IGBP"])
    usual, rain = planet["TA"].values, planet["P"].values
    lagged = 0.6 * usual + 0.4 * np.roll(usual, 1, axis=0)
    warmth = 1 / (1 + np.exp(-(lagged - 6.0) / 2.5))
    supply = (rain + np.roll(rain, 1, axis=0) + np.roll(rain, 2, axis=0)) / 3
    demand = np.maximum(evaporative_demand(usual, planet["sun"].values), 0.4)
    water = 1 - np.exp(-2.2 * supply / demand)
    evergreen = (plants["bare"] / plants["green"].where(plants["green"] > 0, 1)).values
    season = warmth * water
    season = evergreen * season.max(axis=0) + (1 - evergreen) * season
    growth = 1 + options.trends.greening * options.elapsed[:, None]
    flicker = 1 + 0.035 * _noise(planet, options, "greenness", 0.6)
    return np.asarray(np.clip(plants["green"].values * season[month] * growth * flicker, 0, 0.98))
