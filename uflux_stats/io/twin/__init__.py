"""The twin Earth: a generated planet in the file layouts of the real data."""

from uflux_stats.io.twin.make import make_twin
from uflux_stats.io.twin.options import Trends, TwinOptions, TwinPaths

__all__ = ["Trends", "TwinOptions", "TwinPaths", "make_twin"]
