"""Lagged causal discovery with tigramite, without a graph given beforehand."""

import contextlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uflux_stats.attribution.network import Network
from uflux_stats.attribution.samples import Sample
from uflux_stats.errors import MissingExtraError, SampleError

EXTRA: Final = "discovery"
PLACES: Final = 15
"""A search through a hundred towers takes minutes."""
_FLAG: Final = 1e30


def discover(
    sample: Sample, *, lags: int = 2, level: float = 0.05, names: Sequence[str] | None = None
) -> pd.DataFrame:
    """Find lagged and contemporaneous links by PCMCI+ with partial correlations.

    Parameters
    ----------
    sample : Sample
        Anomalies; raw months violate stationarity. Places count as repeats of one process.
    lags : int
        Most months back.
    level : float
        Significance of a link.
    names : sequence of str, optional
        Nodes; those without an identity should be given, since exact sums defy the test.

    Returns
    -------
    pd.DataFrame
        cause, effect, lag [months], link ("-->" directed, "o-o" undecided, "x-x" conflicting),
        value (partial correlation), p, n.

    Raises
    ------
    MissingExtraError
        If tigramite is not installed.
    SampleError
        If no place has enough consecutive months.

    References
    ----------
    Runge, J. (2020), Proc. UAI, PMLR 124, 1388-1397.
    """
    chosen = list(names or sample.names)
    series = _series(sample, [sample.names.index(name) for name in chosen], 3 * lags + 24)
    module = {name: _tigramite(name) for name in ("pcmci", "data_processing",
                                                  "independence_tests.parcorr")}  # fmt: skip
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        frame = module["data_processing"].DataFrame(
            series, analysis_mode="multiple", var_names=chosen, missing_flag=_FLAG
        )
        test = module["independence_tests.parcorr"].ParCorr(significance="analytic")
        search = module["pcmci"].PCMCI(dataframe=frame, cond_ind_test=test, verbosity=0)
        found = search.run_pcmciplus(tau_max=lags, pc_alpha=level)
    return _links(found, chosen, sample.n)


def link_table(network: Network, *, lags: int = 1, level: float = 0.05) -> pd.DataFrame:
    """Strongest link from each driver to each target, at any lag, by PCMCI+.

    Parameters
    ----------
    network : Network
        The rows of its ``PLACES`` longest records; memory is left out, since the search has lags
        of its own.
    lags : int
    level : float

    Returns
    -------
    pd.DataFrame
        Partial correlation, target (rows) by driver (columns); 0 where there is no link, missing
        for memory and for targets with an identity.

    Raises
    ------
    MissingExtraError
        If tigramite is not installed.
    SampleError
        If no place has enough consecutive months.
    """
    graph = network.graph
    names = [name for name in graph.nodes if name not in {*graph.memory, *graph.identities}]
    links = discover(_longest(network.sample), lags=lags, level=level, names=names)
    table = pd.DataFrame(np.nan, index=list(graph.targets), columns=list(graph.drivers))
    targets = [name for name in graph.targets if name in names]
    table.loc[targets, [name for name in graph.drivers if name in names]] = 0.0
    ordered = links.iloc[links["value"].abs().argsort()]
    for link in ordered.to_dict("records"):
        ends = str(link["cause"]), str(link["effect"])
        ways = [ends] if link["link"] == "-->" else [ends, ends[::-1]]
        for cause, effect in ways:
            if effect in targets and cause in graph.drivers:
                table.loc[effect, cause] = float(link["value"])
    return table


def _longest(sample: Sample) -> Sample:
    """Keep the rows of the places with most of them."""
    places, rows = np.unique(sample.place, return_counts=True)
    kept = np.isin(sample.place, places[np.argsort(-rows, kind="stable")[:PLACES]])
    return replace(
        sample,
        values=sample.values[kept],
        place=sample.place[kept],
        month=sample.month[kept],
        cluster=sample.cluster[kept],
        weight=None,
    )


def _tigramite(name: str) -> Any:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            return import_module(f"tigramite.{name}")
        except ImportError as error:
            raise MissingExtraError("tigramite", EXTRA) from error


def _series(sample: Sample, columns: list[int], least: int) -> dict[int, NDArray[np.float64]]:
    """Lay each place out on its months, gaps flagged."""
    series = {}
    for number in np.unique(sample.place):
        rows = sample.place == number
        if rows.sum() < least:
            continue
        month = sample.month[rows]
        whole = np.full((int(month[-1] - month[0]) + 1, len(columns)), _FLAG)
        whole[month - month[0]] = sample.values[rows][:, columns]
        series[int(number)] = whole
    if not series:
        raise SampleError(f"sample: expected a place with at least {least} months, got none")
    return dict(enumerate(series.values()))


def _links(found: dict[str, Any], names: list[str], rows: int) -> pd.DataFrame:
    """List links, each once: undirected ones at lag 0 from the first node to the second."""
    graph = found["graph"]
    links = []
    for i, j, lag in zip(*np.nonzero(graph != ""), strict=True):
        link = str(graph[i, j, lag])
        if link == "<--" or (link[0] == link[-1] and lag == 0 and i > j):
            continue
        value, p = found["val_matrix"][i, j, lag], found["p_matrix"][i, j, lag]
        links.append((names[i], names[j], int(lag), link, float(value), float(p), rows))
    return pd.DataFrame(links, columns=["cause", "effect", "lag", "link", "value", "p", "n"])
