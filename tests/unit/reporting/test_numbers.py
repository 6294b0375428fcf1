"""``numbers.json``: plain, sorted, without NaN, one value per key."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import DataFileError, UfluxError
from uflux_stats.io.store import write_json
from uflux_stats.reporting.numbers import Number, key, merge, number, read_numbers


def test_values_become_plain() -> None:
    entry = number(xr.DataArray(np.float32(0.5)), "PgC yr-1", interval=(np.nan, 1), n=np.int64(4))
    assert entry == Number(0.5, "PgC yr-1", None, 1.0, 4, "")
    assert number(np.inf).value is None
    assert number(np.bool_(True)).value is True
    assert number(np.int64(3)).value == 3


def test_round_trip_and_order(tmp_path: Path) -> None:
    numbers = {"b.x": number(1.5), "a.y": number(None, note="skipped: one year")}
    path = tmp_path / "numbers.json"
    first = write_json(numbers, path).read_bytes()
    assert read_numbers(path) == numbers
    assert list(read_numbers(path)) == ["a.y", "b.x"]
    assert write_json(dict(reversed(numbers.items())), path).read_bytes() == first


def test_no_key_twice() -> None:
    with pytest.raises(UfluxError, match=r"each key once, got \['a'\]"):
        merge({"a": number(1)}, {"a": number(1)})


def test_keys_have_no_dots_inside_parts() -> None:
    with pytest.raises(UfluxError, match=r"parts without dots, got 'a\.b'"):
        key("totals", "a.b")


def test_what_is_no_numbers_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    with pytest.raises(DataFileError, match=r"numbers\.json"):
        read_numbers(path)
    path.write_text('{"a": {"value": 1, "unit": "m"}}')
    with pytest.raises(DataFileError, match="unit"):
        read_numbers(path)
