"""Stage that tells how far the posteriors may be believed: left-out months and sites, priors."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.bayes import RespirationFit, SamplerOptions
from uflux_stats.bayes.as_baseline import thin_months
from uflux_stats.bayes.calibration import prior_predictive
from uflux_stats.bayes.comparison import GOOD_K, compare, rank
from uflux_stats.bayes.driver_sets import SETS, compare_driver_sets
from uflux_stats.bayes.leave_out import LEVELS, leave_sites_out, site_skill
from uflux_stats.bayes.sensitivity import SENSITIVE, power_scaling
from uflux_stats.bayes.unseen import predict_unseen_sites
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.data import load
from uflux_stats.pipeline.stages.engine import VALIDATION
from uflux_stats.pipeline.stages.posterior import fits, fitted_towers
from uflux_stats.reporting.numbers import Number, key, number
from uflux_stats.schema import CARBON_FLUX

MONTHS_LEFT_OUT: Final = "tables/respiration_comparison.csv"
SITES_LEFT_OUT: Final = "tables/respiration_unseen_sites.csv"
PRIORS: Final = "tables/respiration_priors.csv"
DRIVER_SETS: Final = "tables/respiration_driver_sets.csv"
TABLES: Final = (MONTHS_LEFT_OUT, SITES_LEFT_OUT, PRIORS, DRIVER_SETS)
DRAWS: Final = 500
"""Draws that months are left out with; few enough for a run, 13,000 months take half a minute."""
PRIOR_DRAWS: Final = 100
REFITTED: Final = SamplerOptions(draws=400, tune=400, chains=2)
REFITTED_MONTHS: Final = 12
"""Sample, and most months of a tower, of the fits without a group of sites."""
_APPROXIMATE: Final = "its class has still seen the site; validation.mode full refits without it"


def checks(task: Task) -> Mapping[str, Number]:
    """Score every form on left-out months and unseen sites, and ask what leans on priors."""
    of_form = fits(task)
    months = compare(of_form, draws=DRAWS)
    sites = pd.concat(list(_sites(task, of_form)))
    priors = pd.concat(
        {form: power_scaling(fit, draws=DRAWS) for form, fit in of_form.items()}, names=["form"]
    )
    drivers = compare_driver_sets(fitted_towers(task, months=None), _predicted_gpp(task))
    tables = (months, sites, priors, drivers)
    for path, table in zip(TABLES, tables, strict=True):
        table.to_csv(task.output(path), float_format="%.5g")
    folds, first = task.settings["folds"], next(iter(of_form))
    pairs = sites[["form", "level"]].drop_duplicates().itertuples(index=False)
    skills = {
        (form, level): dict(_skill(sites[(sites["form"] == form) & (sites["level"] == level)]))
        for form, level in pairs
    }
    own = (first, task.settings["level"])
    return {
        **dict(_months_told(months)),
        **dict(_sites_told(skills, folds)),
        **dict(_stacked(sites[sites["level"] == task.settings["level"]], folds)),
        key("respiration", "coverage90", "leave_site_out"): _covered(skills[own], folds),
        **{
            key("respiration", form, "prior_predictive"): _prior_told(fit, task.settings["seed"])
            for form, fit in of_form.items()
        },
        **dict(_leaning(priors)),
        **dict(_driver_sets_told(drivers)),
    }


def _sites(task: Task, of_form: Mapping[str, RespirationFit]) -> Iterator[pd.DataFrame]:
    """Yield the predictions of unseen sites of every form, and of the first at other levels."""
    settings = task.settings
    folds, level = settings["folds"], settings["level"]
    if not folds:
        for form, fit in of_form.items():
            yield _table(predict_unseen_sites(fit, seed=settings["seed"]), form, level)
        return
    towers = thin_months(fitted_towers(task, months=None), REFITTED_MONTHS)
    sampler = replace(REFITTED, seed=settings["seed"], cores=task.workers)
    for number_of_form, (form, fit) in enumerate(of_form.items()):
        beside = [other for other in LEVELS if other != level and number_of_form == 0]
        for chosen in (level, *beside):
            options = replace(fit.rows.options, level=chosen)
            groups = min(folds, len(fit.rows.sites))
            found = leave_sites_out(towers, options, folds=groups, sampler=sampler)
            yield _table(found, form, chosen).assign(**{
                name: found.attrs[name] for name in ("rhat", "ess_bulk", "divergences")
            })  # fmt: skip


def _table(sites: xr.Dataset, form: str, level: str) -> pd.DataFrame:
    return sites.to_dataframe().assign(form=form, level=level)


def _skill(table: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    yield from site_skill(xr.Dataset.from_dataframe(table)).items()
    yield "sites", len(table)
    if "rhat" in table:
        yield "chains", f"; R-hat up to {table['rhat'].iloc[0]:.3f}"


def _predicted_gpp(task: Task) -> xr.DataArray | None:
    """GPP of the engine at towers that it had not seen, where the run has validated that."""
    if not task.settings["tower_split"]:
        return None
    return load(task.input(VALIDATION))["GPP"].sel(split="tower", source="refined", drop=True)


def _months_told(table: pd.DataFrame) -> Iterator[tuple[str, Number]]:
    """Yield the density of left-out months, its reliability, calibration and what errors share."""
    for form, row in table.iterrows():
        stem, n = ("respiration", str(form)), row["months"]
        error = f"months of known towers left out (PSIS-LOO); standard error {row['se']:.3g}"
        yield key(*stem, "loo", "elpd"), number(row["elpd"], n=n, note=error)
        yield (
            key(*stem, "loo", "unreliable"),
            number(row["unreliable"] / n, n=n, note=f"share of months with Pareto k > {GOOD_K}"),
        )
        yield (
            key(*stem, "residual_correlation"),
            number(row["residual_correlation"], n=n, note="of successive months of a tower"),
        )
        if len(table) > 1:
            told = f"to the best form; standard error {row['difference_se']:.3g}"
            yield (
                key("respiration", "compare", str(form), "elpd_difference"),
                number(row["difference"], n=n, note=told),
            )
            yield (
                key("respiration", "stacking", "months", str(form)),
                number(row["weight"], n=n, note="weight, months of known towers left out"),
            )


def _covered(skill: Mapping[str, Any], folds: int) -> Number:
    how = f"{folds} groups of sites{skill['chains']}" if folds else _APPROXIMATE
    note = f"mean RECO of unseen sites within their 90 % interval; {how}"
    return number(skill["coverage90"], n=skill["sites"], note=note)


def _sites_told(
    skills: Mapping[tuple[str, str], Mapping[str, Any]], folds: int
) -> Iterator[tuple[str, Number]]:
    for (form, level), skill in skills.items():
        stem = ("respiration", form, "leave_site_out", level)
        yield key(*stem, "coverage90"), _covered(skill, folds)
        note = "median width of the 90 % interval of the mean RECO of an unseen site"
        width = number(skill["width"], CARBON_FLUX, n=skill["sites"], note=note)
        yield key(*stem, "width"), width
        note = "sum over months, each by itself" if folds else _APPROXIMATE
        yield key(*stem, "elpd"), number(skill["elpd"], n=skill["sites"], note=note)


def _stacked(table: pd.DataFrame, folds: int) -> Iterator[tuple[str, Number]]:
    """Yield the weights of the forms that predict unseen sites best."""
    wide = table.pivot(columns="form", values="elpd")
    if wide.shape[1] < 2:
        return
    how = f"{folds} groups of sites" if folds else _APPROXIMATE
    for form, row in rank({str(name): wide[name].to_numpy() for name in wide}).iterrows():
        note = (
            f"weight, unseen sites, {how}; elpd {row['difference']:.3g} "
            f"+- {row['difference_se']:.2g} to the best"
        )
        yield (
            key("respiration", "stacking", "sites", str(form)),
            number(row["weight"], n=len(wide), note=note),
        )


def _prior_told(fit: RespirationFit, seed: int) -> Number:
    drawn = prior_predictive(fit.rows, PRIOR_DRAWS, seed)
    low, middle, high = np.quantile(drawn, (0.05, 0.5, 0.95))
    note = "RECO of the months that were fitted, by the priors alone"
    return number(middle, CARBON_FLUX, interval=(low, high), n=drawn.shape[1], note=note)


def _leaning(table: pd.DataFrame) -> Iterator[tuple[str, Number]]:
    """Yield how far each parameter moves with its priors."""
    for row in table.reset_index().to_dict("records"):
        told = row["diagnosis"] or "no conflict"
        note = f"distance moved per doubling of the prior's power; {told} (from {SENSITIVE} on)"
        yield (
            key("respiration", row["form"], "prior_sensitivity", row["parameter"]),
            number(row["prior"], note=note),
        )


def _driver_sets_told(table: pd.DataFrame) -> Iterator[tuple[str, Number]]:
    """Yield skill and Q10 by set of drivers; GPP of the tower stands there as a warning."""
    for name, row in table.iterrows():
        stem = ("respiration", "drivers", str(name))
        note = f"{SETS[str(name)]}; least squares, {row['towers']:.0f} towers, each held out once"
        yield key(*stem, "r2"), number(row["r2"], n=row["n"], note=note)
        yield key(*stem, "Q10"), number(row["sensitivity"], n=row["n"], note=SETS[str(name)])
