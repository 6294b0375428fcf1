"""The version of the code that a result depends on: its own modules and the libraries."""

import ast
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from uflux_stats.io.fingerprints import fingerprint

PACKAGE: Final = Path(__file__).resolve().parents[1]
NUMERICAL_LIBRARIES: Final = (
    "arviz", "dask", "matplotlib", "netCDF4", "numpy", "nutpie", "pandas", "pymc", "pytensor",
    "scipy", "shapely", "xarray", "xgboost", "zarr",
)  # fmt: skip
"""Libraries whose version can change a result."""


def library_versions() -> dict[str, str]:
    """Versions of the libraries that can change a result, by name."""
    return {name: _version(name) for name in sorted(NUMERICAL_LIBRARIES)}


@cache
def code_version(module: str) -> str:
    """Return the fingerprint of a module and of all the package's modules that it imports.

    Imports are followed through the source, so that a change in drawing does not make a fit stale.
    Modules outside the package count as nothing; data files shipped with it count always.

    Parameters
    ----------
    module : str
        Dotted name, such as ``uflux_stats.pipeline.stages``.
    """
    sources = {_relative(path): fingerprint(path) for path in _closure(module)}
    data = PACKAGE / "data"
    shipped = {"data": fingerprint(data)} if data.is_dir() else {}
    return fingerprint(sources | shipped)


def _relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def _closure(module: str) -> set[Path]:
    found: set[Path] = set()
    waiting = list(_files_of(module))
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += [file for name in _imports(path) for file in _files_of(name)]
    return found


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _files_of(dotted: str) -> Iterator[Path]:
    """Files run when ``dotted`` is imported; its last part may be a name inside a module.

    The package's own ``__init__`` only names where things live and is left out.
    """
    root, *parts = dotted.split(".")
    if root != PACKAGE.name:
        return
    for depth in range(1, len(parts) + 1):
        place = PACKAGE.joinpath(*parts[:depth])
        for candidate in (place / "__init__.py", place.with_suffix(".py")):
            if candidate.is_file():
                yield candidate


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
