"""Why upscaled and modelled land sinks diverge: the net flux by four routes, and its parts."""

from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.checks import require_variables
from uflux_stats.emulation.ensemble import Ensemble, prepare
from uflux_stats.emulation.parameters import DAYS_PER_YEAR
from uflux_stats.errors import ConfigError
from uflux_stats.grid.regions import By
from uflux_stats.stats.totals import total

ROUTES: Final = ("dgvm", "hybrid", "direct", "difference")
REGIONS: Final[tuple[By, ...]] = ("globe", "tropics", "continent")
INTERVAL: Final = (0.05, 0.95)
LEAST_YEARS: Final = 3


def divergence(
    carbon: xr.Dataset, dgvms: xr.Dataset, drivers: xr.Dataset
) -> dict[str, dict[str, Any]]:
    """Compare the net flux of the vegetation models, of the hybrid and of upscaling.

    Routes: "dgvm", NPP - Rh of the models; "hybrid", NPP - Rh with the models' allocation of the
    upscaled fluxes; "direct", the net flux upscaled as such; "difference", upscaled GPP - RECO. The
    gap between "difference" and "dgvm" is that of GPP minus those of Ra and Rh, where the parts of
    upscaled RECO follow the models' heterotrophic share.

    Parameters
    ----------
    carbon : xr.Dataset, (member, time, lat, lon)
        Of ``emulate`` with closure "none", in which nothing has been moved.
    dgvms : xr.Dataset, (model, ..., lat, lon)
        Of ``read_dgvm``.
    drivers : xr.Dataset, (time, lat, lon)
        Those of ``carbon``.

    Returns
    -------
    dict
        ``divergence.REGION.NEP.ROUTE``, ``divergence.REGION.gap.{GPP|Ra|Rh|total}`` and, with three
        years or more, ``divergence.REGION.trend.{GPP|RECO}``: ``{value, units, low, high, n,
        note}``; the value is the mean and the interval the 5th and 95th percentile over members.

    Raises
    ------
    ConfigError
        If ``carbon`` has been closed.
    MissingVariableError
        If a flux is missing.
    """
    if carbon.attrs.get("closure") != "none":
        raise ConfigError(
            f"carbon: expected closure 'none', got {carbon.attrs.get('closure')!r}; "
            "a closed budget has no divergence left to show"
        )
    require_variables(carbon, ("GPP", "RECO", "NEP", "NPP", "Ra", "Rh"), name="carbon")
    models = _models_on_grid(prepare(dgvms, drivers), carbon)
    numbers: dict[str, dict[str, Any]] = {}
    for by in REGIONS:
        ours, theirs = _totals(carbon, by), _model_totals(models, by)
        for region in ours["GPP"]["region"].values:
            if by == "tropics" and region != "tropics":
                continue
            own = {n: t.sel(region=region) for n, t in ours.items()}
            other = {n: t.sel(region=region) for n, t in theirs.items()}
            label = "global" if by == "globe" else str(region)
            numbers |= _of_region(label, own, other)
    return numbers


def _models_on_grid(ensemble: Ensemble, carbon: xr.Dataset) -> xr.Dataset:
    """Mean fluxes per year of each model over its years (the last period), (model, lat, lon)."""
    yearly = ensemble.yearly
    epochs = yearly["epoch"].values
    kept = yearly.isel(epoch=[-1]) if "FINAL" in epochs else yearly
    mean = kept.mean("epoch") if kept.sizes["epoch"] > 1 else kept.isel(epoch=0)
    lacking = [n for n in ("GPP", "NPP", "Ra", "Rh") if n not in mean]
    if lacking:
        require_variables(mean, lacking, name="dgvms")
    data = {
        name: (("model", "lat", "lon"), ensemble.cells.put(mean[name].values * DAYS_PER_YEAR),
               {"units": "gC m-2"})
        for name in ("GPP", "NPP", "Ra", "Rh")
    }  # fmt: skip
    coords = {"model": ensemble.models, "lat": carbon["lat"], "lon": carbon["lon"]}
    maps = {n: carbon[n] for n in ("land_area", "continent") if n in carbon.coords}
    return xr.Dataset(data, coords).assign_coords(maps)


def _totals(carbon: xr.Dataset, by: By) -> dict[str, xr.DataArray]:
    found = {
        n: total(carbon[n], by=by).compute() for n in ("GPP", "RECO", "NEP", "NPP", "Ra", "Rh")
    }
    return {n: t if "year" in t.dims else t.expand_dims(year=[0]) for n, t in found.items()}


def _model_totals(models: xr.Dataset, by: By) -> dict[str, xr.DataArray]:
    return {str(n): total(models[n], by=by) for n in models.data_vars}


def _of_region(
    label: str, own: dict[str, xr.DataArray], other: dict[str, xr.DataArray]
) -> dict[str, dict[str, Any]]:
    mean = {name: values.mean("year") for name, values in own.items()}
    sink = other["NPP"] - other["Rh"]
    routes = {
        "dgvm": sink,
        "hybrid": mean["NPP"] - mean["Rh"],
        "direct": mean["NEP"],
        "difference": mean["GPP"] - mean["RECO"],
    }
    key = f"divergence.{label}"
    numbers = {f"{key}.NEP.{route}": _number(values) for route, values in routes.items()}
    parts = {
        "GPP": mean["GPP"].mean() - other["GPP"].mean(),
        "Ra": other["Ra"].mean() - mean["Ra"].mean(),
        "Rh": other["Rh"].mean() - mean["Rh"].mean(),
    }
    note = "share of NEP by difference minus NEP of the models"
    for name, values in parts.items():
        numbers[f"{key}.gap.{name}"] = {"value": float(values), "units": "PgC yr-1", "note": note}
    whole = float(routes["difference"].mean() - sink.mean())
    numbers[f"{key}.gap.total"] = {"value": whole, "units": "PgC yr-1"}
    for name in ("GPP", "RECO"):
        if own[name].sizes["year"] >= LEAST_YEARS:
            slope = own[name].polyfit("year", 1)["polyfit_coefficients"].sel(degree=1)
            numbers[f"{key}.trend.{name}"] = _number(slope) | {"units": "PgC yr-2"}
    return numbers


def _number(values: xr.DataArray) -> dict[str, Any]:
    known = values.values[np.isfinite(values.values)]
    if not known.size:
        return {"value": None, "units": "PgC yr-1", "note": "no member has it"}
    low, high = np.quantile(known, INTERVAL)
    return {
        "value": float(known.mean()), "units": "PgC yr-1", "low": float(low), "high": float(high),
        "n": int(known.size),
    }  # fmt: skip


def divergence_table(numbers: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Lay the numbers out: one row per region, one column per route, gap and trend."""
    rows: dict[str, dict[str, Any]] = {}
    for key, number in numbers.items():
        _, region, column = key.split(".", 2)
        rows.setdefault(region, {"region": region})[column] = number["value"]
    return pd.DataFrame(list(rows.values()))
