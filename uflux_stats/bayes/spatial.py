"""Deviations of unseen places from their class: none, shared, independent, or smooth on the sphere.

Bands of latitude may be asked for one at a time, and are the same whatever their height.
"""

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Place = tuple[NDArray[np.float64], NDArray[np.float64]]
SiteEffect = Literal["none", "shared", "independent", "spatial"]
SITE_EFFECTS: Final[tuple[SiteEffect, ...]] = ("none", "shared", "independent", "spatial")
"""Deviation of an unseen cell from its class: none (the typical site), one for all cells in each
draw, one for each cell, or a smooth random field."""
EARTH_KM: Final = 6371.0
WAVES: Final = 100
"""Random waves that a smooth field is made of."""
_DECIMALS: Final = 1e4


def standard_deviations(
    place: Place,
    draws: int,
    kind: SiteEffect,
    seed: list[int],
    *,
    length_km: float = 500.0,
) -> NDArray[np.float32]:
    """Draw a standard normal deviation for every place and every draw of a posterior.

    Parameters
    ----------
    place : pair of array, (place,) [degrees]
        Latitudes and longitudes.
    draws : int
    kind : {"none", "shared", "independent", "spatial"}
    seed : list of int
    length_km : float
        Length scale of the squared-exponential correlation of "spatial".

    Returns
    -------
    array, (place, draw) [1]
        For "none" zero.

    References
    ----------
    Rahimi and Recht 2007, Random features for large-scale kernel machines, NeurIPS 20.

    Examples
    --------
    >>> place = np.array([0.0, 0.0]), np.array([0.0, 9.0])
    >>> shared = standard_deviations(place, 3, "shared", [0])
    >>> bool((shared[0] == shared[1]).all())
    True
    """
    if kind == "independent":
        return _independent(place[0], draws, seed)
    if kind == "spatial":
        return _smooth(place, draws, seed, length_km)
    if kind == "none":
        return np.zeros((len(place[0]), draws), np.float32)
    shared = np.random.default_rng(seed).standard_normal(draws, np.float32)
    return np.broadcast_to(shared, (len(place[0]), draws))


def _independent(lat: NDArray[np.float64], draws: int, seed: list[int]) -> NDArray[np.float32]:
    """Seed by the latitude, so that bands may have any height."""
    drawn = np.empty((len(lat), draws), np.float32)
    for parallel in np.unique(lat):
        here = lat == parallel
        rng = np.random.default_rng([*seed, round((float(parallel) + 90.0) * _DECIMALS)])
        drawn[here] = rng.standard_normal((int(here.sum()), draws), np.float32)
    return drawn


def _smooth(place: Place, draws: int, seed: list[int], length_km: float) -> NDArray[np.float32]:
    """Sum random waves, correlated over a distance through the body of the Earth."""
    phi, theta = (np.deg2rad(degrees) for degrees in place)
    on_sphere = np.stack(
        [np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)], axis=1
    ).astype(np.float32)
    rng = np.random.default_rng(seed)
    waves = rng.normal(0.0, EARTH_KM / length_km, (draws, 3, WAVES)).astype(np.float32)
    phases = rng.uniform(0.0, 2.0 * np.pi, (draws, WAVES)).astype(np.float32)
    fields = np.empty((len(phi), draws), np.float32)
    for number, (wave, phase) in enumerate(zip(waves, phases, strict=True)):
        angles = on_sphere @ wave
        angles += phase
        fields[:, number] = np.cos(angles, out=angles).sum(axis=1)
    return fields * np.float32(np.sqrt(2.0 / WAVES))
