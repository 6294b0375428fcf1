"""Tables of results as text, and short views of them in notebooks."""

import json
from collections.abc import Hashable
from html import escape
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from uflux_stats.errors import ConfigError

ROWS_SHOWN: Final = 10
Form = Literal["table", "json", "csv"]


def written(table: pd.DataFrame, form: Form = "table") -> str:
    """Write a table as aligned text, JSON records or CSV.

    Raises
    ------
    ConfigError
        If the form is unknown.

    Examples
    --------
    >>> print(written(pd.DataFrame({"flux": ["GPP"], "r2": [0.12345]})))
    flux    r2
     GPP 0.123
    """
    if form == "csv":
        return table.to_csv(index=False, float_format="%.6g")
    if form == "json":
        records = [_plain(row) for row in table.to_dict("records")]
        return json.dumps(records, indent=1, allow_nan=False)
    if form != "table":
        raise ConfigError(f"form: expected table, json or csv, got {form!r}")
    return table.to_string(index=False, na_rep="", float_format=lambda value: f"{value:.3g}")


def _plain(row: dict[Hashable, Any]) -> dict[str, Any]:
    return {str(k): None if isinstance(v, float) and not np.isfinite(v) else v
            for k, v in row.items()}  # fmt: skip


def html_view(title: str, table: pd.DataFrame, *notes: str) -> str:
    """Write a result as HTML: title, notes and the first rows of its table.

    Parameters
    ----------
    title : str
    table : pandas.DataFrame
        One row per item, with units in the names of columns that have one.
    *notes : str
        Empty ones are left out.

    Returns
    -------
    str

    Examples
    --------
    >>> shown = html_view("Trend <1>", pd.DataFrame({"slope": [0.12345]}), "AR(1) errors")
    >>> shown.split("<table")[0]
    '<p><b>Trend &lt;1&gt;</b></p><p>AR(1) errors</p>'
    """
    told = "".join(f"<p>{escape(note)}</p>" for note in notes if note)
    rows = table.head(ROWS_SHOWN).to_html(index=False, float_format="{:.4g}".format, border=0)
    left = len(table) - ROWS_SHOWN
    more = f"<p>{left} more rows</p>" if left > 0 else ""
    return f"<p><b>{escape(title)}</b></p>{told}{rows}{more}"
