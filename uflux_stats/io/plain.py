"""Python objects in the types that JSON has."""

import dataclasses
import datetime
import math
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np


def plain(obj: Any) -> Any:
    """Return ``obj`` in JSON types: NumPy numbers and arrays, dates, paths, sets and dataclasses.

    Numbers that are not finite become None, since JSON has no word for them; sets are sorted.

    Examples
    --------
    >>> plain({"n": np.int64(3), "r2": float("nan"), 2006: (1, Path("a/b"))})
    {'n': 3, 'r2': None, '2006': [1, 'a/b']}
    """
    if isinstance(obj, Mapping):
        return {str(key): plain(value) for key, value in obj.items()}
    if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
        return plain({field.name: getattr(obj, field.name) for field in dataclasses.fields(obj)})
    if isinstance(obj, Set):
        return sorted((plain(value) for value in obj), key=str)
    if isinstance(obj, Sequence) and not isinstance(obj, str | bytes):
        return [plain(value) for value in obj]
    return _plain_scalar(obj)


def _plain_scalar(obj: Any) -> Any:
    if isinstance(obj, np.datetime64):
        return str(obj)
    if isinstance(obj, np.ndarray | np.generic):
        return plain(obj.tolist())
    if isinstance(obj, datetime.date):
        return obj.isoformat()
    if isinstance(obj, Path):
        return obj.as_posix()
    if isinstance(obj, float) and not math.isfinite(obj):
        return None
    return obj
