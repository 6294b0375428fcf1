"""Predictors of the parameters: climate, greenness, land cover, CO2 and preceding GPP."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.baselines import complete_drivers
from uflux_stats.refinement.features import FeatureSpec, features
from uflux_stats.schema import IGBP_CLASSES, KOPPEN_CLASSES
from uflux_stats.units import WATTS_PER_MM_DAY

Table = NDArray[np.float32]
MONTHS: Final = 12
WARM: Final = 5.0
"""Months above this mean temperature [degC] count as growing season."""
_CLASSES: Final = {"IGBP": IGBP_CLASSES, "KOPPEN": KOPPEN_CLASSES}


@dataclass(frozen=True)
class Predictors:
    """Predictors of every cell, without the GPP that goes with them.

    Attributes
    ----------
    yearly : array of float32, (site, year, feature)
    years : array of int, (year,)
    monthly : xr.DataArray or None, (feature, cell, time)
        As of the refinement.
    names : tuple of str
        Of the yearly ones.
    """

    yearly: Table
    years: NDArray[np.int64]
    monthly: xr.DataArray | None
    names: tuple[str, ...]

    def of_epoch(self, epoch: object) -> Table:
        """Yearly predictors of a year (site, feature), or their mean for anything else."""
        here = [place for place, year in enumerate(self.years) if year == epoch]
        chosen: Table = self.yearly[:, here[0]] if here else self.yearly.mean(axis=1)
        return chosen


def build_predictors(
    drivers: xr.Dataset, *, monthly: bool, spec: FeatureSpec | None = None
) -> Predictors:
    """Build the predictors of cells in a row.

    Parameters
    ----------
    drivers : xr.Dataset, (time, site)
        Whole years of months; coordinates lat, lon (site,).
    monthly : bool
        Whether the monthly ones are wanted.
    spec : FeatureSpec, optional
        Of the monthly ones; by default what the drivers have.

    Returns
    -------
    Predictors
    """
    full = complete_drivers(drivers).transpose("site", "time", ...)
    spec = spec or FeatureSpec.of(full)
    columns = dict(_yearly_columns(full, spec))
    years = np.unique(full["time"].dt.year.values)
    shape = (full.sizes["site"], len(years))
    stacked = np.stack([np.broadcast_to(c, shape) for c in columns.values()], axis=-1)
    months = features(full, spec) if monthly else None
    return Predictors(stacked.astype(np.float32), years, months, tuple(columns))


def _yearly_columns(drivers: xr.Dataset, spec: FeatureSpec) -> list[tuple[str, Table]]:
    """Name and values, (site, year) or (site, 1), of every yearly predictor."""
    by_month = {name: _by_month(drivers[name], drivers.sizes["site"]) for name in spec.dynamic}
    columns = []
    for name, values in by_month.items():
        columns.append((f"{name}_mean", values.mean(axis=2)))
        if name not in ("CO2", "PA"):
            columns.append((f"{name}_low", values.min(axis=2)))
            columns.append((f"{name}_high", values.max(axis=2)))
    columns.extend(_derived(by_month))
    for name in ("C4", "DEM"):
        if name in drivers:
            columns.append((name, drivers[name].values[:, None].astype(np.float32)))
    for name, codes in spec.classes:
        values = drivers[name].values[:, None]
        for code in codes:
            columns.append((f"{name}_{_CLASSES[name][code]}", (values == code).astype(np.float32)))
    return columns


def _by_month(values: xr.DataArray, sites: int) -> Table:
    """(site, year, month); a driver without sites (CO2) is the same everywhere."""
    if "site" not in values.dims:
        values = values.expand_dims(site=sites)
    whole: Table = values.transpose("site", "time").values.astype(np.float32)
    return whole.reshape(len(whole), -1, MONTHS)


def _derived(by_month: dict[str, Table]) -> list[tuple[str, Table]]:
    """Combine drivers with a meaning: light absorbed, warmth when it grows, wetness."""
    light = by_month["FAPAR"] * by_month["SWIN"]
    warm = by_month["TA"]
    weight = np.maximum(light, 1e-3)
    columns = [
        ("APAR_mean", light.mean(axis=2)),
        ("APAR_high", light.max(axis=2)),
        ("warm_months", (warm > WARM).sum(axis=2).astype(np.float32)),
        ("TA_growing", (warm * weight).sum(axis=2) / weight.sum(axis=2)),
        ("VPD_growing", (by_month["VPD"] * weight).sum(axis=2) / weight.sum(axis=2)),
    ]
    if {"P", "RNET"} <= set(by_month):
        energy = np.maximum(by_month["RNET"], 1.0) / WATTS_PER_MM_DAY
        supply = by_month["P"]
        columns.append(("wetness", supply.sum(axis=2) / energy.sum(axis=2)))
        columns.append(("dry_months", (supply < 0.5 * energy).sum(axis=2).astype(np.float32)))
    return columns


def with_gpp(yearly: Table, gpp: NDArray[np.floating]) -> Table:
    """Put the yearly mean GPP (row,) beside the yearly predictors (row, feature)."""
    return np.column_stack([yearly, gpp.astype(np.float32)])


def with_monthly_gpp(months: xr.DataArray, gpp: NDArray[np.floating]) -> Table:
    """Monthly predictors with the GPP of the month, and its mean over the year up to it.

    Parameters
    ----------
    months : xr.DataArray, (feature, cell, time)
    gpp : array, (cell, time) [gC m-2 d-1]

    Returns
    -------
    array, (cell * time, feature + 2)
    """
    running = preceding_mean(gpp)
    table = np.concatenate([months.values, gpp[None], running[None]]).astype(np.float32)
    return np.ascontiguousarray(table.reshape(len(table), -1).T)


def preceding_mean(gpp: NDArray[np.floating]) -> Table:
    """Mean over the known ones of the twelve months up to each, (cell, time).

    The first year looks round itself; missing where none of the twelve is known.
    """
    first = gpp[:, :MONTHS]
    longer = np.concatenate([first, gpp], axis=1, dtype=np.float64)
    known = np.isfinite(longer)
    total, count = (np.cumsum(part, axis=1) for part in (np.where(known, longer, 0.0), known))
    summed, months = (part[:, MONTHS:] - part[:, :-MONTHS] for part in (total, count))
    mean = np.full(gpp.shape, np.nan)
    np.divide(summed, months, out=mean, where=months > 0)
    return mean.astype(np.float32)
