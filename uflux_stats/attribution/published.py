"""The published network of continents beside a fitted one."""

from importlib.resources import files
from io import StringIO
from typing import Final

import pandas as pd

from uflux_stats.attribution.network import Networks
from uflux_stats.attribution.samples import Group

_FILE: Final = "published_network.csv"


def published_values() -> pd.DataFrame:
    """Rank correlations of Zhu et al. (2026), doi 10.1016/j.agrformet.2026.111197, Fig. 9 and A.14.

    Returns
    -------
    pd.DataFrame
        region, cause, effect, published [1], bound ("=", ">" where the figure only says more).
    """
    text = files("uflux_stats.data").joinpath(_FILE).read_text(encoding="utf-8")
    return pd.read_csv(StringIO(text), comment="#")


def compare_published(networks: Networks) -> pd.DataFrame:
    """Put the rank correlations that fitted networks imply beside the published ones.

    Parameters
    ----------
    networks : Networks
        By continent, regions="natural_earth", graph="paper", transform="raw" if it is to be the
        same thing.

    Returns
    -------
    pd.DataFrame
        region, cause, effect, published (missing where nothing was printed), fitted, difference,
        n, n_places; every edge of every region.
    """
    rows = []
    for group, network in networks.items():
        implied = network.rank_correlation
        rows += [
            (group.region, cause, effect, float(implied.sel(node=effect, other=cause)),
             network.sample.n, network.sample.n_places)
            for cause, effect in network.graph.edges
            if group.pft == Group().pft
        ]  # fmt: skip
    columns = ["region", "cause", "effect", "fitted", "n", "n_places"]
    fitted = pd.DataFrame(rows, columns=columns)
    both = fitted.merge(published_values(), on=["region", "cause", "effect"], how="left")
    both["difference"] = both["fitted"] - both["published"]
    return both[["region", "cause", "effect", "published", "bound", "fitted", "difference", "n",
                 "n_places"]]  # fmt: skip
