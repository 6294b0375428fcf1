"""The method paper's networks of six continents, refitted to towers, beside its printed values.

    python analyses/paper_networks.py FLUXNET_FOLDER

Raw monthly means over the towers of each continent, borders as in the paper, NEP as -NEE,
precipitation one month behind.
"""

import sys
from pathlib import Path

from uflux_stats.attribution.network import fit_network
from uflux_stats.attribution.published import compare_published
from uflux_stats.io.fluxnet import read_fluxnet


def main(folder: Path) -> None:
    """Print the comparison."""
    towers = read_fluxnet(folder)
    networks = fit_network(
        towers, "paper", by="continent", transform="raw", regions="natural_earth", pool="mean",
        min_months=36,
    )  # fmt: skip
    for group, reason in networks.skipped.items():
        print(f"{group}: no network. {reason}")
    table = compare_published(networks)
    print(table.round(2).to_string(index=False, na_rep="-"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
