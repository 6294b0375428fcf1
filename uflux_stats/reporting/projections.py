"""Where degrees go on a map: as they are, or in a projection of cartopy."""

from collections.abc import Callable
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from uflux_stats.choices import require_choice
from uflux_stats.errors import ConfigError
from uflux_stats.reporting.extras import extra

Floats = NDArray[np.float64]
Projection = Literal["plate", "robinson", "equal_earth"]
Place = Callable[[Floats, Floats], tuple[Floats, Floats]]
"""From longitude and latitude [degrees] to the plane, of arrays of the same shape."""
CARTOPY: Final[dict[str, str]] = {"robinson": "Robinson", "equal_earth": "EqualEarth"}
EXTRA: Final = "maps"


def projector(projection: Projection) -> Place:
    """Return what puts degrees on the plane.

    Only the formulas of cartopy are used, never its map data: outlines are the package's own, so
    nothing is downloaded. In all of these the height on the map depends on latitude alone.

    Parameters
    ----------
    projection : {"plate", "robinson", "equal_earth"}
        "plate" leaves degrees as they are and needs no cartopy.

    Returns
    -------
    callable
        Of longitude and latitude [degrees], giving x and y [degrees, or m].

    Raises
    ------
    ConfigError
        If it is unknown.
    MissingExtraError
        If it needs cartopy, which is not installed; says which extra brings it.

    Examples
    --------
    >>> x, y = projector("plate")(np.array([10.0]), np.array([50.0]))
    >>> x.item(), y.item()
    (10.0, 50.0)
    """
    require_choice(projection, get_args(Projection), name="projection", error=ConfigError)
    if projection == "plate":
        return lambda lon, lat: (lon, lat)
    shapes = extra("cartopy.crs", EXTRA)
    plane, degrees = getattr(shapes, CARTOPY[projection])(), shapes.PlateCarree()

    def place(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        points = plane.transform_points(degrees, lon, lat)
        return points[..., 0], points[..., 1]

    return place
