"""How often the interval of each trend method holds the true trend, and how often p errs.

Series of 20 years (and other lengths) with AR(1) noise and a known trend; a share of the values is
missing in the last column group. Run: python analyses/trend_coverage.py [--cells 20000]
"""

import argparse

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.stats.trend import trend

TRUE = 0.1
METHODS = {
    "ols": {"method": "ols"},
    "newey_west": {"method": "newey_west"},
    "ols_ar1 (default)": {"method": "ols_ar1"},
    "ols_ar1, shared memory": {"method": "ols_ar1", "shared_memory": True},
    "effective_n": {"method": "effective_n"},
    "theil_sen": {"method": "theil_sen"},
    "theil_sen, prewhitened": {"method": "theil_sen", "prewhiten": True},
    "bootstrap": {"method": "bootstrap", "draws": 499},
}


def noise(random: np.random.Generator, cells: int, years: int, lag1: float) -> np.ndarray:
    values = np.empty((cells, years))
    values[:, 0] = random.normal(size=cells)
    for year in range(1, years):
        fresh = np.sqrt(1 - lag1**2) * random.normal(size=cells)
        values[:, year] = lag1 * values[:, year - 1] + fresh
    return values


def row(values: np.ndarray, slope: float) -> dict[str, tuple[float, float, float]]:
    series = xr.DataArray(values, {"year": np.arange(values.shape[1])}, ("cell", "year"))
    found = {}
    for name, how in METHODS.items():
        fit = trend(series, **how).data
        inside = ((fit["low"] <= slope) & (fit["high"] >= slope)).mean().item()
        wrong = (trend(series - slope * series["year"], **how).p < 0.05).mean().item()
        found[name] = (inside, wrong, (fit["high"] - fit["low"]).median().item())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=20000)
    cells = parser.parse_args().cells
    random = np.random.default_rng(20260)
    rows = []
    cases = [(20, lag1, 0.0) for lag1 in (0.0, 0.3, 0.4, 0.5, 0.6, 0.7)]
    cases += [(10, 0.4, 0.0), (40, 0.4, 0.0), (64, 0.4, 0.0), (20, 0.4, 0.2)]
    for years, lag1, missing in cases:
        values = noise(random, cells, years, lag1) + TRUE * np.arange(years)
        values[random.random(values.shape) < missing] = np.nan
        for name, (inside, wrong, width) in row(values, TRUE).items():
            rows.append((years, lag1, missing, name, inside, wrong, width))
    columns = ["years", "lag1", "missing", "method", "coverage95", "false_positive05", "width"]
    table = pd.DataFrame(rows, columns=columns)
    for quantity in columns[4:]:
        wide = table.pivot_table(quantity, "method", ["years", "missing", "lag1"], sort=False)
        print(f"\n{quantity}\n{wide.round(3).to_string()}")


if __name__ == "__main__":
    main()
