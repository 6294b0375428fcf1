"""Stages that attribute fluxes to their drivers, and what of it is true on the twin Earth."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import xarray as xr

from uflux_stats.attribution.network import fit_network
from uflux_stats.attribution.query import FILE
from uflux_stats.attribution.store import attribution_dataset, attribution_numbers
from uflux_stats.attribution.sums import EffectSum, sum_effects
from uflux_stats.errors import SampleError
from uflux_stats.io.drivers import read_drivers
from uflux_stats.io.store import write_netcdf
from uflux_stats.io.zarr_store import open_store
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.data import TOWERS, TWIN, load
from uflux_stats.pipeline.stages.gridding import FLUXES
from uflux_stats.reporting.numbers import Number, key, number
from uflux_stats.units import PG_PER_G

ATTRIBUTION: Final = FILE
TARGETS: Final = ("GPP", "RECO")
_REPLICATES: Final = 20
_CELLS: Final = 250
"""So many cells, evenly chosen, stand for all land: resampling them all takes a minute."""
_DAYS: Final = 365.25
_ACTS_AS: Final = {"TA": ("TA", "TS")}
"""Soil temperature follows air temperature on the twin Earth and itself does nothing."""
_TREND_OF: Final = {"warming": ("TA", "TS", "VPD"), "carbon_dioxide": ("CO2",)}
"""By which drivers each deliberate trend acts; greening acts by none that is in the graph."""
_STEP_NOTE: Final = (
    "change if the driver alone were one step higher everywhere: from monthly anomalies, so what "
    "acts in later months (soil water, substrate of respiration) is in the truth alone"
)
_TREND_NOTE: Final = (
    "part of the trend from monthly anomalies; CO2 is nearly collinear with time and takes what "
    "greening does, which the graph does not know"
)


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


def known_effects(task: Task) -> Mapping[str, Number]:
    """Attribute the cubes of a run on the twin Earth, and its true fluxes, beside the truth."""
    truth = json.loads(task.input(f"{TWIN}/TWIN.json").read_text(encoding="utf-8"))["truth"]
    drivers = read_drivers(task.input(f"{TWIN}/drivers.nc")).load()
    fluxes = open_store(task.input(FLUXES))
    exact = load(task.input(f"{TWIN}/truth.nc"))
    numbers: dict[str, Number] = {}
    try:
        for ending, cubes in (((), mean_fluxes(fluxes)), (("on_true_fluxes",), exact)):
            data = on_grid(drivers, cubes, fluxes)
            found = effects_of_globe(data, truth["direct_effects"], seed=task.settings["seed"])
            numbers |= {key(TWIN, "attribution", name, *ending): one for name, one in found.items()}
    except SampleError as error:
        return {key(TWIN, "attribution"): number(None, note=f"skipped: {error}")}
    true = {
        name: one for name, one in true_effects(truth) if key(TWIN, "attribution", name) in numbers
    }
    return numbers | {key(TWIN, "attribution", name, "truth"): one for name, one in true.items()}


def mean_fluxes(fluxes: xr.Dataset) -> xr.Dataset:
    """Mean of the members of GPP and RECO of a run's cubes, in memory."""
    return xr.Dataset({
        name: fluxes[name].mean("member", keep_attrs=True).compute() for name in TARGETS
    })  # fmt: skip


def on_grid(drivers: xr.Dataset, cubes: xr.Dataset, places: xr.Dataset) -> xr.Dataset:
    """Put drivers and fluxes together, with the areas and classes of a run's cubes.

    Parameters
    ----------
    drivers, cubes : xr.Dataset, (time, lat, lon)
        On exactly the same grid and months.
    places : xr.Dataset
        With coordinates ``land_area``, and ``continent``, ``IGBP`` where known.

    Returns
    -------
    xr.Dataset, (time, lat, lon)
        What ``fit_network`` takes.
    """
    classes = {name: values.compute() for name, values in places.coords.items()
               if values.dims == ("lat", "lon")}  # fmt: skip
    weather = drivers.drop_vars([name for name in classes if name in drivers])
    chosen = cubes[list(TARGETS)].reset_coords(drop=True)
    weather, chosen = xr.align(weather, chosen, join="exact")
    return weather.assign(chosen.data_vars).assign_coords(classes)


def effects_of_globe(
    data: xr.Dataset, steps: Mapping[str, Mapping[str, Any]], *, seed: int = 0
) -> dict[str, Number]:
    """Find what steps of single drivers, and each deliberate trend, do to the globe.

    Parameters
    ----------
    data : xr.Dataset, (time, lat, lon)
        Drivers and fluxes with ``land_area``, of ``on_grid``.
    steps : mapping
        ``step`` by driver, in its unit.
    seed : int
        Of the resamples.

    Returns
    -------
    dict of str to Number
        ``{target}_{driver}`` [PgC yr-1] and ``{target}_trend_{cause}`` [PgC yr-2].

    Raises
    ------
    SampleError
        If the record is too short for anomalies.
    """
    land = data[list(TARGETS)].to_dataarray().notnull().any(("variable", "time"))
    area = float(data["land_area"].where(land).sum())
    network = fit_network(_thinned(data, land)).select()
    per_step = {
        driver: EffectSum(
            "direct_sensitivity", dict.fromkeys(_ACTS_AS.get(driver, (driver,)), effect["step"])
        )
        for driver, effect in steps.items()
        if driver in network.graph.drivers
    }
    of_trend = {f"trend_{cause}": EffectSum("trend", dict.fromkeys(drivers, 1.0))
                for cause, drivers in _TREND_OF.items()}  # fmt: skip
    found = sum_effects(network, per_step | of_trend, replicates=_REPLICATES, seed=seed)
    return dict(_of_globe(found * area * _DAYS * PG_PER_G, network.sample.n))


def _thinned(data: xr.Dataset, land: xr.DataArray) -> xr.Dataset:
    """Keep the fluxes of an even choice of land cells."""
    cells = np.flatnonzero(land.transpose("lat", "lon").values)
    kept = np.zeros(land.size, bool)
    kept[cells[np.linspace(0, cells.size - 1, min(cells.size, _CELLS)).astype(int)]] = True
    chosen = xr.DataArray(kept.reshape(data.sizes["lat"], -1), dims=("lat", "lon"))
    return data.assign({name: data[name].where(chosen) for name in TARGETS})


def _of_globe(found: xr.DataArray, n: int) -> Iterator[tuple[str, Number]]:
    for target in TARGETS:
        for name in found["sum"].values.tolist():
            value, low, high = found.sel(target=target, sum=name).values.tolist()
            trend = name.startswith("trend_")
            units, note = ("PgC yr-2", _TREND_NOTE) if trend else ("PgC yr-1", _STEP_NOTE)
            yield f"{target}_{name}", number(value, units, interval=(low, high), n=n, note=note)


def true_effects(truth: Mapping[str, Any]) -> Iterator[tuple[str, Number]]:
    """Yield the same of the twin's own account; a trend loses what it is without its cause.

    Yields
    ------
    str, Number
        As ``effects_of_globe``.
    """
    for target in TARGETS:
        for driver, effect in truth["direct_effects"].items():
            note = f"step of {effect['step']:g} {effect['step_units']}"
            yield f"{target}_{driver}", number(effect[target], effect["units"], note=note)
        for cause, without in truth["trends_without"].items():
            lost = truth["trends"][target]["value"] - without[target]["value"]
            note = "trend less that of the same weather without it"
            yield f"{target}_trend_{cause}", number(lost, "PgC yr-2", note=note)
