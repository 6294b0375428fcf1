"""One thread for linear algebra: folds have threads of their own, and rounding is the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from threadpoolctl import threadpool_limits

_lock = Lock()
_inside = 0
_limits: threadpool_limits | None = None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold BLAS to one thread until all that is inside, in whatever thread, has come out.

    Results then depend neither on the number of processors nor on that of workers. Also a
    decorator.

    Examples
    --------
    >>> from threadpoolctl import threadpool_info
    >>> with one_blas_thread(), one_blas_thread():
    ...     {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
    {1}
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _inside, _limits  # noqa: PLW0603
    with _lock:
        _inside += 1
        if _inside == 1:
            _limits = threadpool_limits(1, user_api="blas")


def _leave() -> None:
    global _inside, _limits  # noqa: PLW0603
    with _lock:
        _inside -= 1
        if _inside == 0 and _limits is not None:
            _limits.restore_original_limits()
            _limits = None
