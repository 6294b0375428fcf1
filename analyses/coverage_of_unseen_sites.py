"""How often the 90 % interval of an unseen site's mean RECO holds it: site effects or none.

python analyses/coverage_of_unseen_sites.py TOWERS.nc [--folds 5] [--months 12] [--effects ...]

TOWERS.nc is the file ``towers.nc`` of a run. Sites are held out in groups and all is refitted
without them. A pooled model and one of classes know the mean of sites and say nothing of one site.
"""

import argparse
import time

import xarray as xr

from uflux_stats.baselines import complete_drivers
from uflux_stats.bayes.as_baseline import thin_months
from uflux_stats.bayes.leave_out import LEVELS, coverage_table
from uflux_stats.bayes.options import RespirationOptions, SamplerOptions


def main() -> None:
    """Print the table, a level at a time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("towers")
    parser.add_argument("--folds", type=int, default=5, help="groups of sites held out")
    parser.add_argument("--months", type=int, default=12, help="most months of a tower")
    parser.add_argument("--draws", type=int, default=400, help="of each of two chains")
    parser.add_argument("--form", default="q10")
    parser.add_argument("--effects", nargs="*", default=[], help="drivers, such as APAR VPD")
    parser.add_argument("--levels", nargs="*", default=LEVELS)
    chosen = parser.parse_args()
    towers = thin_months(complete_drivers(xr.load_dataset(chosen.towers)), chosen.months)
    options = RespirationOptions(form=chosen.form, effects=tuple(chosen.effects))
    sampler = SamplerOptions(draws=chosen.draws, tune=chosen.draws, chains=2)
    months = int(towers["RECO"].notnull().sum())
    print(
        f"{months} months, at most {chosen.months} of a tower; {chosen.folds} folds; 2 chains of "
        f"{chosen.draws} draws; {chosen.form} {' '.join(chosen.effects)}"
    )
    for level in chosen.levels:
        begun = time.perf_counter()
        table = coverage_table(towers, options, levels=[level], folds=chosen.folds, sampler=sampler)
        print(table.assign(seconds=time.perf_counter() - begun).round(2).to_string(), flush=True)


if __name__ == "__main__":
    main()
