"""The skill of one split as numbers: pooled, per tower and of anomalies, with intervals."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.reporting.numbers import Number, key, number
from uflux_stats.schema import variable
from uflux_stats.stats.metrics import score

METRICS: Final = (
    "r2", "r2_pearson", "rmse", "slope_model_on_obs", "slope_obs_on_model", "mae", "bias",
    "n_towers",
)  # fmt: skip
STEPS: Final = ("baseline", "refined")
DRAWS: Final = 1000
TOWER_MONTHS: Final = 12
ANOMALY_MONTHS: Final = 36
"""Months that a tower needs for a score of its own, and for a seasonal cycle of its own."""
_WITH_UNITS: Final = ("rmse", "mae", "bias")


def skill_numbers(
    predictions: xr.Dataset, skill: xr.Dataset, *, seed: int = 0
) -> Iterator[tuple[str, Number]]:
    """Yield the skill of baseline and refined fluxes under one split.

    Besides the pooled metrics: the median over towers of their own r2 (``r2_tower_median``), and
    the r2 of departures from each tower's mean seasonal cycle (``r2_anomaly``). The intervals of r2
    and RMSE come from resampling whole towers.

    Parameters
    ----------
    predictions : xr.Dataset, (source, site, time)
        Of ``cross_validate``.
    skill : xr.Dataset, (source, variable)
        Of ``validation_metrics``.
    seed : int
        Of the resampling.

    Yields
    ------
    (str, Number)
        Under ``validation.STEP.SPLIT.FLUX.METRIC``.
    """
    how = f"{predictions.attrs['folds']} folds, {predictions.attrs['members']} members each"
    for flux in skill["variable"].values:
        for step in STEPS:
            stem = ("validation", step, str(predictions.attrs["split"]), str(flux))
            values = predictions[str(flux)].sel(source=["observed", step])
            found = {str(m): skill[m].sel(source=step, variable=flux).item() for m in METRICS}
            ends = tower_intervals(values, seed=seed)
            months = skill["n"].sel(source=step, variable=flux).item()
            for metric, value in found.items():
                units = _units(str(flux)) if metric in _WITH_UNITS else "1"
                entry = number(value, units, interval=ends.get(metric), n=months, note=how)
                yield key(*stem, metric), entry
            yield key(*stem, "r2_tower_median"), _tower_median(values)
            yield key(*stem, "r2_anomaly"), _anomalies(values)


def gap_numbers(skills: Mapping[str, xr.Dataset]) -> Iterator[tuple[str, Number]]:
    """Yield how much better random rows look than whole towers: skill that is not there."""
    if not {"random", "tower"} <= skills.keys():
        return
    easy, honest = (skills[split].sel(source="refined") for split in ("random", "tower"))
    for flux in honest["variable"].values:
        gap = (easy["r2"] - honest["r2"]).sel(variable=flux).item()
        n = honest["n"].sel(variable=flux).item()
        note = "r2 of random rows minus that of whole towers"
        yield key("validation", "gap", str(flux), "r2"), number(gap, n=n, note=note)


def tower_intervals(values: xr.DataArray, *, seed: int = 0) -> dict[str, tuple[float, float]]:
    """Return 90 % intervals of r2 and RMSE from resampling whole towers.

    Parameters
    ----------
    values : xr.DataArray, (source, site, time)
        Observed first, then modelled.
    seed : int

    Returns
    -------
    dict of (float, float)
        For "r2" and "rmse"; empty with fewer than two towers.
    """
    observed, modelled = values.transpose("source", "site", "time").values
    both = np.isfinite(observed) & np.isfinite(modelled)
    y, error = np.where(both, observed, 0.0), np.where(both, modelled - observed, 0.0)
    sums = np.stack([both.sum(axis=1), y.sum(axis=1), (y**2).sum(axis=1), (error**2).sum(axis=1)])
    sums = sums[:, sums[0] > 0]
    towers = sums.shape[1]
    if towers < 2:
        return {}
    weights = np.random.default_rng(seed).multinomial(towers, np.full(towers, 1 / towers), DRAWS)
    months, total, squares, sse = sums @ weights.T
    spread = squares - total**2 / months
    return {"r2": _ends(1.0 - sse / spread), "rmse": _ends(np.sqrt(sse / months))}


def _ends(draws: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(draws, (0.05, 0.95))
    return float(low), float(high)


def _tower_median(values: xr.DataArray) -> Number:
    """Median over towers of the r2 of each, quartiles as its interval."""
    observed, modelled = values.isel(source=0, drop=True), values.isel(source=1, drop=True)
    own = score(observed, modelled, dim="time")
    r2 = own["r2"].where(own["n"] >= TOWER_MONTHS).dropna("site")
    if not r2.size:
        return number(None, note=f"no tower with {TOWER_MONTHS} months")
    low, middle, high = r2.quantile([0.25, 0.5, 0.75]).values
    return number(middle, interval=(low, high), n=r2.size, note="n towers; interval: quartiles")


def _anomalies(values: xr.DataArray) -> Number:
    """Score departures of each tower's months from its own mean seasonal cycle."""
    known = values.where(values.notnull().all("source"))
    enough = known.isel(source=0).notnull().sum("time") >= ANOMALY_MONTHS
    if not enough.any():
        return number(None, note=f"no tower with {ANOMALY_MONTHS} months")
    months = known.isel(site=enough.values).groupby("time.month")
    departures = months - months.mean("time")
    found = score(departures.isel(source=0, drop=True), departures.isel(source=1, drop=True))
    note = "departures from each tower's mean seasonal cycle"
    return number(found["r2"].item(), n=found["n"].item(), note=note)


def _units(flux: str) -> str:
    return variable(flux.removesuffix("_difference")).units
