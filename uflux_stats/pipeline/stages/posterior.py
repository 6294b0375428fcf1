"""Stage that samples the posteriors of the respiration parameters, and its tables and numbers."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final

import pandas as pd
import xarray as xr

from uflux_stats.baselines import complete_drivers
from uflux_stats.baselines.conditions import PLACES, SATELLITE
from uflux_stats.bayes import RespirationFit, fit_respiration, load_fit, save_fit
from uflux_stats.bayes.as_baseline import thin_months
from uflux_stats.bayes.comparison import common_months
from uflux_stats.bayes.draws import summary_of
from uflux_stats.bayes.gate import DEFAULT_GATE
from uflux_stats.bayes.rows import UNKNOWN
from uflux_stats.bayes.tables import month_coverage, summary_by
from uflux_stats.grid import continents_at
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.data import TOWERS, load
from uflux_stats.reporting.numbers import Number, key, number, towers_told
from uflux_stats.schema import CARBON_FLUX

POSTERIOR: Final = "posterior.nc"
PFT_TABLE: Final = "tables/respiration_pft.csv"
CONTINENT_TABLE: Final = "tables/respiration_continents.csv"
TABLES: Final = (PFT_TABLE, CONTINENT_TABLE)
CONDITIONED: Final = "conditioned_"


def posterior_files(forms: tuple[str, ...]) -> tuple[str, ...]:
    """Name the file of each form's posterior; the first is the one that is used further.

    Examples
    --------
    >>> posterior_files(("conditioned_q10", "q10"))
    ('posterior.nc', 'posterior_q10.nc')
    """
    return (POSTERIOR, *(f"posterior_{form}.nc" for form in forms[1:]))


def fits(task: Task) -> dict[str, RespirationFit]:
    """Load the posterior of every form of the run."""
    forms = task.settings["forms"]
    files = posterior_files(tuple(forms))
    return {form: load_fit(task.input(name)) for form, name in zip(forms, files, strict=True)}


def fitted_towers(task: Task, *, months: int | None) -> xr.Dataset:
    """Load the towers with RECO in the months that all forms of the run can use.

    At most ``months`` of each tower; None: all.
    """
    towers = complete_drivers(load(task.input(TOWERS)))
    effects = {name for form in task.settings["forms"] for name in _effects_of(form, task.settings)}
    return thin_months(common_months(towers, effects), months)


def posterior(task: Task) -> Mapping[str, Number]:
    """Fit each form to the towers; the gate decides whether the run goes on."""
    settings = task.settings
    towers = fitted_towers(task, months=settings["months"])
    numbers: dict[str, Number] = {}
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    files = posterior_files(tuple(settings["forms"]))
    for form, name in zip(settings["forms"], files, strict=True):
        fit = fit_respiration(towers, **fit_settings(form, settings), cores=task.workers)
        save_fit(fit, task.output(name))
        sites = towers.sel(site=list(fit.rows.sites))
        continents = continents_at(
            sites["lat"].values, sites["lon"].values, regions=settings["regions"]
        )
        of_class, of_continent = fit.summary(), summary_by(fit, [str(c) for c in continents])
        for path, table in zip(TABLES, (of_class, of_continent), strict=True):
            tables[path].append(table.assign(form=form).set_index("form", append=True))
        numbers |= dict(_diagnosed(fit, form))
        numbers |= dict(_parameters(of_class, form))
        numbers |= dict(_parameters(of_continent.drop(index=UNKNOWN, errors="ignore"), form))
        numbers |= dict(_effects(fit, form))
    for path, parts in tables.items():
        pd.concat(parts).to_csv(task.output(path), float_format="%.5g")
    return numbers


def fit_settings(form: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Translate the name of a form and the settings of a run to those of ``fit_respiration``.

    Examples
    --------
    >>> fit_settings("conditioned_q10", {"level": "pft", "gate": "flag", "draws": 9})["effects"]
    ('APAR', 'FAPAR', 'VPD')
    """
    size = {name: settings[name] for name in ("draws", "tune", "chains", "seed", "level")
            if name in settings}  # fmt: skip
    return size | {"form": form.removeprefix(CONDITIONED), "effects": _effects_of(form, settings),
                   "on_failure": settings["gate"]}  # fmt: skip


def _effects_of(form: str, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Drivers of a form."""
    drivers = PLACES if settings["level"] == "site" else SATELLITE
    return drivers if form.startswith(CONDITIONED) else ()


def _diagnosed(fit: RespirationFit, form: str) -> Iterator[tuple[str, Number]]:
    """Yield what the gate looks at, each with its threshold, and what the sample was fitted to."""
    found, gate = fit.diagnosis.to_dict(), asdict(DEFAULT_GATE)
    asked = {
        "rhat": f"at most {gate['rhat']:g}", "ess_bulk": f"at least {gate['ess']:g}",
        "ess_tail": f"at least {gate['ess']:g}", "divergences": f"at most {gate['divergences']}",
        "bfmi": f"at least {gate['bfmi']:g}",
    }  # fmt: skip
    worst = f"{len(fit.draws())} draws; worst: {fit.diagnosis.worst}"
    for name, threshold in asked.items():
        yield key("respiration", form, "gate", name), number(found[name], note=f"gate: {threshold}")
    yield key("respiration", form, "gate", "passed"), number(fit.diagnosis.passed, note=worst)
    yield (
        key("respiration", form, "coverage90"),
        number(month_coverage(fit), n=len(fit.rows.observed),
               note="months that were fitted, within their predictive 90 % interval"),
    )  # fmt: skip


def _parameters(table: pd.DataFrame, form: str) -> Iterator[tuple[str, Number]]:
    """Yield median and 90 % interval of rate and sensitivity of every group."""
    units = {"Rref": CARBON_FLUX, "Q10": "1", "E0": "K"}
    for group, row in table.iterrows():
        for name, unit in units.items():
            if f"{name}_median" in row:
                yield (
                    key("respiration", form, name, str(group)),
                    number(row[f"{name}_median"], unit,
                           interval=(row[f"{name}_low"], row[f"{name}_high"]),
                           n=row["n_months"], note=towers_told(row["n_sites"])),
                )  # fmt: skip


def _effects(fit: RespirationFit, form: str) -> Iterator[tuple[str, Number]]:
    """Yield the change of the log rate per standard deviation of each driver."""
    draws = fit.draws()
    for column, effect in enumerate(fit.rows.effects):
        parts = summary_of(draws.values["coefficient"][:, column])
        yield (
            key("respiration", form, "effect", effect.name),
            number(parts["median"], interval=(parts["low"], parts["high"]),
                   note="change of the log rate per standard deviation"),
        )  # fmt: skip
