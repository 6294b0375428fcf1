"""How much of the divergence between land sinks respiration parameters and their form explain."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.errors import MissingVariableError

ROUTES: Final = ("dgvm", "hybrid", "direct", "difference")
FIXED: Final = "fixed_q10"
INTERVAL: Final = (0.05, 0.95)


def sink_routes(divergence: Mapping[str, Mapping[str, Any]], totals: xr.Dataset) -> pd.DataFrame:
    """Put the sinks of all routes into one table.

    Parameters
    ----------
    divergence : mapping
        Numbers of ``uflux_stats.emulation.divergence``: ``divergence.REGION.NEP.ROUTE``.
    totals : xr.Dataset
        ``NEP`` (form, site_effect, draw, region, year) and ``NEP_fixed_q10`` (region, year)
        [PgC yr-1]: upscaled GPP minus the respiration of posterior draws, and minus that of the
        baseline at fixed Q10.

    Returns
    -------
    pd.DataFrame
        Columns ``region``, ``route`` (one of ``ROUTES``, "fixed_q10" or the name of a form),
        ``site_effect`` ("" where there is none), ``value``, ``low``, ``high`` [PgC yr-1]: mean and
        90 % of the members, median and 90 % of the draws.

    Raises
    ------
    MissingVariableError
        If there is no region that both have.
    """
    labels = sorted({name.split(".")[1] for name in divergence}, key=lambda n: (n != "global", n))
    regions = {label: "globe" if label == "global" else label for label in labels}
    shared = {label: r for label, r in regions.items() if r in totals["region"].values}
    if not shared:
        raise MissingVariableError(
            f"divergence: expected regions of {totals['region'].values.tolist()}, got "
            f"{list(regions)}; take both from the same run"
        )
    rows: list[dict[str, Any]] = []
    for label, region in shared.items():
        known = {route: divergence[f"divergence.{label}.NEP.{route}"] for route in ROUTES}
        rows += [_row(label, route, "", entry) for route, entry in known.items()]
        nep = totals.sel(region=region).mean("year")
        fixed = float(nep[f"NEP_{FIXED}"])
        rows.append(_row(label, FIXED, "", {"value": fixed, "low": fixed, "high": fixed}))
        for form in totals["form"].values:
            for kind in totals["site_effect"].values:
                draws = nep["NEP"].sel(form=form, site_effect=kind).values
                low, middle, high = np.quantile(draws, (INTERVAL[0], 0.5, INTERVAL[1]))
                entry = {"value": middle, "low": low, "high": high}
                rows.append(_row(label, str(form), str(kind), entry))
    return pd.DataFrame(rows)


def _row(region: str, route: str, site_effect: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    ends = {name: float(np.nan if entry.get(name) is None else entry[name])
            for name in ("value", "low", "high")}  # fmt: skip
    return {"region": region, "route": route, "site_effect": site_effect, **ends}


def explained_gap(sinks: pd.DataFrame) -> pd.DataFrame:
    """Measure what draws and form explain of the gap between upscaled and modelled sink.

    The gap is upscaled GPP - RECO ("difference") minus the sink of the vegetation models ("dgvm").

    Parameters
    ----------
    sinks : pd.DataFrame
        Of ``sink_routes``.

    Returns
    -------
    pd.DataFrame
        For every region, form and site effect: ``gap`` [PgC yr-1]; ``form``, how much nearer to the
        models' sink the form is than the fixed Q10 [PgC yr-1], negative where it is farther;
        ``draws``, the width of the 90 % interval of the draws [PgC yr-1]; ``form_share`` and
        ``draws_share``, the same over the size of the gap [1]; ``reaches``, whether the interval
        holds the models' mean.
    """
    rows = []
    for region, part in sinks.groupby("region", sort=False):
        fixed = part.set_index("route")["value"]
        models, gap = fixed["dgvm"], fixed["difference"] - fixed["dgvm"]
        size = abs(gap) or np.nan
        for _, row in part[part["site_effect"] != ""].iterrows():
            nearer = abs(fixed[FIXED] - models) - abs(row["value"] - models)
            width = row["high"] - row["low"]
            rows.append({
                "region": region, "form_of": row["route"], "site_effect": row["site_effect"],
                "gap": gap, "form": nearer, "draws": width, "form_share": nearer / size,
                "draws_share": width / size,
                "reaches": bool(row["low"] <= models <= row["high"]),
            })  # fmt: skip
    return pd.DataFrame(rows)
