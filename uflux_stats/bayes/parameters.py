"""The parameters at the top of a model: their names, their draws one by one, and their prior."""

import numpy as np

from uflux_stats.bayes.draws import Draws
from uflux_stats.bayes.priors import priors
from uflux_stats.bayes.rows import ModelRows, Values

EFFECT = "coefficient_"
"""What the name of a driver effect begins with."""


def common_parameters(rows: ModelRows) -> list[str]:
    """List the parameters at the top of the model of ``rows`` that have no dimension."""
    options = rows.options
    names = ["log_rate", "slope", "sigma0", "sigma1"]
    names += ["nu"] if options.likelihood == "student_t" else []
    if options.level != "pooled":
        names += ["spread_rate_class", "spread_slope_class"]
    if options.level == "site":
        names += ["spread_rate_site", "spread_slope_site", "correlation_site", "noise_spread"]
    return [*names, "spread_season"] if options.season else names


def top_parameters(rows: ModelRows) -> list[str]:
    """List all parameters at the top of the model of ``rows``, each driver effect by itself."""
    return [*common_parameters(rows), *(EFFECT + effect.name for effect in rows.effects)]


def draws_of(draws: Draws, name: str, rows: ModelRows) -> Values:
    """Return the draws of one of ``top_parameters``, (draw,)."""
    if not name.startswith(EFFECT):
        return draws.values[name]
    effects = [effect.name for effect in rows.effects]
    return draws.values["coefficient"][:, effects.index(name.removeprefix(EFFECT))]


def log_prior(draws: Draws, rows: ModelRows) -> Values:
    """Return the log prior density of the top parameters of every draw, (draw,).

    What lies below them, classes and sites, is drawn from distributions that they shape.
    """
    options = rows.options
    chosen = priors(options.form, options.priors, options.changed_priors)
    density = np.zeros(len(draws))
    for name in top_parameters(rows):
        prior = chosen["effect" if name.startswith(EFFECT) else name]
        density += prior.log_density(draws_of(draws, name, rows))
    return density
