"""What gridded driver files call their variables, and in which units and classes they come."""

from types import MappingProxyType
from typing import Final

import numpy as np
import xarray as xr

from uflux_stats.errors import DataFileError, RangeError
from uflux_stats.schema import (
    HEAT_FLUX,
    IGBP_CLASSES,
    KOPPEN_CLASSES,
    MISSING_CLASS,
    SCHEMA,
    Variable,
    variable,
)
from uflux_stats.units import canonical_unit, convert

_NAMES: Final[dict[str, str]] = {
    "TA": "ta tas t2m 2t tair t_air airt tmp tmean tavg air_temperature temperature_2m",
    "TS": "tsl stl1 tsoil t_soil soilt soil_temperature soil_temperature_level_1",
    "VPD": "vpd vapor_pressure_deficit vapour_pressure_deficit",
    "SWIN": "swin sw_in ssrd rsds swdown dswrf fsds surface_solar_radiation_downwards",
    "LWIN": "lwin lw_in strd rlds lwdown dlwrf flds surface_thermal_radiation_downwards",
    "RNET": "rnet rn netrad net_radiation",
    "P": "pr tp pre prec precip precipitation prcp ppt rainf total_precipitation",
    "PA": "pa ps sp psurf pres pressure surface_pressure",
    "CO2": "co2 co2_ppm mole_fraction_of_carbon_dioxide_in_air",
    "FAPAR": "fapar fpar",
    "NIRV": "nirv",
    "NDVI": "ndvi",
    "IGBP": "igbp landcover land_cover lc_type1 majority_land_cover_type_1",
    "KOPPEN": "koppen koeppen koppen_geiger koppen_class kg_class",
    "C4": "c4 c4_fraction c4_percent c4_percentage c4_area",
    "DEM": "dem elev elevation orog altitude topography",
    "LANDFRAC": "landfrac land_fraction sftlf lsm",
}
_HELPER_NAMES: Final[dict[str, str]] = {
    "TDEW": "tdew d2m 2d dewpoint dew_point_temperature dewpoint_temperature_2m tdps",
    "SWNET": "swnet ssr surface_net_solar_radiation",
    "LWNET": "lwnet str surface_net_thermal_radiation",
}
HELPERS: Final = MappingProxyType(
    {
        "TDEW": Variable("TDEW", "degC", "dew point", -90, 40, "helper"),
        "SWNET": Variable("SWNET", HEAT_FLUX, "net shortwave radiation", -5, 450, "helper"),
        "LWNET": Variable("LWNET", HEAT_FLUX, "net longwave radiation", -300, 150, "helper"),
    }
)
"""Variables that only serve to derive drivers."""
# Not "ts" (skin temperature in CMIP) nor "p" (pressure in many files); "TS" and "P" are understood.
ALIASES: Final = MappingProxyType(
    {alias: name for name, aliases in (_NAMES | _HELPER_NAMES).items() for alias in aliases.split()}
)
"""Name of the schema for each name (lower case) that files use."""

ACCUMULATED: Final = MappingProxyType({"m": "m d-1", "J m-2": "J m-2 d-1"})
"""ERA5 monthly means give accumulations per day but label them without the day.

ECMWF, ERA5-Land data documentation, section on accumulations, doi 10.24381/cds.68d2bb30.
"""
_ACCUMULATED_NAMES: Final = frozenset({"tp", "ssrd", "strd", "ssr", "str"})

_PERCENT_NAMES: Final = frozenset({"c4_area"})
"""Percent of the land, with or without a unit: Luo et al. (2024), doi 10.1038/s41467-024-45606-3.
"""

BECK_LAST: Final = (3, 7, 16, 28, 30)
"""Last of the 30 Koppen-Geiger classes in each of the main classes 1 to 5.

Beck et al. (2018), doi 10.1038/sdata.2018.214, table 2.
"""
_OLD_WATER: Final = 17  # water in MCD12Q1; MCD12C1, which the schema follows, has 0


def known_variables(data: xr.Dataset, *, source: str) -> dict[str, str]:
    """Return {name in the file: name of the schema} of the drivers in ``data``.

    Raises
    ------
    DataFileError
        If there are none, or two variables are the same driver.

    Examples
    --------
    >>> known_variables(xr.Dataset({"t2m": 280.0, "tcc": 0.5}), source="era5.nc")
    {'t2m': 'TA'}
    """
    found: dict[str, str] = {}
    for name in map(str, data.data_vars):
        driver = name if name in _NAMES else ALIASES.get(name.lower())
        if driver in found.values():
            raise DataFileError(
                f"{source}: expected one variable for {driver}, got two, the second {name!r}; "
                "drop one of them"
            )
        if driver:
            found[name] = driver
    if not found:
        raise DataFileError(
            f"{source}: expected some of {', '.join(_NAMES)}, got only "
            f"{sorted(map(str, data.data_vars))}; rename them to these names"
        )
    return found


def to_schema(values: xr.DataArray, driver: str) -> xr.DataArray:
    """Convert a driver to the unit of the schema, in single precision.

    Parameters
    ----------
    values : xr.DataArray, any dims
        As read, named as in the file; with ``time`` or ``month`` if it is a sum over a month.
    driver : str
        Name in the schema.

    Returns
    -------
    xr.DataArray
        Same dims, with the attributes of the schema.

    Raises
    ------
    UnitsError
        If the unit is missing or not known.
    RangeError
        If a class map holds codes that are no classes.
    """
    row = HELPERS.get(driver) or variable(driver)
    if row.units == "class":
        converted = _main_koppen(values) if driver == "KOPPEN" else _igbp(values)
    else:
        labelled = values.assign_attrs(units=_true_unit(values, driver))
        converted = convert(_per_day(labelled), row.units, name=driver)
    result = converted.astype(np.float32).rename(driver)
    result.attrs = {**row.attrs, "original_name": str(values.name)}
    return result


def is_accumulated(values: xr.DataArray) -> bool:
    """Tell whether a variable is a sum as ERA5-Land has them: by its name and unit."""
    unit = canonical_unit(str(values.attrs.get("units", "")))
    return str(values.name) in _ACCUMULATED_NAMES and unit in ACCUMULATED


def _true_unit(values: xr.DataArray, driver: str) -> str:
    found = canonical_unit(str(values.attrs.get("units", "")))
    if is_accumulated(values):
        return ACCUMULATED[found]
    if not found and str(values.name).lower() in _PERCENT_NAMES:
        return "%"
    # CF 1.11, section 3.1: units may be left out where the quantity is dimensionless
    return "1" if not found and driver in SCHEMA and SCHEMA[driver].units == "1" else found


def _per_day(values: xr.DataArray) -> xr.DataArray:
    """Divide a sum over a month by its days; a climatological February has 28.25."""
    if values.attrs["units"] != "mm month-1":
        return values
    if "time" in values.dims:
        days = values["time"].dt.days_in_month
    else:
        lengths = np.array([31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
        days = xr.DataArray(lengths, dims="month", coords={"month": np.arange(1, 13)})
    return (values / days).assign_attrs(units="mm d-1")


def _main_koppen(values: xr.DataArray) -> xr.DataArray:
    codes = _codes(values, 0, BECK_LAST[-1], driver="KOPPEN")
    described = f"{values.attrs.get('long_name', '')} {values.attrs.get('comment', '')}".lower()
    detailed = "30" in described or "beck" in described
    if float(codes.max()) <= len(KOPPEN_CLASSES) and not detailed:
        return codes.where(codes > 0)
    main = codes.copy(data=np.searchsorted(BECK_LAST, codes.values) + 1.0)
    return main.where(codes > 0)


def _igbp(values: xr.DataArray) -> xr.DataArray:
    codes = _codes(values, 0, _OLD_WATER, driver="IGBP")
    return codes.where(codes != _OLD_WATER, 0).where(codes.notnull())


def _codes(values: xr.DataArray, low: int, high: int, *, driver: str) -> xr.DataArray:
    """Load a class map; what is missing becomes NaN."""
    codes = values.astype(np.float64).load()
    codes = codes.where((codes != MISSING_CLASS) & (codes >= 0))
    wrong = codes.notnull() & ((codes < low) | (codes > high) | (codes % 1 != 0))
    if bool(wrong.any()):
        raise RangeError(
            f"{driver}: expected whole numbers {low} to {high}, got {codes.values[wrong][0]:g}; "
            f"use the classes {IGBP_CLASSES if driver == 'IGBP' else KOPPEN_CLASSES}"
        )
    return codes
