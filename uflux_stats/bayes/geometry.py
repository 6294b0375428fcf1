"""How far each site and class is centred, so that a sampler takes long steps at all of them.

A value ``x ~ N(m, s)`` of a site may be sampled as itself (centred) or as ``(x - m) / s``
(non-centred). The first is best where the site's own months tell its value, the second where they
do not. In between lies ``y ~ N(c m, s^c)`` with ``x = m + s^(1 - c) (y - c m)``, which is centred
for ``c`` = 1 and non-centred for 0 (Papaspiliopoulos et al. 2007, doi 10.1214/088342307000000014;
Gorinova et al. 2020, arXiv 1906.03028).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from uflux_stats.bayes.priors import Prior
from uflux_stats.bayes.rows import ModelRows, Values

CLASSES: Final = 0.25
"""Typical variance between classes over that between the sites of one, for the geometry alone."""


def centring(rows: ModelRows, chosen: dict[str, Prior]) -> dict[str, Values]:
    """Return how far the values of each site and class are centred, 0 to 1.

    Parameters
    ----------
    rows : ModelRows
        Where ``options.geometry`` is "auto": the share of what its own months tell of a site's
        value, in all that is known of it, were spread and relative error at the scales of their
        priors; and so of the rate of a class with its sites. Slopes of classes are zero, since
        they differ so little that their spread may be next to nothing, where centred values leave
        a sampler no room.
        "centred" and "noncentred": one or zero for sites, zero for classes.
    chosen : dict of str to Prior

    Returns
    -------
    dict of str to array
        ``rate``, ``slope``, ``noise`` (site,), ``rate_class``, ``slope_class`` (group,).
    """
    n, months = len(rows.groups), np.bincount(rows.site, minlength=len(rows.sites))
    if rows.options.geometry != "auto":
        whole = np.full(months.shape, float(rows.options.geometry == "centred"))
        sites = dict.fromkeys(("rate", "slope", "noise"), whole)
        return sites | dict.fromkeys(("rate_class", "slope_class"), np.zeros(n))
    departure = rows.warmth - rows.site_mean(rows.warmth)[rows.site]
    precision = months / chosen["sigma1"].first ** 2
    sites = {
        "rate": _share(precision, chosen["spread_rate_site"]),
        "slope": _share(
            precision * rows.site_mean(np.square(departure)), chosen["spread_slope_site"]
        ),
        # the log of a scale is known to about 1 / sqrt(months)
        "noise": _share(months, chosen["noise_spread"]),
    }
    told = CLASSES * np.bincount(rows.group, sites["rate"], n)
    return sites | {"rate_class": told / (1.0 + told), "slope_class": np.zeros(n)}


def _share(precision: NDArray[np.generic], spread: Prior) -> Values:
    """Share of the precision of data in that of data and population."""
    ratio = np.asarray(precision, dtype=float) * spread.first**2
    return np.asarray(ratio / (1.0 + ratio))
