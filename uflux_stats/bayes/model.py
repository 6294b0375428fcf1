"""The hierarchical model of respiration, in PyMC.

``RECO ~ StudentT(nu, mu, sigma)``,
``log mu = level_site + slope_site (x - xbar) + coefficient (z - zbar)``,
``sigma = (sigma0 + sigma1 mu) exp(noise)``. A site's log rate at 10 degC and average conditions
and its slope deviate from those of its class, with a correlation. What is sampled is chosen so that
the months of a site tell each value by itself, and the sampler takes long steps: in the place of
the rate the level of the site at its own mean conditions, ``level_site = rate + slope_site xbar +
coefficient zbar``; the slope together with what the drivers change along with temperature; and in
the place of the noise the log of sigma over mu at the site's level. How far they are centred is
told by ``uflux_stats.bayes.geometry``.
"""

from typing import Any

import numpy as np

from uflux_stats.bayes.compat import load_library, quiet_libraries
from uflux_stats.bayes.geometry import centring
from uflux_stats.bayes.priors import Prior, priors
from uflux_stats.bayes.rows import SEASONS, ModelRows, Values


def build_model(rows: ModelRows) -> Any:
    """Write the model of ``rows.options`` down.

    Parameters
    ----------
    rows : ModelRows

    Returns
    -------
    pymc.Model
        With data containers that can be exchanged after compiling: ``observed`` [gC m-2 d-1] and
        ``weight`` [1], both (row,), where a row of weight 0 is not seen, and ``condition_data``.
    """
    pm = load_library("pymc")
    chosen = priors(rows.options.form, rows.options.priors, rows.options.changed_priors)
    with quiet_libraries(), pm.Model(coords=rows.coords) as model:
        observed = pm.Data("observed", rows.observed)
        weight = pm.Data("weight", np.ones_like(rows.observed))
        drivers = {name: pm.Data(name, array) for name, array in condition_data(rows).items()}
        rate, slope = _classes(pm, rows, chosen)
        effect = (
            chosen["effect"].variable(pm, "coefficient", dims="effect") if rows.effects else None
        )
        if rows.options.level == "site":
            about = _sites(pm, rows, chosen, (rate, slope, effect), drivers)
        else:
            group = rows.group[rows.site]
            logarithm = rate[group] + slope[group] * rows.warmth
            mean = pm.math.exp(logarithm + _along(drivers, "conditions", effect))
            absolute, relative = (chosen[name].variable(pm, name) for name in ("sigma0", "sigma1"))
            about = mean, absolute + relative * mean
        density = _density(pm, rows, chosen, observed, about)
        pm.Potential("likelihood", (weight * density).sum())
    return model


def condition_data(rows: ModelRows) -> dict[str, Values]:
    """Lay out what the model takes of the drivers; empty without effects.

    Returns
    -------
    dict of array
        ``conditions`` (row, effect); at level "site" instead ``departures`` (row, effect) from the
        mean of the site, that mean ``site_conditions`` (site, effect), and, unless sites are not
        centred at all, ``tilt`` (site, effect), see ``ModelRows.site_tilt``.
    """
    if not rows.effects:
        return {}
    if rows.options.level != "site":
        return {"conditions": rows.conditions}
    mean = rows.site_mean(rows.conditions)
    found = {"departures": rows.conditions - mean[rows.site], "site_conditions": mean}
    if rows.options.geometry == "noncentred":
        return found
    return found | {"tilt": rows.site_tilt(rows.conditions)}


def _along(drivers: dict[str, Any], name: str, effect: Any) -> Any:
    """Sum of effects times conditions; elementwise, so that no BLAS is needed."""
    return 0.0 if effect is None else (drivers[name] * effect[None, :]).sum(axis=1)


def _classes(pm: Any, rows: ModelRows, chosen: dict[str, Prior]) -> tuple[Any, Any]:
    """Log rate and slope of each group, about those of all."""
    rate = chosen["log_rate"].variable(pm, "log_rate")
    slope = chosen["slope"].variable(pm, "slope")
    if rows.options.level == "pooled":
        return rate[None], slope[None]
    share = centring(rows, chosen)
    found = []
    for name, label, centre in (("rate", "log_rate_class", rate), ("slope", "slope_class", slope)):
        spread = chosen[f"spread_{name}_class"].variable(pm, f"spread_{name}_class")
        deviating = _about(pm, label, (centre, spread), share[f"{name}_class"], "group")
        found.append(pm.Deterministic(label, deviating, dims="group"))
    return found[0], found[1]


def _sites(
    pm: Any,
    rows: ModelRows,
    chosen: dict[str, Prior],
    above: tuple[Any, Any, Any],
    drivers: dict[str, Any],
) -> tuple[Any, Any]:
    """Mean respiration of each row, and the scale of its error."""
    rate, slope, effect = above
    site, warmth, share = rows.site, rows.site_mean(rows.warmth), centring(rows, chosen)
    names = ("spread_rate_site", "spread_slope_site", "correlation_site")
    rate_spread, slope_spread, correlation = (chosen[name].variable(pm, name) for name in names)
    along = _along(drivers, "tilt", effect) if "tilt" in drivers else 0.0
    slope = slope[rows.group]
    together = _about(pm, "slope_site", (slope + along, slope_spread), share["slope"], "site")
    own_slope = pm.Deterministic("slope_site", together - along, dims="site")
    expected = rate[rows.group] + correlation * rate_spread / slope_spread * (own_slope - slope)
    expected = expected + own_slope * warmth + _along(drivers, "site_conditions", effect)
    remaining = rate_spread * pm.math.sqrt(1.0 - correlation**2)
    level = _about(pm, "level_site", (expected, remaining), share["rate"], "site")
    level = pm.Deterministic("level_site", level, dims="site")
    logarithm = level[site] + own_slope[site] * (rows.warmth - warmth[site])
    logarithm = logarithm + _along(drivers, "departures", effect)
    if rows.options.season:
        spread = chosen["spread_season"].variable(pm, "spread_season")
        raw = pm.Normal("raw_season", 0.0, 1.0, shape=(len(rows.sites), SEASONS))
        logarithm = logarithm + spread * raw[site, rows.season]
    mean = pm.math.exp(logarithm)
    return mean, _site_scale(pm, rows, chosen, (level, mean), share["noise"])


def _site_scale(
    pm: Any, rows: ModelRows, chosen: dict[str, Prior], about: tuple[Any, Any], share: Values
) -> Any:
    """Scale of the error of each row, by the noise of its site."""
    level, mean = about
    names = ("sigma0", "sigma1", "noise_spread")
    absolute, relative, spread = (chosen[name].variable(pm, name) for name in names)
    typical = pm.math.log(absolute * pm.math.exp(-level) + relative)
    at_level = _about(pm, "noise_site", (typical, spread), share, "site")
    deviation = at_level - typical
    pm.Deterministic("noise_site", pm.math.log(relative) + deviation, dims="site")
    return (absolute + relative * mean) * pm.math.exp(deviation)[rows.site]


def _about(pm: Any, name: str, about: tuple[Any, Any], share: Values, dim: str) -> Any:
    """Sample normal values about a mean, centred to a share of 0 to 1."""
    mean, spread = about
    # one number where all are the same, which PyTensor needs to simplify what follows
    part = share.flat[0] if np.ptp(share) == 0.0 else share
    logarithm = pm.math.log(spread)
    raw = pm.Normal(f"raw_{name}", part * mean, pm.math.exp(part * logarithm), dims=dim)
    return mean + pm.math.exp((1.0 - part) * logarithm) * (raw - part * mean)


def _density(
    pm: Any, rows: ModelRows, chosen: dict[str, Prior], observed: Any, about: tuple[Any, Any]
) -> Any:
    """Log density of each row."""
    mean, scale = about
    if rows.options.likelihood == "normal":
        return pm.logp(pm.Normal.dist(mean, scale), observed)
    if rows.options.likelihood == "laplace":
        return pm.logp(pm.Laplace.dist(mean, scale), observed)
    freedom = chosen["nu"].variable(pm, "nu")
    return pm.logp(pm.StudentT.dist(nu=freedom, mu=mean, sigma=scale), observed)
