"""Land cells of a grid in a row, and back."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.checks import require_dims
from uflux_stats.errors import GridError
from uflux_stats.refinement.features import REQUIRED


def known_cells(drivers: xr.Dataset) -> NDArray[np.bool_]:
    """Tell which cells have the required drivers in every month, (lat, lon)."""
    known: NDArray[np.bool_] = np.logical_and.reduce(
        [drivers[n].notnull().all("time").transpose("lat", "lon").values for n in REQUIRED]
    )
    return known


@dataclass(frozen=True)
class Cells:
    """Which cells of a grid are used.

    Attributes
    ----------
    lat, lon : array
        Axes of the grid [degrees].
    row, column : array of int, (cell,)
        Positions of the cells.
    """

    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    row: NDArray[np.intp]
    column: NDArray[np.intp]

    @classmethod
    def of(cls, drivers: xr.Dataset) -> "Cells":
        """Take the cells that have the required drivers in every month.

        Raises
        ------
        DimensionError
            If dims are missing.
        GridError
            If no cell has them all.
        """
        require_dims(drivers, ("time", "lat", "lon"), name="drivers")
        known = known_cells(drivers)
        if not known.any():
            raise GridError(
                f"drivers: expected cells with all of {list(REQUIRED)} in all months, got none; "
                "check the masks of the files"
            )
        row, column = np.nonzero(known)
        return cls(drivers["lat"].values, drivers["lon"].values, row, column)

    def __len__(self) -> int:
        """Count the cells."""
        return len(self.row)

    def take(self, data: xr.Dataset) -> xr.Dataset:
        """Pick the cells from (..., lat, lon): dims (..., site), with coordinates lat and lon."""
        row, column = xr.DataArray(self.row, dims="site"), xr.DataArray(self.column, dims="site")
        return data.isel(lat=row, lon=column)

    def put(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """Lay (..., cell) out on (..., lat, lon), missing elsewhere."""
        shape = (*values.shape[:-1], len(self.lat), len(self.lon))
        whole = np.full(shape, np.nan, np.float32)
        whole[..., self.row, self.column] = values
        return whole

    def blocks(self, size: float) -> NDArray[np.intp]:
        """Return the block of ``size`` degrees that each cell is in, (cell,)."""
        across = int(np.ceil(360 / size))
        north = np.floor((self.lat[self.row] + 90) / size).astype(np.intp)
        east = np.floor((self.lon[self.column] + 180) / size).astype(np.intp)
        found: NDArray[np.intp] = north * across + east
        return found
