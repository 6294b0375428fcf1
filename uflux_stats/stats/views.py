"""Short views of results in notebooks: a line, notes and a small table."""

from html import escape
from typing import Final

import pandas as pd

ROWS_SHOWN: Final = 10


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
