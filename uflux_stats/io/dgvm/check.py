"""A table of what the vegetation models hold, and what in it is implausible."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.checks import require_dims
from uflux_stats.grid import continents, land_area
from uflux_stats.grid.regrid import regrid
from uflux_stats.io.dgvm.faults import fault_table
from uflux_stats.io.dgvm.registry import model_entry
from uflux_stats.schema import CARBON_FLUX, MISSING_CLASS, SCHEMA

PLAUSIBLE: Final = {
    "GPP": (90.0, 180.0),
    "NPP": (35.0, 90.0),
    "cVeg": (250.0, 1000.0),
    "cSoil": (500.0, 2500.0),
}
"""Global totals [PgC yr-1, PgC] beyond which a model is flagged: wider than the models and the
observations compared by Sitch et al. (2024), doi 10.1029/2024GB008102."""
PARTS: Final = ("cLeaf", "cWood", "cRoot")
OPEN: Final = 0.05
"""Leaf, wood and root that differ from vegetation carbon by more than this share are flagged."""
LAND_COVERED: Final = 0.9
UNKNOWN: Final = "not in the registry"
PG: Final = 1e-15
DAYS: Final = 365.25


def check_dgvms(dgvms: xr.Dataset, landfrac: xr.DataArray | None = None) -> pd.DataFrame:
    """Tabulate models: variables, period, grid, global totals, closure of pools, and flags.

    Parameters
    ----------
    dgvms : xr.Dataset, (model, ..., lat, lon)
        Of ``read_dgvm``.
    landfrac : xr.DataArray, (lat, lon) [1], optional
        Land fraction on the same grid; by default the share of the continents.

    Returns
    -------
    pandas.DataFrame
        One row per model: ``model``, ``reference``, ``variables``, ``steps``, ``grid``, totals of
        the last ten years ``GPP``, ``NPP`` [PgC yr-1], ``cVeg``, ``cSoil`` [PgC], ``pools_open``
        (relative difference of vegetation carbon and its parts), ``covered`` (share of land with
        data), ``left_out`` (number of files) and ``flags``.

    Raises
    ------
    DimensionError
        If dims are missing.
    """
    require_dims(dgvms, ("model", "lat", "lon"), name="dgvms")
    land = _land(dgvms) if landfrac is None else land_area(landfrac)
    faults = fault_table(dgvms)
    rows = []
    for name in dgvms["model"].values:
        means = _last(dgvms.sel(model=name))
        rows.append(_row(str(name), dgvms.sel(model=name), means, land, faults))
    return pd.DataFrame(rows)


def _land(dgvms: xr.Dataset) -> xr.DataArray:
    """Land in each cell: the share of half-degree centres that lie on a continent."""
    share = regrid(_half_degree_land(), dgvms).fillna(0.0).clip(0.0, 1.0)
    return land_area(share.assign_attrs(units="1"))


@lru_cache(maxsize=1)
def _half_degree_land() -> xr.DataArray:
    lat, lon = np.arange(-89.75, 90, 0.5), np.arange(-179.75, 180, 0.5)
    inside = continents(lat, lon, limit_km=0.0) != MISSING_CLASS
    return inside.astype(np.float64).assign_attrs(units="1")


def _last(model: xr.Dataset) -> xr.Dataset:
    """Mean of the last ten years."""
    kept = model[[name for name in model.data_vars if name in SCHEMA]]
    if "period" in kept.dims:
        kept = kept.isel(period=-1)
    if "time" in kept.dims:
        kept = kept.isel(time=slice(-120, None)).mean("time")
    return kept.isel(year=slice(-10, None)).mean("year") if "year" in kept.dims else kept


def _row(
    name: str, model: xr.Dataset, means: xr.Dataset, land: xr.DataArray, faults: pd.DataFrame
) -> dict[str, object]:
    entry = model_entry(name)
    there = [str(v) for v in means.data_vars if bool(means[v].notnull().any())]
    totals = {v: _total(means[v], land) for v in PLAUSIBLE if v in there}
    own = faults[faults["model"] == name]
    left_out = own[own["what"].str.startswith("left out")]
    parts = _openness(means, land, there)
    covered = float((land * means[there[0]].notnull()).sum() / land.sum())
    flags = [*_flags(means, totals, parts, name)]
    if covered < LAND_COVERED:
        flags.append(f"{100 * (1 - covered):.0f} % of land not covered")
    return {
        "model": name,
        "reference": entry.reference if entry else UNKNOWN,
        "variables": " ".join(there),
        "steps": _steps(model),
        "grid": str(model["native_grid"].values) if "native_grid" in model.coords else "",
        **{v: totals.get(v, np.nan) for v in PLAUSIBLE},
        "pools_open": parts,
        "covered": covered,
        "left_out": len(left_out),
        "flags": "; ".join(flags),
    }


def _steps(model: xr.Dataset) -> str:
    if "period" in model.dims:
        return "ten-year means " + " ".join(map(str, model["period"].values))
    spans = []
    for dim in ("time", "year"):
        if dim in model.dims:
            ends = model[dim].values[[0, -1]]
            first, last = (str(end)[:7] for end in ends)
            spans.append(f"{'monthly' if dim == 'time' else 'yearly'} {first} to {last}")
    return ", ".join(spans)


def _total(values: xr.DataArray, land: xr.DataArray) -> float:
    days = DAYS if values.attrs.get("units", CARBON_FLUX) == CARBON_FLUX else 1.0
    if str(values.name).startswith("c"):
        days = 1.0
    return PG * days * float((values.astype(np.float64) * land).sum())


def _openness(means: xr.Dataset, land: xr.DataArray, there: list[str]) -> float:
    if not {"cVeg", *PARTS} <= set(there):
        return float("nan")
    known = means["cVeg"].notnull() & means[PARTS[0]].notnull()
    parts = sum(_total(means[part].where(known), land) for part in PARTS)
    whole = _total(means["cVeg"].where(known), land)
    return (parts - whole) / whole


def _flags(means: xr.Dataset, totals: dict[str, float], parts: float, name: str) -> Iterator[str]:
    entry = model_entry(name)
    for variable, value in totals.items():
        low, high = PLAUSIBLE[variable]
        if not low <= value <= high:
            yield f"{variable} {value:.0f} outside {low:g} to {high:g}"
    if abs(parts) > OPEN:
        yield "pools doubled" if parts > 1 - 2 * OPEN else f"pools open by {100 * parts:.0f} %"
    if entry and entry.deep_soil:
        yield "deep soil carbon"
    if {"cLeaf", "cRoot"} <= set(means) and means["cLeaf"].notnull().any():
        leaf, root = (means[name].values for name in ("cLeaf", "cRoot"))
        yield from ("cRoot equals cLeaf" for _ in range(np.array_equal(leaf, root, equal_nan=True)))
    if {"GPP", "NPP"} <= set(means):
        above = int((means["NPP"] > means["GPP"] + 1e-3).sum())
        below = int((means["NPP"] < -1e-3).sum())
        yield from (f"NPP above GPP in {above} cells" for _ in range(above > 0))
        yield from (f"NPP negative in {below} cells" for _ in range(below > 0))
