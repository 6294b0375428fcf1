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
    for form, fit in of_form.items():
        _save(task, {form: fit}, _of_form(task, form, fit))
    first = next(iter(of_form))
    if task.settings["grid"]:
        _save(task, {first: of_form[first]}, dict(_maps(task, of_form[first])))
    if task.settings["models"]:
        sinks = sinks_explained(_sinks(task), task.settings["site_effect"])
        _save(task, of_form, {"sinks_explained": sinks})
    return {}


def _of_form(task: Task, form: str, fit: RespirationFit) -> dict[str, Figure]:
    """Draw the parameters of one form, by class and continent, and how well it is calibrated."""
    continents = pd.read_csv(task.input(CONTINENT_TABLE), index_col="group")
    whole = continents[continents["form"] == form].dropna(axis="columns", how="all")
    sites = pd.read_csv(task.input(SITES_LEFT_OUT), index_col="site")
    own = sites[(sites["level"] == task.settings["level"]) & (sites["form"] == form)]
    return {
        f"forest_{form}": forest(fit),
        f"response_{form}": response_curves(fit),
        f"forest_continents_{form}": forest_of_table(whole, f"continent, {FORMS.get(form, form)}"),
        f"calibration_{form}": calibration_figure(fit, own),
    }


def _save(task: Task, shown: Mapping[str, RespirationFit], drawn: Mapping[str, Figure]) -> None:
    """Write figures of some forms; below each which of their samples did not pass the gate."""
    parts = [
        f"{FORMS.get(form, form)}: {fit.diagnosis.caveat}"
        for form, fit in shown.items()
        if fit.diagnosis.caveat
    ]
    notice = "; ".join([*parts, TWIN_NOTICE] if task.settings["twin"] else parts)
    for name, figure in drawn.items():
        save_figure(figure, task.output(f"{FIGURES}/{name}.png"), notice=notice)


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
