"""MODIS reflectance MCD43A4: daily tiles of 500 m in the sinusoidal projection.

Schaaf and Wang (2021), doi 10.5067/MODIS/MCD43A4.061.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.errors import DataFileError
from uflux_stats.io.greenness import evi2, fapar_from_evi2, ndvi, nirv
from uflux_stats.io.surface.binning import Bins, Floats, Means, Places
from uflux_stats.io.surface.hdf4 import read_fields

NAME: Final = re.compile(
    r"MCD43A4\.A(?P<year>\d{4})(?P<day>\d{3})\.h(?P<h>\d\d)v(?P<v>\d\d)\..+\.hdf"
)
TILES: Final = (36, 18)
SCALE: Final = 1e-4
LARGEST: Final = 32766
"""Largest valid count; 32767 is no data."""
GOOD: Final = 0
"""Full inversion; 1 is one by magnitude, 255 none."""
RED, NIR = "Nadir_Reflectance_Band1", "Nadir_Reflectance_Band2"
QUALITY: Final = tuple(f"BRDF_Albedo_Band_Mandatory_Quality_Band{band}" for band in (1, 2))
INDICES: Final = ("NIRV", "NDVI", "EVI2")


def read_mcd43a4(paths: Iterable[Path], resolution: float) -> xr.Dataset:
    """Average indices of good pixels to months and cells.

    Indices are taken pixel by pixel and day by day, where both bands are full inversions. Pixels
    of the projection have equal areas, so that each counts the same.

    Parameters
    ----------
    paths : iterable of Path
        Tiles of any places and days.
    resolution : float [degrees]

    Returns
    -------
    xr.Dataset, (time, lat, lon)
        NIRV, NDVI, EVI2 [1], and FAPAR [1] as 1.25 EVI2, on the whole grid, NaN where no good
        pixel is.

    Raises
    ------
    DataFileError
        If a file is damaged, no tile of the product, or there twice.
    """
    bins = Bins(resolution)
    months: dict[tuple[int, int], list[Path]] = defaultdict(list)
    seen: dict[tuple[str, ...], Path] = {}
    for path in paths:
        tile = _named(path)
        if tile in seen:
            raise DataFileError(
                f"path: expected each tile of a day once, got {seen[tile].name} and {path.name}; "
                "remove the older one"
            )
        seen[tile] = path
        day = date(int(tile[0]), 1, 1) + timedelta(days=int(tile[1]) - 1)
        months[day.year, day.month].append(path)
    starts = [np.datetime64(f"{y:04d}-{m:02d}-01", "ns") for y, m in sorted(months)]
    fields = [_month(months[key], bins) for key in sorted(months)]
    return xr.concat(fields, xr.Variable("time", starts), join="exact")


def _named(path: Path) -> tuple[str, ...]:
    found = NAME.fullmatch(path.name)
    if found is None:
        raise DataFileError(
            f"path: expected a name like MCD43A4.A2006001.h18v04.061.2020259171938.hdf, got "
            f"{path.name}; keep the names of the product"
        )
    return found["year"], found["day"], found["h"], found["v"]


def _month(paths: list[Path], bins: Bins) -> xr.Dataset:
    means = {name: Means(bins) for name in INDICES}
    for path in paths:
        _, _, h, v = _named(path)
        for name, (cells, values) in _pixels(path, (int(h), int(v)), bins).items():
            means[name].add(cells, values)
    fields = {name: bins.labelled(means[name].mean(), name, {"units": "1"}) for name in INDICES}
    return xr.Dataset(fields | {"FAPAR": fapar_from_evi2(fields["EVI2"])})


def _pixels(path: Path, tile: tuple[int, int], bins: Bins) -> dict[str, tuple[Places, Floats]]:
    stored = read_fields(path, (RED, NIR, *QUALITY))
    red, near = _reflectance(stored[RED]), _reflectance(stored[NIR])
    cells, inside = tile_cells(tile, red.shape[0], bins)
    good = inside & (stored[QUALITY[0]] == GOOD) & (stored[QUALITY[1]] == GOOD)
    good &= np.isfinite(red) & np.isfinite(near) & (red + near > 0)
    bands = (xr.DataArray(band[good], dims="pixel") for band in (red, near))
    chosen = xr.Dataset(dict(zip(("red", "near"), bands, strict=True)))
    found = {"NIRV": nirv, "NDVI": ndvi, "EVI2": evi2}
    return {
        name: (cells[good], index(chosen["red"], chosen["near"]).values)
        for name, index in found.items()
    }


def _reflectance(counts: NDArray[np.int16]) -> Floats:
    valid = (counts >= 0) & (counts <= LARGEST)
    return np.where(valid, counts * SCALE, np.nan)


def tile_cells(tile: tuple[int, int], n: int, bins: Bins) -> tuple[Places, NDArray[np.bool_]]:
    """Locate the pixels of a tile in the bins.

    Parameters
    ----------
    tile : (int, int)
        Horizontal and vertical number, from the north-western corner of the grid.
    n : int
        Pixels along a side of the tile.
    bins : Bins

    Returns
    -------
    cells : array, (n, n)
        Flat position of the cell of each pixel.
    inside : array, (n, n) of bool
        Whether the pixel is on the globe; corners of the projection are not.
    """
    across, down = TILES
    x = ((np.arange(n) + 0.5) / n + tile[0]) * (2 * np.pi / across) - np.pi
    lat = np.pi / 2 - ((np.arange(n) + 0.5) / n + tile[1]) * (np.pi / down)
    lon = x[None, :] / np.cos(lat)[:, None]
    inside = np.abs(lon) <= np.pi
    columns = bins.columns(np.rad2deg(np.where(inside, lon, 0.0)))
    rows = bins.rows(np.rad2deg(lat))
    return rows[:, None] * bins.shape[1] + columns, inside
