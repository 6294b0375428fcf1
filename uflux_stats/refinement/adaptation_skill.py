"""How much a tower's own months help to predict its other months: held-out towers as new ones."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.refinement.adaptation import Adaptation, fit_adaptation, held_out_months
from uflux_stats.refinement.error_model import MONTHS_OF_A_YEAR, Months, Values

GIVEN: Final = (0, 3, 6, 12, 24)
"""Months of a new tower."""
GAPS: Final = (1, 3, 6, 12)
"""Lengths of artificial gaps, in months."""
FEWEST_LEFT: Final = 12
"""Months that a tower needs beside those given, or outside a gap."""
PARTS: Final = 2
"""Groups of towers; what is learned of the errors of one is tested on the others."""

Way = Callable[[Months, Months], Values]
"""From months given and months wanted to the expected error of the prediction for the wanted."""


@dataclass(frozen=True)
class Trial:
    """Some months of a held-out tower are given, others are to be told; ``size`` is the setting."""

    size: int
    given: Months
    wanted: Months


Trials = Callable[[Months, np.random.Generator], Iterator[Trial]]


def new_tower_trials(tower: Months, rng: np.random.Generator) -> Iterator[Trial]:
    """Give the first 0, 3, 6, ... of the same stretch of months, to tell all outside the stretch.

    Parameters
    ----------
    tower : Months
    rng : np.random.Generator
        Draws where the stretch begins.

    Yields
    ------
    Trial
        One for each of ``GIVEN``, with the same months to tell; none if the record is too short.

    Examples
    --------
    >>> months = np.arange(36.0)
    >>> tower = Months(0, months, months, months)
    >>> [(trial.size, len(trial.given), len(trial.wanted))
    ...  for trial in new_tower_trials(tower, np.random.default_rng(0))]
    [(0, 0, 12), (3, 3, 12), (6, 6, 12), (12, 12, 12), (24, 24, 12)]
    """
    longest = max(GIVEN)
    if len(tower) < longest + FEWEST_LEFT:
        return
    first = int(rng.integers(len(tower) - longest + 1))
    wanted = tower.at(np.r_[:first, first + longest : len(tower)])
    for size in GIVEN:
        yield Trial(size, tower.at(slice(first, first + size)), wanted)


def gap_trials(tower: Months, rng: np.random.Generator) -> Iterator[Trial]:
    """Cut a gap of 1, 3, 6 and 12 months out of a record, to tell it by all other months.

    Parameters, errors and result are those of ``new_tower_trials``.
    """
    for size in GAPS:
        if len(tower) < size + FEWEST_LEFT:
            continue
        first = rng.choice(tower.month)
        inside = (tower.month >= first) & (tower.month < first + size)
        yield Trial(size, tower.at(~inside), tower.at(inside))


def own_mean_year(given: Months, wanted: Months) -> Values:
    """Tell a month by the mean of the same months of other years; by that of all if there are none.

    What can be done without any model; NaN if nothing is given.
    """
    if not len(given):
        return np.full(len(wanted), np.nan)
    observed = given.predicted + given.error
    season, asked = (months.month % MONTHS_OF_A_YEAR for months in (given, wanted))
    same = season[np.newaxis] == asked[:, np.newaxis]
    seasonal = (same * observed).sum(axis=1) / np.maximum(same.sum(axis=1), 1)
    told = np.where(same.any(axis=1), seasonal, observed.mean())
    return np.asarray(told - wanted.predicted)


def own_line(given: Months, wanted: Months) -> Values:
    """Correct by the least-squares line of the given months, without any prior; 0 if under three.

    What a calibration without knowledge of other towers does.
    """
    if len(given) < 3 or np.ptp(given.predicted) == 0.0:
        return np.zeros(len(wanted))
    slope, offset = np.polyfit(given.predicted, given.error, 1)
    return np.asarray(offset + slope * wanted.predicted)


WAYS: Final[dict[str, Way]] = {
    "unchanged": lambda _, wanted: np.zeros(len(wanted)),
    "own mean year": own_mean_year,
    "own line": own_line,
}
"""What the calibration is held against."""


def adaptation_skill(
    held_out: xr.Dataset,
    trials: Trials,
    *,
    ways: Mapping[str, Mapping[str, Way]] | None = None,
    draws: int = 3,
    seed: int = 0,
) -> pd.DataFrame:
    """Score the calibration for towers whose errors it has not learned from.

    Parameters
    ----------
    held_out : xr.Dataset, (source, site, time)
        Of ``cross_validate`` under a split that keeps towers whole.
    trials : callable
        ``new_tower_trials`` or ``gap_trials``.
    ways : mapping, optional
        More ways to compare with, by flux and name; see ``WAYS``.
    draws : int
        Trials of each tower.
    seed : int

    Returns
    -------
    pd.DataFrame
        A row for each flux, size and way: r2 (1 - SSE/SST of all months told), rmse [unit of the
        flux], coverage (of the intervals of "adapted", mean over trials), months, towers.

    Raises
    ------
    MissingVariableError, ConfigError
        As ``fit_adaptation``.
    """
    rng = np.random.default_rng(seed)
    part = rng.permutation(np.arange(held_out.sizes["site"]) % PARTS)
    records: list[dict[str, Any]] = []
    for number in range(PARTS):
        learned = fit_adaptation(held_out.isel(site=part != number))
        shown = held_out.where(xr.DataArray(part == number, dims="site"))
        for name in learned.models:
            chosen = {**WAYS, **(ways or {}).get(name, {}), "adapted": _adapted(learned, name)}
            for tower in held_out_months(shown.assign(fold=held_out["fold"]), name):
                for _ in range(draws):
                    for trial in trials(tower, rng):
                        records += _told(name, trial, chosen, learned)
    return _score(pd.DataFrame(records))


def _adapted(learned: Adaptation, name: str) -> Way:
    return lambda given, wanted: learned.models[name].condition(given, wanted)[0]


def _told(
    name: str, trial: Trial, ways: Mapping[str, Way], learned: Adaptation
) -> Iterator[dict[str, Any]]:
    """Yield the errors that each way leaves of a trial."""
    observed = trial.wanted.predicted + trial.wanted.error
    _, spread = learned.models[name].condition(trial.given, trial.wanted)
    for way, expect in ways.items():
        left = trial.wanted.error - expect(trial.given, trial.wanted)
        inside = np.mean(np.abs(left) <= learned.factor[name] * spread)
        yield {
            "flux": name, "size": trial.size, "way": way, "site": trial.wanted.site,
            "sse": float(left @ left), "sum": float(observed.sum()),
            "squares": float(observed @ observed), "months": len(left),
            "coverage": float(inside) if way == "adapted" else np.nan,
        }  # fmt: skip


def _score(records: pd.DataFrame) -> pd.DataFrame:
    grouped = records.groupby(["flux", "size", "way"], sort=False)
    summed = grouped[["sse", "sum", "squares", "months"]].sum(min_count=1)
    scatter = summed["squares"] - summed["sum"] ** 2 / summed["months"]
    lost = grouped["sse"].apply(lambda sse: sse.sum(skipna=False))
    return pd.DataFrame(
        {
            "r2": 1.0 - lost / scatter,
            "rmse": np.sqrt(lost / summed["months"]),
            "coverage": grouped["coverage"].mean(),
            "months": summed["months"],
            "towers": grouped["site"].nunique(),
        }
    ).reset_index()
