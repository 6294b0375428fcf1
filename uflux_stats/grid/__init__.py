"""Grids: areas of cells, one layout for all grids, and the regions that cells belong to."""

from uflux_stats.grid.cells import cell_area, land_area
from uflux_stats.grid.coordinates import cell_coordinates
from uflux_stats.grid.normalise import normalise_grid
from uflux_stats.grid.polygons import CONTINENTS, continents, continents_at, land_outlines
from uflux_stats.grid.regions import region_masks

__all__ = [
    "CONTINENTS",
    "cell_area",
    "cell_coordinates",
    "continents",
    "continents_at",
    "land_area",
    "land_outlines",
    "normalise_grid",
    "region_masks",
]
