"""The process baseline: GPP, RECO, NEE and LE from drivers, on towers and on grids alike."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.baselines import gpp as photosynthesis
from uflux_stats.baselines import pt_jpl
from uflux_stats.baselines.conditions import inputs_of, multiplier
from uflux_stats.baselines.latent_heat import latent_heat, psychrometric_constant
from uflux_stats.baselines.options import BaselineOptions
from uflux_stats.baselines.parameters import ParameterTable, Temperature, default_parameters
from uflux_stats.baselines.respiration import reco
from uflux_stats.baselines.thermodynamics import pressure_from_elevation
from uflux_stats.checks import require_ranges, require_units
from uflux_stats.errors import MissingVariableError
from uflux_stats.io.greenness import ndvi_from_fapar
from uflux_stats.schema import FLUXES, SCHEMA, variable

_PASCAL_PER_KILOPASCAL = 1e3
_HPA_PER_KILOPASCAL = 10.0
_COLDEST = -25.0
"""Below it [degC] the fits for supercooled water have no meaning; the quantum yield is zero already
at -13.3 degC, so that holding the temperature here changes nothing."""
_DEFAULTS = BaselineOptions()
_ALWAYS = ("TA", "VPD", "SWIN", "RNET", "CO2", "FAPAR", "C4", "IGBP")


def baseline(
    drivers: xr.Dataset,
    parameters: ParameterTable | None = None,
    *,
    options: BaselineOptions = _DEFAULTS,
) -> xr.Dataset:
    """Compute the fluxes that process models alone predict.

    GPP by the P-model (Stocker et al. 2020, doi 10.5194/gmd-13-1545-2020), RECO by the temperature
    response of the parameter table, times its driver effects if it has any, LE by Priestley-Taylor
    scaled by NDVI, and NEE = RECO - GPP. A flux is missing where one of its drivers is, or where
    CO2 is not positive. Where no energy is available LE is zero; where it is too cold for the
    quantum yield GPP is zero. Dask arrays stay lazy.

    Parameters
    ----------
    drivers : xr.Dataset, (site, time), (time, lat, lon) or (month, lat, lon)
        TA [degC], VPD [hPa], SWIN [W m-2], RNET [W m-2], CO2 [ppm], FAPAR [1], C4 [1], IGBP, and
        PA [kPa] or DEM [m] (the elevation fills missing pressure); NDVI [1] where there is any,
        else it is estimated from FAPAR. Static variables lack the time dimension.
    parameters : ParameterTable, optional
        Respiration; the shipped table by default.
    options : BaselineOptions

    Returns
    -------
    xr.Dataset
        GPP, RECO, NEE [gC m-2 d-1] and LE [W m-2] on the dims of TA, float64.

    Raises
    ------
    MissingVariableError
        If a driver is not there.
    UnitsError
        If a driver is in another unit.
    RangeError
        If a driver in memory has values that cannot be in its unit.
    ConfigError
        If an option is unknown.

    Examples
    --------
    >>> values = {"TA": 20.0, "VPD": 10.0, "SWIN": 200.0, "RNET": 100.0, "CO2": 400.0,
    ...           "FAPAR": 0.5, "C4": 0.0, "IGBP": 1.0, "PA": 101.325}
    >>> drivers = xr.Dataset({
    ...     name: xr.DataArray([[value]], dims=("site", "time"), attrs=variable(name).attrs)
    ...     for name, value in values.items()
    ... })
    >>> round(baseline(drivers).GPP.item(), 3)
    5.029
    """
    table = default_parameters() if parameters is None else parameters
    conditions = inputs_of([effect.name for effect in table.effects])
    _require_drivers(drivers, options, [_temperature(table, options), *conditions])
    pressure = air_pressure(drivers)
    fluxes = {
        "GPP": _gpp(drivers, pressure, options),
        "RECO": respiration_by_table(drivers, table, options),
        "LE": _latent_heat(drivers, pressure, options),
    }
    fluxes["NEE"] = fluxes["RECO"] - fluxes["GPP"]
    order = drivers["TA"].dims
    labelled = {
        name: fluxes[name].transpose(*order, ...).assign_attrs(variable(name).attrs)
        for name in FLUXES
    }
    return xr.Dataset(labelled, attrs={"parameters": table.provenance, "options": repr(options)})


def air_pressure(drivers: xr.Dataset) -> xr.DataArray:
    """Return the air pressure [kPa]: PA, with gaps filled from the elevation DEM [m].

    Raises
    ------
    MissingVariableError
        If neither PA nor DEM is there.

    Examples
    --------
    >>> height = xr.DataArray([0.0, 1000.0], dims="site", attrs={"units": "m"})
    >>> air_pressure(xr.Dataset({"DEM": height})).round(2).values.tolist()
    [101.32, 90.24]
    """
    if "PA" not in drivers and "DEM" not in drivers:
        raise MissingVariableError(
            "drivers: expected PA or DEM, got neither; add the pressure [kPa] or the elevation [m]"
        )
    if "DEM" not in drivers:
        return drivers["PA"].copy(deep=False)
    estimated = _elementwise(pressure_from_elevation, drivers["DEM"]) / _PASCAL_PER_KILOPASCAL
    filled = drivers["PA"].fillna(estimated) if "PA" in drivers else estimated
    return filled.assign_attrs(variable("PA").attrs)


def _require_drivers(
    drivers: xr.Dataset, options: BaselineOptions, conditions: Sequence[str]
) -> None:
    """Raise one error that names every missing driver, then check the units of those there."""
    wanted = [*_ALWAYS, *conditions]
    if options.soil_moisture != "none":
        wanted += ["SOILWATER", "ARIDITY"]
    lacking = [name for name in dict.fromkeys(wanted) if name not in drivers]
    lacking += [] if "PA" in drivers or "DEM" in drivers else ["PA or DEM"]
    if lacking:
        undated = "CO2" in lacking and "month" in drivers.dims
        advice = "date the climatology first with date_climatology(drivers)" if undated else ""
        raise MissingVariableError(
            f"drivers: expected variables {lacking}, got {sorted(map(str, drivers.data_vars))}; "
            + (advice or "add them under these names")
        )
    for name in [*wanted, "PA", "DEM", "NDVI"]:
        if name in drivers and name != "IGBP":
            unit = variable(name).units if name in SCHEMA else "1"
            require_units(drivers[name], unit, name=f"drivers.{name}")
    there = [name for name in [*wanted, "PA", "NDVI"] if name in drivers and name in SCHEMA]
    # a CO2 that cannot be is a month without CO2, see the kernel
    require_ranges(drivers, [name for name in there if name != "CO2"], name="drivers")


def _gpp(drivers: xr.Dataset, pressure: xr.DataArray, options: BaselineOptions) -> xr.DataArray:
    """Gross primary production [gC m-2 d-1]."""
    climate = [drivers[name] for name in ("TA", "VPD", "SWIN", "FAPAR", "C4")]
    co2 = drivers["CO2"].where(drivers["CO2"] > 0.0)
    production = _elementwise(_gpp_kernel, *climate, co2, pressure, options=options)
    if options.soil_moisture == "stocker20":
        water = (drivers["SOILWATER"], drivers["ARIDITY"])
        return production * _elementwise(photosynthesis.soil_moisture_stress, *water)
    return production


def _gpp_kernel(
    *climate_and_light: NDArray[np.float64], options: BaselineOptions
) -> NDArray[np.float64]:
    """Compute GPP from seven arrays; the order is that of ``_gpp``."""
    warmth, vpd, shortwave, fapar, c4, co2, pressure = climate_and_light
    climate = photosynthesis.Climate(
        temperature=np.maximum(warmth, _COLDEST),
        vpd=vpd * photosynthesis.PASCAL_PER_HPA,
        co2=co2,
        pressure=pressure * _PASCAL_PER_KILOPASCAL,
    )
    c3_share = photosynthesis.lue_c3(climate, options.phi0, options.jmax_limitation) * (1.0 - c4)
    c4_share = photosynthesis.lue_c4(warmth, options.phi0, options.jmax_limitation_c4) * c4
    light = photosynthesis.photon_flux(shortwave, options.umol_per_joule)
    produced: NDArray[np.float64] = (c3_share + c4_share) * fapar * light
    return produced


def respiration_by_table(
    drivers: xr.Dataset, table: ParameterTable, options: BaselineOptions = _DEFAULTS
) -> xr.DataArray:
    """Ecosystem respiration alone, which needs fewer drivers than ``baseline``.

    Parameters
    ----------
    drivers : xr.Dataset, any dims
        The temperature [degC] that the table names, else that of the options, IGBP, and
        the drivers of the table's effects.
    table : ParameterTable
    options : BaselineOptions

    Returns
    -------
    xr.DataArray [gC m-2 d-1]
        On the dims of the temperature, perhaps in another order.

    Examples
    --------
    >>> warm = xr.DataArray([20.0], dims="site", attrs={"units": "degC"})
    >>> forest = xr.DataArray([1], dims="site", attrs={"units": "class"})
    >>> from uflux_stats.baselines.parameters import ClassParameters
    >>> table = ParameterTable("q10", ClassParameters(2.0, 1.5))
    >>> respiration_by_table(xr.Dataset({"TA": warm, "IGBP": forest}), table).item()
    3.0
    """
    warmth = drivers[_temperature(table, options)]
    igbp = drivers["IGBP"]
    rate = table.rate(igbp)
    if table.effects:
        rate = rate * multiplier(drivers, table.effects)
    found = _elementwise(reco, warmth, rate, table.sensitivity(igbp), form=table.form)
    return found.assign_attrs(variable("RECO").attrs)


def _temperature(table: ParameterTable, options: BaselineOptions) -> Temperature:
    """Name the temperature that respiration follows."""
    return table.temperature or options.respiration_temperature


def _latent_heat(
    drivers: xr.Dataset, pressure: xr.DataArray, options: BaselineOptions
) -> xr.DataArray:
    """Latent heat flux [W m-2]; the heat flux into the soil is nil over a month."""
    ndvi = drivers["NDVI"] if "NDVI" in drivers else ndvi_from_fapar(drivers["FAPAR"])
    if options.psychrometric is None:
        psychrometric = _elementwise(psychrometric_constant, pressure)
    else:
        psychrometric = xr.full_like(drivers["TA"], options.psychrometric, dtype=float)
    energy = (drivers["RNET"], drivers["TA"], ndvi, psychrometric)
    if options.latent_heat == "priestley_taylor":
        return _elementwise(latent_heat, *energy)
    place = pt_jpl.phenology(drivers)
    air_and_plants = (drivers["VPD"], drivers["FAPAR"], place.optimum, place.greenest)
    return _elementwise(_jpl_kernel, *energy, *air_and_plants)


def _jpl_kernel(*arrays: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute LE from eight arrays; the order is that of ``_latent_heat``."""
    radiation, warmth, ndvi, psychrometric, vpd, fapar, optimum, greenest = arrays
    deficit = vpd / _HPA_PER_KILOPASCAL
    moist = pt_jpl.Moist(
        humidity=pt_jpl.relative_humidity(warmth, deficit),
        vpd=deficit,
        green=fapar,
        intercepted=pt_jpl.intercepted_light(ndvi),
    )
    evaporated: NDArray[np.float64] = pt_jpl.latent_heat_jpl(
        radiation, warmth, moist, (optimum, greenest), psychrometric
    )
    return evaporated


def _elementwise(kernel: Callable[..., Any], *arrays: xr.DataArray, **kwargs: Any) -> xr.DataArray:
    """Apply a NumPy kernel where all arrays are finite; lazily where one of them is."""
    result: xr.DataArray = xr.apply_ufunc(
        _where_finite, *arrays, kwargs={"kernel": kernel, **kwargs},
        join="exact", dask="parallelized", output_dtypes=[np.float64], keep_attrs=False,
    )  # fmt: skip
    return result


def _where_finite(
    *arrays: NDArray[Any], kernel: Callable[..., Any], **kwargs: Any
) -> NDArray[np.float64]:
    """Run ``kernel`` on the finite elements only, in float64: oceans cost nothing."""
    shaped = np.broadcast_arrays(*arrays)
    finite = np.isfinite(shaped[0])
    for array in shaped[1:]:
        finite &= np.isfinite(array)
    result = np.full(finite.shape, np.nan)
    result[finite] = kernel(*(array[finite].astype(np.float64) for array in shaped), **kwargs)
    return result
