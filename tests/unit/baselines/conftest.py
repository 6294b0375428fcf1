"""A small set of drivers, on towers or on a grid."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from uflux_stats.schema import variable

VALUES = {
    "TA": 20.0, "TS": 18.0, "VPD": 10.0, "SWIN": 200.0, "RNET": 100.0, "PA": 101.325,
    "CO2": 400.0, "FAPAR": 0.5, "NDVI": 0.6, "C4": 0.0, "IGBP": 1.0, "DEM": 0.0,
}  # fmt: skip


def labelled(name: str, values: np.ndarray | float, dims: tuple[str, ...]) -> xr.DataArray:
    return xr.DataArray(values, dims=dims, attrs=variable(name).attrs)


@pytest.fixture
def one() -> Callable[..., xr.Dataset]:
    """Drivers of one site and month; keyword arguments replace values, None removes."""

    def make(**changed: float | None) -> xr.Dataset:
        values = {name: value for name, value in {**VALUES, **changed}.items() if value is not None}
        dims = ("site", "time")
        return xr.Dataset({name: labelled(name, [[value]], dims) for name, value in values.items()})

    return make


@pytest.fixture
def cube() -> xr.Dataset:
    """Two years on a small grid, with static maps, a coastline of NaN and cold months."""
    rng = np.random.default_rng(7)
    shape, dims = (24, 4, 5), ("time", "lat", "lon")
    season = np.sin(np.arange(24) / 12 * 2 * np.pi)[:, None, None]
    fields = {
        "TA": 5.0 + 20.0 * season + rng.normal(0.0, 8.0, shape),
        "VPD": rng.uniform(0.0, 30.0, shape),
        "SWIN": rng.uniform(0.0, 350.0, shape),
        "RNET": rng.uniform(-60.0, 200.0, shape),
        "FAPAR": rng.uniform(0.0, 1.0, shape),
    }
    data = xr.Dataset({name: labelled(name, values, dims) for name, values in fields.items()})
    data["TA"] = data["TA"].where(data["TA"].isel(time=0) > data["TA"].isel(time=0).min())
    data["CO2"] = labelled("CO2", np.linspace(370.0, 400.0, 24), ("time",))
    for name, values in (
        ("C4", rng.uniform(0.0, 1.0, shape[1:])),
        ("DEM", rng.uniform(0.0, 4000.0, shape[1:])),
        ("IGBP", rng.integers(0, 17, shape[1:]).astype(float)),
    ):
        data[name] = labelled(name, values, dims[1:])
    return data.assign_coords(
        time=xr.date_range("2003-01", periods=24, freq="MS"),
        lat=np.arange(4) + 0.5,
        lon=np.arange(5) + 0.5,
    )
