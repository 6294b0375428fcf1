"""PyTorch, loaded when a network is fitted or asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from threading import Lock
from typing import Any, Final

from uflux_stats.errors import MissingExtraError

_LOCK: Final = Lock()
_INSIDE: Final[list[int]] = []
"""The number of threads before, once for each fit or prediction under way."""

Tensor = Any
"""``torch.Tensor``; not named so, since PyTorch may be absent."""


def torch() -> Any:
    """Import PyTorch.

    Raises
    ------
    MissingExtraError
        If it is not installed; says which extra brings it.
    """
    try:
        return import_module("torch")
    except ImportError as error:
        raise MissingExtraError("torch", "nn") from error


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread, so that the result does not depend on the machine.

    Folds are fitted side by side, and the number of threads belongs to them all: the last to leave
    puts it back.
    """
    library = torch()
    with _LOCK:
        if not _INSIDE:
            _INSIDE.append(library.get_num_threads())
            library.set_num_threads(1)
        else:
            _INSIDE.append(_INSIDE[0])
    try:
        yield
    finally:
        with _LOCK:
            before = _INSIDE.pop()
            if not _INSIDE:
                library.set_num_threads(before)
