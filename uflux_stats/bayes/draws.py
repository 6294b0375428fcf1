"""Posterior draws as plain arrays, and what a draw says of rows, of known and of new sites."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from uflux_stats.bayes.compat import group
from uflux_stats.bayes.rows import ModelRows, Values
from uflux_stats.errors import ConfigError

LARGEST_LOG: Final = 5.0
"""Log of 148 gC m-2 d-1: a draw beyond what any ecosystem respires is held there."""


@dataclass(frozen=True)
class Draws:
    """Draws of all parameters, along the first axis of each array.

    Attributes
    ----------
    values : dict of array, (draw, ...)
        By the names of the model.
    """

    values: dict[str, Values]

    @classmethod
    def of(cls, posterior: Any, n: int | None = None) -> "Draws":
        """Take all draws, or ``n`` of them evenly spaced, out of a posterior.

        Raises
        ------
        ConfigError
            If ``n`` is less than one or more than there are.
        """
        stacked = group(posterior, "posterior").stack(sample=("chain", "draw"))
        total = stacked.sizes["sample"]
        if n is not None and not 1 <= n <= total:
            raise ConfigError(f"draws: expected 1 to {total}, got {n}; sample more or ask for less")
        chosen = np.linspace(0, total - 1, n or total).round().astype(int)
        thinned = stacked.isel(sample=chosen)
        return cls(
            {str(name): thinned[name].transpose("sample", ...).values for name in thinned.data_vars}
        )

    def __len__(self) -> int:
        return len(next(iter(self.values.values())))

    def get(self, name: str, default: float = 0.0) -> Values:
        """Return a parameter, or a constant for every draw where the model lacks it."""
        return self.values.get(name, np.full(len(self), default))

    def along(self, conditions: Values) -> Values:
        """Sum of effects times conditions (row, effect), as (draw, row)."""
        if "coefficient" not in self.values:
            return np.zeros((len(self), len(conditions)))
        return self.values["coefficient"] @ conditions.T

    def of_group(self, name: str, n: int) -> Values:
        """Log rate or slope of every group, (draw, group); that of all in a pooled model."""
        found = self.values.get(f"{name}_class")
        return np.repeat(self.values[name][:, None], n, axis=1) if found is None else found

    def site_log_rate(self, rows: ModelRows) -> Values:
        """Log rate at 10 degC and average conditions of every site, (draw, site)."""
        if "level_site" not in self.values:
            return self.of_group("log_rate", len(rows.groups))[:, rows.group]
        means = rows.site_mean(rows.warmth), rows.site_mean(rows.conditions)
        slope = self.values["slope_site"]
        return self.values["level_site"] - slope * means[0] - self.along(means[1])

    def site_slope(self, rows: ModelRows) -> Values:
        """Slope on warmth of every site, (draw, site)."""
        if "slope_site" in self.values:
            return self.values["slope_site"]
        return self.of_group("slope", len(rows.groups))[:, rows.group]


def correlated(
    first: NDArray[Any], second: NDArray[Any], correlation: Any
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return standard normal ``first``, and ``second`` mixed with it so that they correlate.

    Examples
    --------
    >>> [part.tolist() for part in correlated(np.array([1.0]), np.array([1.0]), 0.6)]
    [[1.0], [1.4]]
    """
    return first, correlation * first + np.sqrt(1.0 - np.square(correlation)) * second


def mean_respiration(draws: Draws, rows: ModelRows, *, largest: float = LARGEST_LOG) -> Values:
    """Return the mean of RECO of every draw and row, of sites the model knows, (draw, row).

    Its log is held at ``largest``, which the model itself does not know of.

    Returns
    -------
    array, (draw, row) [gC m-2 d-1]
    """
    slope = draws.site_slope(rows)
    logarithm = draws.site_log_rate(rows)[:, rows.site] + slope[:, rows.site] * rows.warmth
    logarithm += draws.along(rows.conditions)
    if "raw_season" in draws.values:
        season = draws.values["raw_season"][:, rows.site, rows.season]
        logarithm += draws.values["spread_season"][:, None] * season
    return np.exp(np.minimum(logarithm, largest))


def scale_of(draws: Draws, rows: ModelRows, mean: Values) -> Values:
    """Return the scale of the error of every draw and row, (draw, row) [gC m-2 d-1]."""
    absolute, relative = draws.values["sigma0"][:, None], draws.values["sigma1"][:, None]
    if "noise_site" not in draws.values:
        return absolute + relative * mean
    return (absolute / relative + mean) * np.exp(draws.values["noise_site"][:, rows.site])


def _errors(rows: ModelRows, draws: Draws, mean: Values) -> Any:
    """Distribution of the observation of every draw and row."""
    scale = scale_of(draws, rows, mean)
    if rows.options.likelihood == "normal":
        return stats.norm(mean, scale)
    if rows.options.likelihood == "laplace":
        return stats.laplace(mean, scale)
    return stats.t(draws.values["nu"][:, None], mean, scale)


def log_likelihood(draws: Draws, rows: ModelRows) -> Values:
    """Return the log density of every row under every draw, (draw, row)."""
    mean = mean_respiration(draws, rows)
    return np.asarray(_errors(rows, draws, mean).logpdf(rows.observed))


def probability_integral(draws: Draws, rows: ModelRows) -> Values:
    """Return the predictive probability of less than what was observed, (row,) [1].

    Uniform where the model is calibrated (Gneiting et al. 2007, doi
    10.1111/j.1467-9868.2007.00587.x).
    """
    mean = mean_respiration(draws, rows)
    return np.asarray(_errors(rows, draws, mean).cdf(rows.observed).mean(axis=0))


def simulate(
    draws: Draws, rows: ModelRows, rng: np.random.Generator, *, largest: float = LARGEST_LOG
) -> Values:
    """Draw one set of observations for every draw, (draw, row) [gC m-2 d-1].

    ``largest`` as ``mean_respiration`` takes it.
    """
    mean = mean_respiration(draws, rows, largest=largest)
    return np.asarray(_errors(rows, draws, mean).rvs(size=mean.shape, random_state=rng))


def residual_correlation(draws: Draws, rows: ModelRows) -> float:
    """Correlation of the standardised residuals of successive months of a site [1]."""
    mean = mean_respiration(draws, rows)
    residual = (rows.observed - mean.mean(axis=0)) / scale_of(draws, rows, mean).mean(axis=0)
    follows = (np.diff(rows.site) == 0) & (np.diff(rows.month) == 1)
    if follows.sum() < 2:
        return float("nan")
    return float(np.corrcoef(residual[:-1][follows], residual[1:][follows])[0, 1])


def summary_of(values: NDArray[np.float64]) -> dict[str, Values]:
    """Median, mean and 90 % interval over draws (the first axis)."""
    low, median, high = np.quantile(values, (0.05, 0.5, 0.95), axis=0)
    return {"median": median, "mean": values.mean(axis=0), "low": low, "high": high}
