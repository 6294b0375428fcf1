"""What the posteriors of a run say of places without a tower: predictions and their numbers."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import pandas as pd
import xarray as xr

from uflux_stats.bayes import (
    RespirationFit,
    SamplerOptions,
    leave_sites_out,
    predict_unseen_sites,
)
from uflux_stats.bayes.as_baseline import thin_months
from uflux_stats.bayes.comparison import rank
from uflux_stats.bayes.leave_out import LEVELS, site_skill
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.posterior import fitted_towers
from uflux_stats.reporting.numbers import Number, key, number
from uflux_stats.schema import CARBON_FLUX

REFITTED: Final = SamplerOptions(draws=400, tune=400, chains=2)
REFITTED_MONTHS: Final = 12
"""Sample, and most months of a tower, of the fits without a group of sites."""
_APPROXIMATE: Final = "its class has still seen the site; validation.mode full refits without it"
_OF_FOLDS: Final = ("rhat", "ess_bulk", "divergences")


def unseen_sites(task: Task, of_form: Mapping[str, RespirationFit]) -> pd.DataFrame:
    """Predict the mean respiration of every site as if it had no tower, by every form.

    With ``folds`` the posterior is sampled without the site, and the first form at all levels.

    Returns
    -------
    pd.DataFrame
        Index site; variables of ``leave_sites_out``, ``form`` and ``level``.
    """
    folds, level = task.settings["folds"], task.settings["level"]
    if folds:
        return pd.concat(list(_refitted(task, of_form)))
    seed = task.settings["seed"]
    found = {form: predict_unseen_sites(fit, seed=seed) for form, fit in of_form.items()}
    return pd.concat([_table(sites, form, level) for form, sites in found.items()])


def _refitted(task: Task, of_form: Mapping[str, RespirationFit]) -> Iterator[pd.DataFrame]:
    settings, first = task.settings, next(iter(of_form))
    own = settings["level"]
    towers = thin_months(fitted_towers(task, months=None), REFITTED_MONTHS)
    sampler = replace(REFITTED, seed=settings["seed"], cores=task.workers)
    for form, fit in of_form.items():
        beside = [level for level in LEVELS if level != own and form == first]
        folds = min(settings["folds"], len(fit.rows.sites))
        for level in (own, *beside):
            options = replace(fit.rows.options, level=level)
            found = leave_sites_out(towers, options, folds=folds, sampler=sampler)
            yield _table(found, form, level).assign(**{k: found.attrs[k] for k in _OF_FOLDS})


def _table(sites: xr.Dataset, form: str, level: str) -> pd.DataFrame:
    return sites.to_dataframe().assign(form=form, level=level)


def unseen_sites_told(
    table: pd.DataFrame, settings: Mapping[str, Any]
) -> Iterator[tuple[str, Number]]:
    """Yield coverage, width and density by form and level, and the weights of the forms."""
    folds, own = settings["folds"], settings["level"]
    for number_of_part, ((form, level), part) in enumerate(_parts(table)):
        stem = ("respiration", form, "leave_site_out", level)
        skill = site_skill(xr.Dataset.from_dataframe(part))
        how = f"{folds} groups of sites; R-hat up to {part['rhat'].iloc[0]:.3f}" if folds else ""
        note = f"mean RECO of unseen sites within their 90 % interval; {how or _APPROXIMATE}"
        covered = number(skill["coverage90"], n=len(part), note=note)
        yield key(*stem, "coverage90"), covered
        if not number_of_part:
            yield key("respiration", "coverage90", "leave_site_out"), covered
        note = "the same by the interval of the expected mean, without the errors of its months"
        alone = number(skill["coverage90_expected"], n=len(part), note=note)
        yield key(*stem, "coverage90_expected"), alone
        note = "median width of the 90 % interval of the mean RECO of an unseen site"
        yield key(*stem, "width"), number(skill["width"], CARBON_FLUX, n=len(part), note=note)
        note = f"log density of unseen sites, sum over single months; {how or _APPROXIMATE}"
        yield key(*stem, "elpd"), number(skill["elpd"], n=len(part), note=note)
    yield from _stacked(table[table["level"] == own])


def _parts(table: pd.DataFrame) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    """Yield the rows of each form and level, in the order that they came in."""
    for form, level in table[["form", "level"]].drop_duplicates().itertuples(index=False):
        yield (form, level), table[(table["form"] == form) & (table["level"] == level)]


def _stacked(table: pd.DataFrame) -> Iterator[tuple[str, Number]]:
    """Yield the weights of the forms in the mixture that predicts unseen sites best."""
    wide = table.pivot(columns="form", values="elpd")
    if wide.shape[1] < 2:
        return
    for form, row in rank({str(name): wide[name].to_numpy() for name in wide}).iterrows():
        error = f"{row['difference']:.3g} +- {row['difference_se']:.2g}"
        note = f"weight; elpd of unseen sites {error} to the best"
        yield (
            key("respiration", "stacking", "sites", str(form)),
            number(row["weight"], n=len(wide), note=note),
        )
