"""Ways to divide rows into folds, one interface: a fold number for every row."""

from typing import Final, Literal, get_args

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from uflux_stats.choices import require_choice
from uflux_stats.errors import ConfigError, MissingVariableError
from uflux_stats.schema import MISSING_CLASS

Split = Literal["random", "tower", "igbp", "koppen", "blocks"]
SPLITS: Final[tuple[Split, ...]] = get_args(Split)
WHOLE_TOWERS: Final[tuple[Split, ...]] = ("tower", "blocks", "koppen", "igbp")
"""Splits that keep towers whole, the one to calibrate on first."""

RANDOM_FOLDS: Final = 10
BLOCK_KM: Final = 1000.0
"""Largest distance between towers of one block."""
_EARTH_KM: Final = 6371.0


def split_folds(
    towers: xr.Dataset,
    site: NDArray[np.intp],
    *,
    split: Split = "tower",
    folds: int | None = None,
    seed: int = 0,
) -> NDArray[np.intp]:
    """Give each row the number of the fold in which it is held out.

    "random" deals out rows, whatever tower they are from, as the public code of the method paper
    does; months of a tower then stand on both sides. All others keep a tower whole: "tower" leaves
    one out at a time (or groups of them, with ``folds``), "igbp" and "koppen" one class,
    "blocks" all towers of a region at most 1000 km wide. Towers of unknown class are one class.

    Parameters
    ----------
    towers : xr.Dataset, (site, ...)
        With IGBP, KOPPEN (site,) and coordinates lat, lon, as the split needs.
    site : array of int, (row,)
        Position of each row's tower along ``site``.
    split : {"random", "tower", "igbp", "koppen", "blocks"}
    folds : int, optional
        Number of folds: 10 for "random"; otherwise one for each group, unless given.
    seed : int

    Returns
    -------
    array of int, (row,)
        Fold numbers from 0 on.

    Raises
    ------
    ConfigError
        If the split is unknown, or there are fewer groups than two or than ``folds``.

    Examples
    --------
    >>> towers = xr.Dataset(coords={"site": ["A", "B"]})
    >>> split_folds(towers, np.array([0, 0, 1])).tolist()
    [0, 0, 1]
    """
    require_choice(split, SPLITS, name="split")
    if folds is not None and folds < 2:
        raise ConfigError(f"folds: expected at least 2, got {folds}")
    rng = np.random.default_rng(seed)
    if split == "random":
        return rng.permutation(np.arange(len(site)) % (folds or RANDOM_FOLDS))
    present, group = np.unique(_groups(towers, split)[site], return_inverse=True)
    if len(present) < max(2, folds or 2):
        raise ConfigError(
            f"split {split!r}: expected at least {max(2, folds or 2)} groups, got {len(present)}; "
            "add towers or ask for fewer folds"
        )
    if folds is None:
        return group.astype(np.intp)
    return rng.permutation(np.arange(len(present)) % folds)[group]


def _groups(towers: xr.Dataset, split: Split) -> NDArray[np.intp]:
    """Group number of each tower."""
    if split == "tower":
        return np.arange(towers.sizes["site"])
    if split == "blocks":
        return _blocks(towers)
    name = split.upper()
    if name not in towers:
        raise MissingVariableError(f"towers: expected {name} for this split; add it to the towers")
    return towers[name].fillna(MISSING_CLASS).values.astype(np.intp)


def _blocks(towers: xr.Dataset) -> NDArray[np.intp]:
    """Cluster towers so that no two of a block are farther apart than ``BLOCK_KM``."""
    lat, lon = (np.deg2rad(towers[name].values) for name in ("lat", "lon"))
    if not np.isfinite(lat + lon).all():
        raise MissingVariableError("towers: expected lat and lon of every tower; add or drop them")
    place = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    chord = 2.0 * np.sin(BLOCK_KM / _EARTH_KM / 2.0)
    if len(place) < 2:
        return np.zeros(len(place), np.intp)
    return fcluster(linkage(place, "complete"), chord, "distance").astype(np.intp)
