"""What a fit says of a place without a tower, without fitting again."""

from typing import Final

import numpy as np
import xarray as xr

from uflux_stats.bayes.draws import Draws, correlated
from uflux_stats.bayes.fitted import RespirationFit
from uflux_stats.bayes.leave_out import predicted_sites
from uflux_stats.bayes.rows import SEASONS, ModelRows, Values

UNSEEN_DRAWS: Final = 400


def as_unseen(draws: Draws, rows: ModelRows, rng: np.random.Generator) -> Draws:
    """Put sites drawn from the population of their class in the place of those that were measured.

    Parameters
    ----------
    draws : Draws
        Of a model at any level; one without site effects is returned as it is.
    rows : ModelRows
        The sites, with the months and drivers that they are wanted for.
    rng : numpy.random.Generator

    Returns
    -------
    Draws
    """
    if "level_site" not in draws.values:
        return draws
    shape, groups = (len(draws), len(rows.sites)), len(rows.groups)

    def about(mean: Values, deviation: Values, spread: str) -> Values:
        return mean + draws.values[spread][:, None] * deviation

    first, second, third = rng.standard_normal((3, *shape))
    first, second = correlated(first, second, draws.get("correlation_site")[:, None])
    classes = draws.of_group("log_rate", groups), draws.of_group("slope", groups)
    rate = about(classes[0][:, rows.group], first, "spread_rate_site")
    slope = about(classes[1][:, rows.group], second, "spread_slope_site")
    level = rate + slope * rows.site_mean(rows.warmth)
    level = level + draws.along(rows.site_mean(rows.conditions))
    noise = about(np.log(draws.values["sigma1"])[:, None], third, "noise_spread")
    drawn = {"slope_site": slope, "level_site": level, "noise_site": noise}
    if "raw_season" in draws.values:
        drawn["raw_season"] = rng.standard_normal((*shape, SEASONS))
    return Draws({**draws.values, **drawn})


def predict_unseen_sites(
    fit: RespirationFit, *, draws: int = UNSEEN_DRAWS, seed: int = 0
) -> xr.Dataset:
    """Predict the mean respiration of each site as if its own deviation were not known.

    Each draw gives the site a deviation from its class anew. What was learned of the classes and
    of all sites is kept, and the site is among those that it was learned from: a class of few
    sites is predicted too well. ``leave_sites_out`` refits without the site.

    Parameters
    ----------
    fit : RespirationFit
    draws : int
        Draws of the posterior that are used.
    seed : int

    Returns
    -------
    xr.Dataset, (site,)
        As ``leave_sites_out`` gives it, without ``fold`` and attributes.
    """
    rng = np.random.default_rng(seed)
    thinned = fit.draws(min(draws, len(fit.draws())))
    return predicted_sites(fit.rows, as_unseen(thinned, fit.rows, rng), rng)
