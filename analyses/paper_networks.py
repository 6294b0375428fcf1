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

FEW = 4


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
        VPD: the published, and in the mean over towers five ways: those that are there; the same
        where they are four or more; the mean years of those that are there, which leaves nothing
        but who is there; a fixed set, the ``whole`` towers with a mean year, their gaps filled
        from it; and the mean year of that set.
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
        rows.append({
            "continent": name, "towers": there.sizes["site"],
            "median_per_month": float(count.where(count > 0).median()),
            "published": printed["published"].get(name, np.nan),
            "changing_set": _rank(there.mean("site")),
            "four_or_more": _rank(there.mean("site").where(count >= FEW)),
            **fixed_sets(there, count > 0),
        })  # fmt: skip
    return pd.DataFrame(rows)


def fixed_sets(there: xr.Dataset, measured: xr.DataArray) -> dict[str, float]:
    """Separate who is there from what is measured, of towers with a whole mean year."""
    year = there.groupby("time.month").mean("time")
    whole = year["GPP"].notnull().all("month")
    of_month = year.sel(month=there["time"].dt.month).drop_vars("month").isel(site=whole.values)
    kept = there.isel(site=whole.values)
    return {
        "whole": int(whole.sum()),
        "who_is_there": _rank(of_month.where(kept.notnull()).mean("site")),
        "fixed_set": _rank(kept.fillna(of_month).where(measured).mean("site")),
        "mean_year": _rank(year.isel(site=whole.values).mean("site")),
    }


def _rank(pair: xr.Dataset) -> float:
    frame = pair[["GPP", "VPD"]].to_dataframe()[["GPP", "VPD"]].dropna()
    return float(frame.corr(method="spearman").iloc[0, 1])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
