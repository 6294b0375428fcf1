"""Random fields on the sphere that are alike nearby and from month to month."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

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
    smooth = smoothed(white, 1.0)
    red = _with_memory(smooth / smooth.std(axis=0), persistence)
    return _bilinear(red[_SPIN_UP:], lat, lon)


def fixed_noise(rng: np.random.Generator, lat: Floats, lon: Floats) -> Floats:
    """Draw one field (cell,) of about unit variance that does not change in time."""
    rows, columns = int(180 / NODE) + 1, int(360 / NODE)
    white = rng.standard_normal((1, rows, columns))
    smooth = smoothed(white, 1.0)
    return np.asarray(_bilinear(smooth / smooth.std(), lat, lon)[0])


def red_index(rng: np.random.Generator, n_time: int, *, persistence: float) -> Floats:
    """Draw one AR(1) series (time,) of about unit variance."""
    white = rng.standard_normal(n_time + 10 * _SPIN_UP)
    return _with_memory(white, persistence)[10 * _SPIN_UP :]


def smoothed(field: Floats, width: float) -> Floats:
    """Smooth (..., row, column) by a bell of ``width`` cells, round the date line."""
    from scipy.ndimage import gaussian_filter1d  # importing scipy sets filters of warnings

    rows = gaussian_filter1d(field, width, axis=-2, mode="nearest")
    return np.asarray(gaussian_filter1d(rows, width, axis=-1, mode="wrap"))


def _with_memory(white: Floats, persistence: float) -> Floats:
    """Turn white noise (time, ...) into AR(1) noise of the same variance."""
    red: Floats = np.empty_like(white)
    red[0] = white[0]
    for step in range(1, white.shape[0]):
        red[step] = persistence * red[step - 1] + np.sqrt(1 - persistence**2) * white[step]
    return red


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
