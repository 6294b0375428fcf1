from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from uflux_stats.io import greenness

RED = xr.DataArray([0.05, 0.2, np.nan], dims="site", attrs={"units": "1"})
NIR = xr.DataArray([0.45, 0.2, 0.3], dims="site", attrs={"units": "1"})


def test_indices_by_hand() -> None:
    assert greenness.nirv(RED, NIR).values[:2] == pytest.approx([0.36, 0.0])
    assert greenness.ndvi(RED, NIR).values[:2] == pytest.approx([0.8, 0.0])
    assert greenness.evi2(RED, NIR).values[0] == pytest.approx(2.5 * 0.4 / (0.45 + 0.12 + 1.0))


def test_nirv_is_ndvi_times_reflectance() -> None:
    xr.testing.assert_allclose(greenness.nirv(RED, NIR), greenness.ndvi(RED, NIR) * NIR)


@pytest.mark.parametrize("index", [greenness.nirv, greenness.ndvi, greenness.evi2])
def test_missing_stays_missing_and_units_are_set(index: Callable[..., xr.DataArray]) -> None:
    result = index(RED, NIR)
    assert np.isnan(result.values[2])
    assert result.attrs["units"] == "1"


def test_other_coordinates_are_refused() -> None:
    with pytest.raises(ValueError, match=r"exact"):
        greenness.nirv(RED.assign_coords(site=[1, 2, 3]), NIR.assign_coords(site=[1, 2, 4]))


def test_fapar_stays_within_bounds() -> None:
    index = xr.DataArray([-1.0, 0.1, 0.5, 1.0, np.nan], dims="site")
    for route in (greenness.fapar_from_evi2, greenness.fapar_from_ndvi):
        fapar = route(index).values
        assert np.nanmin(fapar) >= 0.0
        assert np.nanmax(fapar) <= 1.0
        assert np.isnan(fapar[-1])


def test_ndvi_and_fapar_invert_each_other() -> None:
    index = xr.DataArray(np.linspace(0.2, 0.95, 6), dims="site")
    back = greenness.ndvi_from_fapar(greenness.fapar_from_ndvi(index))
    assert back.values == pytest.approx(index.values)
