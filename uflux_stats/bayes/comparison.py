"""Compare fits: predictive density of left-out months (PSIS-LOO) or sites, and stacking."""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp

from uflux_stats.baselines.conditions import transformed
from uflux_stats.bayes.compat import elpd_of, load_library, pointwise_of, quiet_libraries, tree_of
from uflux_stats.bayes.draws import (
    log_likelihood,
    probability_integral,
    residual_correlation,
)
from uflux_stats.bayes.fitted import RespirationFit
from uflux_stats.errors import ConfigError

LOO_DRAWS: Final = 1000
DIAGNOSTIC_DRAWS: Final = 200
GOOD_K: Final = 0.7
"""Pareto k up to which an importance estimate is reliable (Vehtari et al. 2024, JMLR 25(72))."""


@dataclass(frozen=True)
class Loo:
    """Leave-one-month-out predictive density of a fit.

    It tells how well months of a *known* site are predicted; for unseen places see
    ``leave_sites_out``.

    Attributes
    ----------
    elpd, se : float
        Expected log predictive density and its standard error.
    pointwise : array, (row,)
    pareto_k : array, (row,)
    """

    elpd: float
    se: float
    pointwise: NDArray[np.float64]
    pareto_k: NDArray[np.float64]

    @property
    def unreliable(self) -> int:
        """Months whose Pareto k is above ``GOOD_K``."""
        return int((self.pareto_k > GOOD_K).sum())


def leave_one_out(fit: RespirationFit, *, draws: int = LOO_DRAWS) -> Loo:
    """Estimate the density of left-out months by Pareto-smoothed importance sampling.

    Parameters
    ----------
    fit : RespirationFit
    draws : int
        Draws of the posterior that are used.

    Returns
    -------
    Loo

    References
    ----------
    Vehtari et al. 2017, doi 10.1007/s11222-016-9696-4.
    """
    arviz = load_library("arviz")
    thinned = fit.draws(min(draws, len(fit.draws())))
    dims = ("chain", "draw", "row")
    density = xr.Dataset({"RECO": (dims, log_likelihood(thinned, fit.rows)[None])})
    some = xr.Dataset({"log_rate": (dims[:2], thinned.values["log_rate"][None])})
    together = tree_of({"posterior": some, "log_likelihood": density})
    with quiet_libraries(), warnings.catch_warnings():
        # what it warns of, high Pareto k, is part of the result here
        warnings.filterwarnings("ignore", category=UserWarning)
        result = arviz.loo(together, pointwise=True, reff=1.0)
    elpd, se = elpd_of(result)
    pointwise, pareto_k = pointwise_of(result)
    return Loo(elpd, se, np.asarray(pointwise), np.asarray(pareto_k))


def common_months(towers: xr.Dataset, effects: Iterable[str]) -> xr.Dataset:
    """Keep RECO where the drivers of all effects are known, so that models see the same months.

    Parameters
    ----------
    towers : xr.Dataset, (site, time)
    effects : iterable of str
        Keys of ``uflux_stats.baselines.conditions.TRANSFORMS``.
    """
    reco = towers["RECO"]
    for name in sorted(set(effects)):
        reco = reco.where(np.isfinite(transformed(towers, name)))
    return towers.assign(RECO=reco.assign_attrs(towers["RECO"].attrs))


def stack(densities: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    """Weigh models so that their mixture predicts best.

    Parameters
    ----------
    densities : mapping of str to array, (point,)
        Log predictive density of each left-out point (month or site), the same for all models.

    Returns
    -------
    dict of str to float
        Weights that sum to one.

    Raises
    ------
    ConfigError
        If there are fewer models than two, or their points differ in number.

    References
    ----------
    Yao et al. 2018, doi 10.1214/17-BA1091.

    Examples
    --------
    >>> weights = stack({"good": np.array([-1.0, -1.0]), "bad": np.array([-9.0, -9.0])})
    >>> round(weights["good"], 2)
    1.0
    """
    sizes = {len(values) for values in densities.values()}
    if len(densities) < 2 or len(sizes) != 1:
        raise ConfigError(
            f"densities: expected two models or more on the same points, got {len(densities)} "
            f"of sizes {sorted(sizes)}; score them on the same rows"
        )
    table = np.stack(list(densities.values()))

    def loss(free: NDArray[np.float64]) -> float:
        weights = np.r_[free, 0.0] - logsumexp(np.r_[free, 0.0])
        return -float(logsumexp(table + weights[:, None], axis=0).mean())

    start = np.zeros(len(table) - 1)
    found = minimize(loss, start, method="L-BFGS-B", bounds=[(-20.0, 20.0)] * len(start))
    weights = np.exp(np.r_[found.x, 0.0] - logsumexp(np.r_[found.x, 0.0]))
    return {name: float(weight) for name, weight in zip(densities, weights, strict=True)}


def rank(densities: Mapping[str, NDArray[np.float64]]) -> pd.DataFrame:
    """Order models by their log predictive density of left-out points.

    Parameters
    ----------
    densities : mapping of str to array, (point,)
        As ``stack`` takes them; a model alone has all the weight.

    Returns
    -------
    pd.DataFrame
        Index model, best first: ``elpd`` and its standard error ``se``, ``difference`` to the best
        and its standard error ``difference_se`` (points as independent), stacking ``weight``.

    Raises
    ------
    ConfigError
        As ``stack``.

    Examples
    --------
    >>> found = rank({"bad": np.array([-9.0, -7.0]), "good": np.array([-1.0, -1.0])})
    >>> found[["elpd", "difference", "difference_se"]].round(2).to_dict("index")["bad"]
    {'elpd': -16.0, 'difference': -14.0, 'difference_se': 2.0}
    """
    weights = stack(densities) if len(densities) > 1 else dict.fromkeys(densities, 1.0)
    best = max(densities.values(), key=np.sum)
    rows = {
        name: {
            "elpd": values.sum(),
            "se": _sum_error(values),
            "difference": (values - best).sum(),
            "difference_se": _sum_error(values - best),
            "weight": weights[name],
        }
        for name, values in densities.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")
    return table.sort_values("elpd", ascending=False)


def _sum_error(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(len(values)) * values.std(ddof=1)) if len(values) > 1 else float("nan")


def compare(fits: Mapping[str, RespirationFit], *, draws: int = LOO_DRAWS) -> pd.DataFrame:
    """Compare fits to the same months: density of left-out months, calibration, what errors share.

    Parameters
    ----------
    fits : mapping of str to RespirationFit
        Of the same observations, see ``common_months``.
    draws : int
        Draws of each posterior that are used.

    Returns
    -------
    pd.DataFrame
        As ``rank``, and ``months``; ``unreliable``: those whose Pareto k is above ``GOOD_K``;
        ``coverage90``: share of the months within their 90 % predictive interval [1];
        ``residual_correlation`` of successive months [1]; ``caveat``.

    Raises
    ------
    ConfigError
        If their observations differ.
    """
    observed = [fit.rows.observed for fit in fits.values()]
    if any(not np.array_equal(observed[0], other) for other in observed[1:]):
        raise ConfigError(
            f"fits: expected the same observations, got {[len(values) for values in observed]} "
            "months; fit them to common_months"
        )
    found = {name: leave_one_out(fit, draws=draws) for name, fit in fits.items()}
    table = rank({name: loo.pointwise for name, loo in found.items()})
    more = {
        name: {
            "months": len(fit.rows.observed),
            "unreliable": found[name].unreliable,
            **_calibration(fit),
            "caveat": _caveat(fit),
        }
        for name, fit in fits.items()
    }
    return table.join(pd.DataFrame.from_dict(more, orient="index"))


def _calibration(fit: RespirationFit) -> dict[str, float]:
    thinned = fit.draws(min(DIAGNOSTIC_DRAWS, len(fit.draws())))
    integral = probability_integral(thinned, fit.rows)
    return {
        "coverage90": float(np.mean((integral > 0.05) & (integral < 0.95))),
        "residual_correlation": residual_correlation(thinned, fit.rows),
    }


def _caveat(fit: RespirationFit) -> str:
    """Say what makes a comparison unfair: GPP of a tower comes out of the same NEE as its RECO."""
    shared = [effect.name for effect in fit.rows.effects if effect.name.startswith("GPP")]
    return f"{', '.join(shared)} shares its partitioning with RECO" if shared else ""
