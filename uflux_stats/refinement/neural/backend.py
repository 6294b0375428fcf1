"""PyTorch, loaded when a network is fitted or asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from uflux_stats.errors import MissingExtraError

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
    """Compute on one thread, so that the result does not depend on the machine."""
    library = torch()
    before = library.get_num_threads()
    library.set_num_threads(1)
    try:
        yield
    finally:
        library.set_num_threads(before)
