"""Key truths of the twin Earth: totals, trends and what each driver does."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import xarray as xr

from uflux_stats.io.twin.options import TwinOptions
from uflux_stats.io.twin.truth import Properties, true_fluxes
from uflux_stats.io.twin.weather import make_weather
from uflux_stats.schema import IGBP_CLASSES
from uflux_stats.units import PG_PER_G

STEPS: Final = {
    "TA": (1.0, "K"), "VPD": (1.0, "hPa"), "SWIN": (10.0, "W m-2"), "CO2": (10.0, "ppm"),
    "FAPAR": (0.01, "1"), "P": (0.1, "mm d-1"),
}  # fmt: skip
"""By how much each driver alone is changed to find its direct effect."""
SHIFTS: Final = {"TA": (2.0, "K"), "P": (0.2, "mm d-1")}
"""By how much a cause is raised with all the weather that follows from it."""
CARBON: Final = ("GPP", "RECO", "NEE", "NPP", "Ra", "Rh")


def yearly_totals(planet: xr.Dataset, fluxes: xr.Dataset) -> xr.Dataset:
    """Sum carbon fluxes over all land and the days of each year (year,) [PgC yr-1]."""
    weight = fluxes["time"].dt.days_in_month * planet["land_area"] * PG_PER_G
    names = [name for name in CARBON if name in fluxes]
    year = np.unique(fluxes["time"].dt.year.values)
    monthly = {name: (fluxes[name] * weight).sum("cell").values for name in names}
    return xr.Dataset(
        {
            name: ("year", values.reshape(-1, 12).sum(axis=1), {"units": "PgC yr-1"})
            for name, values in monthly.items()
        },
        coords={"year": year},
    )


def slope(values: xr.DataArray) -> float:
    """Least-squares slope of yearly values per year."""
    return float(np.polyfit(values["year"].values, values.values, 1)[0])


def key_truths(
    planet: xr.Dataset, fluxes: xr.Dataset, properties: Properties, options: TwinOptions
) -> dict[str, Any]:
    """Gather totals, trends, effects of drivers and parameters, each with its unit.

    Returns
    -------
    dict
        ``totals`` and ``trends`` of the globe; ``trends_without`` each deliberate trend, from the
        same weather without it; ``direct_effects`` of a step in one driver with all others kept;
        ``driver_trends``, what the trend of one driver alone adds to the trend of the globe;
        ``total_effects`` of a shift in one cause with the weather that follows, by continent;
        ``respiration`` by vegetation class.
    """
    totals = yearly_totals(planet, fluxes)
    weather = make_weather(planet, options)
    return {
        "totals": {
            name: {"value": float(totals[name].mean()), "units": "PgC yr-1"} for name in CARBON
        },
        "trends": _slopes(totals),
        "trends_without": _trends_without(planet, properties, options),
        "direct_effects": _direct_effects(planet, weather, properties, totals),
        "driver_trends": _driver_trends(planet, weather, properties, totals),
        "total_effects": _total_effects(planet, fluxes, properties, options),
        "air_temperature_trend": {"value": _warming(planet, weather), "units": "K yr-1"},
        "respiration": _respiration(planet, properties),
    }


def _slopes(totals: xr.Dataset) -> dict[str, dict[str, Any]]:
    return {name: {"value": slope(totals[name]), "units": "PgC yr-2"} for name in CARBON}


def _warming(planet: xr.Dataset, weather: xr.Dataset) -> float:
    mean = weather["TA"].weighted(planet["land_area"]).mean("cell").groupby("time.year").mean()
    return slope(mean)


def _trends_without(
    planet: xr.Dataset, properties: Properties, options: TwinOptions
) -> dict[str, dict[str, dict[str, Any]]]:
    """Trends of totals if one deliberate trend were not there: its whole effect, all paths."""
    changes: dict[str, dict[str, Any]] = {
        "warming": {"warming": 0.0},
        "greening": {"greening": 0.0},
        "carbon_dioxide": {"carbon_dioxide": (0.0, 0.0)},
    }
    found = {}
    for name, change in changes.items():
        other = replace(options, trends=replace(options.trends, **change))
        fluxes = true_fluxes(make_weather(planet, other), properties)
        found[name] = _slopes(yearly_totals(planet, fluxes))
    return found


def _direct_effects(
    planet: xr.Dataset, weather: xr.Dataset, properties: Properties, totals: xr.Dataset
) -> dict[str, dict[str, Any]]:
    effects: dict[str, dict[str, Any]] = {}
    for driver, (step, units) in STEPS.items():
        changed = weather.assign({driver: weather[driver] + step})
        moved = yearly_totals(planet, true_fluxes(changed, properties))
        effects[driver] = {"step": step, "step_units": units, "units": "PgC yr-1"} | {
            name: float((moved[name] - totals[name]).mean()) for name in CARBON
        }
    return effects


def _driver_trends(
    planet: xr.Dataset, weather: xr.Dataset, properties: Properties, totals: xr.Dataset
) -> dict[str, dict[str, Any]]:
    """Trends of totals less those with one driver's own trend taken out, cell by cell and month.

    From the second year on: what fluxes remember of a year before the first is made up. Nothing of
    less than three years.
    """
    found: dict[str, dict[str, Any]] = {}
    if totals.sizes["year"] < 3:
        return found
    later = totals.isel(year=slice(1, None))
    for driver in STEPS:
        steady = weather.assign({driver: _without_trend(weather[driver])})
        other = yearly_totals(planet, true_fluxes(steady, properties)).isel(year=slice(1, None))
        found[driver] = {"units": "PgC yr-2"} | {
            name: slope(later[name]) - slope(other[name]) for name in CARBON
        }
    return found


def _without_trend(values: xr.DataArray) -> xr.DataArray:
    """Take the least-squares line from the second year on out of each calendar month."""
    years = values.values.reshape(-1, 12, *values.shape[1:])
    passed = np.arange(len(years)) - len(years) / 2
    line = np.einsum("y,y...->...", passed[1:], years[1:]) / (passed[1:] ** 2).sum()
    steady = years - np.multiply.outer(passed, line)
    return values.copy(data=steady.reshape(values.shape))


def _total_effects(
    planet: xr.Dataset, fluxes: xr.Dataset, properties: Properties, options: TwinOptions
) -> dict[str, dict[str, Any]]:
    """Mean change of fluxes by continent where a cause is shifted and its effects follow."""
    area = planet["land_area"].values
    places = {"globe": np.ones(area.size, bool)} | {
        str(name): planet["continent"].values == name
        for name in np.unique(planet["continent"].values)
    }
    found: dict[str, dict[str, Any]] = {}
    for cause, (shift, units) in SHIFTS.items():
        other = true_fluxes(make_weather(planet, options, shifts={cause: shift}), properties)
        found[cause] = {"shift": shift, "shift_units": units, "units": "gC m-2 d-1"}
        for name, here in places.items():
            weight = area * here / area[here].sum()
            found[cause][name] = {
                flux: float(((other[flux] - fluxes[flux]).mean("time").values * weight).sum())
                for flux in CARBON
            }
    return found


def _respiration(planet: xr.Dataset, properties: Properties) -> dict[str, dict[str, Any]]:
    """Q10 and area-weighted mean reference respiration of each class."""
    found = {}
    for code in np.unique(planet["IGBP"].values):
        here = planet["IGBP"].values == code
        area = planet["land_area"].values[here]
        found[IGBP_CLASSES[int(code)]] = {
            "Q10": float(properties.q10[here][0]),
            "Rref": float(np.average(properties.rref[here], weights=area)),
            "Rref_units": "gC m-2 d-1",
        }
    return found
