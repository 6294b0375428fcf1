"""How often intervals of effects hold the truth in worlds whose places share their weather.

    python analyses/attribution_coverage.py [--worlds 300] [--years 5 10 20] [--drivers 2 7]

Worlds of towers or cells with months that remember (lag-1 correlation .5 of drivers and noise) and
share none or nearly all of their weather; effects of the first driver are known. Anomalies,
networks and intervals are made as for real data. Nominal .90.
"""

import argparse
from itertools import product

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.attribution.attribute import group_effects
from uflux_stats.attribution.bootstrap import BootstrapOptions
from uflux_stats.attribution.effects import QUANTITIES
from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.network import fit_network

MEMORY = 0.5
LINK = 0.5
PLACES = 8
REPLICATES = 100


def noise(rng: np.random.Generator, shape: tuple[int, int, int], shared: float) -> np.ndarray:
    """Series (series, place, month) of unit variance with memory, a share of it the same at all."""
    series, places, months = shape
    steps = np.sqrt(shared) * rng.normal(size=(series, 1, months + 50))
    steps = steps + np.sqrt(1.0 - shared) * rng.normal(size=(series, places, months + 50))
    values = np.zeros_like(steps)
    for month in range(1, months + 50):
        values[..., month] = MEMORY * values[..., month - 1]
        values[..., month] += np.sqrt(1.0 - MEMORY**2) * steps[..., month]
    return values[..., 50:]


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


def world(rng: np.random.Generator, years: int, drivers: int, how: tuple[float, bool]) -> xr.Dataset:
    shared, pixels = how
    made = noise(rng, (drivers + 1, PLACES, 12 * years), shared)
    causes = made[:drivers].copy()
    causes[1:] = LINK * causes[0] + np.sqrt(1.0 - LINK**2) * made[1:drivers]
    explained = slopes(drivers)
    link = np.full((drivers, drivers), LINK**2)
    link[0], link[:, 0] = LINK, LINK
    np.fill_diagonal(link, 1.0)
    left = np.sqrt(1.0 - explained @ link @ explained)
    target = np.einsum("d,dpm->pm", explained, causes) + left * made[-1]
    time = pd.date_range("1991-01", periods=12 * years, freq="MS")
    columns = {f"A{number}": values for number, values in enumerate(causes)} | {"Y": target}
    if not pixels:
        axes = {"site": [f"S{number}" for number in range(PLACES)], "time": time}
        return xr.Dataset({name: (("site", "time"), values, {"units": "1"})
                           for name, values in columns.items()}, axes)  # fmt: skip
    axes = {"lat": [50.0], "lon": np.arange(PLACES) + 0.5, "time": time}
    return xr.Dataset({name: (("lat", "lon", "time"), values[np.newaxis], {"units": "1"})
                       for name, values in columns.items()}, axes)  # fmt: skip


def coverage(worlds: int, years: int, drivers: int, how: tuple[float, bool]) -> dict[str, float]:
    """Share of worlds whose interval of each quantity has the truth."""
    known, structure = truths(drivers), graph(drivers)
    hits = dict.fromkeys(known, 0)
    for number in range(worlds):
        rng = np.random.default_rng([number, years, drivers])
        network = fit_network(world(rng, years, drivers, how), structure).select()
        found = group_effects(network, BootstrapOptions(replicates=REPLICATES, seed=number))
        for quantity, truth in known.items():
            _, low, high = found[0, 0, list(QUANTITIES).index(quantity)]
            hits[quantity] += low <= truth <= high
    return {quantity: count / worlds for quantity, count in hits.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=300)
    parser.add_argument("--years", type=int, nargs="+", default=[5, 10, 20])
    parser.add_argument("--drivers", type=int, nargs="+", default=[2, 7])
    asked = parser.parse_args()
    for pixels, shared in product((True, False), (0.0, 0.9)):
        for years, drivers in product(asked.years, asked.drivers):
            found = coverage(asked.worlds, years, drivers, (shared, pixels))
            shown = "  ".join(f"{quantity} {share:.3f}" for quantity, share in found.items())
            place = "cells " if pixels else "towers"
            print(f"{place} shared {shared}  years {years:2d}  drivers {drivers}:  {shown}", flush=True)


if __name__ == "__main__":
    main()
