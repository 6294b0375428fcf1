"""Whole files or none: NetCDF and JSON written beside their place and then moved there.

A file is written under ``.NAME.partial`` in its own folder, flushed to disk and renamed, which a
POSIX file system does in one step. A killed run leaves at most that hidden sibling, which the next
run replaces. There may be one writer per path at a time. ``uflux_stats.io.zarr_store`` does the
same for Zarr.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import xarray as xr

from uflux_stats.errors import DataFileError
from uflux_stats.io.attributes import cf_dataset, encoding_of
from uflux_stats.io.plain import plain

COMPRESSION_LEVEL: Final = 4


def partial_path(path: Path) -> Path:
    """Return the hidden sibling under which ``path`` is written.

    Examples
    --------
    >>> partial_path(Path("run/fluxes.zarr")).as_posix()
    'run/.fluxes.zarr.partial'
    """
    return path.with_name(f".{path.name}.partial")


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Give a temporary sibling of ``path`` to write to; move it there if all went well.

    Raises
    ------
    DataFileError
        If the folder of ``path`` does not exist, or ``path`` is a folder.

    Examples
    --------
    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with whole_file(place) as partial:
    ...     _ = partial.write_text("whole")
    >>> place.read_text()
    'whole'
    """
    path = Path(path)
    require_parent(path)
    if path.is_dir():
        raise DataFileError(f"path: expected a file name, got the folder {path}; name a file in it")
    partial = partial_path(path)
    partial.unlink(missing_ok=True)
    try:
        yield partial
        flush(partial)
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    flush(path.parent)


def require_parent(path: Path) -> None:
    """Raise ``DataFileError`` unless the folder that is to hold ``path`` exists."""
    if not path.parent.is_dir():
        raise DataFileError(
            f"path: expected an existing folder, got {path.parent}; create it first"
        )


def flush(path: Path) -> None:
    """Have the operating system write a file or folder entry to disk."""
    if path.is_dir() and os.name == "nt":  # Windows cannot open a folder
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(obj: Any, path: str | Path) -> Path:
    """Write ``obj`` as JSON with sorted keys; the same object gives the same bytes.

    Parameters
    ----------
    obj : Any
        Mappings, sequences, sets, dataclasses, NumPy numbers and arrays, dates and paths. Numbers
        that are not finite become ``null``.
    path : str or Path
        Replaced only once the new file is whole.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    TypeError
        If ``obj`` holds something that JSON cannot.
    DataFileError
        If the folder does not exist.

    Examples
    --------
    >>> import tempfile
    >>> place = write_json({"b": float("nan"), "a": 1}, tempfile.mkdtemp() + "/x.json")
    >>> json.loads(place.read_text())
    {'a': 1, 'b': None}
    """
    text = json.dumps(plain(obj), sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    with whole_file(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8")
    return Path(path)


def write_netcdf(
    data: xr.Dataset,
    path: str | Path,
    *,
    title: str | None = None,
    precision: Literal["float32", "float64"] = "float32",
) -> Path:
    """Write a dataset as compressed NetCDF-4 with CF attributes.

    Parameters
    ----------
    data : xr.Dataset, any dims
        Dask arrays are computed block by block.
    path : str or Path
        Replaced only once the new file is whole.
    title : str, optional
        Global attribute ``title``.
    precision : {"float32", "float64"}
        Type of floating-point data variables; coordinates keep theirs.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    DataFileError
        If the folder does not exist, or ``path`` is a folder.
    """
    named = cf_dataset(data, title=title)
    encoding = {
        str(name): _netcdf_encoding(values, precision, is_data=name in named.data_vars)
        for name, values in named.variables.items()
    }
    with whole_file(path) as partial:
        named.to_netcdf(partial, engine="netcdf4", format="NETCDF4", encoding=encoding)
    return Path(path)


def _netcdf_encoding(values: xr.Variable, precision: str, *, is_data: bool) -> dict[str, Any]:
    shared = encoding_of(values, precision, is_data=is_data)
    if values.dtype.kind in "OUT":
        # Characters, because the heap that HDF5 keeps for strings of any length is not reproducible
        return {"dtype": "S1"}
    if is_data and values.ndim > 0 and values.dtype.kind in "fiub":
        shared |= {"zlib": True, "complevel": COMPRESSION_LEVEL, "shuffle": True}
    return shared
