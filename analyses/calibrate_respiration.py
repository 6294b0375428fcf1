"""Simulation-based calibration of the respiration model on the design of real or twin towers.

python analyses/calibrate_respiration.py TOWERS.nc OUT_FOLDER [--level site] [--simulations 1000]
    [--sites 12] [--months 12] [--effects VPD] [--minutes 14]

It stops after ``--minutes``, and goes on where it was when called again: ranks of simulations that
are done stand in OUT_FOLDER/ranks.csv, and a number decides all of a simulation. Several may run
at a time with ``--share 0/2`` and ``--share 1/2``, each in its own folder; ``--join FOLDER ...``
puts them together.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from itertools import takewhile
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats import __version__
from uflux_stats.bayes.as_baseline import thin_months
from uflux_stats.bayes.calibration import CalibrationOptions, calibration_of, simulations
from uflux_stats.bayes.options import RespirationOptions
from uflux_stats.bayes.rows import ModelRows, model_rows
from uflux_stats.io.store import write_netcdf
from uflux_stats.reporting.respiration import rank_histograms
from uflux_stats.reporting.style import save_figure

RANKS = "ranks.csv"


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("towers")
    parser.add_argument("out", type=Path)
    parser.add_argument("--level", default="site")
    parser.add_argument("--effects", nargs="*", default=["VPD"])
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--sites", type=int, default=12)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--minutes", type=float, default=14.0)
    parser.add_argument("--share", default="0/1", help="every n-th simulation, from number i: i/n")
    parser.add_argument("--join", nargs="*", type=Path, default=[], help="folders of other shares")
    return parser.parse_args(given)


def design(chosen: argparse.Namespace) -> ModelRows:
    """Take sites evenly out of the towers, and of each at most so many months."""
    every = xr.load_dataset(chosen.towers)
    picked = np.linspace(0, every.sizes["site"] - 1, chosen.sites).astype(int)
    towers = thin_months(every.isel(site=picked), chosen.months)
    options = RespirationOptions(level=chosen.level, effects=tuple(chosen.effects))
    return model_rows(towers, options)


def require_design(chosen: argparse.Namespace) -> None:
    """Note what is simulated in the folder, and stop where it holds ranks of something else."""
    names = ("towers", "level", "effects", "sites", "months")
    asked = json.dumps(
        {name: vars(chosen)[name] for name in names}
        | {"version": __version__, "options": asdict(CalibrationOptions())},
        default=str,
    )
    chosen.out.mkdir(parents=True, exist_ok=True)
    path = chosen.out / "design.json"
    if path.exists() and path.read_text() != asked:
        raise SystemExit(f"{path}: expected {asked}, got {path.read_text()}; name another folder")
    path.write_text(asked)


def run(chosen: argparse.Namespace, options: CalibrationOptions) -> None:
    """Add ranks of simulations that are not yet done, until the time is up."""
    path = chosen.out / RANKS
    done = set(pd.read_csv(path)["simulation"]) if path.exists() else set()
    first, step = (int(part) for part in chosen.share.split("/"))
    left = [n for n in range(first, chosen.simulations, step) if n not in done]
    end = time.monotonic() + 60.0 * chosen.minutes
    in_time = takewhile(lambda _: time.monotonic() < end, left)
    for found in simulations(design(chosen), in_time, options) if left else ():
        table = found.to_dataframe().reset_index()
        table.to_csv(path, mode="a", header=not path.exists(), index=False)


def read(folder: Path, options: CalibrationOptions) -> list[xr.Dataset]:
    """Read the ranks of all simulations of a folder."""
    table = pd.read_csv(folder / RANKS)
    return [
        xr.Dataset.from_dataframe(rows.set_index("parameter")[["rank", "covered", "ess"]])
        .sel(parameter=rows["parameter"].tolist())
        .assign_coords(simulation=number)
        .assign_attrs(ranks=options.ranks)
        for number, rows in table.groupby("simulation")
    ]


def main(given: Sequence[str] | None = None) -> None:
    """Rank, write ``calibration.nc`` and draw ``calibration.png``."""
    chosen, options = arguments(given), CalibrationOptions(progress=True)
    require_design(chosen)
    run(chosen, options)
    found = calibration_of(
        [part for folder in (chosen.out, *chosen.join) for part in read(folder, options)]
    )
    write_netcdf(found, chosen.out / "calibration.nc", title="Simulation-based calibration")
    save_figure(rank_histograms(found), chosen.out / "calibration.png")
    table = pd.DataFrame(
        {
            "coverage90": found["covered"].mean("simulation").to_series(),
            "p_value": found["p_value"].to_series(),
            "adjusted": found["p_value_adjusted"].to_series(),
            "smallest_ess": found["ess"].min("simulation").to_series(),
        }
    )
    print(f"{found.sizes['simulation']} simulations of level {chosen.level}")
    print(table.round(3).to_string())


if __name__ == "__main__":
    main()
