"""How skill falls away from the towers: by distance, and by unlikeness of the predictors."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.grid.distance import great_circle
from uflux_stats.refinement.held_out import fold_of_tower
from uflux_stats.refinement.validation import fluxes_of

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

STEPS_KM: Final = (30.0, 100.0, 300.0, 1000.0)
"""Ends of the classes of distance: the same site, the same landscape, weather and climate."""


def distance_to_training(held_out: xr.Dataset) -> xr.DataArray:
    """Distance of each tower to the nearest one that its fold's fit had seen.

    Parameters
    ----------
    held_out : xr.Dataset, (source, site, time)
        Of ``cross_validate`` under a split that keeps towers whole.

    Returns
    -------
    xr.DataArray, (site,) [km]
        Missing for towers without a month or a place, and where all others are in the same fold.

    Raises
    ------
    ConfigError
        If months of one tower are in several folds.

    Examples
    --------
    Two towers of one fold on the equator, and one of another fold two degrees to the east:

    >>> fold = (("site", "time"), [[0.0], [0.0], [1.0]])
    >>> places = {"lat": ("site", [0.0, 0.0, 0.0]), "lon": ("site", [0.0, 1.0, 3.0])}
    >>> distance_to_training(xr.Dataset({"fold": fold}, places)).round().values.tolist()
    [334.0, 222.0, 222.0]
    """
    fold = fold_of_tower(held_out)
    lat, lon = (np.deg2rad(held_out[name].values.astype(float)) for name in ("lat", "lon"))
    apart = great_circle(lat[:, np.newaxis], lon[:, np.newaxis], lat, lon)
    # a comparison with a missing fold is true, but its tower was in no fit
    others = (fold[:, np.newaxis] != fold) & np.isfinite(fold) & np.isfinite(lat + lon)
    nearest = np.where(others, apart, np.inf).min(axis=1)
    known = np.isfinite(nearest) & np.isfinite(fold)
    return xr.DataArray(np.where(known, nearest, np.nan), dims="site", attrs={"units": "km"})


def skill_by_distance(held_out: xr.Dataset) -> pd.DataFrame:
    """Score held-out months by the distance to the nearest tower of the fit; see ``skill_by``."""
    far = distance_to_training(held_out).broadcast_like(held_out["fold"])
    return skill_by(held_out, far, km_classes(far.transpose("site", "time").values))


def km_classes(far: Values) -> dict[str, Mask]:
    """Classes of distance [km], by name.

    Examples
    --------
    >>> {name: int(own.sum()) for name, own in km_classes(np.array([5.0, 2000.0, np.nan])).items()}
    {'0-30 km': 1, '30-100 km': 0, '100-300 km': 0, '300-1000 km': 0, '1000 km or more': 1}
    """
    classes = {f"{low:g}-{high:g} km": (far >= low) & (far < high)
               for low, high in pairwise((0.0, *STEPS_KM))}  # fmt: skip
    return {**classes, f"{STEPS_KM[-1]:g} km or more": far >= STEPS_KM[-1]}


def skill_by(held_out: xr.Dataset, far: xr.DataArray, groups: Mapping[str, Mask]) -> pd.DataFrame:
    """Score held-out months in groups of how far they are from training.

    Parameters
    ----------
    held_out : xr.Dataset, (source, site, time)
        Of ``cross_validate``.
    far : xr.DataArray, (site, time) [any]
    groups : dict of array of bool, (site, time)

    Returns
    -------
    pd.DataFrame
        For each flux and group with months: mean of ``far``, r2 [1] (within the group; missing if
        the observed do not vary), RMSE and bias [units of the flux], numbers of months and towers.
    """
    distance = far.transpose("site", "time").values
    tower = np.broadcast_to(np.arange(held_out.sizes["site"])[:, np.newaxis], distance.shape)
    records = []
    for name in fluxes_of(held_out):
        flux = held_out[name].transpose("source", "site", "time")
        observed = flux.sel(source="observed").values
        error = flux.sel(source="refined").values - observed
        for group, own in groups.items():
            chosen = own & np.isfinite(error)
            if chosen.any():
                scored = _scores(observed[chosen], error[chosen])
                towers = np.unique(tower[chosen]).size
                row = {"flux": name, "group": group, "far": float(distance[chosen].mean())}
                records.append(row | scored | {"months": int(chosen.sum()), "towers": towers})
    columns = ["flux", "group", "far", "r2", "rmse", "bias", "months", "towers"]
    return pd.DataFrame(records, columns=columns)


def _scores(observed: Values, error: Values) -> dict[str, float]:
    spread = float(((observed - observed.mean()) ** 2).sum())
    return {
        "r2": 1.0 - float((error**2).sum()) / spread if spread > 0.0 else np.nan,
        "rmse": float(np.sqrt(np.mean(error**2))),
        "bias": float(error.mean()),
    }
