"""One tower under two names: the same measurements, which a split by tower would leak."""

from collections.abc import Sequence
from itertools import combinations
from typing import Final

import pandas as pd

from uflux_stats.errors import DataFileError
from uflux_stats.io.fluxnet_table import TowerTable
from uflux_stats.schema import FLUXES

LEAST_ALIKE: Final = 3
"""Different months with the same fluxes at two sites from which on these are one tower. Among the
towers of FLUXNET2015 no two share one month; neighbours share meteorology, never fluxes."""
_KNOWN: Final = 2
"""Fluxes that a month must have to tell towers apart."""


def same_towers(tables: Sequence[TowerTable]) -> dict[tuple[str, str], int]:
    """Find sites whose fluxes are identical in some months.

    Towers that stand side by side differ in their fluxes, whatever drivers they share. Months with
    the same fluxes as another month of the pair, as of constant series, count once.

    Parameters
    ----------
    tables : sequence of TowerTable

    Returns
    -------
    dict
        Number of different identical months of each such pair of sites.
    """
    if not tables:
        return {}
    columns = list(FLUXES)
    rows = pd.concat([
        table.values[columns].dropna(thresh=_KNOWN).rename_axis("time").reset_index()
        .assign(site=table.site)
        for table in tables
    ])  # fmt: skip
    alike = rows[rows.duplicated(["time", *columns], keep=False)]
    months: dict[tuple[str, str], set[tuple[str, ...]]] = {}
    for key, found in alike.groupby(["time", *columns], dropna=False)["site"]:
        for pair in combinations(sorted(found), 2):
            months.setdefault(pair, set()).add(tuple(map(str, key[1:])))
    counts = {pair: len(values) for pair, values in months.items()}
    return {pair: n for pair, n in counts.items() if n >= LEAST_ALIKE}


def require_distinct(tables: Sequence[TowerTable]) -> None:
    """Raise ``DataFileError`` if a tower is there under two names."""
    pairs = [f"{first} and {second} ({n} months)"
             for (first, second), n in same_towers(tables).items()]  # fmt: skip
    if pairs:
        raise DataFileError(
            f"path: expected each tower under one name, got the same fluxes at {', '.join(pairs)}; "
            "remove the file of the name that is not its own"
        )
