"""Do the emulated budgets close, and what did closing them move? Tables for every mode."""

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.checks import require_dims
from uflux_stats.emulation.closure import FLUXES
from uflux_stats.errors import MissingVariableError
from uflux_stats.grid.regions import By, region_masks
from uflux_stats.stats.conservation import POOLS, conservation, stock_residual
from uflux_stats.stats.totals import total

DGVM: Final = "DGVM"
MOVED_FROM: Final = 0.05
"""Adjustments of more than this [gC m-2 d-1] count as a move."""
SEASONS: Final = ("DJF", "MAM", "JJA", "SON")


def audit(
    carbon: Mapping[str, xr.Dataset], dgvms: xr.Dataset | None = None, *, by: By | None = None
) -> pd.DataFrame:
    """Tabulate the residual of every budget for every mode, and for the vegetation models.

    Parameters
    ----------
    carbon : mapping of str to xr.Dataset, (member, ..., lat, lon)
        By closure mode, of ``emulate``.
    dgvms : xr.Dataset, (model, ..., lat, lon), optional
        Of ``read_dgvm``; those variables that it has make the budgets under the name "DGVM".
    by : str, optional
        Kind of region of the totals; by default all land.

    Returns
    -------
    pandas.DataFrame
        ``mode``, ``budget`` (NEP, RECO, GPP, stock), ``region``, ``max_relative`` (of all cells,
        steps and members) and ``mean_relative`` [1], ``total`` [PgC yr-1] (mean over years and
        members) and ``largest_total`` (the member with the largest size).
    """
    parts = [_audit_one(mode, data, "member", by) for mode, data in carbon.items()]
    if dgvms is not None:
        parts.append(_audit_one(DGVM, as_budget(dgvms, like=next(iter(carbon.values()))),
                                "model", by))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _audit_one(mode: str, data: xr.Dataset, dim: str, by: By | None) -> pd.DataFrame:
    frames = []
    for name in data[dim].values:
        wanted = [v for v in (*FLUXES, *POOLS) if v in data]
        one = data[wanted].sel({dim: name}, drop=True).load()
        kept = [v for v in wanted if bool(one[v].notnull().any())]
        if "year" in one.dims and one.sizes["year"] < 2:
            kept = [v for v in kept if "year" not in one[v].dims]
        pools = [pool for pool in POOLS if pool in kept]
        try:
            found = conservation(one[kept], pools=pools or POOLS)
        except MissingVariableError:
            continue
        frames.append(found.to_frame(by=by))
    if not frames:
        return pd.DataFrame()
    rows = pd.concat(frames)
    groups = rows.groupby(["budget", "region"], sort=False)
    table = groups.agg(
        max_relative=("max_relative", "max"),
        mean_relative=("mean_relative", "mean"),
        total=("total", "mean"),
        largest_total=("total", lambda t: t.abs().max()),
    ).reset_index()
    table.insert(0, "mode", mode)
    return table


def as_budget(dgvms: xr.Dataset, *, like: xr.Dataset) -> xr.Dataset:
    """Give vegetation models the variables of a budget and the land area of ``like``.

    NEP is what they report as NBP, else NPP - Rh; RECO is left out, since they report only its
    parts.

    Raises
    ------
    GridError
        If ``like`` is on another grid (regrid first).
    """
    kept = [name for name in (*FLUXES, *POOLS) if name in dgvms]
    data = dgvms[kept]
    if {"NPP", "Rh"} <= set(dgvms):
        difference = dgvms["NPP"] - dgvms["Rh"]
        nep = dgvms["NBP"].fillna(difference) if "NBP" in dgvms else difference
        data = data.assign(NEP=nep.assign_attrs(units="gC m-2 d-1"))
    monthly = [n for n in data if "year" not in data[n].dims or n in POOLS]
    maps = {n: like[n] for n in ("land_area", "IGBP", "KOPPEN", "continent") if n in like.coords}
    return data[monthly].assign_coords(maps)


def stock_balance(carbon: xr.Dataset, *, lags: Iterable[int] = range(6)) -> pd.DataFrame:
    """Compare the yearly change of all pools with NEP of the same year and of years before.

    Parameters
    ----------
    carbon : xr.Dataset
        NEP (member, time, lat, lon) [gC m-2 d-1] and pools (member, year, lat, lon) [gC m-2]
        of two or more years, with coordinate ``land_area``; the mean over members is taken.
    lags : iterable of int
        Years by which the pools follow; those that leave no year are left out.

    Returns
    -------
    pandas.DataFrame
        ``lag``, ``year`` (of the change), ``stock_change`` and ``NEP`` [PgC yr-1].

    Raises
    ------
    MissingVariableError, UnitsError
        If NEP or all pools are missing, or in another unit.
    """
    pools = [pool for pool in POOLS if pool in carbon]
    mean = carbon[["NEP", *pools]].mean("member", keep_attrs=True).compute()
    tables = []
    for lag in lags:
        if lag > mean.sizes["year"] - 2:
            continue
        found = stock_residual(mean, lag=lag, pools=pools)
        sums = {
            name: total(found[name].assign_attrs(units="gC m-2")).values
            for name in ("stock_change", "NEP")
        }
        tables.append(pd.DataFrame({"lag": lag, "year": found["year"].values, **sums}))
    return pd.concat(tables, ignore_index=True)


def adjustment_table(carbon: xr.Dataset, *, by: By = "pft") -> pd.DataFrame:
    """Tabulate how often and how far "exact" moved each flux, by region and season.

    Parameters
    ----------
    carbon : xr.Dataset
        Of ``emulate`` with closure "exact".
    by : {"pft", "continent", "koppen", "latitude", "tropics", "globe"}
        Kind of region.

    Returns
    -------
    pandas.DataFrame
        ``flux``, ``region``, ``season`` (months of the northern year), ``mean`` adjustment and mean
        ``size`` [gC m-2 d-1] over land, ``moved`` (share of land and time moved by more than 0.05
        gC m-2 d-1).

    Raises
    ------
    MissingVariableError
        If ``carbon`` carries no adjustments.
    """
    prefix = "adjustment_size_"
    there = map(str, carbon.data_vars)
    names = [name.removeprefix(prefix) for name in there if name.startswith(prefix)]
    if not names:
        raise MissingVariableError(
            "carbon: expected adjustments, got none; emulate with closure='exact'"
        )
    require_dims(carbon, ("time", "lat", "lon"), name="carbon")
    masks = region_masks(carbon, by)
    weights = masks * carbon["land_area"].fillna(0.0).reset_coords(drop=True)
    season = carbon["time"].dt.season.values
    rows = []
    for flux in names:
        # double precision: sums in single precision depend on where arrays lie in memory
        size = carbon[f"adjustment_size_{flux}"].astype(np.float64).compute()
        fields = {
            "mean": carbon[f"adjustment_{flux}"].astype(np.float64).compute(),
            "size": size,
            "moved": (size > MOVED_FROM).where(size.notnull()),
        }
        for label in SEASONS:
            steps = np.flatnonzero(season == label)
            if not steps.size:
                continue
            means = {
                key: _mean(field.isel(time=steps).mean("time"), weights)
                for key, field in fields.items()
            }
            rows += [
                {"flux": flux, "region": str(region), "season": label,
                 **{key: float(means[key].sel(region=region)) for key in fields}}
                for region in masks["region"].values
            ]  # fmt: skip
    return pd.DataFrame(rows).dropna(subset=["size"]).reset_index(drop=True)


def _mean(field: xr.DataArray, weights: xr.DataArray) -> xr.DataArray:
    bare = field.reset_coords(drop=True)
    covered = (weights * bare.notnull()).sum(("lat", "lon"))
    summed = (weights * bare.fillna(0.0)).sum(("lat", "lon"))
    return summed / covered.where(covered > 0)
