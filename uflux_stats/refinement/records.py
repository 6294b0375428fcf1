"""Small fitted records as JSON: one way to write and to read them."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from uflux_stats.errors import DataFileError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")


def record_to_json(record: "DataclassInstance") -> str:
    """Write a record as JSON; see ``record_from_json``."""
    return json.dumps(asdict(record), indent=2) + "\n"


def record_from_json(text: str, make: Callable[[dict[str, Any]], Record], *, name: str) -> Record:
    """Read what ``record_to_json`` wrote.

    Parameters
    ----------
    text : str
    make : callable
        From plain values to the record; what it cannot make something of, it raises
        ``ValueError``, ``TypeError`` or ``KeyError`` at.
    name : str
        What the record is, for the message.

    Raises
    ------
    DataFileError
        If it is not whole.

    Examples
    --------
    >>> record_from_json("{", dict, name="intervals")
    Traceback (most recent call last):
    uflux_stats.errors.DataFileError: intervals: expected what to_json writes, got ...
    """
    try:
        return make(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataFileError(
            f"{name}: expected what to_json writes, got {error}; fit it again"
        ) from error
