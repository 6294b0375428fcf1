"""Trends at towers: known trends recovered through gaps, and those of long real records."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import DimensionError, MissingVariableError
from uflux_stats.stats.towers import tower_trends, tower_years, trends_by_type


def towers(years: int = 14) -> xr.Dataset:
    """Four towers: rising, falling, without trend, and one too short; a fifth of months missing."""
    random = np.random.default_rng(0)
    time = xr.date_range("2001-01", periods=12 * years, freq="MS")
    slope = np.array([0.15, -0.15, 0.0, 0.15])[:, None]
    season = 3 * np.sin(2 * np.pi * np.arange(12 * years) / 12)
    flux = (
        4 + season + slope * np.arange(12 * years) / 12 + 0.2 * random.normal(size=(4, len(time)))
    )
    flux[random.random(flux.shape) < 0.15] = np.nan
    flux[3, 60:] = np.nan
    array = xr.DataArray(
        flux, {"site": list("ABCD"), "time": time}, ("site", "time"), attrs={"units": "gC m-2 d-1"}
    )
    classes = xr.DataArray([1.0, 1.0, 10.0, np.nan], {"site": list("ABCD")}, ("site",))
    return xr.Dataset({"GPP": array, "IGBP": classes})


def test_known_trends_are_found_through_gaps() -> None:
    found = tower_trends(towers(), variables=["GPP"])
    assert found["site"].values.tolist() == ["A", "B", "C"]
    np.testing.assert_allclose(found.slope.squeeze(), [0.15, -0.15, 0.0], atol=0.03)
    assert found["significant"].values.tolist() == [[True, True, False]]
    assert found.slope.attrs["units"] == "gC m-2 d-1 yr-1"


def test_types_are_counted() -> None:
    table = trends_by_type(tower_trends(towers(), variables=["GPP"])).set_index("IGBP")
    assert table.loc["ENF", ["towers", "rising_significant", "falling_significant"]].tolist() == [
        2, 1, 1,
    ]  # fmt: skip
    assert table.loc["GRA", "towers"] == 1


def test_a_missing_winter_does_not_make_a_good_year() -> None:
    flux = towers()["GPP"].interpolate_na("time")
    flux[2, 24:27] = np.nan
    yearly = tower_years(flux)
    assert abs(yearly[2]).max() < 0.25
    flux[2, 24:36] = np.nan
    assert yearly[2, 2].notnull()
    assert tower_years(flux)[2, 2].isnull()


def test_bad_input_is_named() -> None:
    with pytest.raises(MissingVariableError, match="RECO"):
        tower_trends(towers())
    with pytest.raises(MissingVariableError, match="expected a tower with 20 years"):
        tower_trends(towers(), variables=["GPP"], min_years=20)
    with pytest.raises(MissingVariableError, match="expected a tower with 10 years"):
        tower_trends(towers(years=2), variables=["GPP"])
    with pytest.raises(DimensionError, match="towers"):
        tower_trends(towers().isel(site=0), variables=["GPP"])
    with pytest.raises(MissingVariableError, match="IGBP"):
        trends_by_type(tower_trends(towers().drop_vars("IGBP"), variables=["GPP"]))


def test_long_records_of_real_towers(real_data: Path) -> None:
    """Uptake rose at Soroe (Pilegaard et al. 2011, doi 10.1016/j.agrformet.2011.02.013)."""
    from uflux_stats.io.fluxnet import read_fluxnet

    folder = real_data / "fluxnet2015"
    if not folder.is_dir():
        pytest.skip(f"real data missing: {folder}")
    found = tower_trends(read_fluxnet(folder, sites=real_data / "fluxnet2015_sites.csv"))
    assert found.sizes["site"] > 25
    frame = found.to_frame().set_index(["variable", "site"])
    assert frame.loc[("GPP", "DK-Sor"), "low"] > 0
    assert frame.loc[("NEE", "DK-Sor"), "high"] < 0
    assert frame.loc[("NEE", "DK-Sor"), "significant"] == 1
    share = (frame["p"] < 0.05).groupby("variable").mean()
    assert share.max() < 0.5
    assert trends_by_type(found)["towers"].sum() == found.slope.notnull().sum()
