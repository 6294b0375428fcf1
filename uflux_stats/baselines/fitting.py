"""Fit the respiration table to towers: closed form, so that every validation fold can refit it."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.baselines.parameters import CLASS_CODES, CODE_OF, ClassParameters, ParameterTable
from uflux_stats.baselines.respiration import temperature_response
from uflux_stats.checks import require_variables, values_known
from uflux_stats.errors import ConfigError, MissingVariableError
from uflux_stats.schema import IGBP_CLASSES, MISSING_CLASS

STAND_INS: Final = {"BSV": "OSH", "SNO": "OSH"}
"""Bare ground and ice have next to no towers, and the mean of all towers, most of them forests and
grasslands, would make deserts respire like meadows; open shrubland is the sparsest class measured.
"""


@dataclass(frozen=True)
class _Sums:
    """Sums over the towers of each class code, (256,): of R g, of g g, months and sites."""

    cross: NDArray[np.float64]
    square: NDArray[np.float64]
    months: NDArray[np.int64]
    sites: NDArray[np.int64]


@dataclass(frozen=True)
class _Estimate:
    """The rate of one class by itself; it may be zero or negative, which no table may hold."""

    rate: float
    sensitivity: float
    n_sites: int
    n_months: int


def fit_reference_respiration(
    towers: xr.Dataset, *, q10: float = 1.5, min_sites: int = 5, provenance: str | None = None
) -> ParameterTable:
    """Fit the base rate of each IGBP class by least squares at a fixed Q10.

    The rate of a class is ``sum(R g) / sum(g g)`` over its months with RECO and TA, where g is the
    temperature response; the fallback is the same over all towers. A class with fewer than
    ``min_sites`` towers is drawn toward the fallback: its rate is the mean of both, weighing its
    own by ``n_sites / min_sites``. A class whose rate is not positive takes the fallback. For BSV
    and SNO the rate of OSH stands in for the fallback, where there is one (``STAND_INS``).

    Parameters
    ----------
    towers : xr.Dataset, (site, time)
        With RECO [gC m-2 d-1], TA [degC] and IGBP (site,). Only these towers are used.
    q10 : float [1]
    min_sites : int
        Towers from which on a class stands for itself.
    provenance : str, optional
        Text to keep with the table.

    Returns
    -------
    ParameterTable

    Raises
    ------
    MissingVariableError
        If a variable is not there, or no month has both RECO and TA.
    UnitsError
        If a variable is in another unit.
    ConfigError
        If ``q10`` is not positive or ``min_sites`` less than one.

    Examples
    --------
    >>> reco = xr.DataArray([[2.0, 3.0]], dims=("site", "time"), attrs={"units": "gC m-2 d-1"})
    >>> warm = xr.DataArray([[10.0, 20.0]], dims=("site", "time"), attrs={"units": "degC"})
    >>> forest = xr.DataArray([1], dims="site", attrs={"units": "class"})
    >>> table = fit_reference_respiration(xr.Dataset({"RECO": reco, "TA": warm, "IGBP": forest}))
    >>> round(table.classes["ENF"].rate, 6)
    2.0
    """
    if not (q10 > 0.0 and min_sites >= 1):
        raise ConfigError(
            f"q10, min_sites: expected above 0 and at least 1, got {q10} and {min_sites}; "
            "raise them"
        )
    require_variables(towers, ("RECO", "TA", "IGBP"), name="towers")
    sums = _sums_by_class(towers, q10)
    if not sums.months.sum():
        raise MissingVariableError(
            "towers: expected months with both RECO and TA, got none (known: "
            f"{values_known(towers, ('RECO', 'TA'))}); a wrong unit, or too strict a quality? "
            "dropped_report(towers) tells"
        )
    pooled = float(sums.cross.sum() / sums.square.sum())
    fallback = ClassParameters(pooled, q10, int(sums.sites.sum()), int(sums.months.sum()))
    classes = {
        name: _drawn(_own(sums, code, q10), fallback, min_sites)
        for code, name in IGBP_CLASSES.items()
        if sums.months[code]
    }
    for name, stand_in in STAND_INS.items():
        if stand_in in classes:
            own = _own(sums, CODE_OF[name], q10)
            classes[name] = _drawn(own, classes[stand_in], min_sites)
    text = provenance or f"least squares at Q10 {q10} on {fallback.n_sites} towers"
    return ParameterTable("q10", fallback, classes, text)


def _sums_by_class(towers: xr.Dataset, q10: float) -> _Sums:
    """Accumulate the normal equations of every class in one pass."""
    reco, warmth = (
        np.asarray(towers[name].transpose("site", "time"), dtype=float) for name in ("RECO", "TA")
    )
    response = temperature_response(warmth, q10, "q10")
    used = np.isfinite(reco) & np.isfinite(response)
    found = np.asarray(towers["IGBP"], dtype=float)
    code = np.where(np.isin(found, list(IGBP_CLASSES)), found, MISSING_CLASS).astype(int)
    months = used.sum(axis=1)

    def by_class(per_site: NDArray[Any]) -> NDArray[np.float64]:
        return np.bincount(code, per_site, CLASS_CODES).astype(float)

    return _Sums(
        cross=by_class(np.where(used, reco * response, 0.0).sum(axis=1)),
        square=by_class(np.where(used, response * response, 0.0).sum(axis=1)),
        months=by_class(months).astype(int),
        sites=by_class(months > 0).astype(int),
    )


def _own(sums: _Sums, code: int, q10: float) -> _Estimate:
    """Least-squares rate of one class by itself, zero without months."""
    rate = sums.cross[code] / sums.square[code] if sums.months[code] else 0.0
    return _Estimate(float(rate), q10, int(sums.sites[code]), int(sums.months[code]))


def _drawn(own: _Estimate, toward: ClassParameters, min_sites: int) -> ClassParameters:
    """Draw an estimate toward another rate where its towers are few."""
    weight = min(1.0, own.n_sites / min_sites) if own.rate > 0.0 else 0.0
    rate = weight * own.rate + (1.0 - weight) * toward.rate
    return ClassParameters(rate, own.sensitivity, own.n_sites, own.n_months)
