"""What did closing the budgets move? How often and how far, by region and season."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.checks import require_dims
from uflux_stats.errors import MissingVariableError
from uflux_stats.grid.regions import By, region_masks
from uflux_stats.units import PG_PER_G

MOVED_FROM: Final = 0.05
"""Adjustments of more than this [gC m-2 d-1] count as a move."""
SEASONS: Final = ("DJF", "MAM", "JJA", "SON")
YEAR: Final = "year"
REGIONS: Final[tuple[By, ...]] = ("globe", "continent", "pft")
SIZE: Final = "adjustment_size_"

Floats = NDArray[np.float64]


def adjustment_table(carbon: xr.Dataset, *, by: By | Sequence[By] = REGIONS) -> pd.DataFrame:
    """Tabulate how often and how far "exact" moved each flux, by region and season.

    Parameters
    ----------
    carbon : xr.Dataset
        Of ``emulate`` with closure "exact".
    by : str or sequence of str
        Kinds of regions.

    Returns
    -------
    pandas.DataFrame
        ``flux``, ``region``, ``season`` (months of the northern year, and the whole ``year``);
        means over land and days of the adjustment (``mean``) and of its ``size``
        [gC m-2 d-1]; ``moved``, the share of land and time where the size is more than 0.05
        gC m-2 d-1; ``total``, the adjustment in those months of a year [PgC].

    Raises
    ------
    MissingVariableError
        If ``carbon`` carries no adjustments.
    """
    names = [str(name)[len(SIZE) :] for name in carbon if str(name).startswith(SIZE)]
    if not names:
        raise MissingVariableError(
            "carbon: expected adjustments, got none; emulate with closure='exact'"
        )
    require_dims(carbon, ("time", "lat", "lon"), name="carbon")
    regions, area = _areas(carbon, (by,) if isinstance(by, str) else by)
    days = carbon["time"].dt.days_in_month.values.astype(np.float64)
    months = carbon["time"].dt.season.values
    seasons = {label: months == label for label in SEASONS if (months == label).any()}
    seasons[YEAR] = np.full(len(months), True)
    tables = []
    for flux in names:
        size, mean = (
            _cells(carbon[f"{kind}_{flux}"]) for kind in ("adjustment_size", "adjustment")
        )
        often = np.where(np.isfinite(size), size > MOVED_FROM, np.nan)
        for label, inside in seasons.items():
            weight = np.where(inside, days, 0.0)
            fields = np.stack([weight @ mean, weight @ size, weight @ often])
            means = _over_regions(fields / weight.sum(), area)
            per_year = weight.sum() * 12 / len(months)
            rows = dict(zip(("mean", "size", "moved"), means, strict=True))
            land = (area * np.isfinite(fields[0])).sum(axis=1)
            totals = PG_PER_G * means[0] * per_year * land
            tables.append(
                pd.DataFrame(
                    {"flux": flux, "region": regions, "season": label, **rows, "total": totals}
                )
            )
    return pd.concat(tables).dropna(subset=["size"]).reset_index(drop=True)


def _areas(carbon: xr.Dataset, kinds: Sequence[By]) -> tuple[list[str], Floats]:
    """Names of the regions and land area [m2] of each cell in them, (region, cell)."""
    masks = xr.concat([region_masks(carbon, kind) for kind in kinds], "region")
    area = masks * carbon["land_area"].fillna(0.0).astype(np.float64).reset_coords(drop=True)
    flat = area.transpose("region", "lat", "lon").values.reshape(masks.sizes["region"], -1)
    return [str(name) for name in masks["region"].values], flat


def _cells(field: xr.DataArray) -> Floats:
    """Lay a field out as (time, cell), in double precision: the order of sums must not matter."""
    values = field.transpose("time", "lat", "lon").values
    flat: Floats = values.reshape(len(values), -1).astype(np.float64)
    return flat


def _over_regions(fields: Floats, area: Floats) -> Floats:
    """Mean of fields (field, cell) over the land of each region, (field, region)."""
    known = np.isfinite(fields)
    summed = np.where(known, fields, 0.0) @ area.T
    covered = known.astype(np.float64) @ area.T
    means: Floats = np.divide(summed, covered, out=np.full_like(summed, np.nan), where=covered > 0)
    return means
