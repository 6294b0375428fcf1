"""The places that reports are of, and the names they go by."""

from typing import Final

from uflux_stats.grid import CONTINENTS
from uflux_stats.reporting.reading import GLOBAL

CONTINENT_NAMES: Final = tuple(CONTINENTS.values())
ZONES: Final = ("northern extratropics", "tropics", "southern extratropics")
# legend of MCD12C1, IGBP scheme (Sulla-Menashe and Friedl 2018)
TYPES: Final[dict[str, str]] = {
    "ENF": "Evergreen needleleaf forest",
    "EBF": "Evergreen broadleaf forest",
    "DNF": "Deciduous needleleaf forest",
    "DBF": "Deciduous broadleaf forest",
    "MF": "Mixed forest",
    "CSH": "Closed shrubland",
    "OSH": "Open shrubland",
    "WSA": "Woody savanna",
    "SAV": "Savanna",
    "GRA": "Grassland",
    "WET": "Permanent wetland",
    "CRO": "Cropland",
    "CVM": "Cropland and natural vegetation mosaic",
    "SNO": "Snow and ice",
    "BSV": "Barren or sparsely vegetated",
}
"""Land cover types that have fluxes; water and towns have none."""


def place_name(region: str) -> str:
    """Return the name of a region for a heading, types in full.

    Examples
    --------
    >>> place_name("ENF"), place_name("Asia"), place_name("global")
    ('Evergreen needleleaf forest (ENF)', 'Asia', 'all land')
    """
    if region == GLOBAL:
        return "all land"
    return f"{TYPES[region]} ({region})" if region in TYPES else region
