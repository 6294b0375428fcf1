"""The density that is sampled against the one that is simulated from, written down twice."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from tests.unit.bayes.conftest import make_towers
from uflux_stats.bayes.calibration import draw_from_prior
from uflux_stats.bayes.compat import quiet_libraries
from uflux_stats.bayes.draws import log_likelihood
from uflux_stats.bayes.geometry import centring
from uflux_stats.bayes.model import build_model, condition_data
from uflux_stats.bayes.options import Geometry, RespirationOptions
from uflux_stats.bayes.parameters import common_parameters, log_prior
from uflux_stats.bayes.priors import priors
from uflux_stats.bayes.rows import ModelRows, model_rows


def placed(rows: ModelRows, values: dict[str, Any]) -> tuple[dict[str, Any], float]:
    """Values as the model samples them, and their log density given the top parameters."""
    share, group = centring(rows, priors("q10")), rows.group
    effect, correlation = values["coefficient"], values["correlation_site"]
    tilt = condition_data(rows).get("tilt", np.zeros((1, len(effect)))) @ effect
    rate, slope = values["log_rate_class"], values["slope_class"]
    spread_rate, spread_slope = values["spread_rate_site"], values["spread_slope_site"]
    apart = (values["slope_site"] - slope[group]) / spread_slope
    conditions = rows.site_mean(rows.conditions) @ effect
    warm = values["slope_site"] * rows.site_mean(rows.warmth)
    level = rate[group] + correlation * spread_rate * apart + warm + conditions
    noise = np.log(values["sigma0"] * np.exp(-values["level_site"]) + values["sigma1"])
    own_noise = values["noise_site"] - np.log(values["sigma1"]) + noise
    remaining = spread_rate * np.sqrt(1.0 - correlation**2)
    laws = {
        "log_rate_class": (rate, values["log_rate"], values["spread_rate_class"], "rate_class"),
        "slope_class": (slope, values["slope"], values["spread_slope_class"], "slope_class"),
        "slope_site": (values["slope_site"] + tilt, slope[group] + tilt, spread_slope, "slope"),
        "level_site": (values["level_site"], level, remaining, "rate"),
        "noise_site": (own_noise, noise, values["noise_spread"], "noise"),
    }
    point, density = {}, 0.0
    for name, (value, mean, spread, which) in laws.items():
        part = share[which]
        point[f"raw_{name}"] = part * mean + (value - mean) * spread ** (part - 1.0)
        density += float(stats.norm(mean, spread).logpdf(value).sum())
        density += float((1.0 - part).sum() * np.log(spread))
    return point, density


@pytest.mark.parametrize("geometry", ["auto", "centred", "noncentred"])
def test_the_model_is_what_is_simulated_from(geometry: Geometry) -> None:
    """Prior, sites and months by SciPy, with the Jacobian of what is sampled in their place."""
    towers = make_towers(sites=6, months=6)
    rows = model_rows(towers, RespirationOptions(geometry=geometry, effects=("VPD",)))
    with quiet_libraries():
        model = build_model(rows)
        density = model.compile_fn(
            model.logp(jacobian=False), inputs=model.value_vars, mode="FAST_COMPILE"
        )
    for seed in range(3):
        truth = draw_from_prior(rows, np.random.default_rng(seed))
        values = {name: drawn[0] for name, drawn in truth.values.items()}
        point, sites = placed(rows, values)
        point["coefficient"] = values["coefficient"]
        for name in common_parameters(rows):
            point[name] = values[name]
            point[f"{name}_log__"] = np.log(np.abs(values[name]))
        share = (1.0 + values["correlation_site"]) / 2.0
        point["raw_correlation_site_logodds__"] = np.log(share / (1.0 - share))
        found = density({value.name: np.asarray(point[value.name]) for value in model.value_vars})
        # a share has twice the density of the correlation that is two shares less one
        expected = log_prior(truth, rows)[0] + np.log(2.0) + sites
        expected += log_likelihood(truth, rows).sum()
        assert float(found) == pytest.approx(expected, rel=1e-6)
