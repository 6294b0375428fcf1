"""Conservation: residuals by hand, relative closure, stocks against NEP with lag, the table."""

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import ConfigError, MissingVariableError, UnitsError
from uflux_stats.stats.conservation import (
    conservation,
    residual,
    stock_change,
    stock_residual,
    yearly_sum,
)

FLUX, STOCK = {"units": "gC m-2 d-1"}, {"units": "gC m-2"}


def closed(years: int = 4, lag: int = 0) -> xr.Dataset:
    """Fluxes and stocks that add up exactly on a small grid."""
    random = np.random.default_rng(0)
    axes = {"lat": [-10.0, 10.0], "lon": [0.0, 20.0, 40.0]}
    time = {"time": xr.date_range("2001-01", periods=12 * years, freq="MS")}
    dims = ("time", "lat", "lon")

    def draw(scale: float) -> xr.DataArray:
        values = scale * random.random((12 * years, 2, 3))
        return xr.DataArray(values, time | axes, dims, attrs=FLUX)

    gpp, ra, rh = draw(8.0), draw(3.0), draw(2.0)
    data = xr.Dataset({"GPP": gpp, "Ra": ra, "Rh": rh, "RECO": ra + rh, "NPP": gpp - ra})
    data["NEP"] = data["GPP"] - data["RECO"]
    for name in data.data_vars:
        data[name].attrs = FLUX
    gain = yearly_sum(data["NEP"]).cumsum("year")
    gain = gain.assign_coords(year=gain["year"] + lag)
    shares = {"cVeg": 0.5, "cLitter": 0.2, "cSoil": 0.3}
    stocks = {name: (1000 + share * gain).assign_attrs(STOCK) for name, share in shares.items()}
    area = xr.DataArray(np.full((2, 3), 1e12), axes, ("lat", "lon"), attrs={"units": "m2"})
    return data.assign(stocks).assign_coords(land_area=area)


@pytest.mark.parametrize("lag", [0, 1])
def test_what_adds_up_has_no_residual(lag: int) -> None:
    table = conservation(closed(lag=lag), lag=lag).to_frame().set_index("budget")
    assert list(table.index) == ["NEP", "RECO", "GPP", "stock"]
    assert table["max_relative"].max() < 1e-10
    assert table["total"].abs().max() < 1e-10


def test_a_wrong_lag_shows() -> None:
    table = conservation(closed(lag=1), lag=0).to_frame().set_index("budget")
    assert table.loc["stock", "max_relative"] > 0.01
    assert table.loc["RECO", "max_relative"] < 1e-10


def test_an_imbalance_is_found_where_and_how_large() -> None:
    data = closed()
    data["RECO"] = (data["RECO"] + 1.0).assign_attrs(FLUX)
    found = conservation(data)
    np.testing.assert_allclose(found["residual_RECO"], 1.0)
    np.testing.assert_allclose(found["residual_NEP"], 1.0)
    table = found.to_frame().set_index("budget")
    assert table.loc["RECO", "total"] == pytest.approx(6 * 1e12 * 365.25e-15, rel=1e-9)
    assert table.attrs["units"]["total"] == "PgC yr-1"


def test_totals_by_region_add_up_to_the_globe() -> None:
    data = closed()
    data["NPP"] = (data["NPP"] + data["lat"] / 20).assign_attrs(FLUX)
    found = conservation(data)
    bands = found.to_frame(by="tropics").query("budget == 'GPP'")["total"].sum()
    globe = found.to_frame().set_index("budget").loc["GPP", "total"]
    assert bands == pytest.approx(globe, abs=1e-12)


def test_relative_closure_has_a_floor() -> None:
    small = {"RECO": ((), 0.002, FLUX), "Ra": ((), 0.0, FLUX), "Rh": ((), 0.0, FLUX)}
    assert conservation(xr.Dataset(small))["relative_RECO"].item() == pytest.approx(0.2)


def test_stocks_are_compared_over_the_common_years() -> None:
    data = closed(years=5)
    found = stock_residual(data)
    assert found["year"].values.tolist() == [2002, 2003, 2004, 2005]
    assert found["residual_stock"].attrs["units"] == "gC m-2 yr-1"
    assert stock_change(data, pools=["cVeg"]).sizes["year"] == 4


def test_dask_and_towers_work_too() -> None:
    data = closed()
    lazy = conservation(data.chunk(time=12, lat=1))
    assert lazy["residual_NEP"].chunks is not None
    xr.testing.assert_allclose(lazy.data.compute(), conservation(data).data)
    towers = data.stack(site=("lat", "lon"), create_index=False).drop_vars("land_area")
    assert conservation(towers).to_frame()["total"].isna().all()
    assert data.uflux.conservation().to_frame()["max_relative"].max() < 1e-10


def test_bad_input_is_named() -> None:
    data = closed()
    with pytest.raises(MissingVariableError, match="data: expected all variables of a budget"):
        conservation(data[["GPP"]])
    with pytest.raises(UnitsError, match=r"data\.Ra"):
        conservation(data.assign(Ra=data["Ra"].assign_attrs(units="PgC")))
    with pytest.raises(ConfigError, match="budget"):
        residual(data, "LE")
    with pytest.raises(MissingVariableError, match="cSoil"):
        stock_residual(data.drop_vars("cSoil"))
