"""Optional dependencies, loaded when they are needed."""

from importlib import import_module
from types import ModuleType

from uflux_stats.errors import MissingExtraError


def extra(name: str, group: str) -> ModuleType:
    """Import an optional dependency.

    Raises
    ------
    MissingExtraError
        If it is not installed; says which extra brings it.

    Examples
    --------
    >>> extra("no_such_package", "report")
    Traceback (most recent call last):
    uflux_stats.errors.MissingExtraError: no_such_package is not installed; ...
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtraError(name, group) from error
