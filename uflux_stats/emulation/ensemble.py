"""Vegetation models prepared for learning: completed, on the cells of the drivers, year by year."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import xarray as xr

from uflux_stats.checks import require_dims, require_variables
from uflux_stats.choices import require_choice
from uflux_stats.emulation.cells import Cells, known_cells
from uflux_stats.emulation.parameters import DAYS_PER_YEAR
from uflux_stats.errors import MissingVariableError
from uflux_stats.grid.regrid import regrid
from uflux_stats.stats.yearly import yearly_means

Statistic = Literal["mean", "p25", "p75"]
STATISTICS: Final[tuple[Statistic, ...]] = get_args(Statistic)
FLUXES: Final = ("GPP", "NPP", "Ra", "Rh")
PARTS: Final = ("cLeaf", "cWood", "cRoot")
POOLS: Final = ("cVeg", *PARTS, "cLitter", "cSoil")
LEAST_MODELS: Final = 3
"""Models that a cell needs for a statistic over models."""
DERIVED: Final = (
    "Rh derived as NPP minus the change of cVeg and cSoil over the last ten years: holds fire and "
    "litter as well"
)
RH_RAISED: Final = "Rh_raised"
"""What derived Rh below 0 was raised by [gC m-2 d-1]."""


@dataclass(frozen=True)
class Ensemble:
    """Output of vegetation models on the cells of the drivers.

    Attributes
    ----------
    cells : Cells
    yearly : xr.Dataset, (model, epoch, site)
        Yearly mean fluxes [gC m-2 d-1] and pools [gC m-2]. ``epoch`` is a year or a period.
    monthly : xr.Dataset or None, (model, time, site)
        Monthly fluxes, if the models have them.
    """

    cells: Cells
    yearly: xr.Dataset
    monthly: xr.Dataset | None

    @property
    def models(self) -> list[str]:
        """Names of the models."""
        return [str(name) for name in self.yearly["model"].values]

    def drivers(self, drivers: xr.Dataset) -> xr.Dataset:
        """Pick the cells, and the months that the models have, from drivers (time, lat, lon)."""
        taken = self.cells.take(drivers)
        return taken if self.monthly is None else taken.sel(time=self.monthly["time"])

    def member(self, name: str) -> "Ensemble":
        """One model, or a statistic over models, as an ensemble of one."""
        if name in STATISTICS:
            months = None if self.monthly is None else statistic(self.monthly, name)
            return Ensemble(self.cells, statistic(self.yearly, name), months)
        months = None if self.monthly is None else self.monthly.sel(model=[name])
        return Ensemble(self.cells, self.yearly.sel(model=[name]), months)


def prepare(dgvms: xr.Dataset, drivers: xr.Dataset) -> Ensemble:
    """Complete the models and bring them to the cells and years of the drivers.

    What follows from other variables is added: Ra = GPP - NPP, NPP = GPP - Ra, cRoot as the rest of
    cVeg. Without Rh, it is NPP minus the change of the pools, and labelled so. Years that the
    drivers do not have are left out, unless they have no year in common: then the mean over the
    models' years goes with the mean year of the drivers.

    Parameters
    ----------
    dgvms : xr.Dataset, (model, time or year or period, lat, lon)
        Of ``read_dgvm``; on another grid than the drivers' it is regridded.
    drivers : xr.Dataset, (time, lat, lon)

    Returns
    -------
    Ensemble

    Raises
    ------
    MissingVariableError
        If GPP or NPP is not there.
    GridError
        If no cell has all required drivers.
    """
    require_dims(dgvms, ("model", "lat", "lon"), name="dgvms")
    require_variables(dgvms, ("GPP",), name="dgvms")
    if "NPP" not in dgvms and "Ra" not in dgvms:
        raise MissingVariableError(
            f"dgvms: expected NPP or Ra beside GPP, got {sorted(map(str, dgvms.data_vars))}; "
            "without them there is no carbon-use efficiency to learn"
        )
    cells = Cells.of(drivers)
    placed = cells.take(_on_grid(dgvms, drivers)).drop_vars("native_grid", errors="ignore")
    months = [name for name in FLUXES if name in placed and "time" in placed[name].dims]
    monthly = _completed(placed[months]) if months else None
    yearly = _completed(_yearly(placed))
    years = np.unique(drivers["time"].dt.year.values)
    return _in_epochs(Ensemble(cells, yearly, monthly), years)


def land_overlap(dgvms: xr.Dataset, drivers: xr.Dataset) -> dict[str, int]:
    """Count the cells that only the drivers, or only the models, cover.

    Parameters
    ----------
    dgvms : xr.Dataset, (model, ..., lat, lon)
        With GPP; on another grid than the drivers' it is regridded.
    drivers : xr.Dataset, (time, lat, lon)

    Returns
    -------
    dict of int
        ``cells_without_models`` are emulated from what was learned elsewhere;
        ``cells_without_drivers`` are not emulated.
    """
    gpp = _on_grid(dgvms[["GPP"]], drivers)["GPP"]
    told = gpp.notnull().any([dim for dim in gpp.dims if dim not in ("lat", "lon")])
    modelled, known = told.transpose("lat", "lon").values, known_cells(drivers)
    return {
        "cells_without_models": int((known & ~modelled).sum()),
        "cells_without_drivers": int((modelled & ~known).sum()),
    }


def _on_grid(dgvms: xr.Dataset, drivers: xr.Dataset) -> xr.Dataset:
    if all(np.array_equal(dgvms[axis], drivers[axis]) for axis in ("lat", "lon")):
        return dgvms
    moved = {name: regrid(field, drivers) for name, field in dgvms.data_vars.items()}
    return xr.Dataset(moved, attrs=dgvms.attrs).astype(np.float32)


def _yearly(placed: xr.Dataset) -> xr.Dataset:
    """Bring all variables to (model, epoch, site)."""
    found = {}
    for name, field in placed.data_vars.items():
        dim = next((d for d in ("period", "year") if d in field.dims), None)
        whole = yearly_means(field) if "time" in field.dims else field
        dim = "year" if "time" in field.dims else dim
        found[name] = whole.rename({dim: "epoch"}) if dim else whole
    if any("epoch" in field.dims for field in found.values()):
        return xr.Dataset(found)
    return xr.Dataset(found).expand_dims(epoch=["mean"])


def _completed(data: xr.Dataset) -> xr.Dataset:
    """Add what follows from other variables."""
    full = data
    if {"GPP", "NPP"} <= set(full):
        ra = (full["GPP"] - full["NPP"]).assign_attrs(units="gC m-2 d-1")
        full = full.assign(Ra=full["Ra"].fillna(ra) if "Ra" in full else ra)
    if {"GPP", "Ra"} <= set(full):
        npp = (full["GPP"] - full["Ra"]).assign_attrs(units="gC m-2 d-1")
        full = full.assign(NPP=full["NPP"].fillna(npp) if "NPP" in full else npp)
    if {"cVeg_change", "cSoil_change", "NPP"} <= set(full) and "Rh" not in full:
        change = (full["cVeg_change"] + full["cSoil_change"]) / DAYS_PER_YEAR
        # the change is over the last ten years only
        rh = (full["NPP"] - change).where(full["epoch"] == "FINAL")
        least = rh.clip(min=0.0).assign_attrs(units="gC m-2 d-1", comment=DERIVED)
        full = full.assign({"Rh": least, RH_RAISED: least - rh})
    if {"cVeg", "cLeaf", "cWood"} <= set(full):
        rest = (full["cVeg"] - full["cLeaf"] - full["cWood"]).clip(min=0.0)
        full = full.assign(cRoot=full["cRoot"].fillna(rest) if "cRoot" in full else rest)
    kept = [name for name in (*FLUXES, RH_RAISED, *POOLS) if name in full]
    return full[kept].drop_vars("period", errors="ignore")


def _in_epochs(ensemble: Ensemble, years: np.ndarray) -> Ensemble:
    """Keep the years of the drivers, or the mean over all years if they share none."""
    epochs = ensemble.yearly["epoch"].values
    if not np.issubdtype(epochs.dtype, np.integer):
        return Ensemble(ensemble.cells, ensemble.yearly, None)
    common = np.intersect1d(epochs, years)
    if not common.size:
        mean = ensemble.yearly.mean("epoch", keep_attrs=True).expand_dims(epoch=["mean"], axis=1)
        return Ensemble(ensemble.cells, mean, None)
    yearly = ensemble.yearly.sel(epoch=common)
    if ensemble.monthly is None:
        return Ensemble(ensemble.cells, yearly, None)
    inside = np.isin(ensemble.monthly["time"].dt.year.values, common)
    return Ensemble(ensemble.cells, yearly, ensemble.monthly.isel(time=inside))


def statistic(data: xr.Dataset, name: str) -> xr.Dataset:
    """Mean or quantile over the models, variable by variable.

    Leaf, wood and root are given as the statistic of cVeg times their shares of the statistic of
    the parts, over the models that have all three: the others do not distort the shares.

    Parameters
    ----------
    data : xr.Dataset, (model, ...)
    name : {"mean", "p25", "p75"}

    Returns
    -------
    xr.Dataset, (model, ...)
        With the one model ``name``; missing where less than three models have data (or all, if
        there are fewer).

    Raises
    ------
    ConfigError
        If the statistic is unknown.
    """
    require_choice(name, STATISTICS, name="statistic")
    found = {}
    for variable, field in data.data_vars.items():
        enough = field.notnull().sum("model") >= min(LEAST_MODELS, data.sizes["model"])
        found[variable] = _over_models(field, name).where(enough).assign_attrs(field.attrs)
    whole = xr.Dataset(found)
    if {"cVeg", *PARTS} <= set(whole):
        complete = np.logical_and.reduce([data[part].notnull() for part in PARTS])
        of_parts = [_over_models(data[part].where(complete), name) for part in PARTS]
        total = of_parts[0] + of_parts[1] + of_parts[2]
        shares = {
            part: (whole["cVeg"] * values / total.where(total > 0)).assign_attrs(units="gC m-2")
            for part, values in zip(PARTS, of_parts, strict=True)
        }
        whole = whole.assign(shares)
    return whole.expand_dims(model=[name])


def _over_models(field: xr.DataArray, name: str) -> xr.DataArray:
    if name == "mean":
        models = field.notnull().sum("model")
        mean: xr.DataArray = field.sum("model") / models.where(models > 0)
        return mean
    # sorting with missing values last is many times faster than nanquantile
    ordered = np.sort(field.transpose("model", ...).values, axis=0)
    count = np.isfinite(ordered).sum(axis=0)
    place = (0.25 if name == "p25" else 0.75) * np.maximum(count - 1, 0)
    low = np.floor(place).astype(np.intp)
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    pick = [np.take_along_axis(ordered, at[None], axis=0)[0] for at in (low, high)]
    values = pick[0] + (place - low) * (pick[1] - pick[0])
    template = field.isel(model=0, drop=True)
    return template.copy(data=values.astype(np.float32))
