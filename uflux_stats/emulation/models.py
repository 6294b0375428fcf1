"""The vegetation models' own means on the grid of the emulation, and their totals."""

from collections.abc import Iterator, Sequence
from typing import Final

import xarray as xr

from uflux_stats.emulation.ensemble import POOLS, RH_RAISED, prepare
from uflux_stats.emulation.parameters import DAYS_PER_YEAR
from uflux_stats.grid.polygons import RegionSet
from uflux_stats.grid.regions import By
from uflux_stats.io.dgvm.faults import Fault, faults_to_json
from uflux_stats.stats.totals import total

FLUXES: Final = ("GPP", "NPP", "Ra", "Rh")
RECO: Final = ("Ra", "Rh")


def mean_models(dgvms: xr.Dataset, drivers: xr.Dataset, like: xr.Dataset) -> xr.Dataset:
    """Average each model over the years of the drivers (of ten-year means, the last).

    Parameters
    ----------
    dgvms : xr.Dataset, (model, ..., lat, lon)
        Of ``read_dgvm``.
    drivers : xr.Dataset, (time, lat, lon)
    like : xr.Dataset
        Of ``emulate`` with these drivers, for its maps.

    Returns
    -------
    xr.Dataset, (model, lat, lon)
        GPP, NPP, Ra and, where known, Rh, RECO = Ra + Rh and NEP = NPP - Rh as sums of a year
        [gC m-2], and pools [gC m-2]. Where Rh had to be derived, ``Rh_raised`` is what values below
        0 were raised by, ``attrs["faults"]`` counts these cells and ``attrs["comment"]`` of NEP
        tells how it came about.

    Raises
    ------
    MissingVariableError, GridError
        As in ``prepare``.
    """
    ensemble = prepare(dgvms, drivers)
    yearly = ensemble.yearly
    kept = yearly.isel(epoch=[-1]) if "FINAL" in yearly["epoch"].values else yearly
    mean = kept.mean("epoch") if kept.sizes["epoch"] > 1 else kept.isel(epoch=0)
    fields = {n: mean[n] * DAYS_PER_YEAR for n in (*FLUXES, RH_RAISED) if n in mean}
    if set(RECO) <= set(fields):
        fields |= {"RECO": fields["Ra"] + fields["Rh"], "NEP": fields["NPP"] - fields["Rh"]}
    fields |= {n: mean[n] for n in POOLS if n in mean}
    data = {
        name: (
            ("model", "lat", "lon"),
            ensemble.cells.put(field.transpose("model", "site").values),
            {"units": "gC m-2"},
        )
        for name, field in fields.items()
    }
    coords = {"model": ensemble.models, "lat": like["lat"], "lon": like["lon"]}
    maps = {n: like[n] for n in ("land_area", "continent") if n in like.coords}
    found = xr.Dataset(data, coords).assign_coords(maps)
    comment = yearly["Rh"].attrs.get("comment") if "Rh" in yearly else None
    if comment is not None:
        found["NEP"].attrs["comment"] = comment
    return found.assign_attrs(faults=faults_to_json(_raised(found)))


def _raised(means: xr.Dataset) -> Iterator[Fault]:
    """Models whose derived Rh was below 0 in some cells."""
    if RH_RAISED not in means:
        return
    cells = (means[RH_RAISED] > 0).sum(("lat", "lon"))
    for model, n in zip(cells["model"].values, cells.values, strict=True):
        if n:
            yield Fault(str(model), "Rh", "FINAL", "derived Rh below 0 set to 0", int(n))


def model_totals(
    models: xr.Dataset, by: By | Sequence[By] = "globe", regions: RegionSet = "geographic"
) -> xr.Dataset:
    """Sum the means of the models over regions.

    Parameters
    ----------
    models : xr.Dataset, (model, lat, lon)
        Of ``mean_models``.
    by, regions
        As in ``total``.

    Returns
    -------
    xr.Dataset, (model, region)
        Fluxes [PgC yr-1] and pools [PgC]; missing where a model has none.
    """
    summed = {}
    for name, field in models.data_vars.items():
        units = "PgC" if name in POOLS else "PgC yr-1"
        summed[name] = total(field, by=by, regions=regions).assign_attrs(units=units)
    return xr.Dataset(summed)
