"""CF attributes and encodings of what the package writes."""

from typing import Any, Final

import numpy as np
import xarray as xr

from uflux_stats import __version__
from uflux_stats.schema import SCHEMA

CONVENTIONS: Final = "CF-1.11"
TIME_UNITS: Final = "days since 1900-01-01"
"""One reference date for all files, so that the same months give the same bytes."""

_AXES: Final[dict[str, dict[str, str]]] = {
    "lat": {"standard_name": "latitude", "units": "degrees_north"},
    "lon": {"standard_name": "longitude", "units": "degrees_east"},
    "time": {"standard_name": "time"},
}


def cf_dataset(data: xr.Dataset, *, title: str | None = None) -> xr.Dataset:
    """Add CF attributes, and drop encodings left from the files that ``data`` came from.

    Parameters
    ----------
    data : xr.Dataset, any dims
        Not changed. Attributes that it has are kept; those of the schema are added where the
        variable is in the unit of the schema.
    title : str, optional
        Global title; by default the one in ``data.attrs``.

    Returns
    -------
    xr.Dataset
        The same values. ``history`` names the package and carries no date, so that the same input
        gives the same bytes.

    Examples
    --------
    >>> flux = xr.Dataset({"GPP": ("time", [1.0], {"units": "gC m-2 d-1"})})
    >>> cf_dataset(flux, title="One month").GPP.attrs["long_name"]
    'gross primary production'
    """
    named = data.drop_encoding()
    for name, values in named.variables.items():
        values.attrs = _known_attrs(str(name), values) | values.attrs
    defaults = {"title": "uflux_stats output", "history": f"written by uflux_stats {__version__}"}
    wanted = {} if title is None else {"title": title}
    return named.assign_attrs({**defaults, **data.attrs, **wanted, "Conventions": CONVENTIONS})


def _known_attrs(name: str, values: xr.Variable) -> dict[str, Any]:
    if name in _AXES:
        return dict(_AXES[name])
    row = SCHEMA.get(name)
    return dict(row.attrs) if row and values.attrs.get("units") == row.units else {}


def encoding_of(values: xr.Variable, precision: str, *, is_data: bool) -> dict[str, Any]:
    """Return the encoding that NetCDF and Zarr share: the time axis, and the width of numbers.

    Parameters
    ----------
    values : xr.Variable, any dims
        Variable to be written.
    precision : {"float32", "float64"}
        Type of floating-point data variables; coordinates keep theirs.
    is_data : bool
        Whether this is a data variable.
    """
    if np.issubdtype(values.dtype, np.datetime64):
        return {"units": TIME_UNITS, "calendar": "proleptic_gregorian", "dtype": "int64"}
    if is_data and values.dtype.kind == "f":
        return {"dtype": precision, "_FillValue": np.dtype(precision).type(np.nan)}
    return {}
