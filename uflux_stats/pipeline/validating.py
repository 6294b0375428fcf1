"""Skill at held-out towers as one table: of towers, or of a run."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.config import RunConfig
from uflux_stats.errors import ConfigError, DataFileError
from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.pipeline.stages.data import TOWERS, load
from uflux_stats.pipeline.stages.engine import REFINER, VALIDATION, held_out_splits
from uflux_stats.refinement import RefineOptions, Refiner
from uflux_stats.refinement.splits import Split
from uflux_stats.refinement.table import TrainingTable, table_for
from uflux_stats.reporting.skill import split_skill
from uflux_stats.stats.views import Form, written

HOLDS_OUT: Final[dict[str, str]] = {
    "random": "months of any tower: flatters",
    "tower": "whole towers",
    "igbp": "whole land cover classes",
    "koppen": "whole climate classes",
    "blocks": "whole regions",
}
SHOWN: Final = ("flux", "split", "folds", "step", "n_towers", "n", "r2", "rmse", "bias",
                "slope_model_on_obs")  # fmt: skip
"""Columns of the printed table; the other forms have all."""


def validate_towers(config: RunConfig) -> pd.DataFrame:
    """Score the engine at the towers of a configuration, under the splits that it asks for.

    Parameters
    ----------
    config : RunConfig
        Its sections input (towers, sites, fapar, qc, partitioning), refine, validation and run.

    Returns
    -------
    pd.DataFrame
        A row for each flux, split and step (baseline, refined): folds, n_towers and the metrics of
        ``score``.

    Raises
    ------
    ConfigError
        If no towers are named.
    UfluxError
        As ``read_fluxnet`` and ``cross_validate``.
    """
    given = config.input
    if given.towers is None:
        raise ConfigError("towers: expected --towers or --run, got neither; name one")
    towers = read_fluxnet(
        given.towers, qc=given.qc, partitioning=given.partitioning,
        sites=given.sites, fapar=given.fapar,
    )  # fmt: skip
    options = RefineOptions.from_dict(config.learner)
    table = table_for(towers, options)
    return _skill(_computed(table, options, config.validation.wanted, config))


def validate_run(folder: Path, config: RunConfig) -> pd.DataFrame:
    """Score a run: from its stored predictions, and by its own learner where a split is not there.

    Parameters
    ----------
    folder : Path
        Of a run whose validation is finished.
    config : RunConfig
        Its sections validation (splits; those that are stored if none is named) and run.

    Returns
    -------
    pd.DataFrame
        As of ``validate_towers``.

    Raises
    ------
    DataFileError
        If the folder is not that of a run with a validation.
    """
    if not (folder / VALIDATION).is_file():
        raise DataFileError(
            f"run: expected the folder of a run with {VALIDATION}, got {folder}; run it first"
        )
    stored = load(folder / VALIDATION)
    there = [str(name) for name in stored["split"].values]
    wanted: Sequence[str] = config.validation.splits or there
    parts = [stored.sel(split=[name]) for name in wanted if name in there]
    lacking: list[Any] = [name for name in wanted if name not in there]
    if lacking:
        options = Refiner.load(folder / REFINER).options
        table = table_for(load(folder / TOWERS), options)
        parts += _computed(table, options, lacking, config)
    return _skill(parts)


def _computed(
    table: TrainingTable, options: RefineOptions, splits: Sequence[Split], config: RunConfig
) -> Iterator[xr.Dataset]:
    found = held_out_splits(
        table, options, splits, mode=config.validation.mode, workers=config.run.workers
    )
    for split, held_out in found:
        yield held_out.expand_dims(split=[split])


def _skill(parts: Iterator[xr.Dataset] | Sequence[xr.Dataset]) -> pd.DataFrame:
    """Score the splits one by one, each with its number of folds."""
    scored = []
    for held_out in parts:
        fold = held_out["fold"].values
        folds = np.unique(fold[np.isfinite(fold)]).size
        scored.append(split_skill(held_out).assign(folds=folds))
    return pd.concat(scored, ignore_index=True)


def render_skill(skill: pd.DataFrame, form: Form = "table") -> str:
    """Write the table as text, JSON or CSV; the text says what each split holds out."""
    if form != "table":
        return written(skill, form)
    told = [f"{split}: holds out {HOLDS_OUT[split]}" for split in skill["split"].unique()]
    return "\n".join([written(skill[list(SHOWN)], form), "", *told])
