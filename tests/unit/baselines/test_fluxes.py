from collections.abc import Callable
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import xarray as xr

from uflux_stats.baselines import (
    BaselineOptions,
    ClassParameters,
    ParameterTable,
    air_pressure,
    baseline,
    fit_reference_respiration,
)
from uflux_stats.errors import ConfigError, MissingVariableError, UnitsError
from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.schema import FLUXES, variable

Make = Callable[..., xr.Dataset]
TABLE = ParameterTable("q10", ClassParameters(2.0, 1.5))


def test_one_month_by_hand(one: Make) -> None:
    fluxes = baseline(one(), TABLE)
    assert fluxes["GPP"].item() == pytest.approx(0.2547515 * 0.5 * 200.0 * 2.285 * 0.0864, rel=1e-6)
    assert fluxes["RECO"].item() == pytest.approx(3.0)
    assert fluxes["NEE"].item() == pytest.approx(3.0 - fluxes["GPP"].item())
    slope = 4098.0 * 0.6108 * np.exp(17.27 * 20.0 / 257.3) / 257.3**2
    equilibrium = slope / (slope + 0.000665 * 101.325)
    assert fluxes["LE"].item() == pytest.approx(63.0 * equilibrium, rel=1e-4)


def test_names_units_and_provenance(one: Make) -> None:
    fluxes = baseline(one())
    assert tuple(fluxes) == FLUXES
    for name in FLUXES:
        assert fluxes[name].attrs == variable(name).attrs
    assert "FLUXNET2015" in fluxes.attrs["parameters"]


def test_mixture_of_pathways(one: Make) -> None:
    pure = [baseline(one(C4=share)).GPP.item() for share in (0.0, 1.0)]
    mixed = baseline(one(C4=0.3)).GPP.item()
    assert mixed == pytest.approx(0.7 * pure[0] + 0.3 * pure[1])
    assert pure[1] / pure[0] == pytest.approx(0.2304073 / 0.2547515, rel=1e-6)


def test_preset_paper(one: Make) -> None:
    paper = BaselineOptions.preset("paper")
    assert paper == BaselineOptions(
        jmax_limitation_c4="none", umol_per_joule=2.3, psychrometric=0.066
    )
    ratio = baseline(one(C4=1.0), options=paper).GPP / baseline(one(C4=1.0)).GPP
    assert ratio.item() == pytest.approx(0.3441962 / 0.2304073 * 2.3 / 2.285, rel=1e-6)
    high = [baseline(one(PA=pressure), options=paper).LE.item() for pressure in (70.0, 101.0)]
    assert high[0] == high[1]


def test_cold_and_dark_make_no_carbon(one: Make) -> None:
    for changed in ({"TA": -13.3}, {"TA": -70.0}, {"SWIN": 0.0}, {"FAPAR": 0.0}):
        assert baseline(one(**changed)).GPP.item() == 0.0


def test_too_little_co2_makes_no_carbon(one: Make) -> None:
    assert baseline(one(CO2=60.0, TA=35.0)).GPP.item() == 0.0


def test_pressure_from_elevation_where_it_is_missing(one: Make) -> None:
    estimated = baseline(one(PA=None, DEM=3000.0))
    given = baseline(one(PA=71.01204655601))
    xr.testing.assert_allclose(estimated, given)
    xr.testing.assert_allclose(baseline(one(PA=np.nan, DEM=3000.0)), given)
    assert baseline(one(DEM=None)).GPP.notnull().all()
    assert air_pressure(one(PA=90.0, DEM=3000.0)).item() == 90.0


def test_soil_temperature_and_stress(one: Make) -> None:
    soil = baseline(one(), TABLE, options=BaselineOptions(respiration_temperature="TS"))
    assert soil["RECO"].item() == pytest.approx(2.0 * 1.5**0.8)
    stressed = one()
    for name, value in (("SOILWATER", 0.0), ("ARIDITY", 0.5)):
        stressed[name] = xr.full_like(stressed["TA"], value).assign_attrs(units="1")
    options = BaselineOptions(soil_moisture="stocker20")
    ratio = baseline(stressed, options=options).GPP / baseline(stressed).GPP
    assert ratio.item() == pytest.approx(0.3665)


def test_lloyd_taylor_table(one: Make) -> None:
    table = ParameterTable("lloyd_taylor", ClassParameters(2.0, 200.0))
    expected = 2.0 * np.exp(200.0 * (1.0 / 56.02 - 1.0 / 66.02))
    assert baseline(one(), table).RECO.item() == pytest.approx(expected)


def test_ndvi_from_fapar_where_there_is_none(one: Make) -> None:
    fapar = 1.164 * 0.6 - 0.143
    without, given = baseline(one(NDVI=None, FAPAR=fapar)), baseline(one(NDVI=0.6, FAPAR=fapar))
    assert without["LE"].item() == pytest.approx(given["LE"].item())


@pytest.mark.parametrize(
    ("driver", "touched"),
    [
        ("TA", {"GPP", "RECO", "NEE", "LE"}),
        ("VPD", {"GPP", "NEE"}),
        ("FAPAR", {"GPP", "NEE"}),
        ("CO2", {"GPP", "NEE"}),
        ("C4", {"GPP", "NEE"}),
        ("RNET", {"LE"}),
        ("NDVI", {"LE"}),
    ],
)
def test_missing_values_spread_to_what_needs_them(
    one: Make, driver: str, touched: set[str]
) -> None:
    fluxes = baseline(one(**{driver: np.nan}))
    assert {name for name in FLUXES if fluxes[name].isnull().all()} == touched


def test_a_faulty_co2_sensor_is_a_missing_one(one: Make) -> None:
    fluxes = baseline(one(CO2=0.0))
    assert fluxes["GPP"].isnull().all()
    assert fluxes["RECO"].notnull().all()


def test_an_undated_climatology_is_to_be_dated(cube: xr.Dataset) -> None:
    climatology = cube.groupby("time.month").mean(keep_attrs=True).drop_vars("CO2")
    with pytest.raises(MissingVariableError, match="date_climatology"):
        baseline(climatology)
    with pytest.raises(MissingVariableError, match="add them under these names"):
        baseline(cube.drop_vars("CO2"))


def test_all_missing_drivers_are_named(one: Make) -> None:
    lacking = one(TA=None, CO2=None, PA=None, DEM=None)
    with pytest.raises(MissingVariableError, match=r"\['TA', 'CO2', 'PA or DEM'\], got"):
        baseline(lacking)
    with pytest.raises(MissingVariableError, match="drivers: expected PA or DEM, got neither"):
        air_pressure(lacking)
    with pytest.raises(MissingVariableError, match=r"\['SOILWATER', 'ARIDITY'\]"):
        baseline(one(), options=BaselineOptions(soil_moisture="stocker20"))


@pytest.mark.parametrize(("name", "unit"), [("VPD", "kPa"), ("PA", "Pa"), ("NDVI", "%")])
def test_wrong_units(one: Make, name: str, unit: str) -> None:
    drivers = one()
    drivers[name].attrs["units"] = unit
    with pytest.raises(UnitsError, match=rf"drivers\.{name}: expected units .*, got '{unit}'"):
        baseline(drivers)


def test_bad_options() -> None:
    with pytest.raises(ConfigError, match="jmax_limitation_c4: expected one of"):
        BaselineOptions(jmax_limitation_c4="simple")
    with pytest.raises(ConfigError, match=r"phi0: expected a positive number, got -0\.1"):
        BaselineOptions(phi0=-0.1)
    with pytest.raises(ConfigError, match="preset: expected 'default' or 'paper', got 'v1'"):
        BaselineOptions.preset("v1")


def test_cube_keeps_dims_coordinates_and_input(cube: xr.Dataset) -> None:
    before = cube.copy(deep=True)
    fluxes = baseline(cube)
    xr.testing.assert_identical(cube, before)
    for name in FLUXES:
        assert fluxes[name].dims == ("time", "lat", "lon")
        assert fluxes[name].dtype == np.float64
    assert fluxes["time"].equals(cube["time"])
    assert (fluxes["GPP"].isnull() == cube["TA"].isnull()).all()


def test_order_of_dims_does_not_matter(cube: xr.Dataset) -> None:
    turned = cube.transpose("lon", "lat", "time")
    assert baseline(turned).GPP.dims == ("lon", "lat", "time")
    xr.testing.assert_allclose(baseline(turned).transpose("time", "lat", "lon"), baseline(cube))


def test_climatology_and_single_precision(cube: xr.Dataset) -> None:
    year = cube.isel(time=slice(12)).rename(time="month").assign_coords(month=np.arange(1, 13))
    assert baseline(year).LE.dims == ("month", "lat", "lon")
    single = baseline(year.astype("float32"))
    assert single["GPP"].dtype == np.float64
    xr.testing.assert_allclose(single, baseline(year), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("chunks", [{"time": 5}, {"lat": 2, "lon": 3}, {"time": 24}])
def test_dask_is_numpy(cube: xr.Dataset, chunks: dict[str, int]) -> None:
    lazy = baseline(cube.chunk(chunks))
    for name in FLUXES:
        assert isinstance(lazy[name].data, da.Array)
    xr.testing.assert_equal(lazy.compute(), baseline(cube))


def test_skill_at_real_towers(real_data: Path) -> None:
    towers = read_fluxnet(real_data / "fluxnet2015", qc=0.8)
    fluxes = baseline(towers, fit_reference_respiration(towers))
    expected = {"GPP": (0.667, 2.25), "RECO": (0.373, 2.05), "LE": (0.505, 23.1)}
    for name, (r2, rmse) in expected.items():
        observed = towers[name].where(towers["FAPAR"].notnull() & fluxes[name].notnull())
        squares = ((observed - fluxes[name]) ** 2).mean()
        assert float(1.0 - squares / observed.var()) == pytest.approx(r2, abs=0.01)
        assert float(np.sqrt(squares)) == pytest.approx(rmse, rel=0.02)
