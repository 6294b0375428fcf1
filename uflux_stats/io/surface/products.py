"""Which file is which land-surface product."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import xarray as xr

from uflux_stats.errors import DataFileError
from uflux_stats.io.surface.maps import read_koppen, read_mcd12c1, read_srtm
from uflux_stats.io.surface.mcd43a4 import read_mcd43a4

_ENDINGS: Final = (".hdf", ".tif", ".tiff", ".hgt", ".hgt.zip")
SINGLE: Final = {"MCD12C1": read_mcd12c1, "KOPPEN": read_koppen}
TILED: Final = {"MCD43A4": read_mcd43a4, "SRTM": read_srtm}
_DRIVERS: Final = ("NIRV", "NDVI", "FAPAR", "IGBP", "LANDFRAC", "KOPPEN", "DEM")


def is_surface(path: Path) -> bool:
    """Tell whether a file is of a land-surface product, by the ending of its name.

    Examples
    --------
    >>> is_surface(Path("N46E007.hgt")), is_surface(Path("era5.nc"))
    (True, False)
    """
    return path.name.lower().endswith(_ENDINGS)


def product_of(path: Path) -> str:
    """Name the product of a file.

    Raises
    ------
    DataFileError
        If it is none that can be read.

    Examples
    --------
    >>> product_of(Path("MCD12C1.A2006001.061.2022169160638.hdf"))
    'MCD12C1'
    """
    name = path.name.lower()
    if name.endswith(".hdf"):
        for product in ("MCD43A4", "MCD12C1"):
            if name.startswith(product.lower()):
                return product
    if name.endswith((".tif", ".tiff")):
        return "KOPPEN"
    if name.endswith((".hgt", ".hgt.zip")):
        return "SRTM"
    raise DataFileError(
        f"path: expected MCD43A4 or MCD12C1 (.hdf), Koppen-Geiger (.tif) or SRTM (.hgt), got "
        f"{path.name}; keep the names of the products"
    )


def read_surface(paths: Sequence[Path], resolution: float) -> Iterator[tuple[str, xr.Dataset]]:
    """Read land-surface products as drivers on a regular global grid, each product as one part.

    Parameters
    ----------
    paths : sequence of Path
        Of any products, tiles and days.
    resolution : float [degrees]

    Yields
    ------
    str
        Name of the first file of the part.
    xr.Dataset, (time, lat, lon) or (lat, lon)
        Drivers in units of the schema.

    Raises
    ------
    DataFileError
        If a file is damaged, of no known product, or a second map of the same.
    MissingExtraError
        If a file is HDF4 and pyhdf is not installed.
    """
    groups: dict[str, list[Path]] = {}
    for path in paths:
        groups.setdefault(product_of(path), []).append(path)
    for product, files in groups.items():
        if product in SINGLE and len(files) > 1:
            raise DataFileError(
                f"path: expected one file of {product}, got {[file.name for file in files]}; "
                "choose the year or resolution"
            )
        if product in SINGLE:
            data = SINGLE[product](files[0], resolution)
        else:
            data = TILED[product](files, resolution)
        yield files[0].name, data[[name for name in _DRIVERS if name in data]]
