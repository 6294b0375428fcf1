"""Stages that explain what the refinement and the emulation have learned, where they have not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from uflux_stats.emulation import EmulateOptions
from uflux_stats.emulation.options import LEARNER
from uflux_stats.explain import (
    allocation_shap,
    gain,
    interactions,
    local_effects,
    shap_importance,
    shap_values,
)
from uflux_stats.explain.importance import GroupBy
from uflux_stats.grid.polygons import RegionSet
from uflux_stats.io.store import write_netcdf
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.allocation import DGVM
from uflux_stats.pipeline.stages.data import TOWERS, gridded, load
from uflux_stats.pipeline.stages.drawing import TWIN_NOTICE
from uflux_stats.pipeline.stages.engine import REFINER
from uflux_stats.refinement import Refiner
from uflux_stats.refinement.learners import Ensemble
from uflux_stats.reporting.explanation import bee_swarm, importance_bars, response_curve
from uflux_stats.reporting.numbers import Number, key, number
from uflux_stats.reporting.style import save_figure

SHAP: Final = "shap.nc"
IMPORTANCE: Final = "tables/shap_importance.csv"
INTERACTIONS: Final = "tables/shap_interactions.csv"
CURVES: Final = "tables/shap_curves.csv"
FIGURES: Final = "shap_figures"
TABLES: Final = (IMPORTANCE, INTERACTIONS, CURVES)
EXPLAINED: Final = ("GPP", "RECO", "NEE")
GROUPS: Final[tuple[GroupBy | None, ...]] = (None, "continent", "pft", "season")
ROWS: Final = 800
FOLDS: Final = 2
"""Enough for figures: one refitted member for each half of the towers explains the other."""
_LAST: Final = 60
"""Months from which the allocation is learned again: its rules do not change with time."""
_PAIR_ROWS: Final = 20
"""Interactions cost as many times as much as there are predictors."""
_PAIRS: Final = 20
_CURVES: Final = 3
_TOLD: Final = 5


def in_allocation(name: str) -> str:
    """Place of a result of the emulation, beside that of the refinement.

    Examples
    --------
    >>> in_allocation("tables/shap_curves.csv")
    'tables/shap_curves_allocation.csv'
    """
    path = Path(name)
    return str(path.with_name(f"{path.stem}_allocation{path.suffix}"))


@dataclass(frozen=True)
class Learned:
    """SHAP values of one quantity, and the trees that make it."""

    name: str
    values: xr.Dataset
    trees: Ensemble


def explanation(task: Task) -> Mapping[str, Number]:
    """Explain the refinement at towers that the explained trees have not seen."""
    refiner = Refiner.load(task.input(REFINER))
    values = shap_values(
        refiner, load(task.input(TOWERS)), folds=FOLDS, members=1, rows=ROWS, threads=task.workers
    )
    fits = refiner.fit.ensembles
    write_netcdf(values, task.output(SHAP), title="SHAP values of the refinement at held-out rows")
    return _told(task, [Learned(flux, values, fits[flux]) for flux in EXPLAINED if flux in values])


def allocation_explanation(task: Task) -> Mapping[str, Number]:
    """Explain the emulated allocation of carbon in cells that the explained trees have not seen."""
    settings = task.settings
    learner = replace(LEARNER, trees=settings["trees"], depth=settings["depth"])
    learning = EmulateOptions(
        learner=learner, rows=settings["rows"], workers=task.workers, seed=settings["seed"]
    )
    found = allocation_shap(
        load(task.input(DGVM)),
        gridded(task).isel(time=slice(-_LAST, None)).load(),
        rows=ROWS,
        learning=learning,
    )
    parts = [Learned(name, one.values, one.trees) for name, one in found.items()]
    return _told(task, parts, in_allocation)


def _told(task: Task, parts: list[Learned], place: Any = str) -> Mapping[str, Number]:
    """Write tables and figures, and say the most important."""
    regions, threads = task.settings["regions"], task.workers
    tables = {
        IMPORTANCE: [_importance(one, regions) for one in parts],
        INTERACTIONS: [_interactions(one, threads) for one in parts],
        CURVES: [_curves(one) for one in parts],
    }
    whole = {name: pd.concat(found, ignore_index=True) for name, found in tables.items()}
    for name, table in whole.items():
        table.to_csv(task.output(place(name)), index=False, float_format="%.6g")
    notice = TWIN_NOTICE if task.settings["twin"] else ""
    folder = task.output(f"{place(FIGURES)}/one.png").parent
    for one in parts:
        for name, figure in _figures(one, regions, whole[CURVES]):
            save_figure(figure, folder / f"{name}_{one.name}.png", notice=notice)
    return dict(_numbers(whole[IMPORTANCE], _beside(parts)))


def _beside(parts: list[Learned]) -> str:
    """Say what is not explained, where trees share what is predicted with other learners."""
    beside = str(parts[0].values.attrs.get("beside_trees", "")) if parts else ""
    return f"; of the trees alone, not of what they are averaged with ({beside})" if beside else ""


def _names(one: Learned) -> list[str]:
    return [str(name) for name in one.values["feature"].values]


def _importance(one: Learned, regions: RegionSet) -> pd.DataFrame:
    """Mean absolute SHAP values by every kind of group, gain beside."""
    parts = [
        shap_importance(one.values, one.name, by=by, regions=regions).assign(by=by or "all")
        for by in GROUPS
    ]
    whole = pd.concat(parts, ignore_index=True)
    gains = gain(one.trees, _names(one)).rename("gain")
    return whole.join(gains, on="feature").assign(explained=one.name)


def _interactions(one: Learned, threads: int) -> pd.DataFrame:
    """List the strongest pairs; of an ensemble its first trees stand for all."""
    rows = _complete(one)
    chosen = np.linspace(0, len(rows) - 1, min(_PAIR_ROWS, len(rows))).astype(int)
    matrix = interactions(one.trees[:1], rows[chosen], threads=threads)
    first, second = np.triu_indices(len(matrix), k=1)
    order = np.argsort(-matrix[first, second])[:_PAIRS]
    names = np.array(_names(one))
    return pd.DataFrame({
        "explained": one.name, "first": names[first[order]], "second": names[second[order]],
        "interaction": 2.0 * matrix[first[order], second[order]], "n": len(chosen),
    })  # fmt: skip


def _complete(one: Learned) -> Any:
    """Rows of predictors that were explained."""
    known = np.isfinite(one.values[one.name].values).all(axis=1)
    return np.ascontiguousarray(one.values["predictor"].values[known])


def _curves(one: Learned) -> pd.DataFrame:
    """Accumulated local effects of the predictors that matter most."""
    top = shap_importance(one.values, one.name)["feature"].head(_CURVES)
    rows, names = _complete(one), _names(one)
    parts = [local_effects(one.trees, rows, names, feature, bins=15).assign(feature=feature)
             for feature in top]  # fmt: skip
    return pd.concat(parts, ignore_index=True).assign(explained=one.name)


def _figures(
    one: Learned, regions: RegionSet, curves: pd.DataFrame
) -> Iterator[tuple[str, Figure]]:
    yield "swarm", bee_swarm(one.values, one.name)
    gains = gain(one.trees, _names(one))
    for by in ("continent", "season"):
        table = shap_importance(one.values, one.name, by=by, regions=regions)
        yield f"bars_{by}", importance_bars(table, gains)
    mine = curves[curves["explained"] == one.name]
    unit = str(one.values[one.name].attrs["units"])
    for feature, curve in mine.groupby("feature", sort=False):
        yield (
            f"curve_{feature}",
            response_curve(curve, feature=str(feature), name=one.name, units=unit),
        )


def _numbers(table: pd.DataFrame, beside: str) -> Iterator[tuple[str, Number]]:
    """Yield the share of the most important predictors, over all rows."""
    everything = table[table["by"] == "all"]
    for name, rows in everything.groupby("explained", sort=False):
        for row in rows.head(_TOLD).to_dict("records"):
            note = (
                f"of mean absolute SHAP values of held-out rows; of gain {row['gain']:.2f}{beside}"
            )
            yield (
                key("shap", str(name), str(row["feature"])),
                number(row["share"], n=row["n"], note=note),
            )
