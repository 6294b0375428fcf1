"""Find tower files of any time step in a folder, a zip archive or by name, one for each site."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from uflux_stats.errors import DataFileError
from uflux_stats.io.archives import PackedFile, files_under
from uflux_stats.io.drops import Drop, Reason
from uflux_stats.io.fluxnet_names import (
    PREFERRED,
    STEPS,
    TowerName,
    is_family,
    is_metadata,
    parse_tower_name,
)

EXAMPLE: Final = "FLX_AR-SLu_FLUXNET2015_SUBSET_MM_2009-2011_1-4.csv"
MAX_TABLE_BYTES: Final = {
    "MM": 100_000_000, "WW": 200_000_000, "DD": 500_000_000, "HH": 4_000_000_000,
    "HR": 2_000_000_000,
}  # fmt: skip
"""Beyond about ten times the largest file of a step, a file is refused unread."""
_UNKNOWN_YEARS: Final = (0, 0)


@dataclass(frozen=True)
class TowerFile:
    """A file of one tower: whose it is, its step and version, and where it stands."""

    named: TowerName
    source: PackedFile

    @property
    def site(self) -> str:
        """Code of the site."""
        return self.named.site

    @property
    def name(self) -> str:
        """File name."""
        return self.source.name

    @property
    def step(self) -> str:
        """Time step, as in the name."""
        return self.named.step

    @cached_property
    def years(self) -> tuple[int, int]:
        """First and last year by the name, or else by the stamps of its first and last line."""
        return self.named.years or _years_inside(self.read())

    @property
    def release(self) -> tuple[int, tuple[int, ...]]:
        """Later data first, then newer processing, then newer data version."""
        return self.years[1], self.named.version

    @property
    def rank(self) -> tuple[tuple[int, tuple[int, ...]], int, bool]:
        """Order among files of a site: release, step, and of two alike the smaller product."""
        preference = len(PREFERRED) - PREFERRED.index(self.step)
        return self.release, preference, self.named.product == "SUBSET"

    def read(self) -> bytes:
        """Return the bytes of the file."""
        return self.source.read(MAX_TABLE_BYTES[self.step])


def _years_inside(content: bytes) -> tuple[int, int]:
    lines = content.split(b"\n", 2)[1:2] + content.rstrip().rsplit(b"\n", 1)[-1:]
    stamps = [line.lstrip(b'"')[:4] for line in lines]
    if not all(stamp.isdigit() for stamp in stamps):
        return _UNKNOWN_YEARS  # read_table tells what is wrong with the file
    return int(stamps[0]), int(stamps[-1])


def _ignored(names: list[str]) -> list[Drop]:
    """Account for files that give no months."""
    drops = []
    for name in names:
        named = parse_tower_name(name)
        if named is not None:
            drops.append(Drop(named.site, "file", Reason.OTHER_STEP, 1))
        elif is_family(name):
            drops.append(Drop("", "file", Reason.OTHER_FILE, 1))
    return drops


def _nothing_found(path: Path, names: list[str]) -> DataFileError:
    yearly = Counter(STEPS[named.step] for name in names if (named := parse_tower_name(name)))
    if yearly:
        got = ", ".join(f"{n} {step}" for step, n in sorted(yearly.items())) + " and no other"
        got += ", and a year cannot be divided into months"
    else:
        tables = [name for name in names if name.lower().endswith(".csv")]
        got = f"{len(tables)} csv files of other names" if tables else "no csv file"
    return DataFileError(
        f"path: expected half-hourly to monthly files named like {EXAMPLE}, got {got} in {path}; "
        "download the SUBSET or FULLSET product and keep its file names; a tower of your own, in "
        "the same columns, needs a name of this form (site, step, years)"
    )


def _newest(files: list[TowerFile]) -> tuple[TowerFile, list[Drop]]:
    """Choose one of the files of a site: the newest release, then the step nearest to months."""
    best, *others = sorted(files, key=lambda file: file.rank, reverse=True)
    return best, [Drop(best.site, "file", _passed_over(best, other), 1) for other in others]


def _passed_over(best: TowerFile, other: TowerFile) -> Reason:
    alike = other.named.version == best.named.version and other.step == best.step
    if alike and other.named.product == best.named.product:
        if other.name == best.name and other.read() == best.read():
            return Reason.SAME_FILE
        raise DataFileError(
            f"path: expected one file per version of a site, got {best.name} and "
            f"{other.name} with different content; remove one of them"
        )
    if other.release == best.release and other.step != best.step:
        return Reason.OTHER_STEP
    return Reason.OLDER_VERSION


def tower_files(path: str | Path) -> tuple[list[TowerFile], list[Drop]]:
    """Find the files of towers under ``path``, one per site; none is read into memory yet.

    Parameters
    ----------
    path : str or Path
        A folder (searched with its sub-folders), a zip archive of csv files or of one archive
        per site, or a single csv file.

    Returns
    -------
    list of TowerFile
        In the order of site names; of several files of a site the one that reaches the latest
        year, then by processing and data version; of one release the monthly, daily, half-hourly
        or weekly one, in this order, and SUBSET before FULLSET, which hold the same numbers.
    list of Drop
        Files that were passed over.

    Raises
    ------
    DataFileError
        If nothing is there, nothing gives months, an archive is damaged, or two files claim to be
        the same version of a site but differ.
    """
    found = files_under(path)
    by_site: dict[str, list[TowerFile]] = {}
    others = []
    for file in found:
        named = parse_tower_name(file.name)
        if named is None or named.step not in PREFERRED:
            others.append(file.name)
        else:
            by_site.setdefault(named.site, []).append(TowerFile(named, file))
    if not by_site:
        raise _nothing_found(Path(path), others)
    drops = _ignored(others)
    chosen = []
    for site in sorted(by_site):
        best, passed_over = _newest(by_site[site])
        chosen.append(best)
        drops += passed_over
    return chosen, drops


def sources_of(files: Iterable[TowerFile]) -> tuple[str, ...]:
    """Return the keys of the catalog of what to cite for tower files, by their networks."""
    found = (file.named.source for file in files)
    return tuple(dict.fromkeys(source for source in found if source is not None))


def metadata_files(path: str | Path) -> list[PackedFile]:
    """List the files of site metadata (BADM) under ``path``."""
    return [file for file in files_under(path) if is_metadata(file.name)]
