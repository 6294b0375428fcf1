"""SHAP values of the refinement at towers that the explained models have not seen."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.errors import ConfigError, MissingVariableError
from uflux_stats.explain.trees import explain_rows
from uflux_stats.refinement.features import features
from uflux_stats.refinement.fitting import PROCESS_PREDICTORS, Fit, fit_rows, with_process
from uflux_stats.refinement.neural.encoding import present_columns
from uflux_stats.refinement.refiner import Refiner
from uflux_stats.refinement.splits import split_folds
from uflux_stats.refinement.table import TrainingTable, table_for
from uflux_stats.schema import variable

FOLDS: Final = 5
MEMBERS: Final = 4


@dataclass(frozen=True)
class ExplainOptions:
    """How a refinement is explained.

    Attributes
    ----------
    held_out : bool
        Explain rows by models that have not seen their tower, refitted in folds of towers; the
        fitted refiner itself otherwise, which is right for towers that it has not seen.
    folds, members : int
        Of the refits.
    rows : int, optional
        Explain an even choice of this many rows instead of all: trees are slow to explain.
    threads : int

    Raises
    ------
    ConfigError
        If a number is too small.
    """

    held_out: bool = True
    folds: int = FOLDS
    members: int = MEMBERS
    rows: int | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        rows = 1 if self.rows is None else self.rows
        if self.folds < 2 or min(self.members, self.threads, rows) < 1:
            raise ConfigError(
                "folds, members, threads, rows: expected at least 2, 1, 1 and 1, got "
                f"{self.folds}, {self.members}, {self.threads} and {self.rows}"
            )

    def chosen(self, n: int) -> NDArray[np.bool_]:
        """Say which of n rows to explain."""
        if self.rows is None or self.rows >= n:
            return np.ones(n, bool)
        chosen = np.zeros(n, bool)
        chosen[np.linspace(0, n - 1, self.rows).astype(int)] = True
        return chosen


def shap_values(refiner: Refiner, towers: xr.Dataset | None = None, **options: Any) -> xr.Dataset:
    """Explain what the refinement adds to the process baseline, month by month.

    Where the residual is learned (``attrs["explains"]`` of a flux) these are SHAP values of what
    the baseline misses, and tell by which predictors it can be known.

    Of a blend or a stack its trees are explained, as if they were the whole;
    ``attrs["beside_trees"]`` names what shares the fluxes with them and is not explained. A cascade
    of more than one layer has no trees that see only predictors.

    Parameters
    ----------
    refiner : Refiner
    towers : xr.Dataset, (site, time), optional
        Those of the fit by default.
    **options
        held_out, folds, members, rows, threads: see ``ExplainOptions``.

    Returns
    -------
    xr.Dataset, (row, feature)
        For each flux its SHAP values in its unit, mean of the ensemble, NaN at rows without an
        observation and rows that were not chosen; ``{flux}_base`` (row,); ``predictor`` (row,
        feature) [mixed]; coordinates site, time, lat, lon, and IGBP and KOPPEN where known (row,).

    Raises
    ------
    MissingVariableError
        If the refiner was loaded from disk and no towers are given.
    ConfigError
        If an option is out of its range, or nothing of the refiner is trees.
    """
    how = ExplainOptions(**options)
    if not refiner.fit.ensembles:
        raise ConfigError(
            f"refiner: expected trees, got a model {refiner.options.model!r} that has none; "
            "explain one of refine(model='xgboost')"
        )
    table = _table(refiner, towers, how)
    everything = np.ones(len(table.site), bool)
    parts = _held_out(table, refiner, how) if how.held_out else iter([(refiner.fit, everything)])
    result = _empty(table, refiner)
    wanted = how.chosen(len(table.site))
    # what the memory of a network reads the trees do not see
    present = present_columns(result["feature"].values.tolist())
    for fit, fold in parts:
        process = table.baseline(fit.parameters)
        predictors = with_process(table.predictors, process, refiner.options)
        result["predictor"].values[fold] = predictors[fold]
        for flux, ensemble in fit.ensembles.items():
            chosen = fold & wanted & np.isfinite(table.observed.get(flux, np.zeros(len(fold))))
            if chosen.any():
                seen = predictors[np.ix_(chosen, present)]
                found, base = explain_rows(ensemble, seen, threads=how.threads)
                result[flux].values[chosen] = 0.0
                result[flux].values[np.ix_(chosen, present)] = found
                result[f"{flux}_base"].values[chosen] = base
    beside = ", ".join(refiner.options.beside_trees)
    return result.assign_attrs(held_out=str(how.held_out), beside_trees=beside)


def _table(refiner: Refiner, towers: xr.Dataset | None, how: ExplainOptions) -> TrainingTable:
    if towers is None:
        if refiner.table is None:
            raise MissingVariableError(
                "towers: expected towers to explain, since a loaded refiner has none; pass them"
            )
        return refiner.table
    table = table_for(towers, refiner.options, refiner.spec.surroundings)
    if how.held_out or table.spec == refiner.spec:
        return table
    picked = features(table.towers, refiner.spec).values[:, table.site, table.time].T
    return replace(table, spec=refiner.spec, predictors=np.ascontiguousarray(picked))


def _held_out(
    table: TrainingTable, refiner: Refiner, how: ExplainOptions
) -> Iterator[tuple[Fit, NDArray[np.bool_]]]:
    """Refit without each fold of towers in turn."""
    options = replace(refiner.options, members=how.members)
    fold = split_folds(table.towers, table.site, split="tower", folds=how.folds, seed=options.seed)
    for number in range(int(fold.max()) + 1):
        yield fit_rows(table, fold != number, options, [options.seed, number]), fold == number


def _empty(table: TrainingTable, refiner: Refiner) -> xr.Dataset:
    """Lay the result out, all missing."""
    towers = table.towers
    process = PROCESS_PREDICTORS if refiner.options.process_predictors else ()
    names = [*table.spec.names, *(f"baseline_{name}" for name in process)]
    shape = (len(table.site), len(names))
    data: dict[str, Any] = {}
    for flux in refiner.fit.ensembles:
        learned = "residual" if refiner.options.is_residual(flux) else "flux"
        attrs = variable(flux).attrs | {"explains": learned}
        data[flux] = (("row", "feature"), np.full(shape, np.nan, np.float32), attrs)
        data[f"{flux}_base"] = ("row", np.full(shape[0], np.nan), attrs)
    data["predictor"] = (("row", "feature"), np.full(shape, np.nan, np.float32))
    of_site = {name: ("row", towers[name].values[table.site])
               for name in ("site", "lat", "lon", "IGBP", "KOPPEN") if name in towers}  # fmt: skip
    time = ("row", towers["time"].values[table.time])
    return xr.Dataset(data, coords={"feature": names, **of_site, "time": time})
