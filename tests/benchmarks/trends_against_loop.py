"""Theil-Sen with Mann-Kendall on a half-degree map against a loop over cells, in one run.

The map is 67,420 cells x 20 years. The loop calls pymannkendall.original_test cell by cell on a
sample of ``--sample`` cells, between two runs of the map, so that all see the same machine; its
time per cell times 67,420 is what the loop would take. ``--sample 67420`` measures the loop whole.

Run: python tests/benchmarks/trends_against_loop.py [--sample 5000]
"""

import argparse
import json
import sys
import time

import numpy as np
import pymannkendall
import xarray as xr

from uflux_stats.stats.trend import trend

CELLS, YEARS = 67_420, 20


def seconds(work: object) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=5000)
    sample = parser.parse_args().sample
    random = np.random.default_rng(0)
    values = random.normal(size=(YEARS, CELLS)) + 0.02 * np.arange(YEARS)[:, None]
    cube = xr.DataArray(values, {"year": 2003 + np.arange(YEARS)}, ("year", "cell"))
    rows = np.ascontiguousarray(values.T[:sample])

    def vectorised() -> None:
        trend(cube, method="theil_sen")

    def loop() -> None:
        for row in rows:
            pymannkendall.original_test(row)

    vectorised()
    before = [seconds(vectorised) for _ in range(3)]
    per_cell = seconds(loop) / sample
    after = [seconds(vectorised) for _ in range(3)]
    ours = float(np.median(before + after))
    report = {
        "cells": CELLS, "years": YEARS, "sample_of_loop": sample,
        "vectorised_seconds": round(ours, 4),
        "loop_microseconds_per_cell": round(per_cell * 1e6, 1),
        "loop_seconds_for_all": round(per_cell * CELLS, 2),
        "ratio": round(per_cell * CELLS / ours, 1),
    }  # fmt: skip
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
