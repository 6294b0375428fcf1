"""How often the 90 % interval of an unseen site's mean RECO holds it: site effects or none.

python analyses/coverage_of_unseen_sites.py TOWERS.nc [FOLDS] [FORM] [LEVEL ...]
"""

import sys

import xarray as xr

from uflux_stats.bayes.leave_out import LEVELS, coverage_table
from uflux_stats.bayes.options import RespirationOptions


def main(towers: str, folds: str = "10", form: str = "q10", *levels: str) -> None:
    """Print the table."""
    options = RespirationOptions(form=form)
    chosen = levels or LEVELS
    table = coverage_table(xr.load_dataset(towers), options, levels=chosen, folds=int(folds))
    print(table.round(2).to_string())


if __name__ == "__main__":
    main(*sys.argv[1:])
