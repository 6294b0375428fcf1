"""Predict from drivers: what can be predicted, the fluxes there, and how far to believe them."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.baselines import baseline, complete_drivers
from uflux_stats.checks import require_dims, require_ranges, require_variables
from uflux_stats.errors import CalendarError, DimensionError, MissingVariableError
from uflux_stats.io.drops import Drop, Reason, to_json
from uflux_stats.refinement.dissimilarity import Domain
from uflux_stats.refinement.features import REQUIRED, FeatureSpec, features
from uflux_stats.refinement.fitting import Fit, flux_attrs, predict_rows, with_process
from uflux_stats.refinement.options import RefineOptions
from uflux_stats.refinement.table import Mask, Rows
from uflux_stats.schema import FLUXES

MONTHS_OF_A_YEAR: Final = 12


@dataclass(frozen=True)
class Prepared:
    """Rows to predict at, made from drivers once.

    Attributes
    ----------
    layout : xr.DataArray, (*space, time)
        Zeros where results go.
    order : tuple of str
        Dims of the drivers, in their order.
    usable : array of bool, (cell, time)
        Which of them are rows.
    predictors : array, (row, feature)
    process : dict of array, (row,)
        Fluxes of the baseline.
    drops : list of Drop
        What is lost to which driver.
    """

    layout: xr.DataArray
    order: tuple[Hashable, ...]
    usable: Mask
    predictors: NDArray[np.float32]
    process: dict[str, Rows]
    drops: list[Drop]


def prepare(drivers: xr.Dataset, spec: FeatureSpec, fit: Fit) -> Prepared:
    """Check and complete drivers, and make the rows of predictors of all that can be predicted."""
    _require_months(drivers)
    require_variables(drivers, REQUIRED, name="drivers")
    completed = complete_drivers(drivers).compute()
    require_variables(completed, spec.drivers, name="drivers")
    require_ranges(completed, spec.dynamic, name="drivers")
    predictors = features(completed, spec).values
    space = [dim for dim in completed["TA"].dims if dim != "time"]
    layout = xr.zeros_like(completed["TA"].transpose(*space, "time"), dtype=np.float32)
    usable, drops = _usable(completed, layout, spec)
    process = _process(fit, completed, layout, usable)
    rows = np.ascontiguousarray(predictors[:, usable].T)
    return Prepared(layout, completed["TA"].dims, usable, rows, process, drops)


def predict_fluxes(
    prepared: Prepared, fit: Fit, options: RefineOptions, *, threads: int = 1
) -> xr.Dataset:
    """Predict as ``Refiner.predict`` does, without the coordinates of the cells."""
    predicted = predict_rows(fit, prepared.process, prepared.predictors, options, threads=threads)
    labelled = {
        name: _lay_out(values, prepared, flux_attrs(name)) for name, values in predicted.items()
    }
    fluxes = xr.Dataset(labelled).transpose("member", *prepared.order)
    return fluxes.assign_attrs(title="Refined land fluxes", dropped=to_json(prepared.drops))


def judge(
    prepared: Prepared, domain: Domain | None, options: RefineOptions, *, threads: int = 1
) -> xr.Dataset:
    """Measure DI and AOA as ``Refiner.applicability`` does."""
    if domain is None:
        raise MissingVariableError(
            "refiner: expected a fit to two towers or more, whose distance is the yardstick of "
            "dissimilarity, got one tower or one climate; add towers"
        )
    rows = with_process(prepared.predictors, prepared.process, options)
    far = domain.dissimilarity(rows, threads=threads)
    near = (far <= domain.threshold).astype(np.float32)
    judged = {
        name: _lay_out(values[np.newaxis], prepared, attrs).isel(member=0, drop=True)
        for (name, attrs), values in zip(domain.attrs.items(), (far, near), strict=True)
    }
    return xr.Dataset(judged).transpose(*prepared.order)


def _process(fit: Fit, drivers: xr.Dataset, layout: xr.DataArray, usable: Mask) -> dict[str, Rows]:
    """Baseline fluxes at the usable cells and months."""
    modelled = baseline(drivers, fit.parameters).transpose(*layout.dims)
    return {name: modelled[name].values.reshape(usable.shape)[usable] for name in FLUXES}


def _require_months(drivers: xr.Dataset) -> None:
    """Raise on a climatology, or less than a year: all months tell what a place is like."""
    if "month" in drivers.dims:
        raise DimensionError(
            "drivers: expected dimension 'time', got the months of a climatology; "
            "date it first with date_climatology(drivers)"
        )
    require_dims(drivers, ["time"], name="drivers")
    if drivers.sizes["time"] < MONTHS_OF_A_YEAR:
        raise CalendarError(
            f"drivers.time: expected at least twelve months, got {drivers.sizes['time']}; the "
            "climate of a place is among the predictors: give a whole year, select months after"
        )


def _usable(
    drivers: xr.Dataset, layout: xr.DataArray, spec: FeatureSpec
) -> tuple[Mask, list[Drop]]:
    """Cells and months, (cell, time), where all that training always had is known.

    Also returned is what is lost to each driver beyond the first four, the land mask.
    """
    usable = np.ones(layout.shape, bool)
    drops, nowhere = [], []
    for name in dict.fromkeys((*REQUIRED, *spec.required)):
        known = spec.known(drivers, name).broadcast_like(layout).transpose(*layout.dims).values
        if not known.any():
            nowhere.append(name)
        lost = int((usable & ~known).sum())
        if lost and name not in REQUIRED:
            drops.append(Drop("", name, Reason.NOT_PREDICTED, lost))
        usable &= known
    if not usable.any():
        raise MissingVariableError(
            f"drivers: expected cells or towers with all of {list(spec.required)}, got none "
            f"{_blame(nowhere)}"
        )
    return usable.reshape(-1, layout.sizes["time"]), drops


def _blame(nowhere: list[str]) -> str:
    """Tell which drivers are known nowhere, and what may be done."""
    if not nowhere:
        return "(each is known somewhere, but never all); fill gaps, or check the masks"
    return (
        f"({', '.join(nowhere)} known nowhere); a wrong unit, or no table of sites or of fAPAR? Of "
        "towers dropped_report tells why; else fill in what is missing"
    )


def _lay_out(
    values: NDArray[np.float32], prepared: Prepared, attrs: Mapping[str, str | float]
) -> xr.DataArray:
    """Put results (member, row) back on (member, *space, time)."""
    layout = prepared.layout
    whole = np.full((len(values), *prepared.usable.shape), np.nan, np.float32)
    whole[:, prepared.usable] = values
    shaped = whole.reshape(len(values), *layout.shape)
    return xr.DataArray(
        shaped,
        dims=("member", *layout.dims),
        coords={**layout.coords, "member": np.arange(len(values))},
        attrs=dict(attrs),
    )
