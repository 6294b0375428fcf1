"""Which stages a configuration asks for, in which order."""

from uflux_stats.config import RunConfig
from uflux_stats.pipeline.stage import Stage


def plan(_: RunConfig) -> tuple[Stage, ...]:
    """Return the stages of a run, in the order to run them."""
    return ()
