"""The method paper's networks of six continents, refitted to towers, beside its printed values.

    python analyses/paper_networks.py FLUXNET_FOLDER

Raw monthly means over the towers of each continent, borders as in the paper, NEP as -NEE,
precipitation one month behind. A second table says what the means are made of: a mean over towers
that come and go follows who is there as much as it follows the season.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.attribution.network import fit_network
from uflux_stats.attribution.published import compare_published, published_values
from uflux_stats.grid import continents_at
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
    print(coverage(towers).round(2).to_string(index=False))


def coverage(towers: xr.Dataset) -> pd.DataFrame:
    """Tabulate the towers behind each continent, and what a fixed set of them would give.

    Returns
    -------
    pd.DataFrame
        continent, towers, median number of them in a month, and the rank correlation of GPP and
        VPD three ways: the published, in the mean over the towers that are there, and in the mean
        of all towers' own mean years.
    """
    known = np.isfinite(towers["GPP"]) & np.isfinite(towers["VPD"])
    both = towers[["GPP", "VPD"]].where(known)
    place = continents_at(towers["lat"].values, towers["lon"].values, regions="natural_earth")
    printed = published_values().query("cause == 'VPD' and effect == 'GPP'").set_index("region")
    rows = []
    for name in np.unique(place):
        there = both.isel(site=place == name)
        count = there["GPP"].notnull().sum("site")
        if not int(count.sum()):
            continue
        year = there.groupby("time.month").mean("time").mean("site")
        rows.append({
            "continent": name, "towers": there.sizes["site"],
            "median_per_month": float(count.where(count > 0).median()),
            "published": printed["published"].get(name, np.nan),
            "changing_set": _rank(there.mean("site")), "fixed_set": _rank(year),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _rank(pair: xr.Dataset) -> float:
    frame = pair[["GPP", "VPD"]].to_dataframe()[["GPP", "VPD"]].dropna()
    return float(frame.corr(method="spearman").iloc[0, 1])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
