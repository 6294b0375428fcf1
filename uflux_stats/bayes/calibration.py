"""Simulation-based calibration: whether parameters drawn from the prior are recovered.

It sees errors of the sampler and of the likelihood's code. It does not see what model and
simulation share, such as a wrong reference temperature: identity tests stand beside it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats
from tqdm import tqdm

from uflux_stats.bayes.compat import group, load_library, quiet_libraries
from uflux_stats.bayes.draws import Draws, correlated, simulate
from uflux_stats.bayes.options import SamplerOptions
from uflux_stats.bayes.parameters import common_parameters, draws_of, top_parameters
from uflux_stats.bayes.priors import priors
from uflux_stats.bayes.rows import SEASONS, ModelRows
from uflux_stats.bayes.sampling import Compiled
from uflux_stats.errors import ConfigError, ConvergenceError

_SAMPLER: Final = SamplerOptions(draws=504, tune=400, chains=1, cores=1, target_accept=0.95)
_LONGER: Final = 4
_OTHER_SEED: Final = 1_000_003
"""Between the seeds of a sample and of its repetition: no other simulation has it."""


@dataclass(frozen=True)
class CalibrationOptions:
    """How many simulations, and how each posterior is sampled.

    Attributes
    ----------
    simulations : int
    ranks : int
        Posterior draws that a parameter is ranked among, nearly independent ones.
    sampler : SamplerOptions
    ess : float
        Smallest effective sample size of a parameter. A shorter sample is drawn again, four times
        as long and from another start: ranks among draws that hang together are not uniform, and a
        chain that did not leave its start has ranks at the ends alone.
    retries : int
        How often at most.
    progress : bool
    """

    simulations: int = 60
    ranks: int = 63
    sampler: SamplerOptions = _SAMPLER
    ess: float = 100.0
    retries: int = 2
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
    first, second = rng.standard_normal((2, *shape))
    deviation = correlated(first, second, found["correlation_site"])
    rate, slope = (
        values[f"{label}_class"][:, rows.group] + found[f"spread_{name}_site"] * deviation[number]
        for number, (label, name) in enumerate((("log_rate", "rate"), ("slope", "slope")))
    )
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
    drawn = (draw_from_prior(rows, rng) for _ in range(n))
    return np.vstack([simulate(one, rows, rng, largest=np.inf) for one in drawn])


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
        As ``calibration_of``.

    References
    ----------
    Talts et al. 2018, arXiv 1804.06788.
    """
    chosen = options or CalibrationOptions()
    return calibration_of(list(simulations(rows, range(chosen.simulations), chosen, seed=seed)))


def simulations(
    rows: ModelRows, numbers: Iterable[int], options: CalibrationOptions, *, seed: int = 0
) -> Iterator[xr.Dataset]:
    """Rank in the simulations of these numbers, one by one.

    A number and ``seed`` decide all of a simulation, so that a long calibration can be run in
    slices.

    Yields
    ------
    xr.Dataset, (parameter,)
        ``rank``, ``covered`` and ``ess``, with the coordinate ``simulation``.
    """
    compiled, names = Compiled.of(rows), top_parameters(rows)
    for number in tqdm(numbers, disable=not options.progress):
        rng = np.random.default_rng([seed, number])
        truth = draw_from_prior(rows, rng)
        # what a model may predict is held where no ecosystem is; what it is true to is not
        observed = simulate(truth, rows, rng, largest=np.inf)[0]
        sampled, ess = _sampled(compiled, rows, observed, options, seed + number)
        whole, some = Draws.of(sampled), Draws.of(sampled, options.ranks)
        found = {
            "rank": [_rank(some, truth, name, rows) for name in names],
            "covered": [_covered(whole, truth, name, rows) for name in names],
            "ess": ess,
        }
        yield xr.Dataset(
            {name: ("parameter", np.asarray(values)) for name, values in found.items()},
            coords={"parameter": names, "simulation": number},
            attrs={"ranks": options.ranks, "seed": seed},
        )


def calibration_of(ranked: Sequence[xr.Dataset]) -> xr.Dataset:
    """Put simulations together.

    Parameters
    ----------
    ranked : sequence of xr.Dataset
        Of ``simulations``.

    Returns
    -------
    xr.Dataset
        ``rank`` (simulation, parameter), 0 to the attribute ``ranks``; ``covered`` (simulation,
        parameter), whether the 90 % interval held the truth; ``ess`` (simulation, parameter), the
        effective sample size; ``p_value`` (parameter,), of uniform ranks, and
        ``p_value_adjusted``, times the number of parameters (Bonferroni).
    """
    whole = xr.concat(ranked, "simulation", data_vars="all", join="exact")
    found = _uniformity(whole["rank"].values, int(whole.attrs["ranks"]))
    return whole.assign(
        p_value=("parameter", found),
        p_value_adjusted=("parameter", np.minimum(1.0, found * len(found))),
    ).assign_attrs(simulations=len(ranked))


def _sampled(
    compiled: Compiled,
    rows: ModelRows,
    observed: NDArray[np.float64],
    options: CalibrationOptions,
    seed: int,
) -> tuple[Any, list[float]]:
    """Sample until every top parameter has draws enough, and tell how many it has.

    Raises
    ------
    ConvergenceError
        If the last chain, too, stayed where it began.
    """
    how = replace(options.sampler, seed=seed)
    for _ in range(options.retries + 1):
        sampled = compiled.sample(how, observed=observed)
        ess = effective_sizes(sampled, rows)
        if min(ess) >= options.ess:
            break
        how = replace(
            how, draws=_LONGER * how.draws, tune=2 * how.tune, seed=how.seed + _OTHER_SEED
        )
    if not min(ess) > 0.0:
        raise ConvergenceError(
            f"simulation: expected a chain that moves, got none with {options.retries + 1} seeds; "
            "raise target_accept or retries"
        )
    return sampled, ess


def effective_sizes(posterior: Any, rows: ModelRows) -> list[float]:
    """Return the effective sample size (bulk) of each of ``top_parameters``.

    Zero of draws with a chain that never moved, which ArviZ holds to be independent.
    """
    arviz = load_library("arviz")
    drawn = group(posterior, "posterior")
    names = common_parameters(rows)
    chosen = drawn[[*names, *(["coefficient"] if rows.effects else [])]]
    with quiet_libraries():
        found = arviz.ess(chosen)
    found = found if isinstance(found, xr.Dataset) else found.to_dataset()
    # ArviZ's own limit, below which it returns the number of draws
    moved = chosen.max("draw") - chosen.min("draw") >= np.finfo(float).resolution
    found = found.where(moved.all("chain"), 0.0)
    return [float(found[name]) for name in names] + np.ravel(found.get("coefficient", [])).tolist()


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
