"""The account of what was wrong with the files of vegetation models."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final

import pandas as pd
import xarray as xr

from uflux_stats.errors import MissingVariableError

COLUMNS: Final = ("model", "variable", "period", "what", "n")


@dataclass(frozen=True)
class Fault:
    """Something wrong with one variable of one model, which was left out or mended.

    Attributes
    ----------
    model, variable, period
        Where; ``variable`` is "all" if the whole model is meant.
    what
        What is wrong and what was done.
    n
        Number of values concerned; 0 if the whole file is.
    """

    model: str
    variable: str
    period: str
    what: str
    n: int = 0


def faults_to_json(faults: Iterable[Fault]) -> str:
    """Write faults as JSON records."""
    return json.dumps([asdict(fault) for fault in faults])


def fault_table(dgvms: xr.Dataset) -> pd.DataFrame:
    """Tabulate the faults that the reader found.

    Parameters
    ----------
    dgvms : xr.Dataset
        Of ``read_dgvm``.

    Returns
    -------
    pandas.DataFrame
        Columns model, variable, period, what, n.

    Raises
    ------
    MissingVariableError
        If ``dgvms`` carries no such account.

    Examples
    --------
    >>> account = faults_to_json([Fault("ISAM", "cLeaf", "FINAL", "left out: broken")])
    >>> fault_table(xr.Dataset(attrs={"faults": account}))["model"].item()
    'ISAM'
    """
    if "faults" not in dgvms.attrs:
        raise MissingVariableError(
            "dgvms: expected the attribute 'faults' that the reader sets, got none; "
            "read the models with read_dgvm"
        )
    return pd.DataFrame(json.loads(dgvms.attrs["faults"]), columns=list(COLUMNS))
