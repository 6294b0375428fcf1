"""Stages that tell where the fluxes may be believed: unlikeness to the towers."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.io.zarr_store import open_store
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.allocation import write_table
from uflux_stats.pipeline.stages.data import TOWERS, load
from uflux_stats.pipeline.stages.drawing import TWIN_NOTICE
from uflux_stats.pipeline.stages.engine import REFINER, VALIDATION
from uflux_stats.pipeline.stages.gridding import BY, FLUXES, region_label
from uflux_stats.refinement import Refiner
from uflux_stats.refinement.fitting import flux_attrs
from uflux_stats.refinement.remoteness import skill_by, skill_by_distance
from uflux_stats.refinement.table import table_for
from uflux_stats.refinement.validation import fluxes_of
from uflux_stats.reporting.map_panels import flux_map
from uflux_stats.reporting.numbers import Number, key, number, towers_told
from uflux_stats.reporting.remoteness import skill_gap
from uflux_stats.reporting.style import save_figure
from uflux_stats.stats.totals import area_mean

BY_DISSIMILARITY: Final = "tables/skill_by_dissimilarity.csv"
BY_DISTANCE: Final = "tables/skill_by_distance.csv"
GAP: Final = "remoteness_figures"
MAPS: Final = "applicability_figures"
CLASSES: Final = 5
"""Classes of dissimilarity, each with as many held-out months."""


def dissimilarity(task: Task) -> Mapping[str, Number]:
    """Score the held-out towers by how unlike the other towers their months are."""
    refiner = Refiner.load(task.input(REFINER))
    held_out = load(task.input(VALIDATION)).sel(split=task.settings["split"])
    if refiner.domain is None:
        pd.DataFrame().to_csv(task.output(BY_DISSIMILARITY))
        return {key("applicability", "threshold"): number(None, note="skipped: one tower")}
    table = table_for(load(task.input(TOWERS)), refiner.options)
    far = xr.DataArray(table.put(refiner.domain.to_other_towers(table.site)), dims=("site", "time"))
    scored = skill_by_dissimilarity(held_out, far, refiner.domain.threshold)
    write_table(scored, task, BY_DISSIMILARITY)
    note = "dissimilarity of the held-out towers, outliers removed"
    found = {key("applicability", "threshold"): number(refiner.domain.threshold, note=note)}
    return found | dict(_skill_numbers(scored))


def skill_by_dissimilarity(
    held_out: xr.Dataset, far: xr.DataArray, threshold: float
) -> pd.DataFrame:
    """Score held-out months by their dissimilarity to all other towers.

    Parameters
    ----------
    held_out : xr.Dataset, (source, site, time)
        Of ``cross_validate``.
    far : xr.DataArray, (site, time) [1]
        Dissimilarity of each month to the other towers.
    threshold : float
        Of the area of applicability.

    Returns
    -------
    pd.DataFrame
        As of ``skill_by``: five classes of dissimilarity with as many months each, and all months
        inside and outside the area of applicability; the mean dissimilarity as DI.
    """
    return pd.concat(_by_dissimilarity(held_out[[name]], far, threshold)
                     for name in fluxes_of(held_out)).rename(columns={"far": "DI"})  # fmt: skip


def _by_dissimilarity(held_out: xr.Dataset, far: xr.DataArray, threshold: float) -> pd.DataFrame:
    """Score one flux: the months that it has decide where the classes end."""
    (flux,) = held_out.data_vars.values()
    near = far.transpose("site", "time").values
    known = flux.notnull().all("source").transpose("site", "time").values
    steps = np.quantile(near[known], np.linspace(0.0, 1.0, CLASSES + 1)[1:-1])
    classes = np.searchsorted(steps, near)
    groups = {f"fifth {i + 1}": classes == i for i in range(CLASSES)}
    groups |= {"inside": near <= threshold, "outside": near > threshold}
    return skill_by(held_out, far, groups)


def remoteness(task: Task) -> Mapping[str, Number]:
    """Score the held-out towers by their distance to the nearest tower that was learned from."""
    held_out = load(task.input(VALIDATION)).sel(split=task.settings["split"])
    by_distance = skill_by_distance(held_out)
    write_table(by_distance.rename(columns={"far": "km"}), task, BY_DISTANCE)
    unlike = pd.read_csv(task.input(BY_DISSIMILARITY))
    task.output(GAP).mkdir()
    notice = TWIN_NOTICE if task.settings["twin"] else ""
    figure = skill_gap(by_distance, unlike, split=task.settings["split"])
    save_figure(figure, task.output(f"{GAP}/skill_gap.png"), notice=notice)
    return {
        key("validation", "distance", row["flux"], row["group"], metric): number(
            row[metric],
            flux_attrs(row["flux"])["units"] if metric == "rmse" else "1",
            n=row["months"],
            note=f"held-out months of {towers_told(row['towers'])} "
            "so far from any that was learned from",
        )
        for row in by_distance.to_dict("records")
        for metric in ("r2", "rmse")
    }


def _skill_numbers(scored: pd.DataFrame) -> Iterator[tuple[str, Number]]:
    for row in scored.to_dict("records"):
        units = flux_attrs(row["flux"])["units"]
        note = f"held-out towers at a mean dissimilarity of {row['DI']:.2g} to the others"
        yield (
            key("applicability", row["flux"], row["group"], "rmse"),
            number(row["rmse"], units, n=row["months"], note=note),
        )


def applicability(task: Task) -> Mapping[str, Number]:
    """Map where the fluxes may be believed, and tell how much of the land that is."""
    fluxes = open_store(task.input(FLUXES))
    notice = TWIN_NOTICE if task.settings["twin"] else ""
    task.output(MAPS).mkdir()
    if "AOA" not in fluxes:
        return {key("applicability", "global"): number(None, note="skipped: one tower")}
    for name, title in (
        ("DI", "dissimilarity to the towers, mean of the months"),
        ("AOA", "share of months in the area of applicability"),
    ):
        field = fluxes[name].mean("time", keep_attrs=True).compute()
        save_figure(flux_map(field, title=title), task.output(f"{MAPS}/{name}.png"), notice=notice)
    inside = fluxes["AOA"].mean("time", keep_attrs=True).compute()
    shares = area_mean(inside, by=BY, regions=task.settings["regions"])
    note = "share of land and months no further from the towers than held-out towers are"
    return {
        key("applicability", region_label(region), "inside"): number(share.item(), note=note)
        for region, share in zip(shares["region"].values, shares, strict=True)
        if share.notnull()
    }
