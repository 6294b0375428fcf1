"""Deviations of unseen places from their class: none, shared, independent, or smooth on the sphere.

Bands of latitude are drawn one at a time and the same whatever their height.
"""

from typing import Final, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

SiteEffect = Literal["none", "shared", "independent", "spatial"]
SITE_EFFECTS: Final[tuple[SiteEffect, ...]] = ("none", "shared", "independent", "spatial")
"""Deviation of an unseen cell from its class: none (the typical site), one for all cells in each
draw, one for each cell, or a smooth random field."""
EARTH_KM: Final = 6371.0
WAVES: Final = 100
"""Random waves that a smooth field is made of."""


def site_deviations(
    land: xr.DataArray,
    spread: NDArray[np.float64],
    kind: SiteEffect,
    seed: list[int],
    *,
    length_km: float = 500.0,
) -> xr.DataArray:
    """Draw the deviation of every land cell from its class, for every draw of the posterior.

    Parameters
    ----------
    land : xr.DataArray, (lat, lon) of bool
        Cells that are wanted; the deviation of others is zero.
    spread : array, (draw,) [unit of the deviation]
        Standard deviation between sites, of each draw.
    kind : {"none", "shared", "independent", "spatial"}
    seed : list of int
    length_km : float
        Length scale of the squared-exponential correlation of "spatial".

    Returns
    -------
    xr.DataArray, (draw, lat, lon) [unit of the deviation]
        float32.

    References
    ----------
    Rahimi and Recht 2007, Random features for large-scale kernel machines, NeurIPS 20.

    Examples
    --------
    >>> places = {"lat": [0.0], "lon": [0.0, 9.0]}
    >>> land = xr.DataArray([[True, True]], places, dims=("lat", "lon"))
    >>> shared = site_deviations(land, np.ones(3), "shared", [0])
    >>> bool((shared[:, 0, 0] == shared[:, 0, 1]).all())
    True
    """
    shape = (len(spread), *land.shape)
    if kind == "none":
        standard = np.zeros(shape, np.float32)
    elif kind == "shared":
        drawn = np.random.default_rng(seed).standard_normal((len(spread), 1, 1), np.float32)
        standard = np.broadcast_to(drawn, shape)
    elif kind == "independent":
        standard = _independent(land, len(spread), seed)
    else:
        standard = _smooth(land, len(spread), seed, length_km)
    values = np.asarray(spread, np.float32)[:, None, None] * standard
    places = {name: land[name] for name in ("lat", "lon")}
    return xr.DataArray(values, dims=("draw", "lat", "lon"), coords=places)


def _independent(land: xr.DataArray, draws: int, seed: list[int]) -> NDArray[np.float32]:
    """Draw standard normal numbers, seeded by the latitude so that bands may have any height."""
    rows = []
    for lat in land["lat"].values:
        rng = np.random.default_rng([*seed, round((float(lat) + 90.0) * 1e4)])
        rows.append(rng.standard_normal((draws, land.sizes["lon"]), np.float32))
    return np.stack(rows, axis=1)


def _smooth(
    land: xr.DataArray, draws: int, seed: list[int], length_km: float
) -> NDArray[np.float32]:
    """Draw standard normal fields, correlated over a distance through the body of the Earth."""
    wanted = land.transpose("lat", "lon").values
    row, column = np.nonzero(wanted)
    lat, lon = np.deg2rad(land["lat"].values[row]), np.deg2rad(land["lon"].values[column])
    place = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    fields = np.zeros((draws, *wanted.shape), np.float32)
    for number in range(draws):
        rng = np.random.default_rng([*seed, number])
        wave = rng.normal(0.0, EARTH_KM / length_km, (3, WAVES))
        phase = rng.uniform(0.0, 2.0 * np.pi, WAVES)
        angles = (place @ wave + phase).astype(np.float32)
        fields[number, row, column] = np.cos(angles).sum(axis=1) * np.sqrt(2.0 / WAVES)
    return fields
