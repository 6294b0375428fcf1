"""What a configuration needs to be true of the machine, asked before any work is done."""

from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

from uflux_stats.config.sections import RunConfig
from uflux_stats.config.values import to_field
from uflux_stats.errors import ConfigError
from uflux_stats.reporting.projections import projector
from uflux_stats.reporting.run_files import STAGES


def check(config: RunConfig) -> None:
    """Raise unless the values are allowed, the inputs are there and the output is usable.

    Raises
    ------
    ConfigError
        At the first thing that is wrong; the message names the key.
    MissingExtraError
        If what is asked for needs a package that is not installed.
    """
    _check_values(config)
    _check_together(config)
    projector(config.output.projection)
    given = config.input
    for key in ("towers", "dgvm", "sites", "fapar"):
        path = getattr(given, key)
        if path is not None:
            _require_there(path, key=f"input.{key}")
    for path in given.drivers:
        _require_there(path, key="input.drivers")
    for kind, paths in config.benchmarks.files.items():
        for path in paths:
            _require_there(path, key=f"benchmarks.{kind}")
    _require_run_folder(config.output.out)


def _check_values(config: RunConfig) -> None:
    for name, kind in get_type_hints(RunConfig).items():
        section, hints = getattr(config, name), get_type_hints(kind)
        for field in fields(section):
            value: Any = getattr(section, field.name)
            key = f"{name}.{field.name}"
            to_field(value, hints[field.name], field, key=key, base=Path())


def _check_together(config: RunConfig) -> None:
    given = config.input
    if not config.is_twin and given.towers is None:
        raise ConfigError(
            "input.towers: expected a folder of tower files beside drivers or dgvm, got none; "
            "give --towers, or no input at all for the twin Earth"
        )
    if given.tower_drivers == "grid" and not config.is_twin and not given.drivers:
        raise ConfigError(
            "input.drivers: expected gridded drivers for tower_drivers = 'grid', got none; "
            "give --drivers, or set tower_drivers = 'tower'"
        )
    if config.refine.unheeded:
        raise ConfigError(
            f"refine.{config.refine.unheeded}: expected a learner that heeds it, got refine.model "
            f"{config.refine.model!r} with parts {list(config.refine.parts)}; change one of them"
        )
    emulates = config.is_twin or (given.drivers and given.dgvm is not None)
    if config.benchmarks.files and not emulates:
        raise ConfigError(
            f"benchmarks: expected drivers and dgvm beside {[*config.benchmarks.files]}, got none; "
            "give --drivers and --dgvm: what is compared is the allocation"
        )


def _require_there(path: Path, *, key: str) -> None:
    if not path.exists():
        raise ConfigError(f"{key}: expected data, got {path}, which does not exist; check the path")
    if path.is_dir() and not any(path.iterdir()):
        raise ConfigError(f"{key}: expected data, got {path}, which is empty; check the path")


def _require_run_folder(path: Path) -> None:
    """Raise unless it is new, empty or an earlier run's: other files are not written over."""
    if not path.exists():
        return
    if not path.is_dir():
        raise ConfigError(f"output.out: expected a folder, got the file {path}; choose another")
    if any(path.iterdir()) and not (path / STAGES).is_dir():
        raise ConfigError(
            f"output.out: expected a new folder or that of an earlier run, got {path}, which holds "
            "other files; choose another"
        )
