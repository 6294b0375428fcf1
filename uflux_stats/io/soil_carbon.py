"""Maps of measured soil carbon: HWSD and NCSCD on half-degree grids."""

from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr

from uflux_stats.errors import DataFileError, RangeError
from uflux_stats.grid import normalise_grid
from uflux_stats.io.grid_files import readable
from uflux_stats.schema import variable

SOURCES: Final = {"hwsd": "hwsd", "ncscd": "ncscd"}
"""Keys of the catalog by how the name of a file begins."""
GRAMS: Final = 1000.0


def read_soil_carbon(path: str | Path, *, name: str = "soilc") -> xr.DataArray:
    """Read a map of soil carbon in kg m-2.

    Parameters
    ----------
    path : str or Path
        NetCDF file with one map; several declared fill values are all taken for missing.
    name : str
        Variable in the file.

    Returns
    -------
    xr.DataArray, (lat, lon) [gC m-2]
        Named cSoil; ``attrs["depth"]`` as the file says.

    Raises
    ------
    DataFileError
        If the file is missing, damaged or lacks the variable.
    RangeError
        If values are not those of kg m-2.
    """
    path = Path(path)
    if not path.is_file():
        raise DataFileError(f"path: expected a file, got nothing at {path}; check it")
    raw = _raw(path, name)
    values = raw.astype(np.float64)
    known = normalise_grid(values.where(values > 0).squeeze(drop=True))
    if not 0.01 < float(known.mean()) < 200:
        raise RangeError(
            f"{name}: expected soil carbon in kg m-2, got a mean of {float(known.mean()):.3g}; "
            "is it in another unit?"
        )
    attrs = {**variable("cSoil").attrs, "depth": str(raw.attrs.get("long_name", "unknown"))}
    return (known * GRAMS).rename("cSoil").assign_attrs(attrs)


def soil_carbon_source(path: str | Path) -> str | None:
    """Key of the catalog for a map that its file's name tells; None if it does not.

    Examples
    --------
    >>> soil_carbon_source("benchmarks/NCSCDV22_soilc_0.5x0.5.nc")
    'ncscd'
    """
    name = Path(path).name.casefold()
    return next((key for begin, key in SOURCES.items() if name.startswith(begin)), None)


def _raw(path: Path, name: str) -> xr.DataArray:
    # fill values are masked later: some files declare two, at which decoding would warn
    with (
        readable(path, ValueError, KeyError),
        xr.open_dataset(path, engine="netcdf4", decode_times=False, mask_and_scale=False) as data,
    ):
        if name in data:
            return data[name].load()
        raise DataFileError(
            f"path: expected a variable {name!r} in {path}, got {[*map(str, data.data_vars)]}"
        )
