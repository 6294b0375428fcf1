"""Time and memory that a stage takes."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

BYTES_PER_MIB = 2**20


@dataclass
class Usage:
    """Wall-clock seconds and peak resident memory [MiB] of this process and of its largest child.

    Filled in when the measured block ends. Where the system cannot restart its high-water mark
    (anywhere but Linux), the peak is that since the process began; the child's always is.
    """

    seconds: float = 0.0
    peak_memory_mib: float = 0.0
    peak_child_memory_mib: float = 0.0


@contextmanager
def measured() -> Iterator[Usage]:
    """Measure the block; the result is complete after it, also if it raises."""
    usage = Usage()
    _restart_high_water_mark()
    begin = time.perf_counter()
    try:
        yield usage
    finally:
        usage.seconds = round(time.perf_counter() - begin, 3)
        usage.peak_memory_mib, usage.peak_child_memory_mib = _peaks()


def _restart_high_water_mark() -> None:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peaks() -> tuple[float, float]:
    if sys.platform == "win32":
        return 0.0, 0.0
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    peaks = (
        resource.getrusage(who).ru_maxrss * unit / BYTES_PER_MIB
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    own, child = (round(peak, 1) for peak in peaks)
    return own, child
