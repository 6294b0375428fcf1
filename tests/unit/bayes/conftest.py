"""Towers simulated from known respiration, and one small fit to them that many tests share."""

import numpy as np
import pytest
import xarray as xr

from uflux_stats.bayes.fitted import RespirationFit, fit_respiration
from uflux_stats.schema import variable

CLASSES = (1, 4, 10)
Q10 = 2.0
RATE = {1: 2.0, 4: 3.0, 10: 1.0}
VPD_EFFECT = -0.2


def make_towers(
    sites: int = 12, months: int = 24, *, site_spread: float = 0.3, seed: int = 3
) -> xr.Dataset:
    """Simulate RECO by the Q10 form with site effects, an effect of VPD and 10 % noise."""
    rng = np.random.default_rng(seed)
    igbp = np.array([CLASSES[number % len(CLASSES)] for number in range(sites)])
    season = np.sin(2 * np.pi * np.arange(months) / 12)[None, :]
    warm = 8.0 + rng.normal(0, 3, (sites, 1)) + 10.0 * season + rng.normal(0, 1, (sites, months))
    vpd = np.abs(6.0 + 4.0 * season + rng.normal(0, 2, (sites, months)))
    rate = np.array([RATE[code] for code in igbp]) * np.exp(rng.normal(0, site_spread, sites))
    dryness = VPD_EFFECT * (vpd - vpd.mean()) / vpd.std()
    slope = np.log(Q10) + 0.5 * site_spread * rng.standard_normal((sites, 1))
    reco = rate[:, None] * np.exp(slope * (warm - 10.0) / 10.0 + dryness)
    noise = 0.1 * np.exp(0.5 * rng.standard_normal((sites, 1)))
    reco *= 1.0 + noise * rng.standard_normal(reco.shape)
    fields = {"TA": warm, "VPD": vpd, "RECO": reco, "TS": warm}
    towers = xr.Dataset(
        {name: (("site", "time"), values, variable(name).attrs) for name, values in fields.items()},
        coords={
            "site": [f"S{number:02d}" for number in range(sites)],
            "time": xr.date_range("2003-01", periods=months, freq="MS"),
        },
    )
    towers["IGBP"] = ("site", igbp, variable("IGBP").attrs)
    towers["true_log_rate"] = ("site", np.log(rate))
    towers["true_slope"] = ("site", slope[:, 0])
    lat, lon = np.linspace(40.0, 60.0, sites), np.linspace(0.0, 30.0, sites)
    return towers.assign_coords(lat=("site", lat), lon=("site", lon))


@pytest.fixture(scope="session")
def towers() -> xr.Dataset:
    return make_towers()


@pytest.fixture(scope="session")
def fit(towers: xr.Dataset) -> RespirationFit:
    return fit_respiration(
        towers, effects=("VPD",), chains=2, draws=400, tune=400, on_failure="flag", seed=1
    )


@pytest.fixture(scope="session")
def drivers() -> xr.Dataset:
    """A year on a small grid: a class that the towers have, one that they lack, and sea."""
    months, shape = 12, (12, 3, 4)
    rng = np.random.default_rng(5)
    warm = 12.0 + 8.0 * np.sin(2 * np.pi * np.arange(months) / 12)[:, None, None]
    fields = {"TA": warm + rng.normal(0, 2, shape), "VPD": rng.uniform(0, 12, shape)}
    fields["TA"][:, 0, 0] = np.nan
    grid = xr.Dataset(
        {
            name: (("time", "lat", "lon"), values, variable(name).attrs)
            for name, values in fields.items()
        },
        coords={
            "time": xr.date_range("2003-01", periods=months, freq="MS"),
            "lat": [10.25, 10.75, 11.25],
            "lon": [20.25, 20.75, 21.25, 21.75],
        },
    )
    igbp = np.full(shape[1:], 1.0)
    igbp[:, 2:] = 2.0
    igbp[0, 0] = np.nan
    grid["IGBP"] = (("lat", "lon"), igbp, variable("IGBP").attrs)
    land = np.ones(shape[1:])
    land[0, 0] = 0.0
    grid["LANDFRAC"] = (("lat", "lon"), land, variable("LANDFRAC").attrs)
    return grid
