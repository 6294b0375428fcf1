"""Calibrate the predictions for a tower by its own months, and fill its gaps.

How predictions err at a tower that was held out tells how far a few months of a new tower are to be
trusted: few move its prediction little, many move it far (empirical Bayes).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.errors import MissingVariableError
from uflux_stats.refinement.closing import Correlation, close_gaps, correlate
from uflux_stats.refinement.consistency import CONSISTENT
from uflux_stats.refinement.error_model import (
    MONTHS_OF_A_YEAR,
    ErrorModel,
    Months,
    fit_error_model,
)
from uflux_stats.refinement.fitting import NOT_NEGATIVE, flux_attrs
from uflux_stats.refinement.held_out import fold_of_tower, weighted_quantile
from uflux_stats.refinement.intervals import BOUNDS, LEVEL
from uflux_stats.refinement.records import record_from_json, record_to_json
from uflux_stats.schema import FLUXES

Values = NDArray[np.float64]

OWN_MONTHS: Final = MONTHS_OF_A_YEAR
"""Months of a held-out tower that stand for its own when the width of intervals is measured."""
FLAGS: Final = ("observed", "filled", "missing")


@dataclass(frozen=True)
class Adaptation:
    """What held-out towers tell of the errors at a new one.

    Attributes
    ----------
    level : float
        Share of the filled months that an interval is to hold.
    models : dict of ErrorModel
        Of each flux.
    factor : dict of float
        Half-width of the interval of each flux, in standard deviations.
    correlation : tuple of three tuples of three float, optional
        Of the errors that GPP, RECO and NEE still have once a first year is known; None if they
        were not all there.
    """

    level: float
    models: dict[str, ErrorModel]
    factor: dict[str, float]
    correlation: Correlation | None = None

    def fill(self, predicted: xr.Dataset, observed: xr.Dataset) -> xr.Dataset:
        """Calibrate predictions by what was observed at the same tower, and fill its gaps.

        Parameters
        ----------
        predicted, observed : xr.Dataset, (site, time) [units of the schema]
            Fluxes of towers that the prediction has not learned from; each tower by itself.

        Returns
        -------
        xr.Dataset, (site, time)
            Of each flux in both: ``NAME``, as observed and, in gaps, as calibrated;
            ``NAME_adapted``, the calibrated prediction of every month; ``NAME_lower`` and
            ``NAME_upper``, the interval of each filled month; ``NAME_flag``, 0 observed, 1 filled,
            2 missing (not observed, and a driver lacks). ``NAME_reconciled`` of GPP, RECO and NEE,
            where all three are: what was filled is moved so that NEE is RECO - GPP, by as little as
            its errors allow; what was observed stays. The interval is that of ``NAME`` alone.

        Raises
        ------
        MissingVariableError
            If no flux is in both.
        """
        names = [name for name in self.models if name in predicted and name in observed]
        if not names:
            raise MissingVariableError(
                f"observed: expected some of {list(self.models)}, got none that is predicted too; "
                "give the fluxes of the tower"
            )
        filled: dict[str, xr.DataArray] = {}
        errors: dict[str, xr.DataArray] = {}
        for name in names:
            both = xr.align(predicted[name], observed[name], join="exact")
            ready = [flux.transpose("site", "time") for flux in both]
            middle, spread = self._expect(name, *ready)
            filled |= self._labelled(name, ready[1], middle, spread)
            errors[name] = ready[1].copy(data=np.where(ready[1].notnull(), 0.0, spread))
        whole = xr.Dataset(filled, attrs={"title": "Fluxes of towers, gaps filled"})
        if self.correlation is None or not set(CONSISTENT) <= set(names):
            return whole
        return whole.assign(close_gaps(whole, xr.Dataset(errors), self.correlation))

    def _expect(
        self, name: str, predicted: xr.DataArray, observed: xr.DataArray
    ) -> tuple[Values, Values]:
        """Calibrate one flux, and tell the standard deviation of its error, (site, time)."""
        middle, spread = (np.full(predicted.shape, np.nan) for _ in range(2))
        for tower in _towers(predicted, observed.where(np.isfinite(observed), np.inf)):
            given = tower.at(np.isfinite(tower.error))
            error, left = self.models[name].condition(given, tower)
            place = np.isfinite(predicted.values[tower.site])
            middle[tower.site, place] = tower.predicted + error
            spread[tower.site, place] = left
        return middle, spread

    def _labelled(
        self, name: str, observed: xr.DataArray, middle: Values, spread: Values
    ) -> dict[str, xr.DataArray]:
        """Fill the gaps of one flux; see ``fill``."""
        half = self.factor[name] * spread
        least = 0.0 if name in NOT_NEGATIVE else -np.inf
        known = np.isfinite(observed.values)
        parts = {"": np.where(known, observed.values, np.maximum(middle, least)),
                 "_adapted": np.maximum(middle, least)}  # fmt: skip
        for end, side in BOUNDS.items():
            ends = np.maximum(middle + side * half, least)
            parts[f"_{end}"] = np.where(known, np.nan, ends)
        flag = np.where(known, 0, np.where(np.isfinite(middle), 1, 2)).astype(np.int8)
        labelled = {
            name + suffix: observed.copy(data=values).assign_attrs(_attrs(name, suffix))
            for suffix, values in parts.items()
        }
        told = {"long_name": f"where {name} comes from", "flag_values": [0, 1, 2],
                "flag_meanings": " ".join(FLAGS)}  # fmt: skip
        flags = observed.copy(data=flag).drop_attrs().assign_attrs(told)
        return labelled | {f"{name}_flag": flags}

    def to_json(self) -> str:
        """Write as JSON; see ``from_json``."""
        return record_to_json(self)

    @classmethod
    def from_json(cls, text: str) -> "Adaptation":
        """Read what ``to_json`` wrote.

        Raises
        ------
        DataFileError
            If it is not whole.
        """

        def make(given: dict[str, Any]) -> Adaptation:
            models = {name: ErrorModel(**parts) for name, parts in given["models"].items()}
            factor = {name: float(given["factor"][name]) for name in models}
            correlation = given["correlation"]
            if correlation is not None:
                correlation = tuple(tuple(map(float, row)) for row in correlation)
            return cls(float(given["level"]), models, factor, correlation)

        return record_from_json(text, make, name="adaptation")


def fit_adaptation(held_out: xr.Dataset, *, level: float = LEVEL) -> Adaptation:
    """Learn from held-out towers how to calibrate the predictions for a new one.

    Parameters
    ----------
    held_out : xr.Dataset, (source, site, time)
        Of ``cross_validate`` under a split that keeps towers whole.
    level : float
        Of the intervals; their width is that which holds this share of the months of towers,
        each weighing the same, after their first year is known.

    Returns
    -------
    Adaptation

    Raises
    ------
    MissingVariableError
        If no flux was predicted.
    ConfigError
        If months of one tower are in several folds.

    References
    ----------
    Rasmussen and Williams (2006), Gaussian Processes for Machine Learning, MIT Press, chapters 2
    and 5.
    """
    towers = {name: held_out_months(held_out, name) for name in FLUXES if name in held_out}
    towers = {name: months for name, months in towers.items() if months}
    if not towers:
        raise MissingVariableError("held_out: expected predictions of a flux, got none")
    models = {name: fit_error_model(months) for name, months in towers.items()}
    left = {name: [_left(models[name], tower) for tower in towers[name]] for name in towers}
    factor = {name: _factor(months, level) for name, months in left.items()}
    return Adaptation(level, models, factor, _correlation(left))


def held_out_months(held_out: xr.Dataset, name: str) -> list[Months]:
    """List the held-out months of each tower that has some."""
    fold_of_tower(held_out)
    flux = held_out[name].transpose("source", "site", "time")
    predicted, observed = (flux.sel(source=one, drop=True) for one in ("refined", "observed"))
    return [tower for tower in _towers(predicted, observed) if len(tower)]


def _towers(predicted: xr.DataArray, observed: xr.DataArray) -> Iterable[Months]:
    """Yield the months of each tower that are predicted and not without observation."""
    month = month_number(predicted["time"])
    error = observed.values.astype(np.float64) - predicted.values
    for site, (flux, left) in enumerate(zip(predicted.values, error, strict=True)):
        known = ~np.isnan(left)
        yield Months(site, month[known], flux[known].astype(np.float64), left[known])


def month_number(time: xr.DataArray) -> Values:
    """Months since the beginning of the calendar, (time,)."""
    return np.asarray(time.dt.year * MONTHS_OF_A_YEAR + time.dt.month - 1, np.float64)


def _left(model: ErrorModel, tower: Months) -> Months:
    """Standardised errors that are left in other months once the first ones are known."""
    own = min(OWN_MONTHS, len(tower) // 2)
    wanted = tower.at(slice(own, None))
    error, spread = model.condition(tower.at(slice(own)), wanted)
    return replace(wanted, error=(wanted.error - error) / spread)


def _factor(left: Sequence[Months], level: float) -> float:
    """Quantile of the size of the standardised errors, each tower weighing the same."""
    scores = np.concatenate([np.abs(tower.error) for tower in left])
    weights = np.concatenate([np.full(len(tower), 1.0 / len(tower)) for tower in left])
    return weighted_quantile(scores, weights, level)


def _correlation(left: dict[str, list[Months]]) -> Correlation | None:
    """Correlate the standardised errors of months that have all three fluxes."""
    if not set(CONSISTENT) <= set(left):
        return None
    parts = [
        {(tower.site, month): error for tower in left[name]
         for month, error in zip(tower.month, tower.error, strict=True)}
        for name in CONSISTENT
    ]  # fmt: skip
    common = sorted(set.intersection(*map(set, parts)))
    site = np.array([site for site, _ in common], np.intp)
    scores = np.array([[part[key] for part in parts] for key in common])
    return correlate(scores, 1.0 / np.bincount(site)[site])


def _attrs(name: str, suffix: str) -> dict[str, str]:
    own = flux_attrs(name)
    told = {
        "": "gaps filled",
        "_adapted": "predicted, calibrated by the tower's own months",
        **{f"_{end}": f"{end} end of the interval of a filled month" for end in BOUNDS},
    }
    return {"long_name": f"{own['long_name']}, {told[suffix]}", "units": own["units"]}
