"""A run: stages that remember what they finished, and what they leave in the run's folder."""

from uflux_stats.pipeline.runner import run_stages
from uflux_stats.pipeline.stage import Stage, Task

__all__ = ["Stage", "Task", "run_stages"]
