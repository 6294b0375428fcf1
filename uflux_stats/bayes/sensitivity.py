"""Power-scaling: how much a posterior leans on its priors, and how much on the data."""

from typing import Final

import pandas as pd
import xarray as xr

from uflux_stats.bayes.compat import power_scaled, tree_of
from uflux_stats.bayes.draws import log_likelihood
from uflux_stats.bayes.fitted import RespirationFit
from uflux_stats.bayes.parameters import draws_of, log_prior, top_parameters

SENSITIVE: Final = 0.05
"""Change of a posterior from which on it is told of (Kallioinen et al. 2024)."""


def power_scaling(fit: RespirationFit, *, draws: int = 1000) -> pd.DataFrame:
    """Raise the prior, then the likelihood, to a power near one, and see what moves.

    Parameters
    ----------
    fit : RespirationFit
    draws : int
        Draws of the posterior that are used.

    Returns
    -------
    pd.DataFrame
        Index parameter, those at the top of the model; ``prior`` and ``likelihood``: distance that
        its posterior moves per doubling of the power [1]; ``diagnosis``: "prior-data conflict"
        where both are above ``SENSITIVE``, "strong prior" where that of the prior alone is, else
        "".

    References
    ----------
    Kallioinen et al. 2024, doi 10.1007/s11222-023-10366-5.
    """
    thinned, dims = fit.draws(min(draws, len(fit.draws()))), ("chain", "draw")
    names = top_parameters(fit.rows)
    posterior = {name: (dims, draws_of(thinned, name, fit.rows)[None]) for name in names}
    density = log_likelihood(thinned, fit.rows).sum(axis=1)
    together = tree_of(
        {
            "posterior": xr.Dataset(posterior),
            "log_prior": xr.Dataset({"all": (dims, log_prior(thinned, fit.rows)[None])}),
            "log_likelihood": xr.Dataset({"RECO": (dims, density[None])}),
        }
    )
    moved = {part: power_scaled(together, part) for part in ("prior", "likelihood")}
    table = pd.DataFrame(
        {part: [float(found[name]) for name in names] for part, found in moved.items()},
        index=pd.Index(names, name="parameter"),
    )
    leaning, learning = (table[part] > SENSITIVE for part in ("prior", "likelihood"))
    diagnosis = learning.map({True: "prior-data conflict", False: "strong prior"})
    return table.assign(diagnosis=diagnosis.where(leaning, ""))
