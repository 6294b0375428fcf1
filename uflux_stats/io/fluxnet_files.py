"""Find monthly tower files in a folder, a zip archive or by name, and choose one per site.

Archives are read in memory; nothing is ever written to disk, whatever names an archive holds.
"""

import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from uflux_stats.errors import DataFileError
from uflux_stats.io.drops import Drop, Reason

FILE_NAME: Final = re.compile(
    r"[A-Za-z0-9]+_(?P<site>[A-Za-z]{2}-[A-Za-z0-9]+)_FLUXNET(?:2015)?"
    r"_(?P<product>SUBSET|FULLSET)_(?P<step>HH|HR|DD|WW|MM|YY)_(?P<first>\d{4})-(?P<last>\d{4})"
    r"_(?P<data>\d+)-(?P<processing>\d+)\.csv"
)
"""Such as FLX_AR-SLu_FLUXNET2015_SUBSET_MM_2009-2011_1-4.csv."""
STEPS: Final = {
    "HH": "half-hourly", "HR": "hourly", "DD": "daily", "WW": "weekly", "YY": "yearly",
}  # fmt: skip
EXAMPLE: Final = "FLX_AR-SLu_FLUXNET2015_SUBSET_MM_2009-2011_1-4.csv"
MAX_TABLE_BYTES: Final = 100_000_000
"""A monthly file has about 0.1 MB; beyond this an archive member is refused unread."""
MAX_ARCHIVE_BYTES: Final = 2_000_000_000
"""Largest archive inside an archive that is read into memory."""


@dataclass(frozen=True)
class TowerFile:
    """A monthly file: whose it is, which version, its first and last year, and its bytes."""

    site: str
    product: str
    version: tuple[int, int]
    years: tuple[int, int]
    name: str
    content: bytes

    @property
    def rank(self) -> tuple[int, int, bool]:
        """Newer processing first, then newer data; of two alike the smaller product."""
        data, processing = self.version
        return processing, data, self.product == "SUBSET"


@dataclass(frozen=True)
class _Found:
    """A csv somewhere on disk or in an archive; ``content`` only if its name says monthly."""

    name: str
    content: bytes | None


def _is_monthly(name: str) -> bool:
    match = FILE_NAME.fullmatch(name)
    return match is not None and match["step"] == "MM"


def _open(stream: io.BytesIO | Path, where: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, OSError) as why:
        raise DataFileError(
            f"path: expected a zip archive, got {where} ({why}); download it again"
        ) from why


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str, limit: int) -> bytes:
    if info.file_size > limit:
        raise DataFileError(
            f"path: expected at most {limit} bytes, got {info.file_size} in {where}; "
            "unpack the monthly files yourself and give their folder"
        )
    try:
        return archive.read(info)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as why:
        raise DataFileError(
            f"path: expected a readable archive member, got {where} ({why}); "
            "download the archive again, without a password"
        ) from why


def _in_archive(archive: zipfile.ZipFile, where: str, *, nested: bool = False) -> Iterator[_Found]:
    """List the csv files of an archive and of the archives directly inside it."""
    for info in archive.infolist():
        name = PurePosixPath(info.filename).name
        inside = f"{where}:{info.filename}"
        if name.lower().endswith(".csv"):
            monthly = _is_monthly(name)
            content = _extract(archive, info, inside, MAX_TABLE_BYTES) if monthly else None
            yield _Found(name, content)
        elif name.lower().endswith(".zip") and not nested:
            packed = io.BytesIO(_extract(archive, info, inside, MAX_ARCHIVE_BYTES))
            with _open(packed, inside) as inner:
                yield from _in_archive(inner, inside, nested=True)


def _in_path(path: Path) -> Iterator[_Found]:
    """List the csv files of a folder and its sub-folders, of an archive, or the file itself."""
    if path.is_dir():
        for child in sorted(path.rglob("*")):
            if child.is_file() and child.suffix.lower() in {".csv", ".zip"}:
                yield from _in_path(child)
    elif path.suffix.lower() == ".zip":
        with _open(path, str(path)) as archive:
            yield from _in_archive(archive, str(path))
    else:
        yield _Found(path.name, path.read_bytes() if _is_monthly(path.name) else None)


def _tower_file(found: _Found) -> TowerFile | None:
    match = FILE_NAME.fullmatch(found.name)
    if match is None or found.content is None:
        return None
    version = (int(match["data"]), int(match["processing"]))
    years = (int(match["first"]), int(match["last"]))
    return TowerFile(match["site"], match["product"], version, years, found.name, found.content)


def _ignored(names: list[str]) -> list[Drop]:
    """Account for files that are not monthly tower files."""
    drops = []
    for name in names:
        match = FILE_NAME.fullmatch(name)
        if match is not None:
            drops.append(Drop(match["site"], "file", Reason.OTHER_STEP, 1))
        elif name.startswith(("FLX_", "AMF_")):
            drops.append(Drop("", "file", Reason.OTHER_FILE, 1))
    return drops


def _nothing_found(path: Path, names: list[str]) -> DataFileError:
    matches = [match for name in names if (match := FILE_NAME.fullmatch(name))]
    counts = Counter(STEPS[match["step"]] for match in matches)
    if counts:
        got = ", ".join(f"{n} {step}" for step, n in sorted(counts.items())) + " and none monthly"
    else:
        got = f"{len(names)} csv files of other names" if names else "no csv file"
    return DataFileError(
        f"path: expected monthly files (step MM) named like {EXAMPLE}, got {got} in {path}; "
        "download the monthly SUBSET or FULLSET product and keep its file names"
    )


def _newest(files: list[TowerFile]) -> tuple[TowerFile, list[Drop]]:
    """Choose one of the files of a site: the newest processing, then the newest data."""
    best, *others = sorted(files, key=lambda file: file.rank, reverse=True)
    drops = []
    for other in others:
        same = other.name == best.name and other.content == best.content
        if not same and other.rank == best.rank:
            raise DataFileError(
                f"path: expected one file per version of a site, got {best.name} and "
                f"{other.name} with different content; remove one of them"
            )
        reason = Reason.SAME_FILE if same else Reason.OLDER_VERSION
        drops.append(Drop(best.site, "file", reason, 1))
    return best, drops


def monthly_files(path: str | Path) -> tuple[list[TowerFile], list[Drop]]:
    """Read the monthly files under ``path``, one per site.

    Parameters
    ----------
    path : str or Path
        A folder (searched with its sub-folders), a zip archive of csv files or of one archive
        per site, or a single csv file.

    Returns
    -------
    list of TowerFile
        In the order of site names; of several versions of a site the newest: by processing, then
        data version, and SUBSET before FULLSET, which hold the same numbers.
    list of Drop
        Files that were passed over.

    Raises
    ------
    DataFileError
        If nothing is there, nothing is monthly, an archive is damaged, or two files claim to be
        the same version of a site but differ.
    """
    path = Path(path)
    if not path.exists():
        raise DataFileError(f"path: expected a folder, zip or csv, got {path}; it does not exist")
    found = list(_in_path(path))
    by_site: dict[str, list[TowerFile]] = {}
    for file in filter(None, map(_tower_file, found)):
        by_site.setdefault(file.site, []).append(file)
    others = [entry.name for entry in found if entry.content is None]
    if not by_site:
        raise _nothing_found(path, others)
    drops = _ignored(others)
    chosen = []
    for site in sorted(by_site):
        best, passed_over = _newest(by_site[site])
        chosen.append(best)
        drops += passed_over
    return chosen, drops
