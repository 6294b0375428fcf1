"""Figure of how well posteriors of respiration are calibrated, for months and for unseen sites."""

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from uflux_stats.bayes.draws import probability_integral
from uflux_stats.bayes.fitted import RespirationFit
from uflux_stats.reporting.style import BLACK, COLOURS, GREY, axis_label, new_figure, style
from uflux_stats.schema import CARBON_FLUX

_BINS: Final = 10
_DRAWS: Final = 200


def calibration_figure(fit: RespirationFit, sites: pd.DataFrame) -> Figure:
    """Draw where observations fall in what was predicted for them.

    Parameters
    ----------
    fit : RespirationFit
    sites : pd.DataFrame
        One row for each site: ``observed``, ``low``, ``median``, ``high`` [gC m-2 d-1], ``covered``
        and ``integral`` [1] of its mean RECO, as ``leave_sites_out`` or ``predict_unseen_sites``
        gives them.

    Returns
    -------
    Figure
        Histograms of the probability integral transform of the months of known sites and of the
        means of unseen sites: flat where the model is calibrated, a hump where its intervals are
        too wide, a bowl where they are too narrow. Then the mean of every unseen site over its
        predictive 90 % interval.
    """
    months = probability_integral(fit.draws(min(_DRAWS, len(fit.draws()))), fit.rows)
    with style():
        figure = new_figure(8.6, 2.9)
        first, second, third = figure.subplots(1, 3, width_ratios=(1, 1, 1.4))
        _histogram(first, months, f"{len(months):,} months of known sites")
        _histogram(second, sites["integral"].to_numpy(), f"{len(sites)} means of unseen sites")
        _band(second, len(sites))
        _intervals(third, sites)
    return figure


def _histogram(ax: Axes, integral: ArrayLike, title: str) -> None:
    values = np.asarray(integral)
    share = np.full(values.shape, 1.0 / len(values))
    ax.hist(
        values,
        bins=np.linspace(0.0, 1.0, _BINS + 1).tolist(),
        weights=share,
        color=COLOURS["tower"],
    )
    ax.axhline(1.0 / _BINS, color=BLACK, linewidth=0.5)
    ax.set_xlabel("predictive probability of less")
    ax.set_ylabel("share")
    ax.set_title(title)


def _band(ax: Axes, n: int) -> None:
    """Shade the 99 % that a share of independent, uniform values keeps to."""
    expected = 1.0 / _BINS
    margin = 2.576 * np.sqrt(expected * (1.0 - expected) / n)
    ax.axhspan(
        max(0.0, expected - margin), expected + margin, color=GREY, alpha=0.3, lw=0, zorder=0
    )


def _intervals(ax: Axes, sites: pd.DataFrame) -> None:
    ranked = sites.sort_values("median")
    place, covered = np.arange(len(ranked)), ranked["covered"].to_numpy(dtype=bool)
    ax.vlines(place, ranked["low"], ranked["high"], color=GREY, alpha=0.4, linewidth=0.8)
    observed = ranked["observed"].to_numpy()
    for chosen, colour, label in (
        (covered, COLOURS["refined"], "within"),
        (~covered, COLOURS["koppen"], "outside"),
    ):
        ax.plot(place[chosen], observed[chosen], ".", markersize=3, color=colour, label=label)
    ax.set_ylim(min(0.0, observed.min()), 1.15 * max(observed.max(), ranked["median"].max()))
    ax.set_xlabel("sites, by their predicted mean")
    ax.set_ylabel(axis_label("mean RECO", CARBON_FLUX))
    ax.set_title(f"{covered.mean():.0%} within the 90 % interval")
    ax.legend(loc="upper left")
