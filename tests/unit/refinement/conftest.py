"""Twelve made-up towers whose fluxes the baseline misses in a way that drivers tell."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from uflux_stats.refinement import RefineOptions, Refiner, refine
from uflux_stats.schema import variable

SITES, MONTHS = 12, 36
LATITUDES = [-30.0] * 4 + [10.0] * 4 + [50.0] * 4
"""In the order of the rows of a grid of 3 by 4, so that towers can be laid out as one."""
LONGITUDES = [-60.0, -20.0, 20.0, 60.0] * 3


def labelled(name: str, values: object, dims: tuple[str, ...] = ("site", "time")) -> xr.DataArray:
    return xr.DataArray(values, dims=dims, attrs=variable(name).attrs)


def make_towers() -> xr.Dataset:
    """Drivers and fluxes (site, time); CO2 (time,); classes, C4 and elevation (site,)."""
    rng = np.random.default_rng(11)
    shape = (SITES, MONTHS)
    lat = np.array(LATITUDES)[:, None]
    season = np.where(lat < 0.0, -1.0, 1.0) * -np.cos(np.arange(MONTHS) / 12.0 * 2.0 * np.pi)
    drivers = {
        "TA": 28.0 - 0.4 * np.abs(lat) + 9.0 * season + rng.normal(0.0, 1.5, shape),
        "TS": 25.0 - 0.3 * np.abs(lat) + 5.0 * season + rng.normal(0.0, 1.0, shape),
        "VPD": 8.0 + 4.0 * season + rng.uniform(0.0, 4.0, shape),
        "SWIN": 180.0 + 90.0 * season + rng.uniform(-20.0, 20.0, shape),
        "LWIN": 320.0 + 30.0 * season + rng.uniform(-10.0, 10.0, shape),
        "RNET": 90.0 + 60.0 * season + rng.uniform(-10.0, 10.0, shape),
        "P": rng.gamma(2.0, 1.0, shape),
        "FAPAR": np.clip(0.5 + 0.25 * season + rng.normal(0.0, 0.08, shape), 0.02, 0.98),
    }
    light = drivers["FAPAR"] * drivers["SWIN"]
    fluxes = {
        "GPP": 0.04 * light + 0.05 * drivers["P"] + rng.normal(0.0, 0.3, shape),
        "RECO": 1.5 * 1.6 ** ((drivers["TA"] - 10.0) / 10.0) + rng.normal(0.0, 0.3, shape),
        "LE": 0.6 * drivers["RNET"] + rng.normal(0.0, 4.0, shape),
    }
    fluxes["NEE"] = fluxes["RECO"] - fluxes["GPP"] + rng.normal(0.0, 0.1, shape)
    for values in fluxes.values():
        values[rng.random(shape) < 0.1] = np.nan
    data = {name: labelled(name, values) for name, values in {**drivers, **fluxes}.items()}
    statics = {
        "IGBP": [1.0, 1.0, 10.0, 10.0, 2.0, 2.0, 9.0, 9.0, 1.0, 4.0, 12.0, 10.0],
        "KOPPEN": [3.0] * 4 + [1.0, 1.0, 2.0, 2.0] + [4.0, 4.0, 3.0, 3.0],
        "C4": [0.0, 0.0, 0.3, np.nan, 0.0, 0.0, 0.8, 0.7, 0.0, 0.0, 0.5, 0.0],
        "DEM": np.linspace(0.0, 1500.0, SITES),
    }
    data |= {name: labelled(name, values, ("site",)) for name, values in statics.items()}
    data["CO2"] = labelled("CO2", np.linspace(375.0, 382.0, MONTHS), ("time",))
    return xr.Dataset(data).assign_coords(
        site=[f"XX-{number:02d}" for number in range(SITES)],
        time=xr.date_range("2003-01", periods=MONTHS, freq="MS"),
        lat=("site", LATITUDES),
        lon=("site", LONGITUDES),
    )


@pytest.fixture
def towers() -> xr.Dataset:
    """Towers that a test may change."""
    return make_towers()


@pytest.fixture(scope="session")
def quick() -> RefineOptions:
    """Few and small trees."""
    return RefineOptions(members=3, trees=8, depth=3, learning_rate=0.3, min_weight=2.0)


@pytest.fixture(scope="session")
def refiner(quick: RefineOptions) -> Refiner:
    """Fitted to the towers as they are made."""
    return refine(make_towers(), options=quick)


@pytest.fixture
def as_grid() -> Callable[[xr.Dataset], xr.Dataset]:
    """Lay towers out as the cells of a grid: same drivers, same hemisphere."""

    def arrange(towers: xr.Dataset) -> xr.Dataset:
        cells = towers.drop_vars(["site", "lat", "lon"]).coarsen(site=4)
        grid = cells.construct(site=("lat", "lon")).transpose("time", "lat", "lon")
        grid = grid.assign_coords(lat=[-30.0, 10.0, 50.0], lon=[-60.0, -20.0, 20.0, 60.0])
        return grid.assign(LANDFRAC=labelled("LANDFRAC", np.ones((3, 4)), ("lat", "lon")))

    return arrange
