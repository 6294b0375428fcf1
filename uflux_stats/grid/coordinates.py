"""What a cube says of its cells, so that statistics need no more arguments."""

import xarray as xr

from uflux_stats.checks import require_variables
from uflux_stats.grid.cells import land_area
from uflux_stats.grid.polygons import continents


def cell_coordinates(drivers: xr.Dataset) -> dict[str, xr.DataArray]:
    """Return land area, continent and class maps of a grid, in memory.

    Parameters
    ----------
    drivers : xr.Dataset, (lat, lon, ...)
        With LANDFRAC [1]; IGBP and KOPPEN where there are any.

    Returns
    -------
    dict of xr.DataArray, (lat, lon)
        ``land_area`` [m2], ``continent`` (codes, see ``continents``), ``IGBP``, ``KOPPEN``.

    Raises
    ------
    MissingVariableError
        If there is no LANDFRAC.
    """
    require_variables(drivers, ["LANDFRAC"], name="drivers")
    landfrac = drivers["LANDFRAC"].compute()
    maps = {name: drivers[name].compute() for name in ("IGBP", "KOPPEN") if name in drivers}
    area, continent = land_area(landfrac), continents(landfrac["lat"], landfrac["lon"])
    return {"land_area": area, "continent": continent, **maps}
