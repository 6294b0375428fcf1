"""Tables of a fit: parameters by group of its sites, and how well it predicts its own months."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from uflux_stats.baselines.conditioned_fitting import sensitivity_of_slope
from uflux_stats.bayes.draws import probability_integral, summary_of
from uflux_stats.bayes.fitted import RespirationFit
from uflux_stats.bayes.rows import UNKNOWN
from uflux_stats.errors import DimensionError

COVERED_DRAWS = 200
_PARTS = ("median", "low", "high")


def summary_by(fit: RespirationFit, labels: Sequence[str]) -> pd.DataFrame:
    """Summarise the parameters of the sites of a fit by groups of them, such as continents.

    Parameters
    ----------
    fit : RespirationFit
        At level "site" a group's parameters are those of its own sites; at other levels those of
        their classes.
    labels : sequence of str
        The group of each site of ``fit.rows.sites``; sites with none ("") are "unknown".

    Returns
    -------
    pd.DataFrame
        Index group; median and 90 % interval of ``Rref`` [gC m-2 d-1], the geometric mean over the
        sites of a group, and of ``Q10`` [1] or ``E0`` [K], that of their mean slope; ``n_sites``
        and ``n_months``.

    Raises
    ------
    DimensionError
        If there is not one label for each site.
    """
    rows = fit.rows
    if len(labels) != len(rows.sites):
        raise DimensionError(
            f"labels: expected one for each of {len(rows.sites)} sites, got {len(labels)}; take "
            "them in the order of fit.rows.sites"
        )
    draws = fit.draws()
    named = np.array([label or UNKNOWN for label in labels])
    rate, slope = draws.site_log_rate(rows), draws.site_slope(rows)
    months = np.bincount(rows.site, minlength=len(rows.sites))
    kind = "Q10" if rows.options.form == "q10" else "E0"
    table: dict[str, dict[str, Any]] = {}
    for name in np.unique(named):
        here = named == name
        found = {
            "Rref": np.exp(rate[:, here].mean(axis=1)),
            kind: sensitivity_of_slope(slope[:, here].mean(axis=1), rows.options.form),
        }
        summed = {parameter: summary_of(values) for parameter, values in found.items()}
        table[str(name)] = {
            f"{parameter}_{part}": float(parts[part])
            for parameter, parts in summed.items()
            for part in _PARTS
        } | {"n_sites": int(here.sum()), "n_months": int(months[here].sum())}
    return pd.DataFrame.from_dict(table, orient="index").rename_axis("group")


def month_coverage(fit: RespirationFit, draws: int = COVERED_DRAWS) -> float:
    """Share of the fitted months within their posterior predictive 90 % interval [1]."""
    thinned = fit.draws(min(draws, len(fit.draws())))
    integral = probability_integral(thinned, fit.rows)
    return float(np.mean((integral > 0.05) & (integral < 0.95)))
