"""Maps that do not change: land cover MCD12C1, Koppen-Geiger climate, elevation of SRTM."""

import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from uflux_stats.errors import DataFileError
from uflux_stats.io.driver_names import BECK_LAST
from uflux_stats.io.surface.binning import Bins, Floats, Means, commonest_code, count_codes
from uflux_stats.io.surface.hdf4 import read_fields
from uflux_stats.schema import IGBP_CLASSES, variable

LAND_COVER: Final = "Majority_Land_Cover_Type_1"
PERCENT: Final = "Land_Cover_Type_1_Percent"
WATER: Final = 0
MOST_PIXELS: Final = 1_000_000_000
"""A little more than a global map of 1 km."""
_PIXEL_SCALE, _TIE_POINT = 33550, 33922
_DAMAGED: Final = (OSError, SyntaxError, ValueError, TypeError, KeyError)
"""What Pillow raises at damaged files."""
_HGT: Final = re.compile(r"(?P<ns>[NS])(?P<lat>\d\d)(?P<ew>[EW])(?P<lon>\d{3}).*\.hgt(\.zip)?")
_VOID: Final = -32768


def read_mcd12c1(path: Path, resolution: float) -> xr.Dataset:
    """Read yearly land cover of 0.05 degree: the IGBP class with most pixels, and the land.

    Friedl and Sulla-Menashe (2022), doi 10.5067/MODIS/MCD12C1.061. Water counts only where nothing
    else is; LANDFRAC is one minus the percentage of water. Fill values (255) count nothing.

    Returns
    -------
    xr.Dataset, (lat, lon)
        IGBP [class], LANDFRAC [1].

    Raises
    ------
    DataFileError
        If the file is damaged or another product.
    MissingExtraError
        If pyhdf is not installed.
    """
    stored = read_fields(path, (LAND_COVER, PERCENT))
    codes, percent = stored[LAND_COVER], stored[PERCENT]
    bins = Bins(resolution)
    lat, lon = _whole_globe(codes.shape)
    counts = count_codes(codes, lat, lon, bins, len(IGBP_CLASSES))
    land = commonest_code(counts, [code for code in IGBP_CLASSES if code != WATER])
    cover = np.where(np.isnan(land) & (counts[WATER] > 0), WATER, land)
    water = Means(bins)
    places = bins.rows(lat)[:, None] * bins.shape[1] + bins.columns(lon)
    share = percent[:, :, WATER].astype(float)
    water.add(places.ravel(), np.where(share <= 100, share, np.nan).ravel() / 100.0)
    return xr.Dataset({
        "IGBP": bins.labelled(cover, "IGBP", variable("IGBP").attrs),
        "LANDFRAC": bins.labelled(1.0 - water.mean(), "LANDFRAC", variable("LANDFRAC").attrs),
    })  # fmt: skip


def _whole_globe(shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Centres of a global grid that begins in the north-west."""
    lat = 90.0 - (np.arange(shape[0]) + 0.5) * 180.0 / shape[0]
    lon = (np.arange(shape[1]) + 0.5) * 360.0 / shape[1] - 180.0
    return lat, lon


def read_koppen(path: Path, resolution: float) -> xr.Dataset:
    """Read a GeoTIFF of the 30 Koppen-Geiger classes as the commonest of the five main ones.

    Beck et al. (2018), doi 10.1038/sdata.2018.214. The map of 1 km takes 3 GB of memory.

    Returns
    -------
    xr.Dataset, (lat, lon)
        KOPPEN [class], NaN where there is no land.

    Raises
    ------
    DataFileError
        If the file is damaged, has no place on Earth, or holds other codes.
    """
    codes, lat, lon = _geotiff(path)
    if codes.max() > BECK_LAST[-1]:
        raise DataFileError(
            f"path: expected Koppen classes 0 to {BECK_LAST[-1]}, got {codes.max()} in "
            f"{path.name}; is it another map?"
        )
    lookup = np.concatenate([[0], np.searchsorted(BECK_LAST, np.arange(1, BECK_LAST[-1] + 1)) + 1])
    main = lookup.astype(np.uint8)[codes]
    bins = Bins(resolution)
    counts = count_codes(main, lat, lon, bins, len(BECK_LAST) + 1)
    found = commonest_code(counts, list(range(1, len(BECK_LAST) + 1)))
    return bins.labelled(found, "KOPPEN", variable("KOPPEN").attrs).to_dataset()


@contextmanager
def _pixels_allowed(most: int) -> Iterator[None]:
    """Let images of so many pixels be opened within the block; Pillow knows no other way."""
    usual = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = most
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = usual


def _geotiff(path: Path) -> tuple[NDArray[np.uint8], Floats, Floats]:
    """Pixels of a GeoTIFF in degrees, with the latitudes and longitudes of their centres."""
    try:
        with (
            warnings.catch_warnings(action="ignore"),  # a damaged file warns, then fails
            _pixels_allowed(MOST_PIXELS),
            path.open("rb") as stream,
            TiffImagePlugin.TiffImageFile(stream) as image,
        ):
            scale, tie = (image.tag_v2.get(tag) for tag in (_PIXEL_SCALE, _TIE_POINT))
            codes = np.asarray(image)
    except (*_DAMAGED, Image.DecompressionBombError) as error:
        raise DataFileError(
            f"path: expected a readable TIFF, got {path} ({error}); download it again"
        ) from error
    if scale is None or tie is None or codes.ndim != 2 or codes.dtype != np.uint8:
        raise DataFileError(
            f"path: expected a GeoTIFF of one byte per pixel with its place on Earth, got "
            f"{codes.dtype} of shape {codes.shape} in {path.name}; take the file as downloaded"
        )
    lon = tie[3] + (np.arange(codes.shape[1]) + 0.5 - tie[0]) * scale[0]
    lat = tie[4] - (np.arange(codes.shape[0]) + 0.5 - tie[1]) * scale[1]
    return codes, np.asarray(lat, dtype=float), np.asarray(lon, dtype=float)


def read_srtm(paths: Iterable[Path], resolution: float) -> xr.Dataset:
    """Average elevation of SRTM tiles of one degree (``N46E007.hgt``, also zipped) to cells.

    NASA JPL (2013), doi 10.5067/MEaSUREs/SRTM/SRTMGL1.003. Voids count nothing. The last row and
    column of a tile, which its neighbour repeats, are left out.

    Returns
    -------
    xr.Dataset, (lat, lon)
        DEM [m]; SRTM ends at 60 degrees north.

    Raises
    ------
    DataFileError
        If a file is cut, has another name or is there twice.
    """
    bins = Bins(resolution)
    means = Means(bins)
    seen: set[tuple[int, int]] = set()
    for path in paths:
        south, west = _corner(path)
        if (south, west) in seen:
            raise DataFileError(f"path: expected each tile once, got {path.name} twice; remove one")
        seen.add((south, west))
        heights = _heights(path)
        n = heights.shape[0] - 1
        rows = bins.rows(south + 1 - np.arange(n) / n - 0.5 / n)
        columns = bins.columns(west + (np.arange(n) + 0.5) / n)
        cells = rows[:, None] * bins.shape[1] + columns
        known = np.where(heights == _VOID, np.nan, heights)[:-1, :-1]
        means.add(cells.ravel(), known.ravel())
    return bins.labelled(means.mean(), "DEM", variable("DEM").attrs).to_dataset()


def _corner(path: Path) -> tuple[int, int]:
    found = _HGT.fullmatch(path.name)
    if found is None:
        raise DataFileError(
            f"path: expected a name like N46E007.hgt, which tells the place, got {path.name}; "
            "keep the names of the product"
        )
    north = 1 if found["ns"] == "N" else -1
    east = 1 if found["ew"] == "E" else -1
    return north * int(found["lat"]), east * int(found["lon"])


def _heights(path: Path) -> NDArray[np.int16]:
    content = _unzipped(path) if path.suffix.lower() == ".zip" else path.read_bytes()
    counts = np.frombuffer(content[: len(content) // 2 * 2], dtype=">i2")
    side = round(counts.size**0.5)
    if side * side * 2 != len(content) or side < 2:
        raise DataFileError(
            f"path: expected a square of heights of two bytes, got {len(content)} bytes in "
            f"{path.name}; download it again"
        )
    return counts.reshape(side, side).astype(np.int16)


def _unzipped(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            inside = [name for name in archive.namelist() if name.lower().endswith(".hgt")]
            return archive.read(inside[0])
    except (zipfile.BadZipFile, OSError, IndexError) as error:
        raise DataFileError(
            f"path: expected a zip archive with one .hgt, got {path} ({error}); download it again"
        ) from error
