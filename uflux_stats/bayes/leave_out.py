"""Leave sites out: what a fit says of places it has not seen, which is what upscaling needs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.special import logsumexp

from uflux_stats.bayes.draws import Draws, log_likelihood, mean_respiration, simulate
from uflux_stats.bayes.gate import MEASURED, diagnose, worst_of
from uflux_stats.bayes.model import condition_data
from uflux_stats.bayes.options import Level, RespirationOptions, SamplerOptions
from uflux_stats.bayes.rows import ModelRows, Values, model_rows
from uflux_stats.bayes.sampling import Compiled
from uflux_stats.errors import ConfigError
from uflux_stats.schema import CARBON_FLUX

QUICK: Final = SamplerOptions(draws=500, tune=500, chains=2)
INTERVAL: Final = (0.05, 0.5, 0.95)
LEVELS: Final[tuple[Level, ...]] = ("pooled", "pft", "site")


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
        ``covered_expected``, by the interval of the expected mean alone; ``integral``: predictive
        probability of less than what was observed [1]; ``elpd``: sum of the log predictive
        densities of the single months; ``fold``. Attributes: those of ``site_skill``, and of the
        folds the largest ``rhat`` and number of ``divergences`` and smallest ``ess_bulk`` and
        ``ess_tail``: short chains that do not agree cover what they cover by chance.

    Raises
    ------
    ConfigError
        If there are fewer folds than two or more than sites.
    ImportError
        If nutpie is not installed.
    """
    rows = model_rows(towers, options)
    fold = folds_of_sites(len(rows.sites), folds, sampler.seed)
    parts, diagnoses = [], []
    for number, (seen, posterior) in enumerate(posteriors_without(towers, options, fold, sampler)):
        diagnoses.append(diagnose(posterior))
        rng = np.random.default_rng([sampler.seed, number])
        held_out = seen.keep((fold == number)[rows.site])
        parts.append(predicted_sites(held_out, Draws.of(posterior), rng))
    found = xr.concat(parts, "site").sel(site=list(rows.sites))
    found["fold"] = ("site", fold)
    of_folds = {"level": options.level, "form": options.form, "folds": folds}
    return found.assign_attrs(site_skill(found) | of_folds | worst_of(diagnoses))


def site_skill(sites: xr.Dataset) -> dict[str, float]:
    """Sum up predictions of sites: shares covered [1], median width [gC m-2 d-1] and elpd."""
    return {
        "coverage90": float(sites["covered"].mean()),
        "coverage90_expected": float(sites["covered_expected"].mean()),
        "width": float((sites["high"] - sites["low"]).median()),
        "elpd": float(sites["elpd"].sum()),
    }


def posteriors_without(
    towers: xr.Dataset,
    options: RespirationOptions,
    fold: NDArray[np.intp],
    sampler: SamplerOptions,
) -> Iterator[tuple[ModelRows, Any]]:
    """Sample once for each fold, 0 to the largest, without the months of its sites.

    ``fold`` is on the sites of ``model_rows``. With each posterior come all rows, their drivers
    standardised by the months of the other sites.
    """
    rows = model_rows(towers, options)
    compiled, sites = Compiled.of(rows), np.array(rows.sites)
    for number in range(int(fold.max()) + 1):
        how = replace(sampler, seed=sampler.seed + number)
        seen = model_rows(towers, options, measured=sites[fold != number].tolist())
        weight = np.where(fold[rows.site] == number, 0.0, 1.0)
        yield seen, compiled.sample(how, weight=weight, **condition_data(seen))


def coverage_table(
    towers: xr.Dataset,
    options: RespirationOptions | None = None,
    *,
    levels: Sequence[Level] = LEVELS,
    folds: int = 10,
    sampler: SamplerOptions = QUICK,
) -> pd.DataFrame:
    """Tell how often the 90 % interval of an unseen site's mean respiration holds it, by level.

    A model without site effects knows the mean of all sites well and says nothing of one site.

    Parameters
    ----------
    towers, folds, sampler
        As ``leave_sites_out`` takes them.
    options : RespirationOptions, optional
        All but the level.
    levels : sequence of {"pooled", "pft", "continent", "site"}

    Returns
    -------
    pd.DataFrame
        Index level: ``coverage90`` and ``coverage90_expected`` [1], as in ``leave_sites_out``;
        ``width``: median over sites of high - low [gC m-2 d-1]; ``elpd``; ``sites``;
        ``rhat``, ``ess_bulk``, ``ess_tail`` and ``divergences``, the worst of the folds.
    """
    rows = {}
    for level in levels:
        chosen = replace(options or RespirationOptions(), level=level)
        found = leave_sites_out(towers, chosen, folds=folds, sampler=sampler)
        rows[level] = {
            **site_skill(found),
            "sites": found.sizes["site"],
            **{name: found.attrs[name] for name in MEASURED},
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("level")


def folds_of_sites(sites: int, folds: int, seed: int) -> NDArray[np.intp]:
    """Deal sites out to folds of equal size by chance, (site,)."""
    if not 2 <= folds <= sites:
        raise ConfigError(f"folds: expected 2 to {sites}, the number of sites, got {folds}")
    return np.random.default_rng(seed).permutation(np.arange(sites) % folds)


def predicted_sites(rows: ModelRows, draws: Draws, rng: np.random.Generator) -> xr.Dataset:
    """Predict the mean of each site that ``rows`` has months of; see ``leave_sites_out``.

    ``integral`` is the share of the draws whose mean is below the one observed.
    """
    present = np.unique(rows.site)
    means = np.stack([rows.site_mean(drawn)[present] for drawn in simulate(draws, rows, rng)])
    expected = np.stack([rows.site_mean(mean)[present] for mean in mean_respiration(draws, rows)])
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
            "covered_expected": ("site", _holds(expected, observed)),
            "integral": ("site", (means < observed).mean(axis=0)),
            "elpd": ("site", np.bincount(rows.site, density, len(rows.sites))[present]),
        },
        coords={"site": [rows.sites[number] for number in present]},
    )


def _holds(drawn: Values, observed: Values) -> NDArray[np.bool_]:
    low, high = np.quantile(drawn, (INTERVAL[0], INTERVAL[-1]), axis=0)
    return np.asarray((low <= observed) & (observed <= high))
