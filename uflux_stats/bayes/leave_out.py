"""Leave sites out: what a fit says of places it has not seen, which is what upscaling needs."""

from dataclasses import replace
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import logsumexp

from uflux_stats.bayes.draws import Draws, log_likelihood, mean_respiration, simulate
from uflux_stats.bayes.options import RespirationOptions, SamplerOptions
from uflux_stats.bayes.rows import ModelRows, model_rows
from uflux_stats.bayes.sampling import Compiled
from uflux_stats.errors import ConfigError
from uflux_stats.schema import CARBON_FLUX

QUICK: Final = SamplerOptions(draws=500, tune=500, chains=2)
INTERVAL: Final = (0.05, 0.5, 0.95)


def leave_sites_out(
    towers: xr.Dataset,
    options: RespirationOptions,
    *,
    folds: int = 10,
    sampler: SamplerOptions = QUICK,
) -> xr.Dataset:
    """Refit without the sites of each fold and predict their mean respiration.

    The held-out months weigh nothing; the effects of their sites are then drawn from their
    population given all other sites, which is the prediction for an unseen place.

    Parameters
    ----------
    towers : xr.Dataset, (site, time)
        As ``fit_respiration`` takes them.
    options : RespirationOptions
    folds : int
        Groups of sites; one for each site leaves one out at a time.
    sampler : SamplerOptions
        With nutpie, which compiles the model once for all folds.

    Returns
    -------
    xr.Dataset, (site,)
        ``observed``: mean RECO of the site's months, ``low``, ``median``, ``high``: its predictive
        90 % interval [gC m-2 d-1], month-to-month errors included; ``covered``;
        ``covered_expected``, by the interval of the expected mean alone; ``elpd``: sum of the log
        predictive densities of the single months; ``fold``. Attributes ``coverage90``,
        ``coverage90_expected`` and ``elpd``.

    Raises
    ------
    ConfigError
        If there are fewer folds than two or more than sites.
    ImportError
        If nutpie is not installed.
    """
    rows = model_rows(towers, options)
    fold = _folds(len(rows.sites), folds, sampler.seed)
    compiled = Compiled.of(rows)
    parts = []
    for number in range(folds):
        held_out = fold == number
        how = replace(sampler, seed=sampler.seed + number)
        seen = np.where(held_out[rows.site], 0.0, 1.0)
        draws = Draws.of(compiled.sample(how, weight=seen))
        rng = np.random.default_rng([sampler.seed, number])
        parts.append(_predicted(rows.keep(held_out[rows.site]), draws, rng))
    found = xr.concat(parts, "site").sel(site=list(rows.sites))
    found["fold"] = ("site", fold)
    return found.assign_attrs(
        coverage90=float(found["covered"].mean()),
        coverage90_expected=float(found["covered_expected"].mean()),
        elpd=float(found["elpd"].sum()),
        level=options.level,
        form=options.form,
        folds=folds,
    )


def _folds(sites: int, folds: int, seed: int) -> NDArray[np.intp]:
    if not 2 <= folds <= sites:
        raise ConfigError(f"folds: expected 2 to {sites}, the number of sites, got {folds}")
    return np.random.default_rng(seed).permutation(np.arange(sites) % folds)


def _predicted(rows: ModelRows, draws: Draws, rng: np.random.Generator) -> xr.Dataset:
    """Predict the mean of each site of ``rows``."""
    present = np.unique(rows.site)
    means = np.stack([rows.site_mean(drawn)[present] for drawn in simulate(draws, rows, rng)])
    expected = np.stack([rows.site_mean(mean)[present] for mean in mean_respiration(draws, rows)])
    lowest, highest = np.quantile(expected, (INTERVAL[0], INTERVAL[-1]), axis=0)
    observed = rows.site_mean(rows.observed)[present]
    low, median, high = np.quantile(means, INTERVAL, axis=0)
    density = logsumexp(log_likelihood(draws, rows), axis=0) - np.log(len(draws))
    units = {"units": CARBON_FLUX}
    return xr.Dataset(
        {
            "observed": ("site", observed, units),
            "low": ("site", low, units),
            "median": ("site", median, units),
            "high": ("site", high, units),
            "covered": ("site", (low <= observed) & (observed <= high)),
            "covered_expected": ("site", (lowest <= observed) & (observed <= highest)),
            "elpd": ("site", np.bincount(rows.site, density, len(rows.sites))[present]),
        },
        coords={"site": [rows.sites[number] for number in present]},
    )
