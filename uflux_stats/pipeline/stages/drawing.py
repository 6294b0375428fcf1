"""Stage that draws the figures from what earlier stages wrote."""

from collections.abc import Mapping
from typing import Final

from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.data import load
from uflux_stats.pipeline.stages.engine import VALIDATION
from uflux_stats.reporting.figures import skill_bars, split_gap, validation_scatter
from uflux_stats.reporting.numbers import Number
from uflux_stats.reporting.skill import group_skill, pairs_table, split_skill
from uflux_stats.reporting.style import save_figure

FIGURES: Final = "figures"
HONEST_FIRST: Final = ("tower", "blocks", "koppen", "igbp", "random")
"""Which split the figures of one split show, if there are several."""


def figures(task: Task) -> Mapping[str, Number]:
    """Draw the validation: scatter and groups under the most honest split, and all splits."""
    predictions = load(task.input(VALIDATION))
    present = set(predictions["split"].values.tolist())
    split = next(name for name in HONEST_FIRST if name in present)
    pairs = pairs_table(predictions.sel(split=split))
    drawn = {
        "validation_scatter": validation_scatter(pairs, split=split),
        "validation_groups": skill_bars(group_skill(pairs)),
        "validation_splits": split_gap(split_skill(predictions)),
    }
    for name, figure in drawn.items():
        save_figure(figure, task.output(f"{FIGURES}/{name}.png"))
    return {}
