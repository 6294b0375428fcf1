"""Stage that tells how far the posteriors may be believed: left-out months and sites, priors."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.bayes import RespirationFit
from uflux_stats.bayes.calibration import prior_predictive
from uflux_stats.bayes.comparison import GOOD_K, compare
from uflux_stats.bayes.driver_sets import SETS, compare_driver_sets
from uflux_stats.bayes.sensitivity import SENSITIVE, power_scaling
from uflux_stats.errors import ConfigError, MissingVariableError
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.data import load
from uflux_stats.pipeline.stages.engine import VALIDATION
from uflux_stats.pipeline.stages.posterior import fits, fitted_towers
from uflux_stats.pipeline.stages.respiration_sites import unseen_sites, unseen_sites_told
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
_SUCCESSIVE: Final = "errors of successive months of a tower"
_APART: Final = "skipped: no two successive months of a tower were fitted"


def checks(task: Task) -> Mapping[str, Number]:
    """Score every form on left-out months and unseen sites, and ask what leans on priors."""
    of_form = fits(task)
    months = compare(of_form, draws=DRAWS)
    sites = unseen_sites(task, of_form)
    priors = pd.concat(
        {form: power_scaling(fit, draws=DRAWS) for form, fit in of_form.items()}, names=["form"]
    )
    drivers, lacking = driver_sets(task)
    tables = (months, sites, priors, drivers)
    for path, table in zip(TABLES, tables, strict=True):
        table.to_csv(task.output(path), float_format="%.5g")
    return {
        **dict(_months_told(months)),
        **dict(unseen_sites_told(sites, task.settings)),
        **{
            key("respiration", form, "prior_predictive"): _prior_told(fit, task.settings["seed"])
            for form, fit in of_form.items()
        },
        **dict(_leaning(priors)),
        **lacking,
        **dict(_driver_sets_told(drivers)),
    }


def driver_sets(task: Task) -> tuple[pd.DataFrame, dict[str, Number]]:
    """Compare sets of drivers, or say why towers that have a form's drivers do not allow it."""
    towers = fitted_towers(task, months=None)
    try:
        return compare_driver_sets(towers, _predicted_gpp(task), seed=task.settings["seed"]), {}
    except (ConfigError, MissingVariableError) as error:
        skipped = number(None, note=f"skipped: {error}")
        return pd.DataFrame(), {key("respiration", "drivers", "drivers", "r2"): skipped}


def _predicted_gpp(task: Task) -> xr.DataArray | None:
    """GPP of the engine at towers that it had not seen, where the run has validated that."""
    if not task.settings["tower_split"]:
        return None
    return load(task.input(VALIDATION))["GPP"].sel(split="tower", source="refined", drop=True)


def _months_told(table: pd.DataFrame) -> Iterator[tuple[str, Number]]:
    """Yield the density of left-out months, its reliability, calibration and what errors share."""
    for form, row in table.iterrows():
        stem, n = ("respiration", str(form)), row["months"]
        lasting = np.isfinite(row["residual_correlation"])
        error = f"months of known towers left out (PSIS-LOO); standard error {row['se']:.3g}"
        yield key(*stem, "loo", "elpd"), number(row["elpd"], n=n, note=error)
        yield (
            key(*stem, "loo", "unreliable"),
            number(row["unreliable"] / n, n=n, note=f"share of months with Pareto k > {GOOD_K}"),
        )
        yield (
            key(*stem, "residual_correlation"),
            number(row["residual_correlation"], n=n, note=_SUCCESSIVE if lasting else _APART),
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
