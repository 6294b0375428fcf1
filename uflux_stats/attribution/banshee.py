"""The same fit, conditioning and figure by py-banshee, the package of the method's authors.

py-banshee is licensed under the GPL, so it is an optional extra and only ever called from outside:
Koot et al. (2023), PyBanshee version (1.0), SoftwareX 21, 101279, doi 10.1016/j.softx.2022.101279.
"""

import contextlib
import io
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal, cast, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uflux_stats.attribution.copula import Copula, fit_copula
from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.ranks import to_pearson
from uflux_stats.attribution.samples import Sample
from uflux_stats.choices import require_choice
from uflux_stats.errors import ConfigError, MissingExtraError

Array = NDArray[np.float64]
Engine = Literal["uflux", "pybanshee"]
EXTRA: Final = "banshee"


def require_engine(name: str) -> Engine:
    """Return the name of an engine.

    Raises
    ------
    ConfigError
        If it is unknown.
    MissingExtraError
        If it needs a package that is not installed.
    """
    require_choice(name, get_args(Engine), name="engine")
    if name == "pybanshee":
        _module("rankcorr")
    return cast(Engine, name)


def _module(name: str) -> ModuleType:
    """Import a module of py-banshee, whose own sources raise warnings when first compiled."""
    with _quiet():
        try:
            return import_module(f"py_banshee.{name}")
        except ImportError as error:
            raise MissingExtraError("py-banshee", EXTRA) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what py-banshee warns about and prints to itself."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def parent_lists(graph: CausalGraph) -> list[list[int]]:
    """Parents of each node by position, the form that py-banshee takes."""
    place = {name: number for number, name in enumerate(graph.nodes)}
    return [[place[cause] for cause in parents] for parents in graph.parents.values()]


def rank_correlation(sample: Sample, graph: CausalGraph) -> Array:
    """Rank correlations (node, node) that py-banshee makes of the rows."""
    module = _module("rankcorr")
    frame = pd.DataFrame(sample.values, columns=list(sample.names))
    with _quiet():
        found: Array = module.bn_rankcorr(parent_lists(graph), frame, list(sample.names))
    return found


def empirical_copula(sample: Sample, graph: CausalGraph) -> Copula:
    """Fit the copula with py-banshee; area weights are not known to it.

    Raises
    ------
    ConfigError
        If rows have different weights.
    """
    if sample.weight is not None:
        raise ConfigError(
            "engine: expected 'uflux' for weighted rows, got 'pybanshee', which has no weights; "
            "use pool='mean', or the other engine"
        )
    return fit_copula(to_pearson(rank_correlation(sample, graph)), graph)


def infer(
    rank: Array, sample: Sample, evidence: pd.DataFrame, *, draws: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Conditional means by the Monte Carlo inference of py-banshee.

    Parameters
    ----------
    rank : array, (node, node)
        Rank correlations.
    sample : Sample
    evidence : pd.DataFrame
        A row per case, a column per known node.
    draws : int
        Random draws per case.
    seed : int
        It draws from NumPy's global generator, which is put back afterwards.

    Returns
    -------
    pd.DataFrame
        A column per unknown node, named and in the order of the nodes.
    """
    module = _module("prediction")
    known = [sample.names.index(str(name)) for name in evidence]
    frame = pd.DataFrame(sample.values, columns=list(sample.names))
    # it returns unknown nodes in the order of a set of their numbers
    unknown = [sample.names[place] for place in set(range(len(sample.names))) - set(known)]
    before = np.random.get_state()  # noqa: NPY002 - it is the generator that py-banshee uses
    np.random.seed(seed)  # noqa: NPY002
    try:
        with _quiet():
            found = module.inference(known, evidence.to_numpy(), rank, frame, Output="mean",
                                     SampleSize=draws, Interp="next")  # fmt: skip
    finally:
        np.random.set_state(before)  # noqa: NPY002
    named = pd.DataFrame(found, columns=unknown)
    return named[[name for name in sample.names if name in unknown]]


def draw_graph(graph: CausalGraph, rank: Array, folder: str | Path, name: str) -> Path:
    """Draw the network with py-banshee, which needs Graphviz's ``dot`` on the path.

    Returns
    -------
    Path
        A PDF in ``folder``.
    """
    module = _module("bn_plot")
    with _quiet(), contextlib.chdir(folder), _no_windows():
        module.bn_visualize(parent_lists(graph), rank, list(graph.nodes), fig_name=name)
    return Path(folder) / f"BN_visualize_{name}.pdf"


@contextlib.contextmanager
def _no_windows() -> Iterator[None]:
    import matplotlib as mpl

    before: Any = mpl.get_backend()
    mpl.use("Agg")
    try:
        yield
    finally:
        mpl.use(before)
