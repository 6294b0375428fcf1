"""Zarr stores written block by block and seen only when whole."""

import os
import shutil
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.errors import DataFileError, GridError, MissingVariableError
from uflux_stats.io.attributes import cf_dataset, encoding_of
from uflux_stats.io.store import flush, partial_path, require_parent

ZARR_FORMAT: Final = 3
_MARKER: Final = "zarr.json"


@dataclass(frozen=True)
class ZarrWriter:
    """A store that is being written under a temporary name; see ``create_store``.

    Attributes
    ----------
    path : Path
        Where the store will be.
    partial : Path
        Where it is until ``finish``.
    template : xr.Dataset
        Coordinates and lazy zeros, to find the place of a block.
    chunks : Mapping
        Length of a chunk along each dimension.
    """

    path: Path
    partial: Path
    template: xr.Dataset = field(repr=False)
    chunks: Mapping[str, int]

    def write(self, block: xr.Dataset) -> None:
        """Write a block of values where its coordinates say.

        Different blocks may be written at the same time, since they share no chunk.

        Parameters
        ----------
        block : xr.Dataset
            Any data variables of the store, on whole chunks of it. A dimension without
            coordinates must be whole.

        Raises
        ------
        MissingVariableError
            If a variable is not in the store.
        GridError
            If a coordinate of the block is not a consecutive part of the store's, or the block
            does not cover whole chunks.
        """
        unknown = [str(name) for name in block.data_vars if name not in self.template.data_vars]
        if unknown:
            known = sorted(map(str, self.template.data_vars))
            raise MissingVariableError(
                f"block: expected variables of {known}, got {unknown}; name them in the template"
            )
        places = {str(dim): self._place(str(dim), block) for dim in block.dims}
        values = block.drop_vars(list(block.coords)).drop_encoding().drop_attrs()
        for array in values.data_vars.values():
            self._write_array(array, {str(dim): places[str(dim)] for dim in array.dims})

    def _write_array(self, array: xr.DataArray, region: Mapping[str, slice]) -> None:
        # Dask arrays are written chunk by chunk of the store, so that no two tasks share one
        aligned = (
            array if array.chunks is None else array.chunk({d: self.chunks[d] for d in region})
        )
        aligned.to_dataset().to_zarr(
            self.partial, mode="r+", region=region, consolidated=False, write_empty_chunks=True
        )

    def _place(self, dim: str, block: xr.Dataset) -> slice:
        whole = self.template.indexes.get(dim, pd.RangeIndex(self.template.sizes[dim]))
        part = block.indexes.get(dim, pd.RangeIndex(block.sizes[dim]))
        found = whole.get_indexer(part)
        if len(found) == 0 or (found < 0).any() or (np.diff(found) != 1).any():
            raise GridError(
                f"block.{dim}: expected a consecutive part of the store's {dim}, got "
                f"{part.size} values {part[:1].tolist()} to {part[-1:].tolist()}; "
                "cut the block from the template"
            )
        first, end = int(found[0]), int(found[-1]) + 1
        if first % self.chunks[dim] or (end % self.chunks[dim] and end != whole.size):
            raise GridError(
                f"block.{dim}: expected whole chunks of {self.chunks[dim]}, got positions {first} "
                f"to {end}; choose chunks and blocks alike"
            )
        return slice(first, end)

    def set_attributes(self, attributes: Mapping[str, str | int | float]) -> None:
        """Add global attributes that are known only when all blocks are."""
        import zarr  # adds warning filters, so not at our own import

        group = zarr.open_group(self.partial, mode="r+", zarr_format=ZARR_FORMAT)
        group.attrs.update(attributes)

    def finish(self) -> Path:
        """Move the store to its place, instead of one that is there.

        Raises
        ------
        DataFileError
            If some values have not been written.
        """
        lacking = _chunks_lacking(self.partial)
        if lacking:
            raise DataFileError(
                f"store {self.path.name}: expected all blocks, got some of {', '.join(lacking)} "
                "not written; write them first"
            )
        old = self.partial.with_suffix(".old")
        if self.path.exists():
            os.replace(self.path, old)
        os.replace(self.partial, self.path)
        flush(self.path.parent)
        shutil.rmtree(old, ignore_errors=True)
        return self.path


def create_store(
    template: xr.Dataset,
    path: str | Path,
    *,
    chunks: Mapping[str, int] | None = None,
    title: str | None = None,
    precision: Literal["float32", "float64"] = "float32",
) -> ZarrWriter:
    """Begin a Zarr store of known shape; nothing is seen at ``path`` until it is finished.

    Remains of an earlier run that was killed are removed.

    Parameters
    ----------
    template : xr.Dataset, any dims
        Its coordinates and attributes are written, its values are not looked at (Dask arrays are
        not computed).
    path : str or Path
        Name of the store. A store that is there stays until the new one is finished.
    chunks : mapping, optional
        Length of a chunk along each dimension; whole where not named.
    title : str, optional
        Global attribute ``title``.
    precision : {"float32", "float64"}
        Type of floating-point data variables.

    Returns
    -------
    ZarrWriter
        To be given blocks, and then to be finished.

    Raises
    ------
    DataFileError
        If the folder does not exist, or there is something at ``path`` that is not a Zarr store.

    Examples
    --------
    >>> import tempfile
    >>> cube = xr.Dataset({"GPP": ("lat", [1.0, 2.0])}, {"lat": [0.25, 0.75]})
    >>> writer = create_store(cube, tempfile.mkdtemp() + "/flux.zarr", chunks={"lat": 1})
    >>> for row in range(2):
    ...     writer.write(cube.isel(lat=[row]))
    >>> open_store(writer.finish()).GPP.values
    array([1., 2.], dtype=float32)
    """
    path = Path(path)
    require_parent(path)
    if path.exists() and not (path / _MARKER).is_file():
        raise DataFileError(
            f"path: expected a free name or a Zarr store, got {path}, which is neither; "
            "choose another name"
        )
    partial = partial_path(path)
    for leftover in (partial, partial.with_suffix(".old")):
        shutil.rmtree(leftover, ignore_errors=True)
    lengths = {
        str(dim): max(1, min(size, (chunks or {}).get(str(dim), size)))
        for dim, size in template.sizes.items()
    }
    empty = _without_values(cf_dataset(template, title=title), lengths)
    empty.to_zarr(
        partial, mode="w", compute=False, consolidated=False, zarr_format=ZARR_FORMAT,
        encoding=_encodings(empty, precision, lengths), write_empty_chunks=True,
    )  # fmt: skip
    return ZarrWriter(path, partial, empty, lengths)


def _without_values(template: xr.Dataset, lengths: Mapping[str, int]) -> xr.Dataset:
    """Put lazy zeros for data, never computed, and text in a type that Zarr 3 specifies."""
    import dask.array  # adds warning filters, so not at our own import

    empty = {
        name: array.copy(data=dask.array.zeros(
            array.shape, dtype=array.dtype,
            chunks=tuple(lengths[str(dim)] for dim in array.dims),
        ))
        for name, array in template.data_vars.items()
    }  # fmt: skip
    coords = {name: array.compute() for name, array in template.coords.items()}
    text = {n: array.astype(object) for n, array in coords.items() if array.dtype.kind == "U"}
    return template.assign(empty).assign_coords(coords | text)


def _encodings(
    data: xr.Dataset, precision: str, lengths: Mapping[str, int]
) -> dict[Hashable, dict[str, Any]]:
    from zarr.codecs import BloscCodec  # adds warning filters, so not at our own import

    codec = BloscCodec(cname="zstd", clevel=5, shuffle="shuffle")
    encodings = {}
    for name, values in data.variables.items():
        encodings[name] = encoding_of(values, precision, is_data=name in data.data_vars)
        encodings[name]["chunks"] = tuple(lengths[str(dim)] for dim in values.dims)
        if values.dtype.kind not in "OT":
            encodings[name]["compressors"] = (codec,)
    return encodings


def open_store(path: str | Path) -> xr.Dataset:
    """Open a store that ``create_store`` began, lazily, if it is whole.

    Parameters
    ----------
    path : str or Path
        Name of the store.

    Returns
    -------
    xr.Dataset
        Dask arrays with the chunks of the store, variables in the order of their names (a store
        itself lists them in no fixed order).

    Raises
    ------
    DataFileError
        If there is no store, it was never finished, or chunks are missing from it.
    """
    path = Path(path)
    if not (path / _MARKER).is_file():
        unfinished = partial_path(path).exists()
        got = "one whose writing was interrupted" if unfinished else "none"
        raise DataFileError(f"path: expected a Zarr store at {path}, got {got}; write it again")
    with _damage_named(path):
        lacking = _headless(path) or _chunks_lacking(path)
    if lacking:
        raise DataFileError(
            f"path: expected a whole Zarr store, got {path} without some chunks of "
            f"{', '.join(lacking)}; write it again"
        )
    with _damage_named(path):
        data: xr.Dataset = xr.open_zarr(path, consolidated=False, zarr_format=ZARR_FORMAT)
    coordinates = {name: _fixed_width(data[name].variable) for name in sorted(data.coords, key=str)}
    values = {name: data[name].variable for name in sorted(data.data_vars, key=str)}
    return xr.Dataset(values, coordinates, data.attrs)


def _fixed_width(values: xr.Variable) -> xr.Variable:
    """Text with a fixed width; anything else as it is."""
    if values.dtype.kind not in "OT":
        return values
    return values.copy(data=np.array(values.values.tolist(), dtype=str))


def _chunks_lacking(path: Path) -> list[str]:
    import zarr  # adds warning filters, so not at our own import

    arrays = zarr.open_group(path, mode="r", zarr_format=ZARR_FORMAT).arrays()
    return sorted(name for name, array in arrays if array.nchunks_initialized < array.nchunks)


def _headless(path: Path) -> list[str]:
    """Name the arrays whose head is lost; Zarr does not list them."""
    inside = (child for child in path.iterdir() if child.is_dir())
    return sorted(child.name for child in inside if not (child / _MARKER).is_file())


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Turn what Zarr raises at a damaged store into a named error."""
    try:
        yield
    except (OSError, KeyError, ValueError) as error:
        raise DataFileError(
            f"path: expected a whole Zarr store, got a damaged one at {path} ({error}); "
            "write it again"
        ) from error
