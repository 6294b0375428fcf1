"""Checksums of files, folders and settings, for provenance and for recognising finished work."""

import hashlib
import json
from pathlib import Path
from typing import Any

from uflux_stats.errors import DataFileError
from uflux_stats.io.plain import plain


def fingerprint(*things: Any) -> str:
    """Return one SHA-256 over things, in their order.

    Parameters
    ----------
    *things : Path, bytes or anything that JSON can hold
        A ``Path`` stands for its content: a file for its bytes (as ``sha256sum`` prints it), a
        folder for the names and contents of all files below it, whatever its own name is. A string
        is text, not a path. Dictionaries are compared without regard to the order of their keys.

    Returns
    -------
    str
        64 hexadecimal digits: the digest of the only thing, or that of all their digests.

    Raises
    ------
    DataFileError
        If a path does not exist.
    TypeError
        If a thing is none of these.

    References
    ----------
    NIST FIPS 180-4, Secure Hash Standard.

    Examples
    --------
    >>> fingerprint(b"abc")[:16]
    'ba7816bf8f01cfea'
    >>> fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    True
    """
    digests = [_digest(thing) for thing in things]
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _digest(thing: Any) -> str:
    if isinstance(thing, Path):
        return _folder_digest(thing) if thing.is_dir() else _file_digest(thing)
    if isinstance(thing, bytes):
        return hashlib.sha256(thing).hexdigest()
    text = json.dumps(plain(thing), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _file_digest(path: Path) -> str:
    if not path.is_file():
        raise DataFileError(f"path: expected a file or folder, got nothing at {path}")
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _folder_digest(folder: Path) -> str:
    listed = sorted(
        (found.relative_to(folder).as_posix(), found)
        for found in folder.rglob("*")
        if found.is_file()
    )
    lines = [f"{_file_digest(found)}  {name}\n" for name, found in listed]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
