"""Distance on the sphere."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from uflux_stats.grid.cells import EARTH_RADIUS

Floats = NDArray[np.float64]
_METRES: Final = 1000.0


def great_circle(lat: Floats, lon: Floats, north: Any, east: Any) -> Floats:
    """Great-circle distance [km] between places in radians, by the haversine formula.

    References
    ----------
    Sinnott (1984), Virtues of the haversine, Sky and Telescope 68.

    Examples
    --------
    >>> round(float(great_circle(np.array(0.0), np.array(0.0), np.pi / 2, 0.0)))
    10008
    """
    square = (
        np.sin((lat - north) / 2) ** 2 + np.cos(lat) * np.cos(north) * np.sin((lon - east) / 2) ** 2
    )
    return np.asarray(2 * EARTH_RADIUS / _METRES * np.arcsin(np.sqrt(np.minimum(square, 1.0))))
