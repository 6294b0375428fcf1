"""Simulation-based calibration: whether parameters drawn from the prior are recovered.

It sees errors of the sampler and of the likelihood's code. It does not see what model and
simulation share, such as a wrong reference temperature: identity tests stand beside it.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats
from tqdm import tqdm

from uflux_stats.bayes.draws import Draws, simulate
from uflux_stats.bayes.options import SamplerOptions
from uflux_stats.bayes.parameters import common_parameters, draws_of, top_parameters
from uflux_stats.bayes.priors import priors
from uflux_stats.bayes.rows import SEASONS, ModelRows
from uflux_stats.bayes.sampling import Compiled
from uflux_stats.errors import ConfigError

_SAMPLER: Final = SamplerOptions(draws=252, tune=300, chains=1, cores=1)


@dataclass(frozen=True)
class CalibrationOptions:
    """How many simulations, and how each posterior is sampled.

    Attributes
    ----------
    simulations : int
    ranks : int
        Posterior draws that a parameter is ranked among, nearly independent ones.
    sampler : SamplerOptions
    progress : bool
    """

    simulations: int = 60
    ranks: int = 63
    sampler: SamplerOptions = _SAMPLER
    progress: bool = False

    def __post_init__(self) -> None:
        """Refuse what gives no ranks."""
        drawn = self.sampler.draws * self.sampler.chains
        if self.simulations < 1 or not 1 <= self.ranks <= drawn:
            raise ConfigError(
                f"simulations, ranks: expected at least 1, and ranks up to {drawn}, got "
                f"{self.simulations} and {self.ranks}"
            )


def draw_from_prior(rows: ModelRows, rng: np.random.Generator) -> Draws:
    """Draw all parameters of the model of ``rows`` once from the prior, without PyMC.

    Returns
    -------
    Draws
        Of length one.
    """
    options = rows.options
    chosen = priors(options.form, options.priors, options.changed_priors)
    found = {name: float(chosen[name].draw(rng)) for name in common_parameters(rows)}
    values = {name: np.array([value]) for name, value in found.items()}
    if rows.effects:
        values["coefficient"] = chosen["effect"].draw(rng, (1, len(rows.effects)))
    if options.level == "pooled":
        return Draws(values)
    for label, name in (("log_rate", "rate"), ("slope", "slope")):
        deviation = rng.standard_normal((1, len(rows.groups)))
        values[f"{label}_class"] = found[label] + found[f"spread_{name}_class"] * deviation
    if options.level == "site":
        values |= _sites_from_prior(rows, found, values, rng)
    return Draws(values)


def _sites_from_prior(
    rows: ModelRows,
    found: dict[str, float],
    values: dict[str, NDArray[np.float64]],
    rng: np.random.Generator,
) -> dict[str, NDArray[np.float64]]:
    shape = (1, len(rows.sites))
    slope = values["slope_class"][:, rows.group] + found["spread_slope_site"] * rng.standard_normal(
        shape
    )
    rate = values["log_rate_class"][:, rows.group] + found[
        "spread_rate_site"
    ] * rng.standard_normal(shape)
    level = rate + slope * rows.site_mean(rows.warmth)
    level = level + Draws(values).along(rows.site_mean(rows.conditions))
    noise = np.log(found["sigma1"]) + found["noise_spread"] * rng.standard_normal(shape)
    drawn = {"slope_site": slope, "level_site": level, "noise_site": noise}
    if rows.options.season:
        drawn["raw_season"] = rng.standard_normal((*shape, SEASONS))
    return drawn


def prior_predictive(rows: ModelRows, n: int, seed: int = 0) -> NDArray[np.float64]:
    """Draw RECO of all rows from the prior, (draw, row) [gC m-2 d-1].

    What the priors hold possible before any observation.
    """
    rng = np.random.default_rng(seed)
    return np.vstack([simulate(draw_from_prior(rows, rng), rows, rng) for _ in range(n)])


def calibrate(
    rows: ModelRows, options: CalibrationOptions | None = None, *, seed: int = 0
) -> xr.Dataset:
    """Rank parameters drawn from the prior among posterior draws given data simulated from them.

    Parameters
    ----------
    rows : ModelRows
        The design: sites, temperatures and drivers; what was observed there is not used.
    options : CalibrationOptions, optional
    seed : int

    Returns
    -------
    xr.Dataset
        ``rank`` (simulation, parameter), 0 to ``ranks``; ``covered`` (simulation, parameter),
        whether the 90 % interval held the truth; ``p_value`` (parameter,), of uniform ranks.

    References
    ----------
    Talts et al. 2018, arXiv 1804.06788.
    """
    chosen = options or CalibrationOptions()
    compiled = Compiled.of(rows)
    names = top_parameters(rows)
    ranks, covered = [], []
    for number in tqdm(range(chosen.simulations), disable=not chosen.progress):
        rng = np.random.default_rng([seed, number])
        truth = draw_from_prior(rows, rng)
        how = replace(chosen.sampler, seed=seed + number)
        sampled = compiled.sample(how, observed=simulate(truth, rows, rng)[0])
        posterior = Draws.of(sampled, chosen.ranks)
        ranks.append([_rank(posterior, truth, name, rows) for name in names])
        whole = Draws.of(sampled)
        covered.append([_covered(whole, truth, name, rows) for name in names])
    dims = ("simulation", "parameter")
    return xr.Dataset(
        {
            "rank": (dims, np.array(ranks)),
            "covered": (dims, np.array(covered)),
            "p_value": ("parameter", _uniformity(np.array(ranks), chosen.ranks)),
        },
        coords={"parameter": names},
        attrs={"ranks": chosen.ranks, "simulations": chosen.simulations, "seed": seed},
    )


def _rank(posterior: Draws, truth: Draws, name: str, rows: ModelRows) -> int:
    return int((draws_of(posterior, name, rows) < draws_of(truth, name, rows)).sum())


def _covered(posterior: Draws, truth: Draws, name: str, rows: ModelRows) -> bool:
    low, high = np.quantile(draws_of(posterior, name, rows), (0.05, 0.95))
    return bool(low <= draws_of(truth, name, rows)[0] <= high)


def _uniformity(ranks: NDArray[np.int64], largest: int) -> NDArray[np.float64]:
    """Return the p-value of a chi-square test of uniform ranks, of each parameter."""
    bins = max(2, min(8, len(ranks) // 5))
    edges = np.linspace(-0.5, largest + 0.5, bins + 1)
    expected = np.diff(np.floor(edges)) * len(ranks) / (largest + 1)
    counts = np.stack([np.histogram(column, edges)[0] for column in ranks.T])
    statistic = (np.square(counts - expected) / expected).sum(axis=1)
    return np.asarray(stats.chi2.sf(statistic, bins - 1))
