"""The posterior as the baseline of unseen places: its table, refitted without their towers."""

from dataclasses import replace

import xarray as xr

from uflux_stats.baselines import BaselineOptions
from uflux_stats.baselines.fluxes import respiration_by_table
from uflux_stats.bayes.fitted import RespirationFit
from uflux_stats.bayes.gate import diagnose
from uflux_stats.bayes.leave_out import QUICK, folds_of_sites, posteriors_without
from uflux_stats.bayes.options import RespirationOptions, SamplerOptions
from uflux_stats.bayes.rows import model_rows


def respiration_without_sites(
    towers: xr.Dataset,
    options: RespirationOptions,
    *,
    folds: int = 20,
    sampler: SamplerOptions = QUICK,
    of: str = "typical_site",
) -> xr.DataArray:
    """Respiration of each tower by the parameter table of a posterior that did not see the tower.

    Means and ranges by which drivers are standardised come from all towers, RECO does not.

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
    of_baseline = BaselineOptions(respiration_temperature=options.temperature)
    parts = []
    for number, posterior in enumerate(posteriors_without(rows, fold, sampler)):
        how = replace(sampler, seed=sampler.seed + number)
        fit = RespirationFit(rows, posterior, diagnose(posterior), how)
        held_out = known.isel(site=fold == number)
        parts.append(respiration_by_table(held_out, fit.parameter_table(of=of), of_baseline))
    return xr.concat(parts, "site").sel(site=list(rows.sites))
