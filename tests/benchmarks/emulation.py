"""Time and memory of the emulation on the sample of vegetation models at half a degree.

Usage: UFLUX_DATA=... python tests/benchmarks/emulation.py FLUXES.zarr
"""

import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from uflux_stats.emulation import EmulateOptions, emulate_to_store, train_emulator
from uflux_stats.io.dgvm import read_dgvm
from uflux_stats.io.drivers import date_climatology, read_drivers
from uflux_stats.io.zarr_store import open_store
from uflux_stats.stats.totals import total

PAPER = {"NPP": 60, "RECO": 100, "cVeg": 400, "cLeaf": 13, "cWood": 320}


def timed(label, function, results):
    start, used = time.perf_counter(), time.process_time()
    value = function()
    results[label] = {
        "seconds": round(time.perf_counter() - start, 1),
        "cpu_seconds": round(time.process_time() - used, 1),
        "load": os.getloadavg()[0],
        "peak_GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }
    return value


def main():
    data = Path(os.environ["UFLUX_DATA"])
    results = {}
    drivers = timed(
        "drivers", lambda: date_climatology(read_drivers(data / "climatology_0p5.nc")), results
    )
    dgvms = timed("read_dgvm", lambda: read_dgvm(data / "trendy_v11"), results)
    ten = EmulateOptions(models=tuple(dgvms["model"].values[:10].tolist()))
    emulator = timed("train_16", lambda: train_emulator(dgvms, drivers), results)
    names = ["mean", *ten.models]
    learnt = {name: emulator.learnt[name] for name in names}
    emulator = type(emulator)(learnt, emulator.spec, ten, ten.models)
    fluxes = open_store(Path(sys.argv[1]))
    place = Path(tempfile.mkdtemp()) / "stocks.zarr"
    timed("apply_10", lambda: emulate_to_store(emulator, drivers, fluxes, place), results)
    carbon = open_store(place)
    for name in ("GPP", "RECO", "NEP", "NPP", "Ra", "Rh", "cVeg", "cLeaf", "cWood", "cSoil"):
        sums = total(carbon[name]).compute()
        low, middle, high = np.quantile(sums, [0.25, 0.5, 0.75])
        results[name] = {"p25": low, "median": middle, "p75": high, "paper": PAPER.get(name)}
    sys.stdout.write(json.dumps(results, indent=1, default=float) + "\n")


if __name__ == "__main__":
    main()
