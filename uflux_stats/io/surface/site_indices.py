"""MODIS vegetation indices MOD13A1 at tower sites, as tables of R hold them."""

import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.errors import DataFileError, MissingExtraError
from uflux_stats.io.greenness import evi2, fapar_from_evi2
from uflux_stats.io.surface.mcd43a4 import SCALE

RED, NIR = "sur_refl_b01", "sur_refl_b02"
GOOD: Final = (0, 1)
"""Good and marginal by SummaryQA; 2 is snow or ice, 3 cloud."""
NEEDED: Final = ("site", "date", RED, NIR, "SummaryQA")
SOURCE: Final = "MOD13A1"


def read_mod13a1(path: str | Path) -> pd.DataFrame:
    """Read monthly fAPAR of sites from 16-day composites of MOD13A1 in an R data file.

    EVI2 of the composites that are good or marginal, averaged over each month, times 1.25.

    Parameters
    ----------
    path : str or Path
        ``.rda`` with a table of the columns site, date (days since 1970), sur_refl_b01,
        sur_refl_b02 (counts of 1e-4) and SummaryQA.

    Returns
    -------
    pandas.DataFrame
        As of ``read_fapar``: indexed by (site, time), FAPAR [1] and source.

    Raises
    ------
    DataFileError
        If the file is damaged or has no such table.
    MissingExtraError
        If rdata is not installed.

    References
    ----------
    Didan, K. (2021), MODIS/Terra Vegetation Indices 16-Day L3 Global 500m SIN Grid V061, doi
    10.5067/MODIS/MOD13A1.061.
    """
    table = _table(Path(path))
    counts = table[[RED, NIR]].astype(float).where(table[[RED, NIR]] > 0) * SCALE
    good = table["SummaryQA"].isin(GOOD).to_numpy(dtype=bool, na_value=False)
    red, near = (xr.DataArray(counts[band].to_numpy(), dims="row") for band in (RED, NIR))
    days = pd.to_datetime(table["date"].astype(float), unit="D", origin="unix")
    keys = {
        "site": table["site"].astype(str).to_numpy(),
        "time": days.dt.to_period("M").dt.to_timestamp().to_numpy(),
    }
    index = pd.Series(np.where(good, evi2(red, near).values, np.nan))
    monthly = index.groupby([pd.Series(values, name=name) for name, values in keys.items()]).mean()
    greenness = fapar_from_evi2(xr.DataArray(monthly.to_numpy(), dims="row"))
    columns = {"FAPAR": greenness.values, "source": SOURCE}
    return pd.DataFrame(columns, index=monthly.index).sort_index()


def _table(path: Path) -> pd.DataFrame:
    try:
        import rdata
    except ImportError as error:
        raise MissingExtraError("rdata", "surface") from error
    try:
        with warnings.catch_warnings():
            # a data.table is read as the data.frame that it also is
            warnings.filterwarnings("ignore", category=UserWarning, module=r"rdata\..*")
            content = rdata.read_rda(path)
    except (OSError, ValueError, EOFError, NotImplementedError) as error:
        raise DataFileError(
            f"path: expected a readable R data file, got {path} ({error}); get it again"
        ) from error
    for table in _tables(content):
        if set(NEEDED) <= set(table):
            return table
    raise DataFileError(
        f"path: expected a table with the columns {list(NEEDED)}, got none in {path.name}"
    )


def _tables(content: Any) -> list[pd.DataFrame]:
    if isinstance(content, pd.DataFrame):
        return [content]
    if isinstance(content, dict):
        return [table for value in content.values() for table in _tables(value)]
    return []
