"""Stage of the twin Earth: what attribution says of its cubes, beside what is true there."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import xarray as xr

from uflux_stats.attribution.lasting import lasting_changes
from uflux_stats.attribution.local import LocalNetworks, fit_local
from uflux_stats.attribution.samples import Group
from uflux_stats.errors import SampleError
from uflux_stats.io.drivers import read_drivers
from uflux_stats.io.zarr_store import open_store
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.cube_causes import TARGETS, mean_fluxes, on_grid
from uflux_stats.pipeline.stages.data import TWIN, load
from uflux_stats.pipeline.stages.gridding import FLUXES
from uflux_stats.reporting.numbers import Number, key, number
from uflux_stats.units import PG_PER_G

ON_TRUE: Final = "on_true_fluxes"
HELD: Final = "intervals_with_truth"
_CELLS: Final = 600
"""So many cells, evenly chosen, stand for all land."""
_DAYS: Final = 365.25
_HELD: Final = "if the driver alone were so much higher for good; interval over the years"
_TREND: Final = "what the trend of the driver alone adds; interval over the years"
_FOLLOWED: Final = "mean of the land if the cause were so much higher and its effects followed"
_COUNTED: Final = {
    (ON_TRUE,): "effects in the true fluxes; what is left is curvature and long memory",
    (): "effects in the cubes of the run, whose model knows only what it has learned at towers",
}
Found = dict[str, Number]


def known_effects(task: Task) -> Mapping[str, Number]:
    """Attribute the cubes of a run on the twin Earth, and its true fluxes, beside the truth."""
    truth = json.loads(task.input(f"{TWIN}/TWIN.json").read_text(encoding="utf-8"))["truth"]
    drivers = read_drivers(task.input(f"{TWIN}/drivers.nc")).load()
    fluxes = open_store(task.input(FLUXES))
    exact = load(task.input(f"{TWIN}/truth.nc"))
    numbers: Found = {}
    try:
        for ending, cubes in (((), mean_fluxes(fluxes)), ((ON_TRUE,), exact)):
            networks = fit_local(on_grid(drivers, cubes, fluxes), cells=_CELLS)
            found = recovered(networks, truth)
            numbers |= {key(TWIN, "attribution", *name, *ending): one
                        for name, one in found.items()}  # fmt: skip
    except SampleError as error:
        return {key(TWIN, "attribution"): number(None, note=f"skipped: {error}")}
    true = {key(TWIN, "attribution", *name): one for name, one in true_effects(truth)}
    numbers |= {f"{name}.truth": one for name, one in true.items() if name in numbers}
    return numbers | _count(numbers, true)


def _count(numbers: Found, true: Found) -> Found:
    """Count how many intervals hold the truth, of the twin's own fluxes and of the run's cubes."""
    counted: Found = {}
    for ending, note in _COUNTED.items():
        both = [(numbers[".".join([name, *ending])], one)
                for name, one in true.items() if name in numbers]  # fmt: skip
        held = [_holds(found, exact) for found, exact in both]
        name = key(TWIN, "attribution", HELD, *ending)
        counted[name] = number(sum(held), n=len(held), note=note)
    return counted


def _holds(found: Number, exact: Number) -> bool:
    values = [found.low, exact.value, found.high]
    low, true, high = (float(value) if value is not None else np.nan for value in values)
    return low <= true <= high


def recovered(networks: LocalNetworks, truth: Mapping[str, Any]) -> dict[tuple[str, ...], Number]:
    """Find what the twin knows of itself: steps and trends of single drivers, shifts of causes.

    Parameters
    ----------
    networks : LocalNetworks
    truth : mapping
        Of the twin's manifest; only its steps and shifts are used.

    Returns
    -------
    dict of tuple of str to Number
        ``({target}_{driver},)`` [PgC yr-1], ``({target}_trend_{driver},)`` [PgC yr-2] and
        ``(what_if_{cause}, region, target)`` [gC m-2 d-1].
    """
    found: dict[tuple[str, ...], Number] = {}
    globe = Group()
    for driver, effect in truth["direct_effects"].items():
        step = lasting_changes(networks, {driver: effect["step"]}, hold=True)[globe]
        grown = {driver: networks.trend(driver)}
        trend = lasting_changes(networks, grown, hold=True)[globe]
        for target in TARGETS:
            found[(f"{target}_{driver}",)] = _of_globe(step, target, "PgC yr-1", _HELD)
            found[(f"{target}_trend_{driver}",)] = _of_globe(trend, target, "PgC yr-2", _TREND)
    for cause, effect in truth["total_effects"].items():
        followed = lasting_changes(networks, {cause: effect["shift"]})
        for group, change in followed.items():
            for target in TARGETS:
                found[(f"what_if_{cause}", group.region, target)] = _number(
                    change.sel(target=target), 1.0, "gC m-2 d-1", _FOLLOWED
                )
    return found


def _of_globe(change: xr.Dataset, target: str, units: str, note: str) -> Number:
    factor = change.attrs["area"] * _DAYS * PG_PER_G
    return _number(change.sel(target=target), factor, units, note)


def _number(change: xr.Dataset, factor: float, units: str, note: str) -> Number:
    value, low, high = (change[name].item() * factor for name in ("change", "low", "high"))
    beyond = f"; {change.attrs['outside_share']:.0%} of months beyond the range of their place"
    return number(value, units, interval=(low, high), n=change.attrs["n"], note=note + beyond)


def true_effects(truth: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Number]]:
    """Yield the same of the twin's own account.

    Yields
    ------
    tuple of str, Number
        As ``recovered``.
    """
    for target in TARGETS:
        for driver, effect in truth["direct_effects"].items():
            note = f"step of {effect['step']:g} {effect['step_units']}"
            yield (f"{target}_{driver}",), number(effect[target], effect["units"], note=note)
        for driver, effect in truth["driver_trends"].items():
            note = "trend less that of the same weather without the trend of this driver"
            yield (f"{target}_trend_{driver}",), number(effect[target], effect["units"], note=note)
        for cause, effect in truth["total_effects"].items():
            note = f"shift of {effect['shift']:g} {effect['shift_units']}, and what follows"
            for region, changes in effect.items():
                if isinstance(changes, Mapping):
                    yield (
                        (f"what_if_{cause}", region, target),
                        number(changes[target], effect["units"], note=note),
                    )
