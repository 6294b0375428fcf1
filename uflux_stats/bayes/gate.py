"""The gate: a posterior sample is read only if its chains agree and are long enough."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import xarray as xr

from uflux_stats.bayes.compat import group, load_library, quiet_libraries
from uflux_stats.errors import ConvergenceError


@dataclass(frozen=True)
class Gate:
    """Thresholds that a sample has to pass.

    Attributes
    ----------
    rhat : float
        Largest split R-hat, rank-normalised (Vehtari et al. 2021, doi 10.1214/20-BA1221).
    ess : float
        Smallest effective sample size, of the bulk and of the tails.
    divergences : int
    bfmi : float
        Smallest Bayesian fraction of missing information (Betancourt 2016, arXiv 1604.00695).
    """

    rhat: float = 1.01
    ess: float = 400.0
    divergences: int = 0
    bfmi: float = 0.3


DEFAULT_GATE: Final = Gate()
MEASURED: Final = ("rhat", "ess_bulk", "ess_tail", "divergences")


@dataclass(frozen=True)
class Diagnosis:
    """What a sample shows, with the parameter that is worst."""

    rhat: float
    ess_bulk: float
    ess_tail: float
    divergences: int
    bfmi: float
    worst: str
    passed: bool

    def to_dict(self) -> dict[str, float | int | str | bool]:
        """Return the diagnosis as plain values."""
        return asdict(self)

    def to_attrs(self) -> dict[str, float | int | str]:
        """Return what a file or table made of the sample has to carry.

        Examples
        --------
        >>> Diagnosis(1.2, 80.0, 90.0, 3, 0.9, "slope", False).to_attrs()["gate"]
        'failed'
        """
        numbers = {name: getattr(self, name) for name in MEASURED}
        return {"gate": "passed" if self.passed else "failed", **numbers}

    @property
    def caveat(self) -> str:
        """Words for a note: empty where the gate was passed.

        Examples
        --------
        >>> Diagnosis(1.2, 80.0, 90.0, 3, 0.9, "slope", False).caveat
        'gate not passed: R-hat 1.200, ESS 80, 3 divergences'
        """
        if self.passed:
            return ""
        ess = min(self.ess_bulk, self.ess_tail)
        found = f"R-hat {self.rhat:.3f}, ESS {ess:.0f}, {self.divergences} divergences"
        return f"gate not passed: {found}"


def worst_of(diagnoses: Sequence[Diagnosis]) -> dict[str, float | int]:
    """Return the worst of each of ``MEASURED`` over several samples, such as folds.

    Examples
    --------
    >>> good = Diagnosis(1.0, 800.0, 90.0, 0, 0.9, "slope", False)
    >>> poor = Diagnosis(1.2, 80.0, 900.0, 3, 0.8, "slope", False)
    >>> worst_of([good, poor])
    {'rhat': 1.2, 'ess_bulk': 80.0, 'ess_tail': 90.0, 'divergences': 3}
    """
    return {
        "rhat": max(one.rhat for one in diagnoses),
        "ess_bulk": min(one.ess_bulk for one in diagnoses),
        "ess_tail": min(one.ess_tail for one in diagnoses),
        "divergences": max(one.divergences for one in diagnoses),
    }


def diagnose(posterior: Any, gate: Gate = DEFAULT_GATE) -> Diagnosis:
    """Measure a posterior sample against the gate.

    Parameters
    ----------
    posterior : InferenceData or DataTree
        Groups posterior (chain, draw, ...) and sample_stats (diverging, energy).
    gate : Gate

    Returns
    -------
    Diagnosis
        With one chain R-hat is not defined, and the gate is not passed.
    """
    arviz = load_library("arviz")
    draws, stats = group(posterior, "posterior"), group(posterior, "sample_stats")
    with quiet_libraries():
        rhat = _extreme(arviz.rhat(draws), largest=True)
        bulk = _extreme(arviz.ess(draws, method="bulk"), largest=False)
        tail = _extreme(arviz.ess(draws, method="tail"), largest=False)
    divergences, bfmi = int(stats["diverging"].sum()), energy_information(stats["energy"])
    passed = (
        rhat[0] <= gate.rhat
        and min(bulk[0], tail[0]) >= gate.ess
        and divergences <= gate.divergences
        and bfmi >= gate.bfmi
    )
    worst = bulk[1] if bulk[0] <= tail[0] else tail[1]
    return Diagnosis(rhat[0], bulk[0], tail[0], divergences, bfmi, worst, bool(passed))


def require_passed(diagnosis: Diagnosis, gate: Gate = DEFAULT_GATE) -> None:
    """Raise ``ConvergenceError`` unless the diagnosis passed."""
    if not diagnosis.passed:
        raise ConvergenceError(
            f"posterior: expected {gate}, got {diagnosis}; draw more, raise target_accept, or "
            "choose on_failure='flag' to look at it all the same"
        )


def energy_information(energy: xr.DataArray) -> float:
    """Return the smallest Bayesian fraction of missing information over chains [1].

    Mean squared change of the energy from draw to draw over its variance.

    Examples
    --------
    >>> energy_information(xr.DataArray([[1.0, 2.0, 1.0, 2.0]], dims=("chain", "draw")))
    4.0
    """
    values = energy.transpose("chain", "draw").values
    change = np.square(np.diff(values, axis=1)).mean(axis=1)
    variance = values.var(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        fraction = np.where(variance > 0.0, change / variance, 0.0)
    return float(fraction.min())


def _extreme(found: xr.Dataset, *, largest: bool) -> tuple[float, str]:
    """Return the worst value over all parameters, and its parameter; not-a-number is worst."""
    dataset = found if isinstance(found, xr.Dataset) else found.to_dataset()
    bad = np.inf if largest else 0.0
    edge = {
        str(name): float(values.fillna(bad).max() if largest else values.fillna(bad).min())
        for name, values in dataset.data_vars.items()
    }
    worst = max(edge, key=edge.__getitem__) if largest else min(edge, key=edge.__getitem__)
    return edge[worst], worst
