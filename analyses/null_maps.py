"""How often a map without any trend is said to have one, and what real trends are found.

Maps of 400 cells x 20 years with AR(1) noise, each cell by itself or smoothed over neighbours.
Columns: share of maps with any find where there is no trend (wanted: 0.05 at most); and, with a
trend of 0.2 sd per year in a quarter of the cells, the share of finds that are none (wanted: 0.05
at most) and the share of the trends that are found.
Run: python analyses/null_maps.py [--maps 200]
"""

import argparse
from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.stats.trend import field_significance
from uflux_stats.stats.trend.least_squares import effective_n, ols
from uflux_stats.stats.trend.line import LINE_FIELDS
from uflux_stats.stats.trend.memory import (
    LAGS,
    WIDTHS,
    learn_memories,
    memory_likelihood,
    ols_ar1,
)

SIDE, YEARS = 20, 20
TIME = np.arange(float(YEARS))
P = LINE_FIELDS.index("p")


def weighed(share: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    prior = WIDTHS * share
    return lambda rows: ols_ar1(rows, TIME, 0.95, prior=prior / prior.sum())[:, P]


def shared(rows: np.ndarray) -> np.ndarray:
    prior = learn_memories(memory_likelihood(rows, TIME))
    return ols_ar1(rows, TIME, 0.95, prior=prior)[:, P]


METHODS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "ols": lambda rows: ols(rows, TIME, 0.95)[:, P],
    "effective_n: one estimate of memory": lambda rows: effective_n(rows, TIME, 0.95)[:, P],
    "mixture, 0 to 1 alike": weighed((LAGS > 0).astype(float)),
    "mixture, 1 - lag1^2": weighed(1 - LAGS**2),
    "mixture, -1 to 1 alike": weighed(np.ones_like(LAGS)),
    "mixture, half circle (default)": weighed(np.sqrt(1 - LAGS**2)),
    "mixture learnt from the map (shared_memory)": shared,
}


def noise(random: np.random.Generator, lag1: float | None, smooth: bool) -> np.ndarray:
    lags = random.choice([0.0, 0.3, 0.6], size=(SIDE, SIDE)) if lag1 is None else lag1
    values = random.normal(size=(SIDE, SIDE, YEARS))
    if smooth:
        moves = [(i, j) for i in range(5) for j in range(5)]
        values = sum(np.roll(values, move, (0, 1)) for move in moves) / 5
    for year in range(1, YEARS):
        fresh = np.sqrt(1 - np.square(lags)) * values[..., year]
        values[..., year] = lags * values[..., year - 1] + fresh
    return values.reshape(-1, YEARS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--maps", type=int, default=200)
    maps = parser.parse_args().maps
    random = np.random.default_rng(20261)
    real = np.arange(SIDE**2) < SIDE**2 // 4
    rows = []
    cases = [(lag1, False) for lag1 in (0.0, 0.3, 0.6, 0.8, None)]
    for lag1, smooth in [*cases, (0.3, True), (0.6, True)]:
        sample = [noise(random, lag1, smooth) for _ in range(maps)]
        case = f"{'mixed' if lag1 is None else lag1}{' smooth' if smooth else ''}"
        for name, p_values in METHODS.items():
            found = []
            for values in sample:
                null = field_significance(xr.DataArray(p_values(values)))
                with_trend = values + 0.2 * TIME * real[:, None]
                found_trend = field_significance(xr.DataArray(p_values(with_trend))).values
                wrong = (found_trend & ~real).sum() / max(found_trend.sum(), 1)
                found.append((null.values.any(), wrong, found_trend[real].mean()))
            rows.append((case, name, *np.mean(found, axis=0)))
    columns = ["lag1", "method", "any_find", "wrong_finds", "found"]
    table = pd.DataFrame(rows, columns=columns)
    for quantity in columns[2:]:
        wide = table.pivot_table(quantity, "method", "lag1", sort=False)
        print(f"\n{quantity}\n{wide.round(3).to_string()}")


if __name__ == "__main__":
    main()
