"""The true parameters of vegetation on the twin Earth, by IGBP class.

Invented, of realistic size, and on purpose not those of any baseline in this package.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr

from uflux_stats.schema import IGBP_CLASSES


@dataclass(frozen=True)
class Plant:
    """What is true of one vegetation class.

    Attributes
    ----------
    efficiency
        Light-use efficiency without any limit, before the global scale [gC MJ-1 of absorbed PAR].
    q10
        Factor of ecosystem respiration per 10 K.
    green, bare
        Largest and smallest FAPAR.
    share
        Heterotrophic share of respiration at 10 degC.
    leaf, wood
        Fractions of net primary production that go to leaves and wood; the rest goes to roots.
    lifetime
        Turnover time of wood [yr].
    """

    efficiency: float
    q10: float
    green: float
    bare: float
    share: float
    leaf: float
    wood: float
    lifetime: float


PLANTS: Final[dict[str, Plant]] = {
    "ENF": Plant(1.55, 1.75, 0.80, 0.45, 0.46, 0.25, 0.45, 50.0),
    "EBF": Plant(1.60, 1.40, 0.92, 0.70, 0.44, 0.25, 0.45, 38.0),
    "DNF": Plant(1.45, 1.90, 0.70, 0.12, 0.48, 0.25, 0.42, 55.0),
    "DBF": Plant(1.75, 1.65, 0.88, 0.15, 0.46, 0.30, 0.42, 42.0),
    "MF": Plant(1.65, 1.70, 0.85, 0.30, 0.46, 0.28, 0.43, 45.0),
    "CSH": Plant(1.30, 1.50, 0.60, 0.30, 0.50, 0.30, 0.30, 18.0),
    "OSH": Plant(1.05, 1.60, 0.40, 0.08, 0.52, 0.30, 0.25, 18.0),
    "WSA": Plant(1.50, 1.45, 0.75, 0.35, 0.47, 0.30, 0.35, 28.0),
    "SAV": Plant(1.45, 1.45, 0.62, 0.25, 0.49, 0.35, 0.25, 22.0),
    "GRA": Plant(1.55, 1.60, 0.65, 0.10, 0.50, 0.45, 0.05, 8.0),
    "WET": Plant(1.30, 1.95, 0.68, 0.15, 0.52, 0.35, 0.20, 15.0),
    "CRO": Plant(1.95, 1.55, 0.75, 0.08, 0.48, 0.45, 0.05, 4.0),
    "URB": Plant(1.20, 1.55, 0.35, 0.10, 0.50, 0.35, 0.25, 20.0),
    "CVM": Plant(1.75, 1.55, 0.75, 0.20, 0.48, 0.38, 0.22, 20.0),
    "BSV": Plant(0.80, 1.50, 0.10, 0.02, 0.55, 0.35, 0.20, 12.0),
    "SNO": Plant(0.50, 1.50, 0.02, 0.00, 0.55, 0.35, 0.20, 12.0),
    "WAT": Plant(0.50, 1.50, 0.02, 0.00, 0.55, 0.35, 0.20, 12.0),
}
CO2_RESPONSE: Final = 0.45
"""Growth of efficiency per unit of ln(CO2 / CO2_REFERENCE)."""
CO2_REFERENCE: Final = 380.0
"""Mole fraction at which the response is one [ppm]."""


def plant_parameters(igbp: xr.DataArray) -> xr.Dataset:
    """Spread the table over places by their class; same dims as ``igbp`` [class].

    Examples
    --------
    >>> plant_parameters(xr.DataArray([4], dims="cell"))["q10"].item()
    1.65
    """
    names = [IGBP_CLASSES[int(code)] for code in igbp.values]
    return xr.Dataset(
        {
            field: (igbp.dims, np.array([getattr(PLANTS[name], field) for name in names]))
            for field in Plant.__dataclass_fields__
        },
        coords=igbp.coords,
    )
