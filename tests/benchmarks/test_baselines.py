"""Time and memory of the baseline on a year at half a degree, and of a refit."""

import time
import tracemalloc

import numpy as np
import xarray as xr

from uflux_stats.baselines import baseline, fit_reference_respiration
from uflux_stats.schema import variable

MIDDLES = {
    "TA": 12.0, "VPD": 8.0, "SWIN": 180.0, "RNET": 80.0, "CO2": 390.0, "FAPAR": 0.4, "C4": 0.2,
    "PA": 95.0, "IGBP": 10.0,
}  # fmt: skip


def year(land: float = 0.25) -> xr.Dataset:
    """Twelve months of half-degree drivers, a share of them land."""
    shape, dims = (12, 360, 720), ("month", "lat", "lon")
    rng = np.random.default_rng(1)
    mask = xr.DataArray(rng.uniform(size=shape[1:]) < land, dims=dims[1:])
    spread = rng.uniform(0.5, 1.5, shape)
    return xr.Dataset(
        {
            name: xr.DataArray(middle * spread, dims=dims, attrs=variable(name).attrs).where(mask)
            for name, middle in MIDDLES.items()
            if name != "IGBP"
        }
        | {"IGBP": mask.astype(float) * MIDDLES["IGBP"]}
    )


def test_a_year_at_half_a_degree() -> None:
    drivers = year()
    tracemalloc.start()
    start = time.perf_counter()
    baseline(drivers)
    seconds, peak = time.perf_counter() - start, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 5.0
    assert peak < 0.5e9


def test_a_refit_for_every_tower() -> None:
    rng = np.random.default_rng(1)
    dims = ("site", "time")
    towers = xr.Dataset(
        {
            "RECO": (dims, rng.uniform(0.5, 8.0, (206, 288)), variable("RECO").attrs),
            "TA": (dims, rng.uniform(-20.0, 30.0, (206, 288)), variable("TA").attrs),
            "IGBP": ("site", rng.integers(1, 13, 206).astype(float), variable("IGBP").attrs),
        }
    )
    start = time.perf_counter()
    for _ in range(206):
        fit_reference_respiration(towers)
    assert time.perf_counter() - start < 5.0
