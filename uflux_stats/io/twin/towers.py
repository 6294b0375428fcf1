"""Flux towers of the twin Earth: where they stand, what is true there, and what they measure."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.grid import continents_at
from uflux_stats.io.twin.climate import LAPSE_RATE
from uflux_stats.io.twin.landcover import IGBP_CODES
from uflux_stats.io.twin.options import TwinOptions
from uflux_stats.io.twin.truth import Properties, true_fluxes

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

CROWDING: Final = {
    "Europe": 0.38, "North America": 0.33, "Asia": 0.11, "Oceania": 0.08, "Africa": 0.05,
    "South America": 0.05,
}  # fmt: skip
"""Share of towers by continent, roughly as in FLUXNET2015."""
TRIES: Final = 8
UNLIKELY: Final = tuple(IGBP_CODES[name] for name in ("CVM", "URB", "BSV", "SNO", "WAT"))
LEAST_GPP: Final = 0.1
"""Nobody builds a tower where GPP is smaller [gC m-2 d-1]."""


@dataclass(frozen=True)
class Network:
    """All towers.

    ``sites`` (site,): lat, lon, DEM, IGBP, KOPPEN, koppen_code, C4, first and last (position of the
    record in time), rref, q10, closure. ``weather`` and ``fluxes`` are true and complete
    (time, cell), where ``cell`` counts the towers.
    """

    sites: xr.Dataset
    weather: xr.Dataset
    fluxes: xr.Dataset


def build_network(
    planet: xr.Dataset, weather: xr.Dataset, properties: Properties, options: TwinOptions
) -> Network:
    """Place the towers and find what is true at each.

    A tower departs from its grid cell: it stands higher or lower and is warmer or cooler, drier or
    wetter, and its plants are more or less efficient and respire more or less.
    """
    rng = options.rng("towers")
    index = _choose_cells(rng, planet, properties, options.n_towers)
    n = index.size
    properties = properties.altered(
        np.exp(0.12 * rng.standard_normal(n)), np.exp(0.15 * rng.standard_normal(n)), index
    )
    lift = 120 * rng.standard_normal(n)
    local = _local_weather(rng, weather, index, lift)
    sites = planet[["DEM", "IGBP", "KOPPEN", "koppen_code", "C4", "continent"]].isel(cell=index)
    lat, lon = _spots_on_land(rng, planet, index, options.resolution)
    first, last = _records(rng, options)
    sites = sites.assign(
        DEM=("cell", np.maximum(sites["DEM"].values + lift, 1.0)),
        first=("cell", first),
        last=("cell", last),
        rref=("cell", properties.rref),
        q10=("cell", properties.q10),
        closure=("cell", rng.uniform(0.72, 1.0, n)),
    ).assign_coords(
        lat=("cell", lat),
        lon=("cell", lon),
        site=("cell", [f"TW-{number:03d}" for number in range(1, n + 1)]),
    )
    return Network(sites, local, true_fluxes(local, properties))


def _choose_cells(
    rng: np.random.Generator, planet: xr.Dataset, properties: Properties, n_towers: int
) -> Index:
    """Draw cells as unevenly as real networks do; rare classes are sought out somewhat."""
    continent, lat = planet["continent"].values, np.abs(planet["lat"].values)
    usable = (properties.usual_gpp > LEAST_GPP) & (planet["LANDFRAC"].values > 0.3)
    usable &= ~np.isin(planet["IGBP"].values, UNLIKELY)
    liked = np.select([lat < 23.5, lat < 33, lat < 62], [1.5, 1.2, 3.0], 0.6) * usable
    liked = np.where((continent == "Europe") & (planet["lon"].values > 30), 0.25 * liked, liked)
    _, where, count = np.unique(planet["IGBP"].values, return_inverse=True, return_counts=True)
    liked = liked / count[where] ** 0.75
    weight = np.zeros(lat.size)
    for name, share in CROWDING.items():
        here = liked * (continent == name)
        weight += share * here / max(float(here.sum()), 1e-12)
    return np.sort(rng.choice(lat.size, n_towers, p=weight / weight.sum()))


def _spots_on_land(
    rng: np.random.Generator, planet: xr.Dataset, index: Index, step: float
) -> tuple[Floats, Floats]:
    """Choose a place in each cell, on land if one of several tries finds it."""
    shift = rng.uniform(-0.45 * step, 0.45 * step, (2, TRIES, index.size))
    lat, lon = planet["lat"].values[index] + shift[0], planet["lon"].values[index] + shift[1]
    first = (continents_at(lat, lon, limit_km=0.0) != "").argmax(axis=0)
    tower = np.arange(index.size)
    return lat[first, tower], lon[first, tower]


def _records(rng: np.random.Generator, options: TwinOptions) -> tuple[Index, Index]:
    """First and last month of each record: 2 to 20 whole years, mostly 4 to 12."""
    available = options.years[1] - options.years[0] + 1
    wanted = 2 + rng.gamma(2.0, 3.2, options.n_towers).astype(int)
    length = np.clip(wanted, 2, min(20, available))
    start = rng.integers(0, available - length + 1)
    return 12 * start, 12 * (start + length) - 1


def _local_weather(
    rng: np.random.Generator, weather: xr.Dataset, index: Index, lift: Floats
) -> xr.Dataset:
    n = index.size
    local = weather.isel(cell=index).copy(deep=True)
    offset = 0.7 * rng.standard_normal(n) - LAPSE_RATE * lift
    wiggle = 0.35 * rng.standard_normal((local["time"].size, n))
    factors = {"VPD": 0.10, "SWIN": 0.03, "P": 0.15, "FAPAR": 0.06}
    for name, spread in factors.items():
        own = np.exp(spread * rng.standard_normal(n))
        noise = np.exp(0.3 * spread * rng.standard_normal((local["time"].size, n)))
        local[name] = local[name] * own * noise
    local["VPD"] = local["VPD"] * np.exp(0.06 * offset)
    local["FAPAR"] = local["FAPAR"].clip(0, 0.98)
    local["TA"] = local["TA"] + offset + wiggle
    local["TS"] = local["TS"] + 0.8 * offset + 0.5 * wiggle
    local["PA"] = local["PA"] * np.exp(-lift / 8400)
    return local
