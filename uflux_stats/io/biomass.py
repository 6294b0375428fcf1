"""Above-ground biomass of ESA CCI: tiles of about 100 m, averaged to a coarse grid."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.errors import DataFileError, GridError, MissingExtraError
from uflux_stats.grid.cells import cell_area, latitude_bounds, longitude_bounds
from uflux_stats.grid.normalise import normalise_grid
from uflux_stats.io.grid_files import readable
from uflux_stats.schema import variable

CITATION: Final = (
    "Santoro and Cartus (2024), ESA Biomass Climate Change Initiative: global forest above-ground "
    "biomass v5.01, doi 10.5285/bf535053562141c6bb7ad831f5998d77"
)
CARBON: Final = 0.47
"""Carbon in dry matter; IPCC 2006 Guidelines, volume 4, table 4.3."""
GRAMS_PER_MEGAGRAM_HECTARE: Final = 100.0
HIGHEST: Final = 2000.0
"""Biomass above this [Mg ha-1] is a fill value."""
BAND_ROWS: Final = 1000
TIFF_ENDINGS: Final = frozenset({".tif", ".tiff"})
ENDINGS: Final = TIFF_ENDINGS | {".nc", ".nc4"}
_SCALE_TAG, _PLACE_TAG = 33550, 33922
Tile = tuple[NDArray[np.float64], NDArray[np.float64], Any]


def read_cci_biomass(
    *paths: str | Path,
    like: xr.Dataset | xr.DataArray,
    name: str = "agb",
    year: int | None = None,
) -> xr.DataArray:
    """Average tiles of above-ground biomass to a grid, as carbon.

    Every pixel counts with its own area on the sphere, in the cell that its centre lies in.

    Parameters
    ----------
    *paths : str or Path
        Tiles as NetCDF (variable ``name``) or GeoTIFF [Mg ha-1, dry matter], or folders of them.
    like : xr.Dataset or xr.DataArray
        Wanted grid: ascending ``lat`` and ``lon`` [degrees].
    name : str
        Variable in NetCDF files.
    year : int, optional
        Needed where NetCDF files hold several.

    Returns
    -------
    xr.DataArray, (lat, lon) [gC m-2]
        Named cAGB; dry matter times 0.47. Missing where no pixel has a value.
        ``attrs["pixels_outside"]`` counts pixels that do not lie on the grid.

    Raises
    ------
    DataFileError
        If a file is missing, damaged or lacks what is needed, or a year is to be chosen.
    GridError
        If a GeoTIFF is not on latitudes and longitudes, or no pixel lies on the grid.
    MissingExtraError
        If a GeoTIFF is to be read and tifffile is not installed.
    """
    edges = latitude_bounds(like["lat"]), longitude_bounds(like["lon"])
    shape = (like.sizes["lat"], like.sizes["lon"])
    summed, area = np.zeros(shape), np.zeros(shape)
    outside = 0
    for path in _tiles(paths):
        for tile in _bands(path, name, year):
            outside += _add(tile, edges, summed, area)
    if not (area > 0).any():
        raise GridError("paths: expected pixels on the grid, got none; do tiles and grid overlap?")
    mean = np.full(shape, np.nan)
    np.divide(summed, area, out=mean, where=area > 0)
    carbon = mean * CARBON * GRAMS_PER_MEGAGRAM_HECTARE
    coords = {"lat": like["lat"], "lon": like["lon"]}
    attrs = {**variable("cAGB").attrs, "pixels_outside": outside}
    return xr.DataArray(carbon, coords, dims=("lat", "lon"), name="cAGB", attrs=attrs)


def _tiles(paths: tuple[str | Path, ...]) -> Iterator[Path]:
    """List files, those of folders by name."""
    for path in map(Path, paths):
        if not path.is_dir():
            yield path
            continue
        inside = sorted(found for found in path.iterdir() if found.suffix.lower() in ENDINGS)
        if not inside:
            raise DataFileError(f"path: expected NetCDF or GeoTIFF tiles in {path}, got none")
        yield from inside


def _add(
    tile: Tile,
    edges: tuple[NDArray[np.float64], NDArray[np.float64]],
    summed: NDArray[np.float64],
    area: NDArray[np.float64],
) -> int:
    """Add the pixels of a band to the cells, and count those outside."""
    lat, lon, values = tile
    rows = np.searchsorted(edges[0], lat, side="right") - 1
    columns = np.searchsorted(edges[1], lon, side="right") - 1
    inside = np.ix_(
        np.flatnonzero((rows >= 0) & (rows < summed.shape[0])),
        np.flatnonzero((columns >= 0) & (columns < summed.shape[1])),
    )
    data = np.asarray(values, dtype=np.float64)[inside]
    outside = lat.size * lon.size - data.size
    if not data.size:
        return outside
    pixel = cell_area(lat, lon).values[inside]
    known = np.isfinite(data) & (data >= 0) & (data <= HIGHEST)
    cell = rows[inside[0]] * summed.shape[1] + columns[inside[1]]
    weight = np.where(known, pixel, 0.0).ravel()
    index, size = np.broadcast_to(cell, data.shape).ravel(), summed.size
    total = np.bincount(index, weight * np.where(known, data, 0.0).ravel(), size)
    summed += total.reshape(summed.shape)
    area += np.bincount(index, weight, size).reshape(summed.shape)
    return outside


def _bands(path: Path, name: str, year: int | None) -> Iterator[Tile]:
    """Yield latitudes, longitudes and values of some rows at a time."""
    if not path.is_file():
        raise DataFileError(f"path: expected a file, got nothing at {path}; check it")
    tiff = path.suffix.lower() in TIFF_ENDINGS
    yield from _tiff_bands(path) if tiff else _netcdf_bands(path, name, year)


def _netcdf_bands(path: Path, name: str, year: int | None) -> Iterator[Tile]:
    with readable(path, ValueError, KeyError):
        data = xr.open_dataset(path, engine="netcdf4", decode_times=year is not None)
    with data:
        if name not in data:
            raise DataFileError(
                f"path: expected a variable {name!r} in {path}, got {[*map(str, data.data_vars)]}"
            )
        field = normalise_grid(_of_year(data[name], path, year))
        lon = field["lon"].values.astype(np.float64)
        for start in range(0, field.sizes["lat"], BAND_ROWS):
            band = field.isel(lat=slice(start, start + BAND_ROWS))
            yield band["lat"].values.astype(np.float64), lon, band.values


def _of_year(field: xr.DataArray, path: Path, year: int | None) -> xr.DataArray:
    """Take the one map of a file, or that of a year."""
    if "time" not in field.dims or (field.sizes["time"] == 1 and year is None):
        return field.isel(time=0) if "time" in field.dims else field
    if year is None:
        raise DataFileError(
            f"year: expected one map in {path}, got {field.sizes['time']}; choose with year="
        )
    there = field["time"].dt.year.values
    if (there == year).sum() != 1:
        raise DataFileError(f"year: expected one of {there.tolist()} in {path}, got {year}")
    return field.isel(time=int(np.flatnonzero(there == year)[0]))


def _tiff_bands(path: Path) -> Iterator[Tile]:
    try:
        import tifffile  # optional
    except ImportError as error:
        raise MissingExtraError("tifffile", "benchmarks") from error
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages[0]
            lat, lon = _pixel_centres(page, path)
            values = page.asarray()
    except (tifffile.TiffFileError, OSError) as error:
        raise DataFileError(f"path: expected a GeoTIFF, got {path} ({error})") from error
    for start in range(0, len(lat), BAND_ROWS):
        band = slice(start, start + BAND_ROWS)
        yield lat[band], lon, values[band]


def _pixel_centres(page: Any, path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres of pixels from the tags of the affine grid."""
    tags = page.tags
    if _SCALE_TAG not in tags or _PLACE_TAG not in tags:
        raise GridError(
            f"path: expected a GeoTIFF with pixel scale and tie point, got none in {path}; "
            "convert it to latitudes and longitudes"
        )
    across, down = tags[_SCALE_TAG].value[:2]
    column, row, _, east, north = tags[_PLACE_TAG].value[:5]
    lon = east + (np.arange(page.shape[1]) + 0.5 - column) * across
    lat = north - (np.arange(page.shape[0]) + 0.5 - row) * down
    if np.abs(lat).max() > 90 or np.abs(lon).max() > 360:
        raise GridError(
            f"path: expected degrees, got {lat.min():g} to {lat.max():g} in {path}; "
            "reproject it to latitudes and longitudes"
        )
    return lat, lon
