"""The posterior as the baseline of unseen places: its table, refitted without their towers."""

from dataclasses import replace
from threading import Lock
from typing import Final

import numpy as np
import xarray as xr

from uflux_stats.baselines import ParameterTable
from uflux_stats.baselines.conditions import PLACES
from uflux_stats.baselines.fluxes import respiration_by_table
from uflux_stats.baselines.respiration import Form
from uflux_stats.bayes.fitted import RespirationFit, fit_respiration
from uflux_stats.bayes.gate import diagnose
from uflux_stats.bayes.leave_out import QUICK, folds_of_sites, posteriors_without
from uflux_stats.bayes.options import RespirationOptions, SamplerOptions
from uflux_stats.bayes.rows import model_rows
from uflux_stats.errors import ConvergenceError

MONTHS: Final = 24
SHORT: Final = SamplerOptions(draws=250, tune=300, chains=2)
LOOSE_RHAT: Final = 1.1
"""Up to here chains agree well enough for the means of the posterior."""
TRIES: Final = 3
"""Samples of which each is twice as long as the one before."""
_ONE_AT_A_TIME: Final = Lock()
"""Folds run on threads, and PyTensor compiles on one thread at a time only."""


def respiration_without_sites(
    towers: xr.Dataset,
    options: RespirationOptions,
    *,
    folds: int = 20,
    sampler: SamplerOptions = QUICK,
    of: str = "typical_site",
) -> xr.DataArray:
    """Respiration of each tower by the parameter table of a posterior that did not see the tower.

    Neither did the means and ranges by which drivers are standardised.

    Parameters
    ----------
    towers, options, folds, sampler
        As ``leave_sites_out`` takes them; any level but "continent".
    of : {"typical_site", "mean_site"}
        As ``RespirationFit.parameter_table`` takes it.

    Returns
    -------
    xr.DataArray, (site, time) [gC m-2 d-1]
        Of the sites that can be fitted; missing where the temperature or a driver is.

    Raises
    ------
    ConfigError
        If the level is "continent", ``of`` is unknown, or there are fewer folds than two or more
        than sites.
    ImportError
        If nutpie is not installed.
    """
    rows = model_rows(towers, options)
    fold = folds_of_sites(len(rows.sites), folds, sampler.seed)
    known = towers.sel(site=list(rows.sites))
    parts = []
    for number, (seen, posterior) in enumerate(posteriors_without(towers, options, fold, sampler)):
        how = replace(sampler, seed=sampler.seed + number)
        fit = RespirationFit(seen, posterior, diagnose(posterior), how)
        held_out = known.isel(site=fold == number)
        parts.append(respiration_by_table(held_out, fit.parameter_table(of=of)))
    return xr.concat(parts, "site").sel(site=list(rows.sites))


def posterior_table(
    towers: xr.Dataset,
    form: Form,
    *,
    sampler: SamplerOptions = SHORT,
    months: int | None = MONTHS,
) -> ParameterTable:
    """Fit a posterior with site effects and return the table of its typical site.

    What a validation fold refits. Only posterior means are taken, which a short sample knows well
    enough if its chains agree: where R-hat is above 1.1 they are drawn anew, twice as long.

    Parameters
    ----------
    towers : xr.Dataset, (site, time)
        As ``fit_respiration`` takes them, with the drivers of ``PLACES``.
    form : {"q10", "lloyd_taylor"}
    sampler : SamplerOptions
    months : int, optional
        Most months of a tower that are used, since the months of a tower err together; None: all.

    Returns
    -------
    ParameterTable

    Raises
    ------
    ConvergenceError
        If the chains still disagree after ``TRIES`` samples.
    """
    options = RespirationOptions(form=form, effects=PLACES, on_failure="flag")
    thinned = thin_months(towers, months)
    with _ONE_AT_A_TIME:
        fit = _agreeing_fit(thinned, options, sampler)
    return fit.parameter_table(of="typical_site")


def _agreeing_fit(
    towers: xr.Dataset, options: RespirationOptions, sampler: SamplerOptions
) -> RespirationFit:
    """Sample until the chains agree; raise where they never do."""
    for attempt in range(TRIES):
        longer = replace(
            sampler,
            draws=sampler.draws << attempt,
            tune=sampler.tune << attempt,
            seed=sampler.seed + attempt,
        )
        fit = fit_respiration(towers, options=options, sampler=longer)
        if fit.diagnosis.rhat <= LOOSE_RHAT:
            return fit
    raise ConvergenceError(
        f"posterior: expected chains with R-hat up to {LOOSE_RHAT}, got {fit.diagnosis.rhat:.3f} "
        f"with {longer.draws} draws; give a longer sampler"
    )


def thin_months(towers: xr.Dataset, months: int | None) -> xr.Dataset:
    """Keep at most so many months with RECO of each tower, evenly spaced in time.

    Parameters
    ----------
    towers : xr.Dataset, (site, time)
    months : int, optional
        None keeps all.
    """
    if months is None:
        return towers
    reco = towers["RECO"].transpose("site", "time").copy(deep=True)
    for values in reco.values:
        there = np.flatnonzero(np.isfinite(values))
        kept = there[np.unique(np.linspace(0, len(there) - 1, min(months, len(there))).astype(int))]
        values[np.setdiff1d(there, kept)] = np.nan
    return towers.assign(RECO=reco)
