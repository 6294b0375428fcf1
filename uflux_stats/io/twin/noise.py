"""Random fields on the sphere that are alike nearby and from month to month."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.signal import lfilter

Floats = NDArray[np.float64]

NODE: Final = 10.0
"""Distance of the nodes that carry the noise [degree]: the same field at every resolution."""
_SPIN_UP: Final = 36


def red_noise(
    rng: np.random.Generator, n_time: int, lat: Floats, lon: Floats, *, persistence: float
) -> Floats:
    """Draw a field of about unit variance that follows an AR(1) process in time.

    Parameters
    ----------
    rng : np.random.Generator
        Source of random numbers.
    n_time : int
        Number of steps.
    lat, lon : np.ndarray, (cell,) [degree]
        Where the field is wanted.
    persistence : float
        Correlation from one step to the next, 0 to below 1.

    Returns
    -------
    np.ndarray, (time, cell)
        Mean zero; correlated over about 1500 km.

    Examples
    --------
    >>> place = np.array([10.0, 11.0]), np.array([20.0, 20.0])
    >>> noise = red_noise(np.random.default_rng(1), 600, *place, persistence=0.5)
    >>> bool(np.corrcoef(noise.T)[0, 1] > 0.8)
    True
    """
    rows, columns = int(180 / NODE) + 1, int(360 / NODE)
    white = rng.standard_normal((n_time + _SPIN_UP, rows, columns))
    smooth = gaussian_filter(white, (0, 1, 1), mode=("nearest", "nearest", "wrap"))
    smooth = smooth / smooth.std(axis=0)
    red = lfilter([np.sqrt(1 - persistence**2)], [1, -persistence], smooth, axis=0)
    return _bilinear(red[_SPIN_UP:], lat, lon)


def fixed_noise(rng: np.random.Generator, lat: Floats, lon: Floats) -> Floats:
    """Draw one field (cell,) of about unit variance that does not change in time."""
    rows, columns = int(180 / NODE) + 1, int(360 / NODE)
    white = rng.standard_normal((1, rows, columns))
    smooth = gaussian_filter(white, (0, 1, 1), mode=("nearest", "nearest", "wrap"))
    return _bilinear(smooth / smooth.std(), lat, lon)[0]


def red_index(rng: np.random.Generator, n_time: int, *, persistence: float) -> Floats:
    """Draw one AR(1) series (time,) of about unit variance."""
    white = rng.standard_normal(n_time + 10 * _SPIN_UP)
    red = lfilter([np.sqrt(1 - persistence**2)], [1, -persistence], white)
    return np.asarray(red[10 * _SPIN_UP :], dtype=np.float64)


def _bilinear(nodes: Floats, lat: Floats, lon: Floats) -> Floats:
    """Interpolate (time, row, column) from the nodes to places, round the date line."""
    y, x = (lat + 90) / NODE, (lon % 360) / NODE
    south = np.minimum(y.astype(int), nodes.shape[1] - 2)
    west = x.astype(int) % nodes.shape[2]
    east = (west + 1) % nodes.shape[2]
    v, u = y - south, x - x.astype(int)
    return np.asarray(
        (nodes[:, south, west] * (1 - u) + nodes[:, south, east] * u) * (1 - v)
        + (nodes[:, south + 1, west] * (1 - u) + nodes[:, south + 1, east] * u) * v
    )
