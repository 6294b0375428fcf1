"""Simulation-based calibration of the respiration model on the design of real or twin towers.

python analyses/calibrate_respiration.py TOWERS.nc OUT_FOLDER [SIMULATIONS] [SITES]
"""

import sys
from pathlib import Path

import numpy as np
import xarray as xr

from uflux_stats.bayes.calibration import CalibrationOptions, calibrate
from uflux_stats.bayes.options import RespirationOptions
from uflux_stats.bayes.rows import model_rows
from uflux_stats.io.store import write_netcdf
from uflux_stats.reporting.respiration import rank_histograms
from uflux_stats.reporting.style import save_figure


def main(towers: str, out: str, simulations: str = "1000", sites: str = "12") -> None:
    """Rank, write ``calibration.nc`` and draw ``calibration.png``."""
    every = xr.load_dataset(towers)
    chosen = np.linspace(0, every.sizes["site"] - 1, int(sites)).astype(int)
    rows = model_rows(every.isel(site=chosen), RespirationOptions(geometry="noncentred"))
    options = CalibrationOptions(simulations=int(simulations), progress=True)
    found = calibrate(rows, options)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    write_netcdf(found, folder / "calibration.nc", title="Simulation-based calibration")
    save_figure(rank_histograms(found), folder / "calibration.png")
    print(found.p_value.to_series().round(3).to_string())


if __name__ == "__main__":
    main(*sys.argv[1:])
