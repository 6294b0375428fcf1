"""Skill at held-out towers with measured and with gridded drivers, and how the drivers differ.

    python analyses/tower_drivers.py FLUXNET_FOLDER DRIVERS

Twenty groups of towers, four members; the months that both kinds of drivers have are scored.
"transfer" is learned with measured and applied with gridded drivers.
"""

import argparse
import time

from uflux_stats.io.drivers import read_drivers
from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.pipeline.stages.data import with_grid_drivers
from uflux_stats.pipeline.stages.tower_drivers import skill_by_drivers, skill_numbers
from uflux_stats.refinement import RefineOptions
from uflux_stats.reporting.meteorology import ALL, meteorology_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("towers")
    parser.add_argument("drivers", nargs="+")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    measured = read_fluxnet(given.towers)
    gridded = with_grid_drivers(measured, read_drivers(*given.drivers))
    table = meteorology_table(measured, gridded[gridded.attrs["from_grid"].split()])
    print(table[table["igbp"] == ALL].round(2).to_string(index=False))
    start = time.perf_counter()
    both = skill_by_drivers(measured, gridded, RefineOptions(), workers=given.workers)
    print(f"\n{time.perf_counter() - start:.0f} s")
    for name, found in skill_numbers(both):
        print(f"{name:45s} {found.value:.3f} [{found.low:.3f}, {found.high:.3f}] n {found.n}")


if __name__ == "__main__":
    main()
