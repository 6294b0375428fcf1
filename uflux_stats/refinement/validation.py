"""Honest validation: refit without the held-out rows, predict them, and score that."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from uflux_stats.choices import require_least
from uflux_stats.errors import ConfigError
from uflux_stats.refinement.fitting import fit_rows, flux_attrs, predict_rows
from uflux_stats.refinement.options import RefineOptions
from uflux_stats.refinement.splits import Split, split_folds
from uflux_stats.refinement.table import Rows, TrainingTable
from uflux_stats.stats.metrics import score

SOURCES: Final = ("observed", "baseline", "refined")
SPREAD: Final = "spread"
MEMBERS: Final = 4
"""Members of the ensemble in validation; fewer than in a fit, for time, and never flattering."""
Predicted = dict[str, dict[str, Rows]]


@dataclass(frozen=True)
class ValidationOptions:
    """How a validation is run.

    Attributes
    ----------
    folds : int, optional
        Number of folds; by default as the split has it: one for each tower under "tower".
    members : int
        Size of the ensemble of each fold.
    workers : int
        Folds at a time, each on one thread. It does not change the result.
    progress : bool
        Show a bar.
    """

    folds: int | None = None
    members: int = MEMBERS
    workers: int = 2
    progress: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name in ("members", "workers"):
            require_least(getattr(self, name), 1, name=name)


_DEFAULTS: Final = ValidationOptions()


def cross_validate(
    table: TrainingTable,
    split: Split,
    options: RefineOptions,
    how: ValidationOptions = _DEFAULTS,
    applied: TrainingTable | None = None,
) -> xr.Dataset:
    """Predict every row by a fit that has not seen its fold.

    Parameters
    ----------
    table : TrainingTable
    split : str
        See ``split_folds``.
    options : RefineOptions
    how : ValidationOptions
    applied : TrainingTable, optional
        The same rows with other drivers, to predict the held-out rows from; by default ``table``.

    Returns
    -------
    xr.Dataset, (source, site, time)
        Each flux as observed, by the baseline and refined (mean of the members), where all rows
        of a flux have all three; NEE_difference too; the ``NAME_spread`` of the members and the
        ``fold`` of each row, (site, time), and the static classes of the towers.

    Raises
    ------
    ConfigError
        If the split is unknown or not possible, or ``applied`` has other rows or predictors.
    MissingVariableError
        If the towers lack what the split needs, or no row outside a fold has RECO.

    Examples
    --------
    Towers as in the example of ``refine``, here each constant in time:

    >>> from uflux_stats.refinement.table import training_table
    >>> from uflux_stats.schema import variable
    >>> means = {"TA": 15.0, "VPD": 8.0, "SWIN": 200.0, "RNET": 90.0, "PA": 90.0, "CO2": 400.0,
    ...          "FAPAR": 0.5, "RECO": 4.0}
    >>> towers = xr.Dataset({
    ...     name: (("site", "time"), np.full((3, 12), mean), variable(name).attrs)
    ...     for name, mean in means.items()
    ... })
    >>> towers["IGBP"] = ("site", [1, 1, 4], {"units": "class"})
    >>> towers["C4"] = ("site", [0.0, 0.0, 0.0], {"units": "1"})
    >>> towers = towers.assign_coords(site=["A", "B", "C"], lat=("site", [50.0, 51.0, 45.0]),
    ...                               lon=("site", [8.0, 9.0, -80.0]),
    ...                               time=xr.date_range("2004-01", periods=12, freq="MS"))
    >>> held_out = cross_validate(training_table(towers), "tower", RefineOptions(trees=2))
    >>> held_out.RECO.sel(source="refined", site="C").mean().round(3).item()
    4.0
    >>> held_out.fold.isel(time=0).values.tolist()
    [0.0, 1.0, 2.0]
    """
    for name in ("coordinates", "history"):
        made, wanted = getattr(table.spec, name), getattr(options, name)
        if made != wanted:
            raise ConfigError(
                f"options.{name}: expected {made} as in the table, got {wanted}; make the table "
                "with the same choice (table_for)"
            )
    shown = table if applied is None else applied
    _require_same_rows(table, shown)
    chosen = replace(options, members=how.members)
    fold = split_folds(table.towers, table.site, split=split, folds=how.folds, seed=options.seed)
    work = _fold_work(table, shown, fold, chosen)
    predicted = _run(work, int(fold.max()) + 1, how)
    whole = {part: _gather(predicted, part, len(table.site)) for part in (*SOURCES[1:], SPREAD)}
    return _label(table, whole, fold).assign_attrs(
        split=split, folds=int(fold.max()) + 1, members=how.members, target=options.target
    )


Work = Callable[[int], tuple[NDArray[np.intp], Predicted]]


def _require_same_rows(table: TrainingTable, applied: TrainingTable) -> None:
    same = np.array_equal(table.sites, applied.sites) and np.array_equal(table.times, applied.times)
    if not same or table.predictors.shape != applied.predictors.shape:
        raise ConfigError(
            f"applied: expected the {len(table.site)} rows and {table.predictors.shape[1]} "
            f"predictors of the table, got {len(applied.site)} and {applied.predictors.shape[1]} "
            "or others; choose common rows (TrainingTable.only)"
        )


def _fold_work(
    table: TrainingTable, shown: TrainingTable, fold: NDArray[np.intp], options: RefineOptions
) -> Work:
    """Make the function that fits without one fold and predicts it from the rows shown."""

    def work(number: int) -> tuple[NDArray[np.intp], Predicted]:
        held_out = np.flatnonzero(fold == number)
        fit = fit_rows(table, fold != number, options, [options.seed, number])
        process = {k: v[held_out] for k, v in shown.baseline(fit.parameters).items()}
        members = predict_rows(fit, process, shown.predictors[held_out], options)
        refined = {k: v.mean(axis=0, dtype=np.float64) for k, v in members.items()}
        spread = {k: v.std(axis=0, dtype=np.float64, ddof=min(1, len(v) - 1))
                  for k, v in members.items()}  # fmt: skip
        if "GPP" in process and "RECO" in process:
            process["NEE_difference"] = process["RECO"] - process["GPP"]
        return held_out, {"baseline": process, "refined": refined, SPREAD: spread}

    return work


def _run(
    work: Work, folds: int, how: ValidationOptions
) -> list[tuple[NDArray[np.intp], Predicted]]:
    """Run all folds on a few threads; learners let go of the interpreter while they fit."""
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(how.workers) as pool:
        tasks = [pool.submit(work, number) for number in range(folds)]
        try:
            done = as_completed(tasks)
            return [
                task.result()
                for task in tqdm(done, total=folds, desc="folds", disable=not how.progress)
            ]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _gather(
    parts: list[tuple[NDArray[np.intp], Predicted]], source: str, rows: int
) -> dict[str, Rows]:
    """Put the folds together again."""
    names = {name for _, predicted in parts for name in predicted[source]}
    whole = {name: np.full(rows, np.nan) for name in sorted(names)}
    for held_out, predicted in parts:
        for name, values in predicted[source].items():
            whole[name][held_out] = values
    return whole


def _label(
    table: TrainingTable, predicted: dict[str, dict[str, Rows]], fold: NDArray[np.intp]
) -> xr.Dataset:
    """Lay out observed and predicted rows on (source, site, time)."""
    labelled: dict[str, Any] = {}
    for name in predicted["refined"]:
        of_flux = name.removesuffix("_difference")
        rows = [table.observed[of_flux], *(predicted[source][name] for source in SOURCES[1:])]
        together = np.isfinite(rows).all(axis=0)
        values = np.stack([table.put(np.where(together, row, np.nan)) for row in rows])
        labelled[name] = (("source", "site", "time"), values, flux_attrs(name))
        spread = table.put(np.where(together, predicted[SPREAD][name], np.nan))
        labelled[f"{name}_{SPREAD}"] = (("site", "time"), spread, _spread_attrs(name))
    statics = {name: table.towers[name] for name in ("IGBP", "KOPPEN") if name in table.towers}
    places = {name: table.towers[name] for name in ("site", "time", "lat", "lon")}
    return xr.Dataset(
        {**labelled, **statics, "fold": (("site", "time"), table.put(fold.astype(float)))},
        coords={**places, "source": list(SOURCES)},
    )


def _spread_attrs(name: str) -> dict[str, str]:
    return {
        "long_name": f"standard deviation of the members of {name}",
        "units": flux_attrs(name)["units"],
    }


def validation_metrics(predictions: xr.Dataset) -> xr.Dataset:
    """Score baseline and refined fluxes against the observed ones, all rows pooled.

    Parameters
    ----------
    predictions : xr.Dataset, (source, site, time)
        Of ``cross_validate``.

    Returns
    -------
    xr.Dataset, (source, variable)
        Metrics of ``score``, and ``n_towers``.

    Examples
    --------
    >>> gpp = (("source", "site", "time"), [[[1.0, 3.0]], [[2.0, 2.0]], [[1.0, 2.0]]])
    >>> held_out = xr.Dataset({"GPP": gpp}, coords={"source": list(SOURCES)})
    >>> validation_metrics(held_out).r2.sel(variable="GPP").values.tolist()
    [0.0, 0.5]
    """
    names = fluxes_of(predictions)
    tables = [
        score_sources(predictions[name]).assign(n_towers=_towers(predictions[name]))
        for name in names
    ]
    return xr.concat(tables, xr.Variable("variable", names)).transpose("source", "variable")


def fluxes_of(predictions: xr.Dataset) -> list[str]:
    """Names of the fluxes in a dataset of predictions."""
    return [str(name) for name in predictions.data_vars if "source" in predictions[name].dims]


def score_sources(flux: xr.DataArray) -> xr.Dataset:
    """Score the sources of one flux, (source, site, time), against the observed one."""
    observed = flux.sel(source="observed", drop=True)
    return score(observed, flux.sel(source=list(SOURCES[1:])), dim=("site", "time"))


def _towers(flux: xr.DataArray) -> xr.DataArray:
    return flux.notnull().any("time").sum("site").sel(source=list(SOURCES[1:]))
