"""The hierarchical model of respiration, in PyMC.

``RECO ~ StudentT(nu, mu, sigma)``,
``log mu = level_site + slope_site (x - xbar) + coefficient (z - zbar)``,
``sigma = (sigma0 + sigma1 mu) exp(noise)``. A site's level is its log rate at its own mean
conditions; its log rate at 10 degC and average conditions varies about that of its class,
``level_site ~ N(log_rate_class + slope_site xbar + coefficient zbar, spread_rate_site)``. Thus
level and slope of a site with many months are nearly independent, and the sampler takes long steps.
For the same end a slope is sampled together with what the drivers change along with temperature.
"""

from typing import Any

import numpy as np

from uflux_stats.bayes.compat import load_library, quiet_libraries
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
            mean, noise = _sites(pm, rows, chosen, (rate, slope, effect), drivers)
        else:
            group = rows.group[rows.site]
            logarithm = rate[group] + slope[group] * rows.warmth
            mean, noise = pm.math.exp(logarithm + _along(drivers, "conditions", effect)), None
        density = _density(pm, rows, chosen, (observed, mean, noise))
        pm.Potential("likelihood", (weight * density).sum())
    return model


def condition_data(rows: ModelRows) -> dict[str, Values]:
    """Lay out what the model takes of the drivers; empty without effects.

    Returns
    -------
    dict of array
        ``conditions`` (row, effect); at level "site" instead ``departures`` (row, effect) from the
        mean of the site, that mean ``site_conditions`` (site, effect), and, where centred,
        ``tilt`` (site, effect), see ``ModelRows.site_tilt``.
    """
    if not rows.effects:
        return {}
    if rows.options.level != "site":
        return {"conditions": rows.conditions}
    mean = rows.site_mean(rows.conditions)
    found = {"departures": rows.conditions - mean[rows.site], "site_conditions": mean}
    return found | ({"tilt": rows.site_tilt(rows.conditions)} if rows.centred else {})


def _along(drivers: dict[str, Any], name: str, effect: Any) -> Any:
    """Sum of effects times conditions; elementwise, so that no BLAS is needed."""
    return 0.0 if effect is None else (drivers[name] * effect[None, :]).sum(axis=1)


def _classes(pm: Any, rows: ModelRows, chosen: dict[str, Prior]) -> tuple[Any, Any]:
    """Log rate and slope of each group, about those of all."""
    rate = chosen["log_rate"].variable(pm, "log_rate")
    slope = chosen["slope"].variable(pm, "slope")
    if rows.options.level == "pooled":
        return rate[None], slope[None]
    found = []
    for name, centre in (("rate", rate), ("slope", slope)):
        spread = chosen[f"spread_{name}_class"].variable(pm, f"spread_{name}_class")
        deviation = pm.Normal(f"raw_{name}_class", 0.0, 1.0, dims="group")
        label = "log_rate_class" if name == "rate" else "slope_class"
        found.append(pm.Deterministic(label, centre + spread * deviation, dims="group"))
    return found[0], found[1]


def _sites(
    pm: Any,
    rows: ModelRows,
    chosen: dict[str, Prior],
    above: tuple[Any, Any, Any],
    drivers: dict[str, Any],
) -> tuple[Any, Any]:
    """Mean respiration of each row, and the log of each row's relative noise."""
    rate, slope, effect = above
    site, warmth = rows.site, rows.site_mean(rows.warmth)
    slope_spread = chosen["spread_slope_site"].variable(pm, "spread_slope_site")
    own_slope = _slopes(pm, rows, (slope[rows.group], slope_spread), drivers, effect)
    expected = rate[rows.group] + own_slope * warmth + _along(drivers, "site_conditions", effect)
    rate_spread = chosen["spread_rate_site"].variable(pm, "spread_rate_site")
    level = _deviating(pm, rows, "level_site", (expected, rate_spread))
    logarithm = level[site] + own_slope[site] * (rows.warmth - warmth[site])
    logarithm = logarithm + _along(drivers, "departures", effect)
    if rows.options.season:
        spread = chosen["spread_season"].variable(pm, "spread_season")
        raw = pm.Normal("raw_season", 0.0, 1.0, shape=(len(rows.sites), SEASONS))
        logarithm = logarithm + spread * raw[site, rows.season]
    relative = chosen["sigma1"].variable(pm, "sigma1")
    noise_spread = chosen["noise_spread"].variable(pm, "noise_spread")
    noise = _deviating(pm, rows, "noise_site", (pm.math.log(relative), noise_spread))
    return pm.math.exp(logarithm), (relative, noise[site])


def _slopes(
    pm: Any, rows: ModelRows, about: tuple[Any, Any], drivers: dict[str, Any], effect: Any
) -> Any:
    """Slope of each site; where centred, sampled as the slope of all that goes with temperature."""
    if effect is None or not rows.centred:
        return _deviating(pm, rows, "slope_site", about)
    mean, spread = about
    along = _along(drivers, "tilt", effect)
    together = pm.Normal("raw_slope_together", mean + along, spread, dims="site")
    return pm.Deterministic("slope_site", together - along, dims="site")


def _deviating(pm: Any, rows: ModelRows, name: str, about: tuple[Any, Any]) -> Any:
    """Site values about a mean: centred, or as a mean plus scaled standard normal deviations."""
    mean, spread = about
    if rows.centred:
        return pm.Normal(name, mean, spread, dims="site")
    raw = pm.Normal(f"raw_{name}", 0.0, 1.0, dims="site")
    return pm.Deterministic(name, mean + spread * raw, dims="site")


def _density(
    pm: Any, rows: ModelRows, chosen: dict[str, Prior], parts: tuple[Any, Any, Any]
) -> Any:
    """Log density of each row."""
    observed, mean, noise = parts
    absolute = chosen["sigma0"].variable(pm, "sigma0")
    if noise is None:
        scale = absolute + chosen["sigma1"].variable(pm, "sigma1") * mean
    else:
        scale = (absolute / noise[0] + mean) * pm.math.exp(noise[1])
    if rows.options.likelihood == "normal":
        return pm.logp(pm.Normal.dist(mean, scale), observed)
    if rows.options.likelihood == "laplace":
        return pm.logp(pm.Laplace.dist(mean, scale), observed)
    freedom = chosen["nu"].variable(pm, "nu")
    return pm.logp(pm.StudentT.dist(nu=freedom, mu=mean, sigma=scale), observed)
