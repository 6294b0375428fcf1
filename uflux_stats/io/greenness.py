"""Greenness from reflectances and indices: one explicit function for each route to fAPAR.

All functions take and return labelled arrays of any dims, in the unit 1, and pass missing values.
"""

from typing import Final

import xarray as xr

from uflux_stats.schema import variable

EVI2_SLOPE: Final = 1.25
"""fAPAR over EVI2; the relation that UFLUX uses (Zhu et al. 2026, doi
10.1016/j.agrformet.2026.111197)."""
NDVI_SLOPE: Final = 1.164
NDVI_OFFSET: Final = -0.143
"""fAPAR = 1.164 NDVI - 0.143; Myneni and Williams 1994, doi 10.1016/0034-4257(94)90016-7."""


def _index(values: xr.DataArray, name: str) -> xr.DataArray:
    """Name a dimensionless array as the schema does."""
    return values.rename(name).drop_attrs().assign_attrs(variable(name).attrs)


def nirv(red: xr.DataArray, near_infrared: xr.DataArray) -> xr.DataArray:
    """Near-infrared reflectance of vegetation from two reflectances [1].

    ``NIR (NIR - R) / (NIR + R)``; Badgley et al. 2017, doi 10.1126/sciadv.1602244.

    Examples
    --------
    >>> round(nirv(xr.DataArray(0.1), xr.DataArray(0.4)).item(), 3)
    0.24
    """
    red, near_infrared = xr.align(red, near_infrared, join="exact")
    return _index(near_infrared * (near_infrared - red) / (near_infrared + red), "NIRV")


def ndvi(red: xr.DataArray, near_infrared: xr.DataArray) -> xr.DataArray:
    """Normalised difference vegetation index from two reflectances [1]; Tucker 1979.

    Examples
    --------
    >>> round(ndvi(xr.DataArray(0.1), xr.DataArray(0.4)).item(), 3)
    0.6
    """
    red, near_infrared = xr.align(red, near_infrared, join="exact")
    return _index((near_infrared - red) / (near_infrared + red), "NDVI")


def evi2(red: xr.DataArray, near_infrared: xr.DataArray) -> xr.DataArray:
    """Two-band enhanced vegetation index [1]; Jiang et al. 2008, doi 10.1016/j.rse.2008.06.006.

    ``2.5 (NIR - R) / (NIR + 2.4 R + 1)``.

    Examples
    --------
    >>> round(evi2(xr.DataArray(0.1), xr.DataArray(0.4)).item(), 4)
    0.4573
    """
    red, near_infrared = xr.align(red, near_infrared, join="exact")
    index = 2.5 * (near_infrared - red) / (near_infrared + 2.4 * red + 1.0)
    return index.rename("EVI2").drop_attrs().assign_attrs(units="1", long_name="two-band EVI")


def fapar_from_evi2(index: xr.DataArray) -> xr.DataArray:
    """Estimate fAPAR [1] from EVI2 [1] as ``1.25 EVI2``, kept within 0 and 1.

    Examples
    --------
    >>> fapar_from_evi2(xr.DataArray([0.4, 0.9])).values.tolist()
    [0.5, 1.0]
    """
    return _index((EVI2_SLOPE * index).clip(0.0, 1.0), "FAPAR")


def fapar_from_ndvi(index: xr.DataArray) -> xr.DataArray:
    """Estimate fAPAR [1] from NDVI [1] by Myneni and Williams 1994, kept within 0 and 1.

    Examples
    --------
    >>> fapar_from_ndvi(xr.DataArray([0.0, 0.5])).round(3).values.tolist()
    [0.0, 0.439]
    """
    return _index((NDVI_SLOPE * index + NDVI_OFFSET).clip(0.0, 1.0), "FAPAR")


def ndvi_from_fapar(fapar: xr.DataArray) -> xr.DataArray:
    """Invert the relation of ``fapar_from_ndvi`` for places without NDVI [1].

    Examples
    --------
    >>> ndvi_from_fapar(xr.DataArray(0.439)).round(3).item()
    0.5
    """
    return _index(((fapar - NDVI_OFFSET) / NDVI_SLOPE).clip(-1.0, 1.0), "NDVI")
