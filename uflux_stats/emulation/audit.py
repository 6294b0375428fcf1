"""Do the emulated budgets close? One table for every mode, quantiles and the models themselves."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.emulation.prior import FLUXES
from uflux_stats.errors import MissingVariableError
from uflux_stats.grid.regions import By
from uflux_stats.stats.conservation import POOLS, conservation

DGVM: Final = "DGVM"
REGIONS: Final[tuple[By, ...]] = ("globe", "continent")
QUANTILES: Final = {"p25": 0.25, "p75": 0.75}


def audit(
    carbon: Mapping[str, xr.Dataset],
    dgvms: xr.Dataset | None = None,
    *,
    by: By | Sequence[By] = REGIONS,
) -> pd.DataFrame:
    """Tabulate the residual of every budget for every mode, and for the vegetation models.

    Parameters
    ----------
    carbon : mapping of str to xr.Dataset, (member, ..., lat, lon)
        By closure mode, of ``emulate``.
    dgvms : xr.Dataset, (model, ..., lat, lon), optional
        Of ``read_dgvm``; those variables that it has make the budgets under the name "DGVM".
    by : str or sequence of str
        Kinds of regions.

    Returns
    -------
    pandas.DataFrame
        ``mode``, ``budget`` (NEP, RECO, GPP, stock), ``region``; of its cells, steps and members
        ``max_relative``, ``mean_relative`` and ``open_share`` (as in ``Conservation``) [1];
        ``total`` [PgC yr-1] (mean over years and members) and ``largest_total`` (the member with
        the largest size).
    """
    parts = [_audit_one(mode, data, "member", by) for mode, data in carbon.items()]
    if dgvms is not None:
        models = as_budget(dgvms, like=next(iter(carbon.values())))
        parts.append(_audit_one(DGVM, models, "model", by))
    return pd.concat(parts, ignore_index=True)


def member_quantiles(carbon: xr.Dataset) -> dict[str, xr.Dataset]:
    """Take quantiles over members variable by variable, which is what does not add up.

    Parameters
    ----------
    carbon : xr.Dataset, (member, ..., lat, lon)
        Of ``emulate``, under any closure.

    Returns
    -------
    dict of xr.Dataset, (member, ..., lat, lon)
        "p25" and "p75", each with one member of that name.
    """
    found: dict[str, dict[str, xr.DataArray]] = {name: {} for name in QUANTILES}
    for name in (*FLUXES, *POOLS):
        if name not in carbon:
            continue
        # a sort puts missing values last and is many times faster than nanquantile
        ordered = np.sort(carbon[name].transpose("member", ...).values, axis=0)
        template = carbon[name].transpose("member", ...).isel(member=0, drop=True)
        for label, share in QUANTILES.items():
            found[label][name] = template.copy(data=_quantile(ordered, share))
    return {label: xr.Dataset(data).expand_dims(member=[label]) for label, data in found.items()}


def _quantile(ordered: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """Interpolate between the members, (member, ...), in order; missing where one is missing."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    between = ordered[low] + np.float32(place - low) * (ordered[high] - ordered[low])
    values: NDArray[np.float32] = np.where(np.isfinite(ordered[-1]), between, np.nan)
    return values


def _audit_one(mode: str, data: xr.Dataset, dim: str, by: By | Sequence[By]) -> pd.DataFrame:
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
    groups = pd.concat(frames).groupby(["budget", "region"], sort=False)
    table = groups.agg(
        max_relative=("max_relative", "max"),
        mean_relative=("mean_relative", "mean"),
        open_share=("open_share", "mean"),
        total=("total", "mean"),
        largest_total=("total", lambda t: t.abs().max()),
    ).reset_index()
    table.insert(0, "mode", mode)
    return table.dropna(subset=["max_relative"])


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
