"""Files on disk and in zip archives, read on demand into memory.

Nothing is ever written to disk, whatever names an archive holds.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import Final

from uflux_stats.errors import DataFileError

MAX_ARCHIVE_BYTES: Final = 2_000_000_000
"""Largest archive inside an archive that is read into memory."""


@dataclass(frozen=True)
class PackedFile:
    """A file at ``path``, or the member ``inside`` it (and inside an archive inside it)."""

    path: Path
    inside: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """File name without folders, those of an archive included."""
        return PurePosixPath(self.inside[-1]).name if self.inside else self.path.name

    def read(self, limit: int) -> bytes:
        """Return the bytes of the file.

        Raises
        ------
        DataFileError
            If it holds more than ``limit`` bytes, or an archive is damaged.
        """
        if not self.inside:
            size = self.path.stat().st_size
            _require_size(size, limit, str(self.path))
            return self.path.read_bytes()
        where, stream = str(self.path), None
        for depth, member in enumerate(self.inside, start=1):
            most = limit if depth == len(self.inside) else MAX_ARCHIVE_BYTES
            with _open(self.path if stream is None else stream, where) as archive:
                where = f"{where}:{member}"
                content = _extract(archive, archive.getinfo(member), where, most)
            stream = io.BytesIO(content)
        return content


def files_under(path: str | Path) -> list[PackedFile]:
    """List the files at ``path``: in a folder and those below it, in an archive, or itself.

    Archives are looked into, and archives directly inside them too.

    Raises
    ------
    DataFileError
        If nothing is there, or archives are damaged: all that are, are named.
    """
    if not isinstance(path, str | PathLike):
        raise DataFileError(
            f"path: expected a folder, zip or csv, got {type(path).__name__}; put several files "
            "into one folder"
        )
    path = Path(path)
    if not path.exists():
        raise DataFileError(f"path: expected a folder, zip or csv, got {path}; it does not exist")
    found: list[PackedFile] = []
    damaged: list[DataFileError] = []
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        try:
            found += _in_file(file) if file.is_file() else ()
        except DataFileError as error:
            damaged.append(error)
    if len(damaged) == 1:
        raise damaged[0]
    if damaged:
        told = "\n".join(f"  {error}" for error in damaged)
        raise DataFileError(f"path: {len(damaged)} archives under {path} cannot be read:\n{told}")
    return found


def _in_file(path: Path) -> Iterator[PackedFile]:
    if path.suffix.lower() == ".zip":
        with _open(path, str(path)) as archive:
            yield from _in_archive(archive, PackedFile(path))
    else:
        yield PackedFile(path)


def _in_archive(archive: zipfile.ZipFile, outer: PackedFile) -> Iterator[PackedFile]:
    for info in archive.infolist():
        member = PackedFile(outer.path, (*outer.inside, info.filename))
        if info.is_dir():
            continue
        if not info.filename.lower().endswith(".zip") or outer.inside:
            yield member
            continue
        where = f"{outer.path}:{info.filename}"
        packed = io.BytesIO(_extract(archive, info, where, MAX_ARCHIVE_BYTES))
        with _open(packed, where) as inner:
            yield from _in_archive(inner, member)


def _open(stream: io.BytesIO | Path, where: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, OSError) as why:
        raise DataFileError(
            f"path: expected a zip archive, got {where} ({why}); download it again"
        ) from why


def _require_size(size: int, limit: int, where: str) -> None:
    if size > limit:
        raise DataFileError(
            f"path: expected at most {limit} bytes, got {size} in {where}; is it the right file?"
        )


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str, limit: int) -> bytes:
    _require_size(info.file_size, limit, where)
    try:
        return archive.read(info)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as why:
        raise DataFileError(
            f"path: expected a readable archive member, got {where} ({why}); "
            "download the archive again, without a password"
        ) from why
