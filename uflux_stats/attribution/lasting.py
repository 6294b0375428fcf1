"""What a change that lasts does, by the equations of every place and calendar month.

The parametric g-formula (Robins 1986, doi 10.1016/0270-0255(86)90088-6): drivers are set to what
they were plus the change, and everything that they drive follows, within the month and through the
memory of later months.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import t as student

from uflux_stats.attribution.effects import YEARS
from uflux_stats.attribution.local import LocalNetworks
from uflux_stats.attribution.network import require_drivers
from uflux_stats.attribution.samples import Group
from uflux_stats.errors import RangeError

Array = NDArray[np.float64]
Changes = Mapping[str, float | Array]
LEVEL: Final = 0.9


def lasting_changes(
    networks: LocalNetworks,
    changes: Changes,
    *,
    groups: Iterable[Group] | None = None,
    hold: bool = False,
    level: float = LEVEL,
) -> dict[Group, xr.Dataset]:
    """Mean change of the fluxes of each group if drivers were, for good, higher or lower.

    Parameters
    ----------
    networks : LocalNetworks
    changes : mapping of str to float or array (place, month)
        Change of each driver in its unit; its memory follows.
    groups : iterable of Group, optional
        All that there are by default.
    hold : bool
        Whether all other drivers stay as they were: the direct effect, memory of fluxes included.
        Otherwise they follow: the total effect.
    level : float
        Of the interval.

    Returns
    -------
    dict of Group to xr.Dataset, (target,)
        change, low, high in ``unit``, means over land area. The interval is from leaving out one
        year at a time: how much the equations depend on the years that there were. Attributes
        ``n`` (place-months), ``n_places``, ``years``, ``area`` [m2], ``group``; ``outside_share``,
        of the months whose drivers are then beyond the range of their place.

    Raises
    ------
    GraphError
        If a name is no driver.
    RangeError
        If a change is not finite, or there is none.
    """
    require_drivers(networks.graph, list(changes))
    if not changes or not all(np.isfinite(value).all() for value in changes.values()):
        raise RangeError(f"changes: expected finite changes of drivers, got {list(changes)}")
    folds = range(networks.years + 1)
    changed = np.stack([_mean_change(networks, changes, hold, fold) for fold in folds])
    beyond = _outside(networks, changes)
    return {
        group: _summed(networks, changed, beyond, (group, level))
        for group in (networks.members if groups is None else groups)
    }


def _summed(
    networks: LocalNetworks, changed: Array, beyond: NDArray[np.bool_], asked: tuple[Group, float]
) -> xr.Dataset:
    """Average changes (fold, target, place) over the land of a group."""
    group, level = asked
    inside = networks.members[group]
    means = changed @ (networks.area * inside / networks.area[inside].sum())
    error = _jackknife(means[1:]) * float(student.ppf(0.5 + level / 2.0, networks.years - 1))
    targets = list(networks.graph.targets)
    known = np.isfinite(networks.values[0][inside])
    return xr.Dataset(
        {
            "change": ("target", means[0]),
            "low": ("target", means[0] - error),
            "high": ("target", means[0] + error),
            "unit": ("target", [networks.units[name] for name in targets]),
        },
        coords={"target": targets},
        attrs={
            "n": int(known.sum()),
            "n_places": int(inside.sum()),
            "years": networks.years,
            "area": networks.land[group],
            "group": str(group),
            "outside_share": float(beyond[inside][known].mean()),
        },
    )


def _jackknife(left_out: Array) -> Array:
    """Give the standard error of estimates (year, ...) without each year (Efron and Stein 1981)."""
    years = len(left_out)
    error: Array = np.sqrt((years - 1) * left_out.var(axis=0))
    return error


def _mean_change(networks: LocalNetworks, changes: Changes, hold: bool, fold: int) -> Array:
    """Change (target, place) of the mean of a year."""
    graph = networks.graph
    shape = networks.values.shape[1], networks.values.shape[3]
    moved = {name: np.zeros(shape) for name in graph.nodes}
    moved |= {name: np.broadcast_to(value, shape)
              for name, value in changes.items()}  # fmt: skip
    free = [name for name in graph.order
            if name not in {*changes, *graph.memory, *graph.identities} and graph.parents[name]
            and (name in graph.targets or not hold)]  # fmt: skip
    for _ in range(YEARS):
        for name, (source, months) in graph.memory.items():
            if name not in changes:
                moved[name] = _before(moved[source], months)
        for name in free:
            moved[name] = _follow(networks, name, moved, fold)
    for name, terms in graph.identities.items():
        moved[name] = np.sum([factor * moved[term] for term, factor in terms.items()], axis=0)
    return np.stack([moved[name].mean(axis=1) for name in graph.targets])


def _follow(networks: LocalNetworks, name: str, moved: Mapping[str, Array], fold: int) -> Array:
    """Change (place, month) of a node whose parents have changed.

    Squares are of anomalies, whose mean is zero, so that only the change's own is left of them.
    """
    equation = networks.equation(name)
    step = np.stack([moved[parent] for parent in equation.parents], axis=-1)
    change: Array = (equation.slopes[fold] * step + equation.bends[fold] * step**2).sum(axis=-1)
    return change


def _before(moved: Array, months: int) -> Array:
    """Mean change over the calendar months before each."""
    past = [np.roll(moved, lag, axis=1) for lag in range(1, months + 1)]
    mean: Array = np.mean(past, axis=0)
    return mean


def _outside(networks: LocalNetworks, changes: Changes) -> NDArray[np.bool_]:
    """Whether months (place, year, month) have a driver beyond all that their place has seen."""
    shape = networks.values.shape[1:]
    beyond = np.zeros(shape, bool)
    for name, change in changes.items():
        values = networks.column(name)
        after = values + np.broadcast_to(change, shape[::2])[:, np.newaxis]
        low = np.nanmin(values, axis=(1, 2), keepdims=True)
        high = np.nanmax(values, axis=(1, 2), keepdims=True)
        beyond |= (after < low) | (after > high)
    return beyond
