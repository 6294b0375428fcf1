"""How often intervals of effects hold the truth in worlds whose places share their weather.

    python analyses/attribution_coverage.py [--worlds 300] [--years 5 10 20] [--drivers 2 7]
        [--memory .5] [--shared 0 .9] [--unequal]

Worlds of towers or cells with months that remember (a lag-1 correlation of drivers and noise) and
share none or nearly all of their weather; effects of the first driver are known. Anomalies,
networks and intervals are made as for real data. Unequal towers have records of a third of the
years or more, wherever these lie. Nominal .90.
"""

import argparse
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.attribution.attribute import group_effects
from uflux_stats.attribution.bootstrap import BootstrapOptions
from uflux_stats.attribution.effects import QUANTITIES
from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.network import fit_network

LINK = 0.5
PLACES = 8
REPLICATES = 100


@dataclass(frozen=True)
class Planet:
    """What worlds have in common."""

    years: int
    drivers: int
    memory: float
    shared: float
    pixels: bool
    unequal: bool


def noise(rng: np.random.Generator, planet: Planet) -> np.ndarray:
    """Series (driver and target, place, month) of unit variance that remember and are shared."""
    spin_up, memory = 50, planet.memory
    shape = (planet.drivers + 1, PLACES, 12 * planet.years + spin_up)
    steps = np.sqrt(planet.shared) * rng.normal(size=(shape[0], 1, shape[2]))
    steps = steps + np.sqrt(1.0 - planet.shared) * rng.normal(size=shape)
    values = np.zeros(shape)
    for month in range(1, shape[2]):
        values[..., month] = memory * values[..., month - 1]
        values[..., month] += np.sqrt(1.0 - memory**2) * steps[..., month]
    return values[..., spin_up:]


def slopes(drivers: int) -> np.ndarray:
    return np.where(np.arange(drivers) % 2, -0.25, 0.4)


def graph(drivers: int) -> CausalGraph:
    names = [f"A{number}" for number in range(drivers)]
    return CausalGraph({names[0]: (), **dict.fromkeys(names[1:], (names[0],)), "Y": tuple(names)})


def truths(drivers: int) -> dict[str, float]:
    """Effects of the first driver in standard deviations; Y has unit variance."""
    direct = slopes(drivers)[0]
    total = direct + LINK * slopes(drivers)[1:].sum()
    return {"direct": direct, "total": total, "association": 6 / np.pi * np.arcsin(total / 2)}


def world(rng: np.random.Generator, planet: Planet) -> xr.Dataset:
    drivers, months = planet.drivers, 12 * planet.years
    made = noise(rng, planet)
    causes = made[:drivers].copy()
    causes[1:] = LINK * causes[0] + np.sqrt(1.0 - LINK**2) * made[1:drivers]
    explained = slopes(drivers)
    link = np.full((drivers, drivers), LINK**2)
    link[0], link[:, 0] = LINK, LINK
    np.fill_diagonal(link, 1.0)
    left = np.sqrt(1.0 - explained @ link @ explained)
    target = np.einsum("d,dpm->pm", explained, causes) + left * made[-1]
    if planet.unequal:
        target[~records(rng, planet.years)] = np.nan
    columns = {f"A{number}": values for number, values in enumerate(causes)} | {"Y": target}
    time = pd.date_range("1991-01", periods=months, freq="MS")
    space = {"lat": [50.0], "lon": np.arange(PLACES) + 0.5} if planet.pixels else {
        "site": [f"S{number}" for number in range(PLACES)]
    }  # fmt: skip
    shape = (*(len(labels) for labels in space.values()), months)
    dims = (*space, "time")
    return xr.Dataset({name: (dims, values.reshape(shape), {"units": "1"})
                       for name, values in columns.items()}, {**space, "time": time})  # fmt: skip


def records(rng: np.random.Generator, years: int) -> np.ndarray:
    """Which months (place, month) each tower has: a third of the years or more, in a row."""
    length = rng.integers(max(years // 3, 3), years + 1, size=PLACES)
    start = (rng.random(PLACES) * (years - length + 1)).astype(int)
    year = np.arange(12 * years) // 12
    return (year >= start[:, np.newaxis]) & (year < (start + length)[:, np.newaxis])


def coverage(worlds: int, planet: Planet) -> dict[str, float]:
    """Share of worlds whose interval of each quantity has the truth."""
    known, structure = truths(planet.drivers), graph(planet.drivers)
    hits = dict.fromkeys(known, 0)
    for number in range(worlds):
        rng = np.random.default_rng([number, planet.years, planet.drivers])
        network = fit_network(world(rng, planet), structure).select()
        found = group_effects(network, BootstrapOptions(replicates=REPLICATES, seed=number))
        for quantity, truth in known.items():
            _, low, high = found[0, 0, list(QUANTITIES).index(quantity)]
            hits[quantity] += int(low <= truth <= high)
    return {quantity: count / worlds for quantity, count in hits.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=300)
    parser.add_argument("--years", type=int, nargs="+", default=[5, 10, 20])
    parser.add_argument("--drivers", type=int, nargs="+", default=[2, 7])
    parser.add_argument("--memory", type=float, default=0.5)
    parser.add_argument("--shared", type=float, nargs="+", default=[0.0, 0.9])
    parser.add_argument("--unequal", action="store_true")
    asked = parser.parse_args()
    axes = ((True, False), asked.shared, asked.years, asked.drivers)
    for pixels, shared, years, drivers in product(*axes):
        found = coverage(
            asked.worlds, Planet(years, drivers, asked.memory, shared, pixels, asked.unequal)
        )
        shown = "  ".join(f"{quantity} {share:.3f}" for quantity, share in found.items())
        place = "cells " if pixels else "towers"
        print(f"{place} shared {shared}  years {years:2d}  drivers {drivers}:  {shown}", flush=True)


if __name__ == "__main__":
    main()
