"""GPP, RECO and NEE that close their budget: NEE learned directly meets RECO - GPP."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.errors import ConfigError, MissingVariableError
from uflux_stats.refinement.fitting import NOT_NEGATIVE, flux_attrs
from uflux_stats.refinement.held_out import fold_of_tower
from uflux_stats.refinement.records import record_from_json, record_to_json
from uflux_stats.stats.reconcile import solve

Values = NDArray[np.float64]

CONSISTENT: Final = ("GPP", "RECO", "NEE")
RECONCILED: Final = tuple(f"{name}_reconciled" for name in CONSISTENT)
BUDGET: Final = np.array([[1.0, -1.0, 1.0]])
"""GPP - RECO + NEE is zero."""
CLOSED: Final = 1e-6
"""Variance of the gap, as a share of that of the errors, which is rounding and tells nothing."""
POSITIVE: Final = tuple(i for i, name in enumerate(CONSISTENT) if name in NOT_NEGATIVE)


@dataclass(frozen=True)
class Consistency:
    """How GPP, RECO and NEE err together at towers that no fit had seen.

    Attributes
    ----------
    covariance : tuple of three tuples of three float [(gC m-2 d-1)2]
        Of the errors of GPP, RECO and NEE.
    months, towers : int
        That it was measured on.
    """

    covariance: tuple[tuple[float, ...], ...]
    months: int
    towers: int

    def reconcile(self, fluxes: xr.Dataset) -> xr.Dataset:
        """Move each flux by as little as its error allows, so that NEE is RECO - GPP.

        Parameters
        ----------
        fluxes : xr.Dataset, any dims [gC m-2 d-1]
            GPP, RECO and NEE, learned each on its own.

        Returns
        -------
        xr.Dataset, same dims [gC m-2 d-1]
            ``NAME_reconciled`` of the three, float32; GPP and RECO not negative. Missing where one
            of them is.

        Raises
        ------
        MissingVariableError
            If one of the three is not there.
        """
        lacking = [name for name in CONSISTENT if name not in fluxes]
        if lacking:
            raise MissingVariableError(f"fluxes: expected {list(CONSISTENT)}, got no {lacking}")
        like = fluxes[CONSISTENT[0]]
        parts = [fluxes[name].transpose(*like.dims).values.ravel() for name in CONSISTENT]
        closed = self._close(np.stack(parts, axis=1).astype(np.float64)).astype(np.float32)
        # rounded, the three would not close to the last digit
        closed[:, 2] = closed[:, 1] - closed[:, 0]
        return xr.Dataset(
            {
                wanted: xr.DataArray(
                    column.reshape(like.shape), like.coords, like.dims
                ).assign_attrs(reconciled_attrs(name))
                for name, wanted, column in zip(CONSISTENT, RECONCILED, closed.T, strict=True)
            }
        )

    def _close(self, rows: Values) -> Values:
        """Project on the budget; only where a flux comes out negative is a search needed."""
        covariance = np.array(self.covariance)
        gain = covariance @ BUDGET[0] / (BUDGET[0] @ covariance @ BUDGET[0])
        closed = rows - (rows @ BUDGET[0])[:, np.newaxis] * gain
        negative = np.flatnonzero((closed[:, list(POSITIVE)] < 0.0).any(axis=1))
        if negative.size:
            whole = np.broadcast_to(covariance, (negative.size, *covariance.shape))
            closed[negative] = solve(rows[negative], whole, BUDGET, POSITIVE)[:, : rows.shape[1]]
        return np.asarray(closed)

    def to_json(self) -> str:
        """Write as JSON; see ``from_json``."""
        return record_to_json(self)

    @classmethod
    def from_json(cls, text: str) -> "Consistency":
        """Read what ``to_json`` wrote.

        Raises
        ------
        DataFileError
            If it is not whole.
        """

        def make(given: dict[str, Any]) -> Consistency:
            covariance = np.array(given["covariance"], float)
            if covariance.shape != (len(CONSISTENT), len(CONSISTENT)):
                raise ValueError(f"covariances of shape {covariance.shape}")
            rows = tuple(map(tuple, covariance.tolist()))
            return cls(rows, int(given["months"]), int(given["towers"]))

        return record_from_json(text, make, name="consistency")


def reconciled_attrs(name: str) -> dict[str, str]:
    """Attributes of a reconciled flux."""
    own = flux_attrs(name)
    return {"long_name": f"{own['long_name']}, reconciled", "units": own["units"]}


def fit_consistency(held_out: xr.Dataset) -> Consistency:
    """Measure how the errors of GPP, RECO and NEE go together at held-out towers.

    Each tower weighs the same, however long its record.

    Parameters
    ----------
    held_out : xr.Dataset, (source, site, time)
        Of ``cross_validate`` under a split that keeps towers whole.

    Returns
    -------
    Consistency

    Raises
    ------
    MissingVariableError
        If one of the three fluxes is not there.
    ConfigError
        If fewer than two months have all three, one is predicted without error, or errors close
        the budget already.

    Examples
    --------
    >>> observed = np.zeros((1, 3))
    >>> errors = {"GPP": [[2.0, 0.0, 0.0]], "RECO": [[0.0, 1.0, 0.0]], "NEE": [[0.0, 0.0, 1.0]]}
    >>> dims = ("source", "site", "time")
    >>> held_out = xr.Dataset(
    ...     {name: (dims, [observed, observed, error]) for name, error in errors.items()},
    ...     coords={"source": ["observed", "baseline", "refined"]},
    ... )
    >>> consistency = fit_consistency(held_out)
    >>> [round(row[i], 2) for i, row in enumerate(consistency.covariance)]
    [1.33, 0.33, 0.33]
    """
    lacking = [name for name in CONSISTENT if name not in held_out]
    if lacking:
        raise MissingVariableError(f"held_out: expected {list(CONSISTENT)}, got no {lacking}")
    error = np.stack(
        [
            (held_out[name].sel(source="refined") - held_out[name].sel(source="observed"))
            .transpose("site", "time")
            .values
            for name in CONSISTENT
        ]
    )
    known = np.isfinite(error).all(axis=0)
    months = known.sum(axis=1)
    error = error[:, known]
    weight = np.repeat(1.0 / np.maximum(months, 1), months)
    spread = (error * weight) @ error.T / max(weight.sum(), 1.0)
    if error.shape[1] < 2 or not (np.diag(spread) > 0.0).all():
        raise ConfigError(
            "held_out: expected months with errors of GPP, RECO and NEE, got "
            f"{error.shape[1]} months; hold out more towers"
        )
    if not BUDGET[0] @ spread @ BUDGET[0] > CLOSED * np.trace(spread):
        raise ConfigError(
            "held_out: expected NEE learned on its own, got errors that close the budget already; "
            "there is nothing to reconcile"
        )
    rows = tuple(map(tuple, spread.tolist()))
    return Consistency(rows, int(months.sum()), int((months > 0).sum()))


def reconcile_held_out(held_out: xr.Dataset) -> xr.Dataset:
    """Reconcile held-out predictions by the errors at the towers of all other folds.

    Parameters
    ----------
    held_out : xr.Dataset, (source, site, time)
        Of ``cross_validate`` under a split that keeps towers whole.

    Returns
    -------
    xr.Dataset, (source, site, time) [gC m-2 d-1]
        GPP, RECO and NEE with "refined" reconciled, on the months that have all three.

    Raises
    ------
    MissingVariableError, ConfigError
        As ``fit_consistency``.
    """
    folds = fold_of_tower(held_out)
    apart = held_out[list(CONSISTENT)].transpose("source", "site", "time")
    apart = apart.where(apart.notnull().all("source").to_dataarray().all("variable"))
    parts = []
    for number in np.unique(folds[np.isfinite(folds)]):
        fitted = fit_consistency(held_out.isel(site=folds != number))
        own = apart.isel(site=folds == number)
        closed = fitted.reconcile(own.sel(source="refined", drop=True))
        closed = closed.rename(dict(zip(RECONCILED, CONSISTENT, strict=True)))
        others = own.drop_sel(source="refined")
        refined = closed.expand_dims(source=["refined"]).astype(np.float64)
        parts.append(xr.concat([others, refined], "source", combine_attrs="override"))
    return xr.concat(parts, "site", combine_attrs="override").sel(source=apart["source"])
