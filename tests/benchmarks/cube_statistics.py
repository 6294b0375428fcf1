"""Regional totals in memory, and trends streamed over Dask chunks with their peak memory.

``memory``: total(by="continent") of a 240 x 360 x 720 cube once it is in memory.
``stream``: totals and yearly trends of a 240 x 360 x 720 variable in a Zarr store, chunk by chunk,
with the peak of resident memory of this process; run each kind in a process of its own.

Run: python tests/benchmarks/cube_statistics.py memory|make|totals|trends [--store FOLDER]
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.grid import cell_area
from uflux_stats.stats.totals import total
from uflux_stats.stats.trend import trend

LAT, LON = np.arange(-89.75, 90, 0.5), np.arange(-179.75, 180, 0.5)
MONTHS = 240


def cube(months: int = MONTHS) -> xr.DataArray:
    random = np.random.default_rng(0)
    values = random.random((months, len(LAT), len(LON)), dtype=np.float32) * 8
    sea = random.random((len(LAT), len(LON))) < 0.7
    values[:, sea] = np.nan
    time_axis = pd.date_range("2003-01", periods=months, freq="MS")
    coords = {"time": time_axis, "lat": LAT, "lon": LON}
    array = xr.DataArray(values, coords, tuple(coords), attrs={"units": "gC m-2 d-1"}, name="GPP")
    return array.assign_coords(land_area=cell_area(LAT, LON).where(~sea, 0.0))


def timed(work: object) -> float:
    start = time.perf_counter()
    work()
    return round(time.perf_counter() - start, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["memory", "make", "totals", "trends"])
    parser.add_argument("--store", type=Path, default=Path("cube_statistics.zarr"))
    how = parser.parse_args()
    report: dict[str, object] = {"kind": how.kind, "cube": [MONTHS, len(LAT), len(LON)]}
    if how.kind == "memory":
        values = cube()
        report["first_seconds"] = timed(lambda: total(values, by="continent"))
        report["seconds"] = [timed(lambda: total(values, by="continent")) for _ in range(3)]
    elif how.kind == "make":
        chunks = {"time": 12, "lat": 90, "lon": 180}
        cube().chunk(chunks).to_dataset().to_zarr(how.store, mode="w")
    else:
        values = xr.open_zarr(how.store)["GPP"]
        values["land_area"].load()
        if how.kind == "totals":
            report["seconds"] = timed(lambda: total(values, by="continent").compute())
        else:
            for method in ("ols_ar1", "theil_sen"):
                report[method] = timed(lambda m=method: trend(values, method=m).data.compute())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    report["peak_memory_gb"] = round(peak, 2)
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
