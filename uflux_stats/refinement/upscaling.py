"""Predict a whole grid, band by band, into a store: the cube is never in memory at once."""

import json
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr
from tqdm import tqdm

from uflux_stats.baselines import complete_drivers
from uflux_stats.checks import require_dims, require_monthly, require_variables
from uflux_stats.choices import require_least
from uflux_stats.errors import MissingVariableError
from uflux_stats.grid import cell_coordinates
from uflux_stats.io.rounding import round_mantissa
from uflux_stats.io.zarr_store import ZarrWriter, create_store
from uflux_stats.refinement.consistency import (
    CONSISTENT,
    RECONCILED,
    Consistency,
    reconciled_attrs,
)
from uflux_stats.refinement.features import REQUIRED
from uflux_stats.refinement.fitting import DIFFERENCE, flux_attrs
from uflux_stats.refinement.intervals import BOUNDS, Intervals
from uflux_stats.refinement.predicting import judge, predict_fluxes, prepare
from uflux_stats.refinement.refiner import Refiner

logger = logging.getLogger(__name__)

QUANTILES: Final = (0.05, 0.5, 0.95)
"""Of the members: median and 90 % interval of the ensemble spread."""


@dataclass(frozen=True)
class UpscaleOptions:
    """How a grid is predicted.

    Attributes
    ----------
    rows : int
        About how many cells times months are in memory at once.
    threads : int
        Threads of one prediction.
    progress : bool
        Show a bar.
    intervals : Intervals, optional
        Write the interval of each flux as well; see ``calibrate``.
    consistency : Consistency, optional
        Write GPP, RECO and NEE that close their budget as well; see ``fit_consistency``.
    """

    rows: int = 800_000
    threads: int = 2
    progress: bool = False
    intervals: Intervals | None = None
    consistency: Consistency | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name in ("rows", "threads"):
            require_least(getattr(self, name), 1, name=name)


_DEFAULTS: Final = UpscaleOptions()


def upscale(
    refiner: Refiner,
    drivers: xr.Dataset,
    path: str | Path,
    options: UpscaleOptions = _DEFAULTS,
) -> Path:
    """Write the fluxes of a grid, members and their quantiles, to a Zarr store.

    Parameters
    ----------
    refiner : Refiner
    drivers : xr.Dataset, (time, lat, lon)
        Of ``read_drivers``; Dask arrays are loaded band by band. LANDFRAC [1] gives the land area.
    path : str or Path
        The store; it appears when it is whole.
    options : UpscaleOptions

    Returns
    -------
    Path
        The store: GPP, RECO, NEE, NEE_difference [gC m-2 d-1], LE [W m-2] on (member, time, lat,
        lon); the same names with ``_quantile`` on (quantile, time, lat, lon), the spread of the
        ensemble; DI and AOA (time, lat, lon), see ``Refiner.applicability``, where the fit knows
        them; coordinates land_area [m2], continent, IGBP, KOPPEN (lat, lon). Missing where a
        required driver is. Values are rounded to 13 bits of mantissa (1/16384 of a value).

    Raises
    ------
    MissingVariableError
        If a predictor or LANDFRAC is not there, or no cell has all required drivers.
    DimensionError
        If a dimension is missing; date a climatology first (``date_climatology``).
    UnitsError
        If a driver is in another unit.
    CalendarError
        If months are missing or not in order.

    Examples
    --------
    The same weather everywhere, at two towers and on a grid of 2 by 3:

    >>> import tempfile
    >>> from uflux_stats.io.zarr_store import open_store
    >>> from uflux_stats.refinement import refine
    >>> from uflux_stats.schema import variable
    >>> means = {"TA": 15.0, "VPD": 8.0, "SWIN": 200.0, "RNET": 90.0, "PA": 100.0, "CO2": 400.0,
    ...          "FAPAR": 0.5, "C4": 0.0, "IGBP": 4, "LANDFRAC": 1.0, "RECO": 4.0}
    >>> def world(**axes):
    ...     axes["time"] = xr.date_range("2004-01", periods=12, freq="MS")
    ...     even = xr.DataArray(1.0, axes, dims=list(axes))
    ...     flat = even.isel(time=0, drop=True)
    ...     static = ("C4", "IGBP", "LANDFRAC")
    ...     return xr.Dataset({
    ...         name: (mean * (flat if name in static else even)).assign_attrs(variable(name).attrs)
    ...         for name, mean in means.items()
    ...     })
    >>> towers = world(site=["A", "B"]).assign_coords(lat=("site", [50.0, 51.0]))
    >>> refiner = refine(towers, members=2, trees=2)
    >>> grid = world(lat=[50.25, 50.75], lon=[8.25, 8.75, 9.25])
    >>> store = open_store(upscale(refiner, grid, tempfile.mkdtemp() + "/fluxes.zarr"))
    >>> store.RECO.shape, store.RECO_quantile.dims
    ((2, 12, 2, 3), ('quantile', 'time', 'lat', 'lon'))
    >>> round(float(store.RECO.mean()), 2)
    4.0
    """
    require_usable(refiner, drivers)
    drivers = drivers.transpose("time", "lat", "lon", ...)
    template = _template(refiner, drivers, options)
    height = max(1, options.rows // (drivers.sizes["time"] * drivers.sizes["lon"]))
    writer = create_store(
        template,
        path,
        chunks={"member": 1, "quantile": 1, "lat": height},
        title="Refined land fluxes",
    )
    try:
        _write_bands(writer, refiner, drivers, options)
    except BaseException:
        shutil.rmtree(writer.partial, ignore_errors=True)
        raise
    return writer.finish()


def _write_bands(
    writer: ZarrWriter, refiner: Refiner, drivers: xr.Dataset, options: UpscaleOptions
) -> None:
    """Predict and write all bands of latitudes; raise if none has land."""
    height = writer.chunks["lat"]
    starts = range(0, drivers.sizes["lat"], height)
    written = [
        _write_band(writer, refiner, drivers.isel(lat=slice(start, start + height)), options)
        for start in tqdm(starts, desc="upscaling", disable=not options.progress)
    ]
    if not any(written):
        raise MissingVariableError(
            f"drivers: expected cells with all of {list(REQUIRED)}, got none; check the masks"
        )


def require_usable(refiner: Refiner, drivers: xr.Dataset) -> None:
    """Raise as ``upscale`` does, before any work, if a grid is not what a refiner needs."""
    require_dims(drivers, ["time", "lat", "lon"], name="drivers")
    require_monthly(drivers["time"])
    require_variables(drivers, REQUIRED, name="drivers")
    # what can be completed is judged on one band, so that nothing is loaded for it
    first = complete_drivers(drivers.isel(lat=slice(0, 1)))
    require_variables(first, (*refiner.spec.drivers, "LANDFRAC"), name="drivers")


def _template(refiner: Refiner, drivers: xr.Dataset, options: UpscaleOptions) -> xr.Dataset:
    """Lay out the store without values."""
    import dask.array  # adds warning filters, so not at our own import

    axes = {name: drivers.sizes[name] for name in ("time", "lat", "lon")}
    names = [*refiner.fit.fluxes]
    names += [DIFFERENCE] if {"GPP", "RECO"} <= set(names) else []
    fluxes = {name: flux_attrs(name) for name in names}
    if options.consistency is not None:
        reconciled = zip(RECONCILED, map(reconciled_attrs, CONSISTENT), strict=True)
        fluxes |= dict(reconciled)
    layout: dict[str, Any] = {}
    for name, attrs in fluxes.items():
        for dim, size, suffix in (
            ("member", refiner.options.members, ""),
            ("quantile", len(QUANTILES), "_quantile"),
        ):
            zeros = dask.array.zeros((size, *axes.values()), dtype=np.float32)
            layout[name + suffix] = ((dim, *axes), zeros, attrs)
    zeros = dask.array.zeros(tuple(axes.values()), dtype=np.float32)
    judged = _judgement_attrs(refiner, options.intervals)
    layout |= {name: (tuple(axes), zeros, attrs) for name, attrs in judged.items()}
    places = cell_coordinates(drivers)
    index = {"member": np.arange(refiner.options.members), "quantile": list(QUANTILES)}
    coords = {name: drivers[name] for name in axes}
    dated = {name: drivers.attrs[name] for name in ("climatology_year",) if name in drivers.attrs}
    return xr.Dataset(layout, coords={**coords, **index}, attrs=dated).assign_coords(places)


def _judgement_attrs(
    refiner: Refiner, intervals: Intervals | None
) -> dict[str, dict[str, str | float]]:
    """Attributes of what says how far to believe the fluxes, by name; (time, lat, lon) all."""
    found = {} if refiner.domain is None else refiner.domain.attrs
    if intervals is not None:
        found |= {f"{name}_{end}": dict(intervals.attrs(name, end))
                  for name in intervals.factor for end in BOUNDS}  # fmt: skip
    return found


def _write_band(
    writer: ZarrWriter, refiner: Refiner, band: xr.Dataset, options: UpscaleOptions
) -> bool:
    """Predict and write one band of latitudes; tell whether it had any land."""
    band = band.load()
    known = band[list(REQUIRED)].notnull().to_dataarray().all("variable")
    empty = writer.template.sel(lat=band["lat"])
    if not known.any():
        missing = {name: np.float32(np.nan) for name in empty.data_vars}
        writer.write(xr.full_like(empty, missing).compute())
        return False
    prepared = prepare(band, refiner.spec, refiner.fit)
    predicted = predict_fluxes(prepared, refiner.fit, refiner.options, threads=options.threads)
    for drop in json.loads(predicted.attrs["dropped"]):
        told = "%s is missing in %d cells and months of a band; nothing is predicted there"
        logger.warning(told, drop["variable"], drop["n"])
    if options.consistency is not None:
        predicted = predicted.merge(options.consistency.reconcile(predicted))
    predicted = _closed(_rounded(predicted))
    parts = [predicted, quantiles(predicted)]
    if refiner.domain is not None:
        parts.append(judge(prepared, refiner.domain, refiner.options, threads=options.threads))
    if options.intervals is not None:
        parts.append(options.intervals.bounds(predicted, band["IGBP"]))
    judged = [predicted, *(_rounded(part) for part in parts[1:])]
    writer.write(xr.merge(judged, combine_attrs="drop").drop_attrs())
    return True


def _rounded(data: xr.Dataset) -> xr.Dataset:
    """Round to the bits that mean something: a store is two thirds as large."""
    return data.map(lambda values: values.copy(data=round_mantissa(values.values)), keep_attrs=True)


def _closed(fluxes: xr.Dataset) -> xr.Dataset:
    """Take differences anew from the rounded fluxes, so that they are still exact."""
    of = {DIFFERENCE: ("RECO", "GPP"), RECONCILED[2]: (RECONCILED[1], RECONCILED[0])}
    anew = {
        name: (fluxes[reco] - fluxes[gpp]).assign_attrs(fluxes[name].attrs)
        for name, (reco, gpp) in of.items()
        if name in fluxes
    }
    return fluxes.assign(anew)


def quantiles(members: xr.Dataset) -> xr.Dataset:
    """Return the quantiles of the members of each variable, as ``NAME_quantile``.

    Parameters
    ----------
    members : xr.Dataset, (member, ...)

    Returns
    -------
    xr.Dataset, (quantile, ...) [units of the variables]
        At ``QUANTILES``; the spread of the ensemble, not the error of a prediction.

    Examples
    --------
    >>> members = xr.Dataset({"GPP": ("member", np.arange(21.0, dtype="float32"))})
    >>> quantiles(members).GPP_quantile.values.tolist()
    [1.0, 10.0, 19.0]
    """
    # sorting once and interpolating is many times faster than nanquantile: a cell is missing in
    # all members or in none
    members = members.transpose("member", ...)
    ordered = {name: np.sort(values.values, axis=0) for name, values in members.items()}
    place = np.array(QUANTILES) * (members.sizes["member"] - 1)
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, members.sizes["member"] - 1)
    found = {}
    for name, values in ordered.items():
        share = (place - low).astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
        mixed = values[low] * (1.0 - share) + values[high] * share
        dims = ("quantile", *members[name].dims[1:])
        found[f"{name}_quantile"] = (dims, mixed, members[name].attrs)
    return xr.Dataset(found, coords={"quantile": list(QUANTILES)})
