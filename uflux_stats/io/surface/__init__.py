"""Land-surface products in their native layouts: reflectance, land cover, climate, elevation.

HDF4 files need the extra ``surface``.
"""

from uflux_stats.io.surface.products import is_surface, read_surface
from uflux_stats.io.surface.site_indices import read_mod13a1

__all__ = ["is_surface", "read_mod13a1", "read_surface"]
