"""From TOML text and command-line overrides to a ``RunConfig``."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

from uflux_stats.choices import unknown_name
from uflux_stats.config.sections import RunConfig
from uflux_stats.config.values import to_field
from uflux_stats.errors import ConfigError


def read_config(path: Path | None = None, overrides: Mapping[str, Any] | None = None) -> RunConfig:
    """Read a configuration file and lay command-line values over it.

    Parameters
    ----------
    path : Path, optional
        TOML file. Relative paths inside it start from its own folder. None: all defaults.
    overrides : mapping, optional
        Values by dotted key, such as ``{"refine.members": 4}``; they win over the file, and
        their relative paths start from the current folder.

    Returns
    -------
    RunConfig
        No path in it has been looked at yet; see ``uflux_stats.config.check``.

    Raises
    ------
    ConfigError
        If the file is missing or not TOML, a key is unknown (the nearest is suggested) or a value
        is not allowed.
    """
    table = {} if path is None else _load(path)
    base = Path() if path is None else path.parent
    return build_config(table, overrides, base=base)


def build_config(
    table: Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    *,
    base: Path = Path(),
) -> RunConfig:
    """Build a configuration from nested tables (``{"refine": {"members": 4}}``).

    Parameters, errors and result are those of ``read_config``.

    Examples
    --------
    >>> build_config({"refine": {"members": 4}}, {"run.seed": 7}).run.seed
    7
    >>> build_config({"refine": {"member": 4}})
    Traceback (most recent call last):
    uflux_stats.errors.ConfigError: refine.member: ...; nearest: members, ...
    """
    nested = _nested(overrides or {})
    kinds = get_type_hints(RunConfig)
    _require_known(table, kinds, prefix="")
    _require_known(nested, kinds, prefix="")
    sections = {
        name: _section(kind, name, table.get(name, {}), nested.get(name, {}), base)
        for name, kind in kinds.items()
    }
    return RunConfig(**sections)


def parse_override(text: str) -> tuple[str, Any]:
    """Split ``section.key=value``; the value is read as TOML, and as text where it is not.

    Raises
    ------
    ConfigError
        If there is no ``=`` or no section.

    Examples
    --------
    >>> parse_override("refine.members=4"), parse_override("refine.target=direct")
    (('refine.members', 4), ('refine.target', 'direct'))
    """
    key, equals, value = text.partition("=")
    if not equals or "." not in key:
        raise ConfigError(f"--set: expected section.key=value, got {text!r}; see refine.members=4")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"config: expected a readable TOML file, got {path} ({error.strerror}); check the path"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"config: expected TOML, got {path}: {error}; correct it") from error


def _nested(overrides: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    nested: dict[str, dict[str, Any]] = {}
    for key, value in overrides.items():
        section, _, name = key.partition(".")
        nested.setdefault(section, {})[name] = value
    return nested


def _section(
    kind: type[Any],
    name: str,
    from_file: Any,
    from_flags: Mapping[str, Any],
    base: Path,
) -> Any:
    if not isinstance(from_file, Mapping):
        raise ConfigError(f"{name}: expected a section, got {from_file!r}; write [{name}] above it")
    hints = get_type_hints(kind)
    for given in (from_file, from_flags):
        _require_known(given, hints, prefix=f"{name}.")
    known = {field.name: field for field in fields(kind)}
    values = {
        key: to_field(value, hints[key], known[key], key=f"{name}.{key}", base=folder)
        for given, folder in ((from_file, base), (from_flags, Path()))
        for key, value in given.items()
    }
    return kind(**values)


def _require_known(given: Mapping[str, Any], known: Mapping[str, Any], *, prefix: str) -> None:
    for key in given:
        if key not in known:
            raise unknown_name(f"{prefix}{key}", key, known)
