"""One value of the configuration: brought to its field's type and held to its allowed range."""

from dataclasses import Field
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from uflux_stats.choices import require_choice
from uflux_stats.errors import ConfigError

_WORDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


def to_field(value: Any, hint: Any, field: "Field[Any]", *, key: str, base: Path) -> Any:
    """Bring a TOML value to the type of a configuration field.

    Parameters
    ----------
    value : any TOML value, or an already right one
        What was given.
    hint : type
        The field's resolved type.
    field : dataclasses.Field
        Carries the allowed range in its metadata.
    key : str
        Full name for the message, such as ``refine.members``.
    base : Path
        Folder that relative paths start from.

    Returns
    -------
    object
        Of type ``hint``.

    Raises
    ------
    ConfigError
        Naming the key, what is allowed and what was given.
    """
    converted = _convert(value, hint, key, base)
    low, high = field.metadata.get("low"), field.metadata.get("high")
    if isinstance(converted, (int, float)) and not _within(converted, low, high):
        raise ConfigError(f"{key}: expected {_range_text(low, high)}, got {value!r}; change it")
    return converted


def _convert(value: Any, hint: Any, key: str, base: Path) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        kinds = [kind for kind in arguments if kind is not NoneType]
        return None if value is None else _convert(value, kinds[0], key, base)
    if origin is Literal:
        return _one_of(value, arguments, key)
    if origin is tuple:
        return _several(value, arguments, key, base)
    if hint is Path:
        return _path(value, key, base)
    return _plain(value, hint, key)


def _several(value: Any, arguments: tuple[Any, ...], key: str, base: Path) -> tuple[Any, ...]:
    items = value if isinstance(value, (list, tuple)) else [value]
    if Ellipsis not in arguments and len(items) != len(arguments):
        raise ConfigError(f"{key}: expected {len(arguments)} values, got {value!r}; write them all")
    return tuple(_convert(item, arguments[0], key, base) for item in items)


def _one_of(value: Any, choices: tuple[Any, ...], key: str) -> Any:
    require_choice(value, choices, name=key)
    return value


def _path(value: Any, key: str, base: Path) -> Path:
    if not isinstance(value, (str, Path)) or not str(value):
        raise ConfigError(f"{key}: expected a path, got {value!r}; write it as text in quotes")
    return base / Path(value).expanduser()


def _plain(value: Any, hint: Any, key: str) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    raise ConfigError(f"{key}: expected {_WORDS[hint]}, got {value!r}; change it")


def _within(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _range_text(low: float | None, high: float | None) -> str:
    if high is None:
        return f"a number of at least {low}"
    return f"a number up to {high}" if low is None else f"a number from {low} to {high}"
