"""Intervals for months of unseen towers, calibrated on towers that no fit had seen."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import nnls

from uflux_stats.errors import ConfigError, MissingVariableError
from uflux_stats.refinement.fitting import NOT_NEGATIVE, flux_attrs
from uflux_stats.refinement.held_out import (
    ErrorRows,
    Values,
    error_rows,
    fold_of_tower,
    require_there,
    weighted_quantile,
)
from uflux_stats.refinement.records import record_from_json, record_to_json
from uflux_stats.refinement.validation import fluxes_of
from uflux_stats.schema import MISSING_CLASS

LEVEL: Final = 0.9
BORROWED: Final = 3
"""What the towers of all other classes together weigh in a class, in towers."""
SMALLEST: Final = 0.1
"""Least constant of a scale, as a share of the mean error: no interval shrinks to nothing."""
BOUNDS: Final = {"lower": -1.0, "upper": 1.0}
"""Ends of an interval, and on which side of the prediction they are."""


@dataclass(frozen=True)
class Scale:
    """How large errors of a flux are expected to be: a line in what is known of a prediction.

    Attributes
    ----------
    constant : float [unit of the flux]
    spread, size : float [1]
        Of the standard deviation of the members, and of the predicted flux, sign apart.
    """

    constant: float
    spread: float
    size: float

    def of(self, spread: Any, predicted: Any) -> Any:
        """Scale of the errors of predictions, arrays of any kind [unit of the flux]."""
        return self.constant + self.spread * spread + self.size * abs(predicted)


@dataclass(frozen=True)
class Intervals:
    """Half-widths of intervals: a factor for each flux and class, times the scale of the errors.

    Attributes
    ----------
    level : float
        Share of the months of an unseen tower that an interval is to hold.
    scale : dict of Scale
        Of each flux.
    factor : dict of dict of float
        Of each flux, by code of the land cover class; ``MISSING_CLASS`` for classes without towers.
    """

    level: float
    scale: dict[str, Scale]
    factor: dict[str, dict[int, float]]

    def bounds(self, members: xr.Dataset, igbp: xr.DataArray) -> xr.Dataset:
        """Return the ends of the interval of each flux, ``NAME_lower`` and ``NAME_upper``.

        Parameters
        ----------
        members : xr.Dataset, (member, ...)
            Of ``Refiner.predict``.
        igbp : xr.DataArray, some of the dims [class]
            Land cover of each cell or tower.

        Returns
        -------
        xr.Dataset, (...) [units of the flux]
            About the mean of the members, for one month at one place; GPP and RECO do not go below
            zero. Errors of neighbouring places and months are alike, so the intervals of sums do
            not follow from these.

        Raises
        ------
        MissingVariableError
            If a calibrated flux is not there.
        """
        require_there(members, self.factor, name="members")
        found = {}
        for name, factors in self.factor.items():
            middle = members[name].mean("member")
            spread = members[name].std("member", ddof=min(1, members.sizes["member"] - 1))
            by_class = xr.apply_ufunc(_look_up, igbp, kwargs={"factors": factors})
            half = by_class * self.scale[name].of(spread, middle)
            for end, side in BOUNDS.items():
                value = (middle + side * half).transpose(*middle.dims).astype(np.float32)
                value = value.clip(min=0.0) if name in NOT_NEGATIVE else value
                found[f"{name}_{end}"] = value.assign_attrs(self.attrs(name, end))
        return xr.Dataset(found)

    def attrs(self, name: str, end: str) -> dict[str, str]:
        """Attributes of one end of the interval of a flux."""
        own = flux_attrs(name)
        what = f"{end} end of the {self.level:.0%} interval of a month of {own['long_name']}"
        return {"long_name": what, "units": own["units"]}

    def to_json(self) -> str:
        """Write as JSON; see ``from_json``."""
        return record_to_json(self)

    @classmethod
    def from_json(cls, text: str) -> "Intervals":
        """Read what ``to_json`` wrote.

        Raises
        ------
        DataFileError
            If it is not whole.
        """

        def make(given: dict[str, Any]) -> Intervals:
            factor = {
                name: {int(code): float(value) for code, value in factors.items()}
                for name, factors in given["factor"].items()
            }
            scale = {name: Scale(**parts) for name, parts in given["scale"].items()}
            return cls(float(given["level"]), scale, factor)

        return record_from_json(text, make, name="intervals")


def calibrate(held_out: xr.Dataset, *, level: float = LEVEL, normalised: bool = True) -> Intervals:
    """Calibrate intervals on predictions for towers that the fit had not seen.

    Errors are scaled by what is expected of them from the spread of the members and the size of the
    flux, a line fitted to the same towers. The distributions of towers are pooled, each tower
    weighing the same however long its record; a class borrows from the towers of all others, which
    together weigh three towers.

    Parameters
    ----------
    held_out : xr.Dataset, (source, site, time)
        Of ``cross_validate`` under a split that keeps towers whole.
    level : float
    normalised : bool
        Let the width grow with the spread of the members; one member alone has none.

    Returns
    -------
    Intervals

    Raises
    ------
    ConfigError
        If the level is not between 0 and 1, or months of one tower are in several folds.
    MissingVariableError
        If no flux was predicted.

    References
    ----------
    Dunn, Wasserman and Ramdas, arXiv 1809.07441 (pooling of distributions); Lee, Barber and
    Willett, arXiv 2306.06342 (new groups); Lei et al. (2018), doi 10.1080/01621459.2017.1307116
    (errors scaled by what is expected of them).

    Examples
    --------
    >>> flux = (("source", "site", "time"), [[[1.0, 2.0]], [[0.0, 0.0]], [[2.0, 4.0]]])
    >>> spread = (("site", "time"), [[0.0, 0.0]])
    >>> held_out = xr.Dataset(
    ...     {"NEE": flux, "NEE_spread": spread, "fold": spread, "IGBP": ("site", [1.0])},
    ...     coords={"source": ["observed", "baseline", "refined"]},
    ... )
    >>> found = calibrate(held_out)
    >>> round(found.factor["NEE"][1] * float(found.scale["NEE"].of(0.0, 4.0)), 3)
    2.0
    """
    if not 0.0 < level < 1.0:
        raise ConfigError(f"level: expected a share between 0 and 1, got {level}")
    rows = {name: error_rows(held_out, name) for name in fluxes_of(held_out)}
    rows = {name: flux for name, flux in rows.items() if flux.tower.size}
    if not rows:
        raise MissingVariableError("held_out: expected predictions of a flux, got none")
    scale = {name: _scale(flux, normalised=normalised) for name, flux in rows.items()}
    factor = {
        name: dict(_factors(flux, flux.error / scale[name].of(flux.spread, flux.predicted), level))
        for name, flux in rows.items()
    }
    return Intervals(level, scale, factor)


def coverage(
    held_out: xr.Dataset, *, level: float = LEVEL, normalised: bool = True
) -> pd.DataFrame:
    """Measure how many held-out months lie in intervals calibrated on the other folds.

    Parameters
    ----------
    held_out, level, normalised
        As for ``calibrate``; two folds or more.

    Returns
    -------
    pd.DataFrame
        A row for each flux and land cover class, and one of all (``MISSING_CLASS``): ``towers``,
        ``months``, ``by_tower`` (mean over towers of the share covered), ``error`` (its standard
        error over towers: what so few towers leave open), ``by_month`` (share of all months),
        ``width`` (mean over towers of the mean width, in the unit of the flux).

    Raises
    ------
    ConfigError
        As in ``calibrate``, or if there is one fold only.
    """
    folds = fold_of_tower(held_out)
    numbers = np.unique(folds[np.isfinite(folds)])
    if len(numbers) < 2:
        raise ConfigError(
            f"held_out: expected two folds or more, got {len(numbers)}; hold out more"
        )
    parts = []
    for number in numbers:
        fitted = calibrate(held_out.isel(site=folds != number), level=level, normalised=normalised)
        parts.append(covered(held_out.isel(site=folds == number), fitted))
    return summarise(pd.concat(parts))


def covered(held_out: xr.Dataset, intervals: Intervals) -> pd.DataFrame:
    """Tell of each tower and flux which share of its months lies in the intervals, and their width.

    Parameters
    ----------
    held_out : xr.Dataset, (source, site, time)
        Towers that ``intervals`` were not calibrated on.
    intervals : Intervals

    Returns
    -------
    pd.DataFrame
        Columns flux, IGBP, months, share, width.
    """
    records = []
    for name, factors in intervals.factor.items():
        rows = error_rows(held_out, name)
        expected = intervals.scale[name].of(rows.spread, rows.predicted)
        half = _look_up(rows.igbp, factors) * expected
        for tower in np.unique(rows.tower):
            own = rows.tower == tower
            inside = float((rows.error[own] <= half[own]).mean())
            code = int(rows.igbp[own][0])
            records.append((name, code, int(own.sum()), inside, float(2.0 * half[own].mean())))
    return pd.DataFrame(records, columns=["flux", "IGBP", "months", "share", "width"])


def summarise(towers: pd.DataFrame) -> pd.DataFrame:
    """Summarise the table of ``covered`` by flux and class, as ``coverage`` does."""
    whole = towers.assign(IGBP=MISSING_CLASS)
    known = towers[towers["IGBP"] != MISSING_CLASS]
    both = pd.concat([whole, known]).assign(inside=lambda table: table["share"] * table["months"])
    grouped = both.groupby(["flux", "IGBP"], sort=True)
    found = grouped.agg(
        towers=("months", "size"),
        months=("months", "sum"),
        by_tower=("share", "mean"),
        error=("share", "sem"),
        inside=("inside", "sum"),
        width=("width", "mean"),
    ).reset_index()
    return found.assign(by_month=found["inside"] / found["months"]).drop(columns="inside")


def _scale(rows: ErrorRows, *, normalised: bool) -> Scale:
    """Fit the line of the absolute errors by least squares, no coefficient negative."""
    known = np.stack([np.ones_like(rows.error), rows.spread * normalised, np.abs(rows.predicted)])
    root = np.sqrt(rows.weight)
    found, _ = nnls((known * root).T, rows.error * root)
    mean = float(np.average(rows.error, weights=rows.weight)) or 1.0
    return Scale(max(float(found[0]), SMALLEST * mean), *found[1:].tolist())


def _factors(rows: ErrorRows, score: Values, level: float) -> Iterator[tuple[int, float]]:
    """Yield the quantile of the scores, for no class in particular and for each class."""
    yield MISSING_CLASS, weighted_quantile(score, rows.weight, level)
    for code in np.unique(rows.igbp[rows.igbp != MISSING_CLASS]):
        own = rows.igbp == code
        others = np.unique(rows.tower[~own]).size
        share = min(1.0, BORROWED / others) if others else 0.0
        yield int(code), weighted_quantile(score, rows.weight * np.where(own, 1.0, share), level)


def _look_up(codes: NDArray[Any], factors: dict[int, float]) -> Values:
    """Factor of each class; that of no class in particular where a class had no towers."""
    found = np.full(np.shape(codes), factors[MISSING_CLASS])
    for code, factor in factors.items():
        found[codes == code] = factor
    return found
