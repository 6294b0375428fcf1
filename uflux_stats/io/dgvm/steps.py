"""Months and years of different models brought to one step."""

import xarray as xr

from uflux_stats.schema import CARBON_STOCK, variable
from uflux_stats.stats.yearly import yearly_means

Fields = dict[str, xr.DataArray]
DECEMBER = 12


def at_year_ends(field: xr.DataArray, name: str) -> xr.DataArray:
    """Take a pool (time, ...) at the end of each year; anything else is as it was.

    Examples
    --------
    >>> axis = {"time": xr.date_range("2001-01", periods=24, freq="MS")}
    >>> at_year_ends(xr.DataArray(range(24), axis), "cVeg").values.tolist()
    [11, 23]
    """
    if variable(name).units != CARBON_STOCK or "time" not in field.dims:
        return field
    ends = field.isel(time=(field["time"].dt.month == DECEMBER).values)
    return ends.assign_coords(time=ends["time"].dt.year.values).rename(time="year")


def one_step(models: dict[str, Fields]) -> dict[str, Fields]:
    """Average monthly fluxes to years if another model has yearly ones of the same variable.

    Parameters
    ----------
    models : dict of dict of xr.DataArray, ([time or year or period], lat, lon)

    Returns
    -------
    dict of dict of xr.DataArray
    """
    yearly = {
        name for fields in models.values() for name, field in fields.items() if "year" in field.dims
    }
    return {
        model: {
            name: yearly_means(field).astype(field.dtype)
            if name in yearly and "time" in field.dims
            else field
            for name, field in fields.items()
        }
        for model, fields in models.items()
    }
