"""The account of what a reader left out: which site, which variable, why, how many."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

import pandas as pd
import xarray as xr

from uflux_stats.errors import MissingVariableError


class Reason(StrEnum):
    """Why something was left out or changed."""

    ABSENT = "column absent from the file"
    MISSING = "missing in the file"
    LOW_QUALITY = "quality below the threshold"
    NO_QUALITY = "quality missing or outside 0 to 1"
    RANGE = "outside the possible range"
    DUPLICATE = "identical duplicate, one kept"
    CONFLICT = "conflicting duplicate, none kept"
    UNSORTED = "row out of order, sorted"
    NO_STATIC = "unknown in the site table"
    NO_FAPAR = "month absent from the fAPAR table"
    NO_CO2 = "month absent from the global CO2 table"
    GAP = "month of the file's period absent"
    CO2_REPLACED = "tower CO2 missing or impossible, global mean taken"
    OTHER_STEP = "file of another time step ignored"
    OTHER_FILE = "file of another kind ignored"
    OLDER_VERSION = "older version of the same site ignored"
    NO_LAND = "no cell with data within reach"
    OTHER_PERIOD = "month outside the period common to all variables"
    NOT_PREDICTED = "driver missing that training always had, nothing predicted"
    PARTIAL = "less than half of the month's steps present"
    PARTIAL_MONTH = "month of which hours or days lack"
    UNIT = "values that can only be of another unit, none kept"
    SAME_FILE = "second copy of the same file ignored"


@dataclass(frozen=True)
class Drop:
    """One row of the account: ``n`` values of ``variable`` at ``site`` for one reason.

    ``variable`` is ``"file"`` for whole files, ``"month"`` for whole rows, and ``"step"`` for those
    of finer files; ``site`` is empty for files that belong to none.
    """

    site: str
    variable: str
    reason: Reason
    n: int


COLUMNS: Final = ("site", "variable", "reason", "n")


def to_json(drops: Iterable[Drop]) -> str:
    """Write drops as JSON records; those of the same kind are added up, empty ones left out.

    Examples
    --------
    >>> to_json([Drop("AA-Bbb", "GPP", Reason.RANGE, 2), Drop("AA-Bbb", "GPP", Reason.RANGE, 1)])
    '[{"site": "AA-Bbb", "variable": "GPP", "reason": "outside the possible range", "n": 3}]'
    """
    sums: dict[tuple[str, str, Reason], int] = {}
    for drop in drops:
        key = (drop.site, drop.variable, drop.reason)
        sums[key] = sums.get(key, 0) + int(drop.n)
    return json.dumps([asdict(Drop(*key, n)) for key, n in sorted(sums.items()) if n])


def dropped_report(towers: xr.Dataset) -> pd.DataFrame:
    """Tabulate what the reader of ``towers`` left out, and why.

    Parameters
    ----------
    towers : xr.Dataset
        As returned by ``read_fluxnet``.

    Returns
    -------
    pandas.DataFrame
        Columns site, variable, reason, n (number of monthly values, rows or files).

    Raises
    ------
    MissingVariableError
        If ``towers`` carries no such account.

    Examples
    --------
    >>> account = to_json([Drop("AA-Bbb", "LE", Reason.RANGE, 2)])
    >>> dropped_report(xr.Dataset(attrs={"dropped": account}))["n"].item()
    2
    """
    if "dropped" not in towers.attrs:
        raise MissingVariableError(
            "towers: expected the attribute 'dropped' that a reader sets, got none; "
            "read the towers with read_fluxnet"
        )
    return pd.DataFrame(json.loads(towers.attrs["dropped"]), columns=list(COLUMNS))
