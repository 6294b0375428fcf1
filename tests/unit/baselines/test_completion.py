from collections.abc import Callable

import pytest
import xarray as xr

from uflux_stats.baselines import complete_drivers
from uflux_stats.errors import MissingVariableError

Make = Callable[..., xr.Dataset]


@pytest.mark.parametrize("lacking", ["PA", "DEM"])
def test_pressure_needs_the_air_temperature(one: Make, lacking: str) -> None:
    drivers = one(**{lacking: None}).rename(TA="T")
    with pytest.raises(MissingVariableError, match=r"drivers: expected variables \['TA'\], got"):
        complete_drivers(drivers)


def test_without_pressure_nothing_needs_the_air_temperature(one: Make) -> None:
    drivers = one(PA=None, DEM=None, TA=None)
    assert set(complete_drivers(drivers)) == set(drivers)
