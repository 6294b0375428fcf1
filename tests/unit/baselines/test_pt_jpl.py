"""PT-JPL: limits by hand, where energy goes, and what a place is like over its record."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from uflux_stats.baselines import BaselineOptions, baseline
from uflux_stats.baselines import pt_jpl as model
from uflux_stats.baselines.latent_heat import psychrometric_constant, saturation_slope
from uflux_stats.errors import ConfigError

GAMMA = float(psychrometric_constant(101.325))
JPL = BaselineOptions(latent_heat="pt_jpl")
Make = Callable[..., xr.Dataset]


def potential(temperature: float) -> float:
    slope = saturation_slope(temperature)
    return float(1.26 * slope / (slope + GAMMA))


def moist(**changed: float) -> model.Moist:
    return model.Moist(**{"humidity": 0.5, "vpd": 1.0, "green": 0.4, "intercepted": 0.5, **changed})


def test_by_hand() -> None:
    # leaf area 2 ln 2; net radiation below 100 exp(-0.6 x 1.386); wet share 1/16; soil 0.5
    below = 100.0 * np.exp(-0.6 * 2.0 * np.log(2.0))
    canopy = 100.0 - below
    transpired = 15 / 16 * (0.4 / 0.5) * (0.4 / 0.8) * np.exp(-0.25)
    soil = 1 / 16 + 15 / 16 * 0.5
    wanted = potential(10.0) * (canopy * (transpired + 1 / 16) + below * soil)
    found = model.latent_heat_jpl(100.0, 10.0, moist(), (20.0, 0.8), GAMMA)
    assert float(found) == pytest.approx(wanted)


def test_dry_air_over_bare_ground_evaporates_nothing() -> None:
    bare = moist(humidity=0.0, vpd=3.0, green=0.0, intercepted=0.0)
    assert model.latent_heat_jpl(100.0, 30.0, bare, (20.0, 0.5), GAMMA) == 0.0


def test_never_more_than_the_equilibrium_and_never_negative() -> None:
    rng = np.random.default_rng(0)
    size = 500
    air = model.Moist(
        humidity=rng.random(size), vpd=rng.uniform(0.0, 5.0, size),
        green=rng.random(size), intercepted=rng.uniform(0.0, 0.95, size),
    )  # fmt: skip
    warmth, radiation = rng.uniform(-10.0, 40.0, size), rng.uniform(-50.0, 250.0, size)
    place = (rng.uniform(-5.0, 35.0, size), rng.random(size))
    found = model.latent_heat_jpl(radiation, warmth, air, place, GAMMA)
    slope = saturation_slope(warmth)
    most = 1.26 * slope / (slope + GAMMA) * np.maximum(radiation, 0.0)
    assert (found >= 0.0).all()
    assert (found <= most * (1.0 + 1e-9)).all()
    assert (found[radiation <= 0.0] == 0.0).all()


def test_phenology_finds_the_best_month(cube: xr.Dataset) -> None:
    drivers = cube[["TA", "VPD", "SWIN", "FAPAR"]]
    found = model.phenology(drivers)
    good = drivers.SWIN * drivers.FAPAR * drivers.TA / drivers.VPD.clip(min=0.1)
    cell = {"lat": 1, "lon": 2}
    month = int(good.isel(cell).argmax("time"))
    assert found.optimum.isel(cell).item() == drivers.TA.isel(cell).values[month]
    assert found.greenest.isel(cell).item() == drivers.FAPAR.isel(cell).max().item()
    lazy = model.phenology(drivers.chunk({"time": 5, "lat": 2}))
    xr.testing.assert_allclose(lazy.optimum.compute(), found.optimum)


def test_baseline_takes_it_as_an_option(one: Make) -> None:
    modelled = baseline(one(), options=JPL)
    moisture = moist(humidity=float(model.relative_humidity(20.0, 1.0)), green=0.5,
                     intercepted=0.55)  # fmt: skip
    wanted = model.latent_heat_jpl(100.0, 20.0, moisture, (20.0, 0.5), GAMMA)
    assert modelled.LE.item() == pytest.approx(float(wanted))
    assert modelled.LE.attrs["units"] == "W m-2"
    assert modelled.GPP.item() == baseline(one()).GPP.item()


def test_grids_dask_and_climatologies(cube: xr.Dataset) -> None:
    eager = baseline(cube, options=JPL)
    assert eager.LE.dims == cube.TA.dims
    xr.testing.assert_allclose(baseline(cube.chunk({"lat": 2}), options=JPL).compute(), eager)
    year = cube.isel(time=slice(12)).rename(time="month")
    np.testing.assert_allclose(
        baseline(year, options=JPL).LE.values,
        baseline(cube.isel(time=slice(12)), options=JPL).LE.values,
    )


def test_unknown_model() -> None:
    with pytest.raises(ConfigError, match="latent_heat"):
        BaselineOptions(latent_heat="penman")
