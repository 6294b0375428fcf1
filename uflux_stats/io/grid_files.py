"""Open gridded files and stores: find them, name what is wrong with them, keep large ones lazy."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import xarray as xr

from uflux_stats.errors import DataFileError, UfluxError

EAGER_BYTES: Final = 256_000_000
"""NetCDF files that are larger than this when decoded stay on disk until used."""
BLOCK_BYTES: Final = 32_000_000
"""About the size of the blocks in which they are then read: whole maps of some months."""
_NETCDF_ENDINGS: Final = (".nc", ".nc4", ".cdf", ".netcdf")
_MAP_ENDINGS: Final = (".hdf", ".tif", ".tiff", ".hgt", ".hgt.zip")
_ZIP_START: Final = b"PK\x03\x04"
_ZARR_MARKERS: Final = ("zarr.json", ".zgroup", ".zmetadata")


def find_sources(*paths: str | Path) -> list[Path]:
    """List the NetCDF files and Zarr stores that ``paths`` stand for.

    Parameters
    ----------
    *paths : str or Path
        NetCDF files, Zarr stores, native files of land-surface products, or folders that hold some
        of them (looked at one level deep).

    Returns
    -------
    list of Path
        In the order given, those of a folder by name.

    Raises
    ------
    DataFileError
        If a path does not exist, a file is empty, or a folder holds neither.
    """
    sources = [source for path in paths for source in _sources_at(Path(path))]
    if not sources:
        raise DataFileError("paths: expected at least one file, store or folder, got none; name it")
    return sources


def _sources_at(path: Path) -> list[Path]:
    if path.is_file():
        if path.stat().st_size == 0:
            raise DataFileError(f"path: expected data, got the empty file {path}; get it again")
        return [path]
    if not path.is_dir():
        raise DataFileError(f"path: expected a file or folder, got nothing at {path}; check it")
    if is_zarr(path):
        return [path]
    inside = sorted(found for found in path.iterdir() if not found.name.startswith("."))
    sources = [source for found in inside if is_gridded(found) for source in _sources_at(found)]
    if not sources:
        raise DataFileError(
            f"path: expected NetCDF files or Zarr stores in {path}, got {len(inside)} other "
            "entries; name the files themselves"
        )
    return sources


def is_gridded(path: Path) -> bool:
    """Tell from names whether ``path`` is a NetCDF file, a native map, or a Zarr store."""
    name = path.name.lower()
    return name.endswith((*_NETCDF_ENDINGS, *_MAP_ENDINGS)) or is_zarr(path)


def is_zarr(path: Path) -> bool:
    """Tell whether ``path`` is the top folder of a Zarr store of either format."""
    return any((path / marker).is_file() for marker in _ZARR_MARKERS)


@contextmanager
def readable(path: Path, *others: type[Exception]) -> Iterator[None]:
    """Turn what the file libraries raise at damaged data into ``DataFileError``.

    Parameters
    ----------
    path : Path
        What is being read, for the message.
    *others : exception types
        To be turned as well, besides ``OSError`` and ``RuntimeError``.
    """
    caught: tuple[type[Exception], ...] = (OSError, RuntimeError, *others)
    try:
        yield
    except UfluxError:
        raise
    except caught as error:
        raise DataFileError(
            f"path: expected a readable NetCDF file or Zarr store, got {path}, which is damaged or "
            f"of another format ({error}); get it again"
        ) from error


def open_source(path: Path, *, lazy: bool) -> xr.Dataset:
    """Open one file or store: packed integers decoded, fill values masked, times as numbers.

    Parameters
    ----------
    path : Path
        NetCDF file or Zarr store.
    lazy : bool
        Keep small NetCDF files on disk too.

    Returns
    -------
    xr.Dataset
        In memory if small, else with Dask arrays; Zarr always with Dask arrays.

    Raises
    ------
    DataFileError
        If it is not readable.
    """
    _require_unpacked(path)
    with readable(path, KeyError, TypeError, ValueError), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*multiple fill values")
        if is_zarr(path):
            store: xr.Dataset = xr.open_zarr(
                path, consolidated=_is_consolidated(path), decode_times=False
            )
            return store
        data = xr.open_dataset(path, engine="netcdf4", decode_times=False, cache=False)
        if lazy or data.nbytes > EAGER_BYTES:
            return data.chunk({dim: _length(data, str(dim)) for dim in data.dims})
        with data:
            return data.load()


def _require_unpacked(path: Path) -> None:
    """Refuse an archive under the name of a NetCDF file, as the Climate Data Store hands out."""
    if not path.is_file():
        return
    with path.open("rb") as stream:
        if stream.read(len(_ZIP_START)) == _ZIP_START:
            raise DataFileError(
                f"path: expected a NetCDF file, got the zip archive {path}; unpack it and name "
                "the files in it"
            )


def _is_consolidated(path: Path) -> bool:
    """Tell it from the metadata, since guessing wrong makes xarray warn."""
    if (path / "zarr.json").is_file():
        return '"consolidated_metadata"' in (path / "zarr.json").read_text(encoding="utf-8")
    return (path / ".zmetadata").is_file()


def _length(data: xr.Dataset, dim: str) -> int:
    """Length of a block along ``dim``: whole, but for the first of three or more dimensions."""
    leading = [v for v in data.data_vars.values() if v.ndim > 2 and v.dims[0] == dim]
    if not leading:
        return data.sizes[dim]
    largest = max(leading, key=lambda values: values.nbytes)
    months = max(1, int(BLOCK_BYTES // (largest.nbytes / largest.sizes[dim])))
    stored = (largest.encoding.get("chunksizes") or (1,))[0]
    return min(data.sizes[dim], max(stored, months // stored * stored))
