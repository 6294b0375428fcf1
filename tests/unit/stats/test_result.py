"""Results: a dataset with a table, a notebook view and a plot; the accessor is the functions."""

import pickle

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt

from uflux_stats.errors import DimensionError
from uflux_stats.stats.iav import iav
from uflux_stats.stats.totals import total
from uflux_stats.stats.trend import trend


@pytest.fixture
def cube() -> xr.DataArray:
    random = np.random.default_rng(0)
    axes = {"year": np.arange(2003, 2013), "lat": [-10.0, 0.0, 10.0], "lon": [0.0, 10.0]}
    values = random.normal(size=(10, 3, 2))
    values[:, 0, 0] = np.nan
    return xr.DataArray(values, axes, tuple(axes), attrs={"units": "gC m-2"}, name="cVeg")


@pytest.fixture(autouse=True)
def _no_windows():
    before = mpl.get_backend()
    mpl.use("Agg")
    yield
    plt.close("all")
    mpl.use(before)


def test_a_result_is_read_like_a_dataset(cube: xr.DataArray) -> None:
    found = trend(cube)
    assert "slope" in found
    assert found.sizes == {"lat": 3, "lon": 2}
    assert found.slope.attrs["units"] == "gC m-2 yr-1"
    xr.testing.assert_identical(found.sel(lat=0.0)["slope"], found["slope"].sel(lat=0.0))
    with pytest.raises(AttributeError):
        _ = found.nothing_of_this_name
    xr.testing.assert_identical(pickle.loads(pickle.dumps(found)).data, found.data)


def test_the_table_leaves_out_the_sea_and_keeps_units(cube: xr.DataArray) -> None:
    frame = trend(cube).to_frame()
    assert len(frame) == 5
    assert {"lat", "lon", "slope", "low", "high", "p", "n"} <= set(frame.columns)
    assert frame.attrs["units"]["slope"] == "gC m-2 yr-1"
    assert len(trend(cube.mean(("lat", "lon"))).to_frame()) == 1


def test_the_notebook_view_is_short_and_says_what_is_missing(cube: xr.DataArray) -> None:
    html = trend(cube)._repr_html_()
    assert "5 of 6 series computed; missing: 1 no data" in html
    assert "slope [gC m-2 yr-1]" in html
    assert "AR(1) errors mixed over the lag-1 correlations" in html
    assert len(html) < 6000


@pytest.mark.parametrize("select", [{}, {"lon": 0}, {"lat": 1, "lon": 1}])
def test_it_plots_itself(cube: xr.DataArray, select: dict[str, int]) -> None:
    axes = trend(cube.isel(select)).plot()
    assert axes.get_title() == "Trend of cVeg"
    axes = iav(cube.isel(select)).plot("sd", ax=plt.figure().subplots())
    assert axes.figure is not None


def test_too_many_dimensions_are_named(cube: xr.DataArray) -> None:
    members = cube.expand_dims(member=3)
    with pytest.raises(DimensionError, match="expected \\(lat, lon\\)"):
        trend(members).plot()


def test_the_accessor_is_the_functions(cube: xr.DataArray) -> None:
    import uflux_stats  # noqa: F401

    xr.testing.assert_identical(cube.uflux.trend().data, trend(cube).data)
    xr.testing.assert_identical(cube.uflux.iav().data, iav(cube).data)
    area = xr.ones_like(cube[0]).drop_vars("year").assign_attrs(units="m2")
    stock = cube.assign_coords(land_area=area)
    xr.testing.assert_identical(stock.uflux.total(), total(stock))
    assert cube.uflux.change_point().sizes == {"lat": 3, "lon": 2}
    assert cube.uflux.extremes(threshold=1.0).extreme.dtype == np.int8
    assert (cube.uflux.anomaly_correlation(2 * cube).dropna("lat") > 0.999).all()
    assert cube.uflux.trend().p.uflux.field_significance().dtype == bool
