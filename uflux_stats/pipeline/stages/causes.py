"""Stage that attributes fluxes at towers to their drivers."""

from collections.abc import Mapping
from typing import Final

import xarray as xr

from uflux_stats.attribution.query import FILE
from uflux_stats.attribution.store import attribution_dataset, attribution_numbers
from uflux_stats.errors import SampleError
from uflux_stats.io.store import write_netcdf
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.data import TOWERS, load
from uflux_stats.reporting.numbers import Number, key, number

ATTRIBUTION: Final = FILE


def attribution(task: Task) -> Mapping[str, Number]:
    """Fit networks by continent and land cover type and say what drives GPP, RECO and NEP."""
    try:
        found = attribution_dataset(
            load(task.input(TOWERS)),
            regions=task.settings["regions"],
            replicates=task.settings["replicates"],
            seed=task.settings["seed"],
        )
    except SampleError as error:
        note = f"skipped: {error}"
        write_netcdf(xr.Dataset(attrs={"note": note}), task.output(ATTRIBUTION))
        return {"attribution": number(None, note=note)}
    write_netcdf(found, task.output(ATTRIBUTION), title=found.attrs["title"], precision="float64")
    return {key(*parts): number(**entry) for parts, entry in attribution_numbers(found)}
