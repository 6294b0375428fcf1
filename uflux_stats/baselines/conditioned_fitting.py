"""Fit driver-conditioned respiration to towers by penalised least squares, in milliseconds.

The same mean function as the posterior of ``uflux_stats.bayes`` and a Gaussian prior of the same
shape, at the mode; it is what a validation fold refits.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.baselines.conditions import (
    SATELLITE,
    DriverEffect,
    inputs_of,
    measure_effect,
    require_effects,
    standardised,
    transformed,
)
from uflux_stats.baselines.fitting import STAND_INS
from uflux_stats.baselines.parameters import ClassParameters, ParameterTable
from uflux_stats.baselines.respiration import FORMS, Form, temperature_response
from uflux_stats.checks import require_range, require_variables
from uflux_stats.choices import require_choice
from uflux_stats.errors import MissingVariableError
from uflux_stats.schema import IGBP_CLASSES

Rows = NDArray[np.float64]

SLOPE_UNIT: Final[dict[Form, float]] = {"q10": 1.0, "lloyd_taylor": 100.0}
"""Sensitivity per unit of the slope: ``Q10 = exp(slope)``; ``E0 = 100 slope`` [K]."""
_NOISE: Final = 4.0
"""Standard deviation [gC m-2 d-1] that a month stands for in the penalty: the error of a month,
1.5, raised because the months of a tower err together."""
_PRIOR: Final[dict[Form, tuple[float, float]]] = {
    "q10": (float(np.log(1.8)), 0.35),
    "lloyd_taylor": (1.85, 0.8),
}
"""Mean and standard deviation of the slope; of Q10 as Mahecha et al. 2010, doi
10.1126/science.1189587 (1.4) and Lloyd and Taylor 1994 (2) span them."""
_RATE_PRIOR: Final = (float(np.log(2.5)), 0.5)
_CLASS_SPREAD: Final = (0.5, 0.2)
"""Standard deviation of the classes' log rates and slopes about those of all."""
_EFFECT_SPREAD: Final = 0.5
_STEPS: Final = 60
_TOLERANCE: Final = 1e-8


def temperature_covariate(temperature: Rows, form: Form) -> Rows:
    """Return the log response of respiration to temperature [degC] per unit of the slope.

    Zero at 10 degC; see ``SLOPE_UNIT``. Minus infinity where the form has no respiration.

    Examples
    --------
    >>> temperature_covariate(np.array([10.0, 20.0]), "q10").tolist()
    [0.0, 1.0]
    """
    unit = math.e if form == "q10" else SLOPE_UNIT[form]
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(temperature_response(temperature, unit, form)), dtype=float)


def sensitivity_of_slope(slope: Rows | float, form: Form) -> Rows:
    """Return the Q10 [1] or E0 [K] of a slope.

    Examples
    --------
    >>> float(sensitivity_of_slope(0.0, "q10")), float(sensitivity_of_slope(2.0, "lloyd_taylor"))
    (1.0, 200.0)
    """
    values = np.asarray(slope, dtype=float)
    return np.exp(values) if form == "q10" else SLOPE_UNIT[form] * values


@dataclass(frozen=True)
class _Problem:
    """Rows of a log-linear model: response, design, and mean and precision of its prior."""

    observed: Rows
    design: Rows
    prior: Rows
    precision: Rows


def fit_conditioned_respiration(
    towers: xr.Dataset,
    *,
    form: Form = "q10",
    effects: Sequence[str] = SATELLITE,
    provenance: str | None = None,
) -> ParameterTable:
    """Fit base rate and sensitivity of each class, and the effects of other drivers on the rate.

    ``RECO = R_class g(TA; S_class) exp(sum_k c_k z_k)`` with the temperature response g of the
    form and standardised drivers z, see ``uflux_stats.baselines.conditions``. Least squares on the
    months with RECO and all drivers, penalised by Gaussian priors on the logarithms, which draw
    classes with few towers toward all others. Gauss-Newton steps, halved until they descend.

    Parameters
    ----------
    towers : xr.Dataset, (site, time)
        RECO [gC m-2 d-1], TA [degC], IGBP (site,) and the drivers of ``effects``. Only these towers
        are used.
    form : {"q10", "lloyd_taylor"}
    effects : sequence of str
        Keys of ``TRANSFORMS``; none gives temperature and class alone.
    provenance : str, optional

    Returns
    -------
    ParameterTable

    Raises
    ------
    ConfigError
        If the form or an effect is unknown, or a driver does not vary.
    MissingVariableError
        If a variable is not there, or no month has all of them.
    UnitsError
        If a variable is in another unit.
    RangeError
        If temperatures are impossible in degC.

    Examples
    --------
    >>> reco = xr.DataArray([[2.0, 4.0]] * 9, dims=("site", "time"), attrs={"units": "gC m-2 d-1"})
    >>> warm = xr.DataArray([[10.0, 20.0]] * 9, dims=("site", "time"), attrs={"units": "degC"})
    >>> forest = xr.DataArray([1] * 9, dims="site", attrs={"units": "class"})
    >>> towers = xr.Dataset({"RECO": reco, "TA": warm, "IGBP": forest})
    >>> fit_conditioned_respiration(towers, effects=()).classes["ENF"].sensitivity < 2.0
    True
    """
    require_choice(form, FORMS, name="form")
    require_effects(effects)
    require_variables(towers, ("RECO", "TA", "IGBP", *inputs_of(effects)), name="towers")
    require_range(towers["TA"], name="TA")
    used = usable_months(towers, form, effects)
    measured = [measure_effect(_at(transformed(towers, name), used), name) for name in effects]
    codes = np.broadcast_to(towers["IGBP"].values[:, None], used.shape)[used]
    present = [code for code in IGBP_CLASSES if (codes == code).any()]
    problem = _problem(towers, used, form, measured, present)
    solution = _gauss_newton(problem)
    names = [IGBP_CLASSES[code] for code in present]
    counts = [_count(used, towers, code) for code in (*present, None)]
    return _table(
        form, solution, measured, dict(zip([*names, ""], counts, strict=True)), provenance
    )


def usable_months(towers: xr.Dataset, form: Form, effects: Sequence[str]) -> NDArray[np.bool_]:
    """Find the months (site, time) with RECO, a temperature response and all drivers of effects.

    Raises
    ------
    MissingVariableError
        If there are none.
    """
    covariate = temperature_covariate(_values(towers["TA"]), form)
    used = np.isfinite(_values(towers["RECO"])) & np.isfinite(covariate)
    for name in effects:
        used &= np.isfinite(_values(transformed(towers, name)))
    if not used.any():
        raise MissingVariableError(
            f"towers: expected months with RECO, TA and {list(inputs_of(effects))}, got none; "
            "relax the quality filter or leave effects out"
        )
    return used


def _values(values: xr.DataArray) -> Rows:
    return np.asarray(values.transpose("site", "time"), dtype=float)


def _at(values: xr.DataArray, used: NDArray[np.bool_]) -> Rows:
    return _values(values)[used]


def _count(used: NDArray[np.bool_], towers: xr.Dataset, code: int | None) -> tuple[int, int]:
    """Sites and months of a class, or of all."""
    chosen = used if code is None else used[towers["IGBP"].values == code]
    return int(chosen.any(axis=1).sum()), int(chosen.sum())


def _problem(
    towers: xr.Dataset,
    used: NDArray[np.bool_],
    form: Form,
    effects: Sequence[DriverEffect],
    present: Sequence[int],
) -> _Problem:
    """Lay out columns: rate, slope, class rates, class slopes, effects."""
    warmth = temperature_covariate(_at(towers["TA"], used), form)
    codes = np.broadcast_to(towers["IGBP"].values[:, None], used.shape)[used]
    member = (codes[:, None] == np.asarray(present)[None, :]).astype(float)
    columns = [np.ones((warmth.size, 1)), warmth[:, None], member, member * warmth[:, None]]
    columns += [_at(standardised(towers, effect), used)[:, None] for effect in effects]
    n = len(present)
    rate, slope = _RATE_PRIOR, _PRIOR[form]
    mean = np.r_[rate[0], slope[0], np.zeros(2 * n + len(effects))]
    spreads = [rate[1], slope[1], *[_CLASS_SPREAD[0]] * n, *[_CLASS_SPREAD[1]] * n]
    spread = np.array([*spreads, *[_EFFECT_SPREAD] * len(effects)])
    return _Problem(_at(towers["RECO"], used), np.hstack(columns), mean, (_NOISE / spread) ** 2)


def _gauss_newton(problem: _Problem) -> Rows:
    """Minimise squared errors of exp(design b) plus the penalty."""
    found = problem.prior
    cost, modelled = _cost(problem, found)
    for _ in range(_STEPS):
        jacobian = modelled[:, None] * problem.design
        pull = problem.precision * (found - problem.prior)
        gradient = jacobian.T @ (modelled - problem.observed) + pull
        step = np.linalg.solve(jacobian.T @ jacobian + np.diag(problem.precision), gradient)
        size = 1.0
        while True:
            trial = found - size * step
            lower, values = _cost(problem, trial)
            if lower <= cost or size < _TOLERANCE:
                break
            size /= 2.0
        gained = cost - lower
        if gained > 0.0:
            found, cost, modelled = trial, lower, values
        if gained <= _TOLERANCE * cost:
            break
    return found


def _cost(problem: _Problem, coefficients: Rows) -> tuple[float, Rows]:
    with np.errstate(over="ignore"):
        modelled = np.exp(problem.design @ coefficients)
        errors = modelled - problem.observed
        penalty = problem.precision * (coefficients - problem.prior) ** 2
        cost = float(errors @ errors + penalty.sum())
    return (cost if np.isfinite(cost) else np.inf), modelled


def _table(
    form: Form,
    solution: Rows,
    effects: Sequence[DriverEffect],
    counts: dict[str, tuple[int, int]],
    provenance: str | None,
) -> ParameterTable:
    """Name the coefficients again."""
    n = len(counts) - 1
    rates = solution[0] + np.r_[solution[2 : 2 + n], 0.0]
    slopes = solution[1] + np.r_[solution[2 + n : 2 + 2 * n], 0.0]
    rows = {
        name: ClassParameters(
            float(np.exp(rate)), float(sensitivity_of_slope(slope, form)), *counts[name]
        )
        for name, rate, slope in zip(counts, rates, slopes, strict=True)
    }
    fallback = rows.pop("")
    for name, stand_in in STAND_INS.items():
        if stand_in in rows and name not in rows:
            own = rows[stand_in]
            rows[name] = ClassParameters(own.rate, own.sensitivity)
    named = tuple(
        DriverEffect(
            effect.name, float(coefficient), effect.mean, effect.scale, effect.low, effect.high
        )
        for effect, coefficient in zip(effects, solution[2 + 2 * n :], strict=True)
    )
    text = provenance or (
        f"penalised least squares on {fallback.n_sites} towers, {form} times "
        f"{[effect.name for effect in named]}"
    )
    return ParameterTable(form, fallback, rows, text, named)
