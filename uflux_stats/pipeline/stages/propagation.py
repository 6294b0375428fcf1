"""Stages that carry posterior draws to the grid, and ask what they explain of the land sink."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.baselines import ParameterTable, complete_drivers
from uflux_stats.baselines.fluxes import respiration_by_table
from uflux_stats.bayes import (
    PropagationOptions,
    RespirationFit,
    propagate,
    propagate_to_store,
)
from uflux_stats.bayes.draws import LARGEST_LOG
from uflux_stats.bayes.gate import MEASURED
from uflux_stats.bayes.sinks import FIXED, explained_gap, sink_routes
from uflux_stats.grid import cell_coordinates
from uflux_stats.grid.regions import By
from uflux_stats.io.store import write_netcdf
from uflux_stats.io.zarr_store import open_store
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.allocation import at_hand, write_table
from uflux_stats.pipeline.stages.budget import DIVERGENCE
from uflux_stats.pipeline.stages.data import gridded, load
from uflux_stats.pipeline.stages.engine import PARAMETERS
from uflux_stats.pipeline.stages.gridding import FLUXES
from uflux_stats.pipeline.stages.posterior import fits
from uflux_stats.reporting.numbers import Number, key, number
from uflux_stats.schema import JUDGED
from uflux_stats.stats.totals import total

POSTERIOR_FLUXES: Final = "posterior_fluxes.zarr"
POSTERIOR_TOTALS: Final = "posterior_totals.nc"
SINKS: Final = "tables/respiration_sinks.csv"
BY: Final[tuple[By, ...]] = ("globe", "tropics", "continent", "pft")
_INTERVAL: Final = (0.05, 0.95)
_UNSEEN: Final = "classes of cells without a tower: drawn from the distribution of classes, wider"


def propagation(task: Task) -> Mapping[str, Number]:
    """Carry the draws of every form to RECO and, with the members of GPP, to NEP.

    Maps are kept of the first form alone; totals of all, and of the fixed Q10 of the baseline.
    """
    settings = task.settings
    drivers, upscaled = complete_drivers(gridded(task)), open_store(task.input(FLUXES))
    judged = [name for name in JUDGED if name in upscaled]
    shown = at_hand(upscaled[["GPP", *judged]]).set_coords(judged)
    drivers, gpp = at_hand(drivers), shown["GPP"]
    of_form = fits(task)
    sampled = min(len(fit.draws()) for fit in of_form.values())
    options = PropagationOptions(
        draws=min(settings["carried"], sampled), site_effect=settings["site_effect"],
        length_km=settings["length_km"], by=BY, regions=settings["regions"], seed=settings["seed"],
    )  # fmt: skip
    totals: dict[str, xr.Dataset] = {}
    for form, fit in of_form.items():
        if totals:
            carried = propagate(fit, drivers, gpp=gpp, options=options)
        else:
            path = task.output(POSTERIOR_FLUXES)
            carried = open_store(propagate_to_store(fit, drivers, path, gpp=gpp, options=options))
        totals[form] = _totals(carried, fit)
    forms = pd.Index(list(totals), name="form")
    together = xr.concat(list(totals.values()), forms, combine_attrs="drop_conflicts")
    together = together.assign(_fixed(drivers, gpp, task))
    write_netcdf(
        together, task.output(POSTERIOR_TOTALS), precision="float64",
        title="Yearly totals of RECO and NEP of posterior draws",
    )  # fmt: skip
    unseen = open_store(task.output(POSTERIOR_FLUXES)).attrs["unseen_classes"]
    return {
        key("respiration", str(forms[0]), "unseen_classes"): number(unseen or "none", note=_UNSEEN),
        **dict(_numbers(together, str(forms[0]), settings["site_effect"])),
    }


def _totals(carried: xr.Dataset, fit: RespirationFit) -> xr.Dataset:
    """Pick the totals, and put the gate of the sample beside them."""
    names = {"RECO_total": "RECO", "NEP_total": "NEP"}
    dims = ("site_effect", "draw", "region", "year")
    found = carried[list(names)].rename(names).transpose(*dims).load()
    found["RECO_clipped"] = carried["RECO_clipped"].load()
    gate = {name: ((), value, {"units": "1"}) for name, value in _gate(fit).items()}
    return found.reset_coords(drop=True).drop_attrs(deep=False).assign(gate)


def _gate(fit: RespirationFit) -> dict[str, float]:
    """Give what the gate saw as numbers that stand beside each other for all forms."""
    measured = {name: float(getattr(fit.diagnosis, name)) for name in MEASURED}
    return {"gate_passed": float(fit.diagnosis.passed), **measured}


def _caveat(totals: xr.Dataset, form: str, kind: str) -> str:
    """Words on a sample that did not pass the gate and on draws held at the largest value."""
    one = totals.sel(form=form, site_effect=kind)
    held, words = float(one["RECO_clipped"]), ""
    if not float(one["gate_passed"]):
        ess = min(float(one["ess_bulk"]), float(one["ess_tail"]))
        words += f"; gate not passed (R-hat {float(one['rhat']):.3f}, ESS {ess:.0f})"
    if held > 0.0:
        words += f"; {held:.2g} of the values held at {np.exp(LARGEST_LOG):.0f} gC m-2 d-1"
    return words


def _fixed(drivers: xr.Dataset, gpp: xr.DataArray, task: Task) -> dict[str, xr.DataArray]:
    """Totals of the baseline's respiration at fixed Q10, over the months and cells of GPP."""
    text = task.input(PARAMETERS).read_text(encoding="utf-8")
    reco = respiration_by_table(drivers, ParameterTable.from_json(text)).where(
        gpp.notnull().all("member")
    )
    produced = gpp.mean("member").where(reco.notnull())
    fluxes = {"RECO": reco, "NEP": produced - reco}
    return {
        f"{name}_{FIXED}": total(
            flux.assign_coords(cell_coordinates(drivers)).assign_attrs(units=reco.attrs["units"]),
            by=BY, regions=task.settings["regions"],
        ).transpose("region", "year").compute()
        for name, flux in fluxes.items()
    }  # fmt: skip


def _numbers(totals: xr.Dataset, first: str, shown: str) -> Iterator[tuple[str, Number]]:
    """Yield totals of every form and site effect for the globe, of the first form elsewhere."""
    for name in ("RECO", "NEP"):
        mean = totals[name].mean("year")
        for form in mean["form"].values:
            for kind in mean["site_effect"].values:
                draws = mean.sel(form=form, site_effect=kind, region="globe").values
                caveat = _caveat(totals, str(form), str(kind))
                yield (
                    key("respiration", str(form), "total", "global", name, str(kind)),
                    _of_draws(draws, f"site effects on unseen cells: {kind}{caveat}"),
                )
        caveat = _caveat(totals, first, shown)
        for region in mean["region"].values[1:]:
            draws = mean.sel(form=first, site_effect=shown, region=region).values
            if np.isfinite(draws).all():
                yield (
                    key("respiration", first, "total", str(region), name, shown),
                    _of_draws(draws, f"site effects on unseen cells: {shown}{caveat}"),
                )


def _of_draws(draws: Any, note: str) -> Number:
    low, high = np.quantile(draws, _INTERVAL)
    return number(np.median(draws), "PgC yr-1", interval=(low, high), n=draws.size, note=note)


def sinks(task: Task) -> Mapping[str, Number]:
    """Set the sinks that the draws allow beside those of models, hybrid and upscaling."""
    routes = json.loads(task.input(DIVERGENCE).read_text(encoding="utf-8"))
    totals = load(task.input(POSTERIOR_TOTALS))
    table = sink_routes(routes, totals)
    write_table(table, task, SINKS)
    world = table[table["region"] == "global"]
    return dict(_told(world, totals)) | dict(_shares(explained_gap(world), totals))


def _told(table: pd.DataFrame, totals: xr.Dataset) -> Iterator[tuple[str, Number]]:
    """Yield the sinks that the draws allow; those of the other routes have numbers already."""
    note = "upscaled GPP minus the respiration of the form"
    for row in table.to_dict("records"):
        parts = (row["region"], "NEP", row["route"], row["site_effect"])
        name = key("respiration", "divergence", *(part for part in parts if part))
        if row["site_effect"]:
            ends = (row["low"], row["high"])
            told = note + _caveat(totals, row["route"], row["site_effect"])
            yield name, number(row["value"], "PgC yr-1", interval=ends, note=told)
        elif row["route"] == FIXED:
            yield name, number(row["value"], "PgC yr-1", note=note)


def _shares(gaps: pd.DataFrame, totals: xr.Dataset) -> Iterator[tuple[str, Number]]:
    notes = {
        "form": "how much nearer the form is to the models than fixed Q10; below 0: farther",
        "draws": "width of the 90 % interval of the draws",
    }
    for row in gaps.to_dict("records"):
        stem = ("respiration", "divergence", row["region"])
        label = (row["form_of"], row["site_effect"])
        caveat = _caveat(totals, *label)
        for name, note in notes.items():
            told = f"{note}, over the gap of {row['gap']:.3g}{caveat}"
            share = number(row[f"{name}_share"], note=told)
            yield key(*stem, "explained", name, *label), share
        held = "whether the 90 % interval of the draws holds the models' mean"
        yield key(*stem, "reaches", *label), number(row["reaches"], note=held + caveat)
