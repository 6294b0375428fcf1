"""Stage that draws the posteriors of respiration, and what they say of the globe and its sink."""

from collections.abc import Iterator, Mapping
from typing import Final

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from uflux_stats.bayes import RespirationFit
from uflux_stats.io.zarr_store import open_store
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.data import gridded
from uflux_stats.pipeline.stages.drawing import TWIN_NOTICE
from uflux_stats.pipeline.stages.posterior import CONTINENT_TABLE, fits
from uflux_stats.pipeline.stages.propagation import POSTERIOR_FLUXES, SINKS
from uflux_stats.pipeline.stages.respiration_checks import SITES_LEFT_OUT
from uflux_stats.reporting.map_panels import flux_map
from uflux_stats.reporting.numbers import Number
from uflux_stats.reporting.respiration import (
    forest,
    forest_of_table,
    predicted_fields,
    response_curves,
)
from uflux_stats.reporting.respiration_checks import calibration_figure
from uflux_stats.reporting.respiration_sections import FORMS
from uflux_stats.reporting.sinks import sinks_explained
from uflux_stats.reporting.style import save_figure

FIGURES: Final = "respiration_figures"
MAPPED: Final = {
    "RECO_mean": "RECO, mean of the posterior draws",
    "RECO_sd": "RECO, standard deviation of the posterior draws",
    "NEP_mean": "GPP - RECO, mean of the posterior draws",
    "NEP_sd": "GPP - RECO, standard deviation of the posterior draws",
}


def figures(task: Task) -> Mapping[str, Number]:
    """Draw what there is: parameters always, maps with a grid, sinks with vegetation models."""
    of_form = fits(task)
    drawn: dict[str, Figure] = {}
    for form, fit in of_form.items():
        drawn |= {f"forest_{form}": forest(fit), f"response_{form}": response_curves(fit)}
    continents = pd.read_csv(task.input(CONTINENT_TABLE), index_col="group")
    for form in of_form:
        whole = continents[continents["form"] == form].dropna(axis="columns", how="all")
        told = f"continent, {FORMS.get(form, form)}"
        drawn[f"forest_continents_{form}"] = forest_of_table(whole, told)
    sites = pd.read_csv(task.input(SITES_LEFT_OUT), index_col="site")
    own = sites[sites["level"] == task.settings["level"]]
    for form, fit in of_form.items():
        drawn[f"calibration_{form}"] = calibration_figure(fit, own[own["form"] == form])
    if task.settings["grid"]:
        drawn |= dict(_maps(task, next(iter(of_form.values()))))
    if task.settings["models"]:
        caveat = next(iter(of_form.values())).diagnosis.caveat
        drawn["sinks_explained"] = sinks_explained(
            _sinks(task), task.settings["site_effect"], caveat=caveat
        )
    notice = TWIN_NOTICE if task.settings["twin"] else ""
    for name, figure in drawn.items():
        save_figure(figure, task.output(f"{FIGURES}/{name}.png"), notice=notice)
    return {}


def _sinks(task: Task) -> pd.DataFrame:
    return pd.read_csv(task.input(SINKS), keep_default_na=False, na_values=["nan"])


def _maps(task: Task, fit: RespirationFit) -> Iterator[tuple[str, Figure]]:
    fields = predicted_fields(fit.parameter_table(of="typical_site"), gridded(task))
    for name, field in fields.data_vars.items():
        yield f"map_{name}", flux_map(field, title=f"{name}, posterior mean of the typical site")
    carried = open_store(task.input(POSTERIOR_FLUXES))
    for name, title in MAPPED.items():
        yield f"map_{name}", flux_map(_mean(carried[name]), title=f"{title}, mean of the months")


def _mean(field: xr.DataArray) -> xr.DataArray:
    return field.mean("time").compute().assign_attrs(units=field.attrs["units"])
