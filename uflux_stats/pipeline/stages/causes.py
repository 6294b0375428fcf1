"""Stage that attributes the fluxes of the towers to their drivers."""

from collections.abc import Mapping
from typing import Final

from uflux_stats.attribution.query import FILE
from uflux_stats.attribution.store import attribution_dataset, attribution_numbers
from uflux_stats.io.store import write_netcdf
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.data import TOWERS, load
from uflux_stats.reporting.numbers import Number, key, number

ATTRIBUTION: Final = FILE


def attribution(task: Task) -> Mapping[str, Number]:
    """Fit networks by continent and land cover type and say what drives GPP, RECO and NEP."""
    found = attribution_dataset(
        load(task.input(TOWERS)),
        regions=task.settings["regions"],
        replicates=task.settings["replicates"],
        seed=task.settings["seed"],
    )
    write_netcdf(found, task.output(ATTRIBUTION), title=found.attrs["title"], precision="float64")
    return {key(*parts): number(**entry) for parts, entry in attribution_numbers(found)}
