"""Why upscaled and modelled land sinks diverge: the net flux by four routes, and its parts."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.checks import require_variables
from uflux_stats.emulation.models import model_totals
from uflux_stats.errors import ConfigError, MissingVariableError
from uflux_stats.grid.polygons import RegionSet
from uflux_stats.grid.regions import By
from uflux_stats.stats.totals import total
from uflux_stats.stats.trend import trend

FLUXES: Final = ("GPP", "RECO", "NEP", "NPP", "Ra", "Rh")
MODELLED: Final = ("GPP", "NPP", "Ra", "Rh", "NEP")
REGIONS: Final[tuple[By, ...]] = ("globe", "tropics", "continent")
INTERVAL: Final = (0.05, 0.95)
CONFIDENCE: Final = 0.9
LEAST_YEARS: Final = 4
"""Years that a trend with its interval takes."""
UNIT: Final = "PgC yr-1"
GAP_NOTE: Final = "part of NEP by difference minus NEP of the models"
STEPS: Final = {
    "Ra": "Ra that GPP implies minus Ra that RECO leaves: difference minus hybrid",
    "NPP": "NPP of the hybrid minus NPP of the models: part of hybrid minus models",
    "Rh": "Rh of the models minus Rh of the hybrid: part of hybrid minus models",
}

ROUTES: Final = {
    "dgvm": "NPP - Rh of the models",
    "hybrid": "NPP - Rh, models' allocation of upscaled fluxes",
    "direct": "net flux learned directly",
    "difference": "upscaled GPP - RECO",
}
OF_MODELS: Final = ("NEP.dgvm", "gap.Rh", "gap.total", "step.Rh")
"""Numbers that take Rh of the models."""

Numbers = dict[str, dict[str, Any]]
Totals = Mapping[str, xr.DataArray]


def divergence(
    carbon: xr.Dataset, models: xr.Dataset, *, regions: RegionSet = "geographic"
) -> Numbers:
    """Compare the net flux of the vegetation models, of the hybrid and of upscaling.

    Routes: "dgvm", NPP - Rh of the models; "hybrid", NPP - Rh with the models' allocation of the
    upscaled fluxes; "direct", the net flux learned directly; "difference", upscaled GPP - RECO.

    The gap between "difference" and "dgvm" is divided twice. ``gap``: that of GPP minus those of Ra
    and Rh, where the parts of upscaled RECO follow the models' heterotrophic share. ``step``: from
    "difference" to "hybrid" it is Ra, which upscaled GPP and upscaled RECO tell differently; from
    "hybrid" to "dgvm" it is NPP and Rh. Each member is compared with the model that taught it.

    Parameters
    ----------
    carbon : xr.Dataset, (member, time, lat, lon)
        Of ``emulate`` with closure "none", in which nothing has been moved.
    models : xr.Dataset, (model, lat, lon)
        Of ``mean_models``.
    regions : {"geographic", "natural_earth"}

    Returns
    -------
    dict
        ``divergence.REGION.`` and ``NEP.ROUTE``, ``gap.{GPP|Ra|Rh|total}``, ``step.{Ra|NPP|Rh}`` or
        ``trend.{GPP|RECO|NEP}``: ``{value, units, low, high, n, note}``. The value is the mean and
        the interval the 5th and 95th percentile over members; of a trend, which takes four years
        or more, least squares on the mean over members with AR(1) errors.

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
    require_variables(carbon, FLUXES, name="carbon")
    lacking = [name for name in MODELLED if name not in models]
    if lacking:
        raise MissingVariableError(
            f"models: expected {MODELLED}, got no {lacking}; their sink takes NPP and Rh"
        )
    ours = {n: _yearly(total(carbon[n], by=REGIONS, regions=regions)) for n in FLUXES}
    theirs = model_totals(models, REGIONS, regions)
    numbers: Numbers = {}
    for region in theirs["region"].values:
        if str(region).endswith("extratropics"):
            continue
        own = {n: t.sel(region=region, drop=True) for n, t in ours.items()}
        other = {str(n): t.sel(region=region, drop=True) for n, t in theirs.items()}
        label = "global" if region == "globe" else str(region)
        found = {**_routes(own, other), **_parts(own, other), **_trends(own)}
        _tell_origin(found, str(models["NEP"].attrs.get("comment", "")))
        numbers |= {f"divergence.{label}.{name}": entry for name, entry in found.items()}
    return numbers


def _tell_origin(found: Numbers, comment: str) -> None:
    """Add where Rh of the models comes from to the notes of what takes it."""
    for name in OF_MODELS if comment else ():
        found[name]["note"] = f"{found[name]['note']}; {comment}"


def _yearly(totals: xr.DataArray) -> xr.DataArray:
    known = totals.compute()
    return known if "year" in known.dims else known.expand_dims(year=[0])


def _routes(own: Totals, other: Totals) -> Numbers:
    mean = {name: values.mean("year") for name, values in own.items()}
    routes = {
        "dgvm": other["NEP"],
        "hybrid": mean["NPP"] - mean["Rh"],
        "direct": mean["NEP"],
        "difference": mean["GPP"] - mean["RECO"],
    }
    return {f"NEP.{route}": _number(values, ROUTES[route]) for route, values in routes.items()}


def _parts(own: Totals, other: Totals) -> Numbers:
    """Divide the gap, each member against its own model."""
    names = [n for n in own["GPP"]["member"].values if n in other["GPP"]["model"].values]
    mine = {n: own[n].mean("year").sel(member=names).values for n in FLUXES}
    model = {n: other[n].sel(model=names).values for n in MODELLED}
    difference = mine["GPP"] - mine["RECO"]
    gap = {
        "GPP": mine["GPP"] - model["GPP"],
        "Ra": model["Ra"] - mine["Ra"],
        "Rh": model["Rh"] - mine["Rh"],
        "total": difference - model["NEP"],
    }
    steps = {
        "Ra": difference - (mine["NPP"] - mine["Rh"]),
        "NPP": mine["NPP"] - model["NPP"],
        "Rh": gap["Rh"],
    }
    return {
        **{f"gap.{name}": _number(values, GAP_NOTE) for name, values in gap.items()},
        **{f"step.{name}": _number(values, STEPS[name]) for name, values in steps.items()},
    }


def _trends(own: Totals) -> Numbers:
    """Trends of the mean over members; of one year only a note."""
    mean = {name: own[name].mean("member") for name in ("GPP", "RECO")}
    mean["NEP"] = mean["GPP"] - mean["RECO"]
    units = "PgC yr-2"
    years = mean["GPP"].sizes["year"]
    if years < LEAST_YEARS:
        note = f"skipped: fewer than {LEAST_YEARS} years"
        lacking = {"value": None, "units": units, "n": years, "note": note}
        return {f"trend.{name}": lacking for name in mean}
    found = {}
    for name, series in mean.items():
        line = trend(series.assign_attrs(units=UNIT), confidence=CONFIDENCE)
        low, slope, high = (_plain(line[end].item()) for end in ("low", "slope", "high"))
        ends = {"value": slope, "units": units, "low": low, "high": high, "n": years}
        found[f"trend.{name}"] = ends | {"note": "mean over members, interval of the trend"}
    return found


def _plain(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _number(values: xr.DataArray | np.ndarray, note: str) -> dict[str, Any]:
    numbers = np.asarray(values, np.float64)
    known = numbers[np.isfinite(numbers)]
    if not known.size:
        return {"value": None, "units": UNIT, "note": "no member has it"}
    low, high = np.quantile(known, INTERVAL)
    return {
        "value": float(known.mean()), "units": UNIT, "low": float(low), "high": float(high),
        "n": int(known.size), "note": note,
    }  # fmt: skip


def divergence_table(numbers: Numbers) -> pd.DataFrame:
    """Lay the numbers out: one row per region, one column per route, part and trend."""
    rows: dict[str, dict[str, Any]] = {}
    for key, number in numbers.items():
        _, region, column = key.split(".", 2)
        rows.setdefault(region, {"region": region})[column] = number["value"]
    return pd.DataFrame(list(rows.values()))
