"""Pixels counted or averaged in the cells of a regular grid, by the place of their centres."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.io.regridding import regular_grid

Floats = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True)
class Bins:
    """A regular global grid as bins: ``resolution`` [degrees] and its centres."""

    resolution: float

    @property
    def grid(self) -> xr.Dataset:
        """Coordinates of the centres."""
        return regular_grid(self.resolution)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of latitudes and longitudes."""
        return self.grid.sizes["lat"], self.grid.sizes["lon"]

    def rows(self, lat: Floats) -> Places:
        """Row of each latitude [degrees]; the north pole is in the last."""
        return self._positions(lat + 90.0, self.shape[0])

    def columns(self, lon: Floats) -> Places:
        """Column of each longitude [degrees, -180 to 180]; 180 is in the last."""
        return self._positions(lon + 180.0, self.shape[1])

    def _positions(self, degrees: Floats, most: int) -> Places:
        found = np.floor(degrees / self.resolution + 1e-9).astype(np.intp)
        return np.clip(found, 0, most - 1)

    def labelled(self, values: Floats, name: str, attrs: dict[str, str]) -> xr.DataArray:
        """Values of the bins (lat, lon) as a labelled array in single precision."""
        grid = self.grid
        return xr.DataArray(
            values.reshape(self.shape).astype(np.float32), grid.coords, dims=("lat", "lon"),
            name=name, attrs=attrs,
        )  # fmt: skip


@dataclass
class Means:
    """Sums and counts of pixels in bins, to which pixels are added file by file."""

    bins: Bins

    def __post_init__(self) -> None:
        """Start from nothing."""
        size = int(np.prod(self.bins.shape))
        self.sums, self.counts = np.zeros(size), np.zeros(size)

    def add(self, cells: Places, values: Floats) -> None:
        """Add pixels that lie in ``cells`` (flat positions); those not finite count nothing."""
        known = np.isfinite(values)
        size = self.sums.size
        self.sums += np.bincount(cells[known], weights=values[known], minlength=size)
        self.counts += np.bincount(cells[known], minlength=size)

    def mean(self) -> Floats:
        """Mean of each bin; NaN where no pixel is."""
        found = np.full(self.sums.shape, np.nan)
        np.divide(self.sums, self.counts, out=found, where=self.counts > 0)
        return found


def count_codes(codes: NDArray[np.uint8], lat: Floats, lon: Floats, bins: Bins, n: int) -> Floats:
    """Count the pixels of each code in each bin.

    Parameters
    ----------
    codes : array, (lat, lon)
        Whole numbers; those of ``n`` and above are not counted.
    lat, lon : array [degrees]
        Centres of the pixels.
    bins : Bins
    n : int
        Number of codes.

    Returns
    -------
    array, (code, lat, lon)
    """
    rows, columns = bins.rows(lat), bins.columns(lon)
    counts = np.zeros((n, *bins.shape))
    size = n * bins.shape[1]
    for row, line in zip(rows, codes, strict=True):
        known = line < n
        flat = columns[known] * n + line[known]
        found = np.bincount(flat, minlength=size).reshape(bins.shape[1], n)
        counts[:, row, :] += found.T
    return counts


def commonest_code(counts: Floats, codes: list[int]) -> Floats:
    """Return the code among ``codes`` with most pixels in each bin; NaN where none of them is."""
    chosen = counts[codes]
    best = np.asarray(codes, dtype=float)[chosen.argmax(axis=0)]
    return np.where(chosen.sum(axis=0) > 0, best, np.nan)
