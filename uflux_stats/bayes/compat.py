"""The one place that knows versions: PyMC 5 and 6, ArviZ 0 (InferenceData) and 1 (DataTree).

All of them are imported on first use: they take seconds, warn and change settings on import.
"""

import importlib
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import xarray as xr

from uflux_stats.errors import MissingVariableError


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Mute what the libraries say of themselves: their plans, and a BLAS that is not used here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message=".*BLAS.*", category=UserWarning)
        warnings.filterwarnings("ignore", message=".*g\\+\\+.*", category=UserWarning)
        yield


def load_library(name: str, *, instead: str = "") -> Any:
    """Import a library of the Bayesian stack.

    Raises
    ------
    ImportError
        If it is not installed, with what to do.
    """
    try:
        with quiet_libraries():
            return importlib.import_module(name)
    except ImportError as error:
        hint = f", or {instead}" if instead else ""
        raise ImportError(
            f"{name}: expected to be installed, got {error}; pip install {name}{hint}"
        ) from error


def tree_of(groups: Mapping[str, xr.Dataset]) -> Any:
    """Put datasets together as ArviZ's container: DataTree (1.x) or InferenceData (0.x)."""
    arviz = load_library("arviz")
    if "InferenceData" in vars(arviz):
        return arviz.InferenceData(**groups)
    return xr.DataTree.from_dict({f"/{name}": data for name, data in groups.items()})


def group(container: Any, name: str) -> xr.Dataset:
    """Take one group out of either container as a dataset.

    Raises
    ------
    MissingVariableError
        If there is no such group.
    """
    try:
        found = container[name]
    except (KeyError, AttributeError) as error:
        raise MissingVariableError(
            f"posterior: expected a group {name!r}, got none; is it what fit_respiration returned?"
        ) from error
    return found if isinstance(found, xr.Dataset) else found.to_dataset(inherit=True)


def elpd_of(result: Any) -> tuple[float, float]:
    """Return the expected log predictive density of ``arviz.loo`` and its standard error."""
    if hasattr(result, "elpd"):
        return float(result.elpd), float(result.se)
    return float(result.elpd_loo), float(result.se)


def pointwise_of(result: Any) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the pointwise densities and Pareto k of ``arviz.loo(..., pointwise=True)``."""
    densities = result.elpd_i if hasattr(result, "elpd_i") else result.loo_i
    return densities, result.pareto_k


def power_scaled(container: Any, part: str) -> xr.Dataset:
    """Return how far each posterior moves as the "prior" or "likelihood" is raised to a power."""
    arviz = load_library("arviz")
    with quiet_libraries():
        if hasattr(arviz, "psense"):
            found: xr.Dataset = arviz.psense(container, group=part)
        else:
            found = arviz.psens(container, component=part)
    return found if isinstance(found, xr.Dataset) else found.to_dataset()


def versions() -> dict[str, str]:
    """Return the versions of the libraries that make a posterior."""
    names = ("arviz", "nutpie", "numpy", "pymc", "pytensor", "xarray")
    return {name: str(load_library(name).__version__) for name in names}
