"""Get data sets of the catalog by name, with their licence and citation."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd

from uflux_stats.choices import require_choice
from uflux_stats.errors import DataFileError
from uflux_stats.io.access import ACCESS, ByHand, RemoteFile, ZenodoRecord
from uflux_stats.io.catalog import CATALOG, DataSource, data_source
from uflux_stats.io.downloading import Patience, download, read_json
from uflux_stats.io.fingerprints import fingerprint
from uflux_stats.io.store import write_json

RECORD: Final = "{key}.source.json"
"""Beside the files of a data set: what was got, when, from where."""


@dataclass(frozen=True)
class Got:
    """One file that is there now; ``new`` if it was downloaded now."""

    path: Path
    url: str
    checksum: str | None
    sha256: str
    size: int
    new: bool


@dataclass(frozen=True)
class Fetched:
    """What was got of a data set, or how to get it by hand."""

    source: DataSource
    files: tuple[Got, ...] = ()
    by_hand: ByHand | None = None


def fetch_data(key: str, to: str | Path = ".", *, patience: Patience | None = None) -> Fetched:
    """Download a data set of the catalog, or tell how a person gets it.

    Every file is checked against the checksum that its publisher or this package tells. Where
    there is none, since the file changes under one address, its content is inspected; what was got
    is recorded with its SHA-256 in ``KEY.source.json``.

    Parameters
    ----------
    key : str
        Name in the catalog, such as "noaa_co2".
    to : str or Path
        Folder for the files; made if it is not there.
    patience : Patience, optional
        What to do about broken connections, and whether to show progress.

    Returns
    -------
    Fetched
        Files, licence and citation; ``render`` of this module writes it as text.

    Raises
    ------
    ConfigError
        If the catalog has no such data set.
    DataFileError
        If a file cannot be had whole and as it should be; nothing stays in its place.

    Examples
    --------
    >>> fetch_data("trendy").by_hand.where
    'https://sites.exeter.ac.uk/trendy/'
    """
    require_choice(key, ACCESS, name="name")
    source, access = data_source(key), ACCESS[key]
    if isinstance(access, ByHand):
        return Fetched(source, by_hand=access)
    if isinstance(access, ZenodoRecord):
        source, access = _of_record(source, access)
    got = tuple(_get(file, Path(to), patience) for file in access)
    fetched = Fetched(source, got)
    write_json(_record(fetched), Path(to) / RECORD.format(key=key))
    return fetched


def _of_record(
    source: DataSource, record: ZenodoRecord
) -> tuple[DataSource, tuple[RemoteFile, ...]]:
    """Ask Zenodo for the files of a record and its licence."""
    told = read_json(record.url)
    try:
        files = tuple(
            RemoteFile(file["key"], file["links"]["self"], file["checksum"])
            for file in told["files"]
        )
        licence = str(told["metadata"].get("license", {}).get("id", source.licence))
    except (KeyError, TypeError, AttributeError) as why:
        raise DataFileError(
            f"url: expected a record of Zenodo with its files, got something else at {record.url} "
            f"({why!r} is missing); get them from https://doi.org/{source.doi}"
        ) from why
    return replace(source, licence=licence), files


def _get(file: RemoteFile, folder: Path, patience: Patience | None) -> Got:
    path, new = download(file, folder, patience)
    return Got(path, file.url, file.checksum, fingerprint(path), path.stat().st_size, new)


def _record(fetched: Fetched) -> dict[str, Any]:
    return {
        "source": fetched.source,
        "retrieved": datetime.now(UTC).date(),
        "files": [
            {"name": got.path.name, "url": got.url, "bytes": got.size, "sha256": got.sha256,
             "expected": got.checksum}
            for got in fetched.files
        ],
    }  # fmt: skip


def listing() -> pd.DataFrame:
    """Tell of every data set whether it is downloaded or got by hand.

    Returns
    -------
    pandas.DataFrame
        ``name``, ``how``, ``title`` and ``licence``, downloads first.
    """
    rows = [
        (key, "by hand" if isinstance(ACCESS[key], ByHand) else "download", one.title, one.licence)
        for key, one in CATALOG.items()
    ]
    table = pd.DataFrame(rows, columns=["name", "how", "title", "licence"])
    return table.sort_values("how", ascending=False, kind="stable", ignore_index=True)


def render(fetched: Fetched) -> str:
    """Write what was got, or how to get it, with licence and citation."""
    return "\n".join(_lines(fetched))


def _lines(fetched: Fetched) -> Iterator[str]:
    source = fetched.source
    yield f"{source.key}: {source.title}"
    yield f"licence: {source.licence}"
    yield f"cite: {source.citation}" + (f", doi {source.doi}" if source.doi else "")
    for got in fetched.files:
        how = "downloaded" if got.new else "there already"
        known = "as expected" if got.checksum else "no checksum is published; recorded"
        yield f"{got.path}: {how}, {got.size} bytes, sha256 {got.sha256} ({known})"
    if fetched.by_hand:
        yield f"not for download by a program; get it from {fetched.by_hand.where}"
        yield from (f"  {number}. {step}" for number, step in enumerate(fetched.by_hand.steps, 1))
        yield "the folder must hold:"
        yield from (f"  {line}" for line in fetched.by_hand.folder)
        yield "then: uflux-stats data check FOLDER"
