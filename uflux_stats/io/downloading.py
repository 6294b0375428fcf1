"""Download one file: in pieces, going on where a broken connection stopped."""

import logging
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, Final

import pooch
import requests
from tqdm import tqdm

from uflux_stats.errors import DataFileError, UfluxError
from uflux_stats.io.access import RemoteFile
from uflux_stats.io.store import partial_path

PIECE: Final = 1 << 16
WAIT: Final = (10.0, 60.0)
"""Longest wait for a connection, and for the next piece [s]."""
_ADVICE: Final = "see whether the network is there, and try again"

logger = logging.getLogger("uflux_stats")


@dataclass(frozen=True)
class Patience:
    """How often a broken download is taken up again, and how long after [s]."""

    attempts: int = 4
    pause: float = 2.0
    progress: bool = False


def download(
    file: RemoteFile, folder: str | Path, patience: Patience | None = None
) -> tuple[Path, bool]:
    """Bring a file into a folder, whole and checked, or not at all.

    A file that is there already with the checksum that is known is left as it is; one without a
    known checksum is got anew and replaced. Only a file whose checksum is known leaves a hidden
    part behind a broken connection, from which the next call goes on: the checksum will tell
    whether the parts fit.

    Parameters
    ----------
    file : RemoteFile
        What, from where.
    folder : str or Path
        Where to; it is made if it is not there.
    patience : Patience, optional
        What to do about broken connections.

    Returns
    -------
    Path
        The file.
    bool
        Whether it was downloaded now.

    Raises
    ------
    DataFileError
        If the server refuses, the connection breaks too often, the checksum differs, or a file
        without checksum is not what it should be.
    """
    place = Path(folder) / file.name
    if file.checksum and place.is_file() and pooch.hashes.hash_matches(place, file.checksum):
        return place, False
    place.parent.mkdir(parents=True, exist_ok=True)
    take = _Resuming(file, partial_path(place), patience or Patience())
    with _quiet(), tempfile.TemporaryDirectory(dir=place.parent, prefix=".fetch-") as aside:
        try:
            pooch.retrieve(file.url, file.checksum, file.name, aside, downloader=take)
        except UfluxError:
            raise
        except ValueError as why:
            raise DataFileError(
                f"{file.name}: expected {file.checksum}, got other bytes from {file.url}; nothing "
                "was kept; try again, or see whether a new version is out"
            ) from why
        os.replace(Path(aside) / file.name, place)
    return place, True


def read_json(url: str) -> Any:
    """Read a JSON document of the web, such as the list of the files of an archive.

    Raises
    ------
    DataFileError
        If it cannot be had or is no JSON.
    """
    try:
        answer = requests.get(url, timeout=WAIT)
        answer.raise_for_status()
        return answer.json()
    except requests.RequestException as why:
        raise DataFileError(
            f"url: expected a list of files at {url}, got {why}; {_ADVICE}"
        ) from why


@dataclass(frozen=True)
class _Resuming:
    """What pooch calls to get a file: ``part`` holds what has come so far."""

    file: RemoteFile
    part: Path
    patience: Patience

    def __call__(self, url: str, output_file: str, _: object) -> None:
        """Get all of ``url``, inspect it, and hand it over as ``output_file``."""
        try:
            self._persist(url)
            self.file.inspect(self.part)
            os.replace(self.part, output_file)
        finally:
            if self.file.checksum is None:
                self.part.unlink(missing_ok=True)

    def _persist(self, url: str) -> None:
        """Take a broken download up again until it is whole or patience ends."""
        if self.file.checksum is None:
            self.part.unlink(missing_ok=True)
        for left in reversed(range(self.patience.attempts)):
            try:
                self._take(url)
                return
            except requests.RequestException as why:
                if not left:
                    raise DataFileError(
                        f"{self.file.name}: expected all of {url}, got a broken connection "
                        f"{self.patience.attempts} times ({why}); {_ADVICE}"
                    ) from why
                logger.warning("%s: %s; going on", self.file.name, why)
                time.sleep(self.patience.pause)

    def _take(self, url: str) -> None:
        """Ask for what is still missing and append it."""
        had = self.part.stat().st_size if self.part.exists() else 0
        asked = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={had}-"} if had else {})
        with requests.get(url, headers=asked, stream=True, timeout=WAIT) as answer:
            if answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return  # nothing is missing, or it is another file: the checksum tells
            _require_given(self.file, answer)
            goes_on = answer.status_code == HTTPStatus.PARTIAL_CONTENT
            with self.part.open("ab" if goes_on else "wb") as out:
                self._write(answer, out, had if goes_on else 0)

    def _write(self, answer: requests.Response, out: BinaryIO, had: int) -> None:
        told = answer.headers.get("Content-Length")
        whole = None if told is None else had + int(told)
        with tqdm(
            total=whole, initial=had, desc=self.file.name, unit="B", unit_scale=True, leave=False,
            disable=not self.patience.progress,
        ) as bar:  # fmt: skip
            for piece in answer.iter_content(PIECE):
                out.write(piece)
                bar.update(len(piece))


def _require_given(file: RemoteFile, answer: requests.Response) -> None:
    """Raise unless the server gives the file: what is refused is refused again."""
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        answer.raise_for_status()
    if answer.status_code >= HTTPStatus.BAD_REQUEST:
        raise DataFileError(
            f"{file.name}: expected a file at {file.url}, got {answer.status_code} "
            f"{answer.reason}; the address may have changed: see the page of the data set"
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep pooch from telling on standard error what is told by us."""
    talker = pooch.get_logger()
    level = talker.level
    talker.setLevel(logging.ERROR)
    try:
        yield
    finally:
        talker.setLevel(level)
