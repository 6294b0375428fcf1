"""Predictors: drivers of the month, what came before, the season and the climate of the place.

The same code serves towers and grids: arrays are (cell, time), whatever a cell is. No predictor
says where a place is, unless coordinates are asked for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.checks import require_dims, require_monthly, require_variables
from uflux_stats.refinement.surroundings import Surroundings
from uflux_stats.schema import IGBP_CLASSES, KOPPEN_CLASSES

Block = NDArray[np.float32]

REQUIRED: Final = ("TA", "VPD", "SWIN", "FAPAR")
"""Where one of these is missing nothing is learned and nothing predicted."""
DYNAMIC: Final = ("TA", "TS", "VPD", "SWIN", "LWIN", "RNET", "P", "PA", "CO2", "FAPAR",
                  "NIRV", "NDVI")  # fmt: skip
LAGS: Final = (("TA", 1), ("TA", 2), ("VPD", 1), ("VPD", 2), ("P", 1), ("P", 2), ("SWIN", 1),
               ("FAPAR", 1))  # fmt: skip
RUNNING: Final = tuple((name, months) for name in ("P", "APAR", "TA") for months in (3, 6, 12))
BACK: Final = "_back"
"""Between a driver and the months since, in the names of what a memory reads."""
CLIMATE: Final = ("TA", "P", "SWIN", "VPD", "FAPAR", "RNET")
_CLASSES: Final = {"IGBP": IGBP_CLASSES, "KOPPEN": KOPPEN_CLASSES}
_MONTHS: Final = 12


@dataclass(frozen=True)
class FeatureSpec:
    """Which predictors a fitted model uses, so that prediction uses the same.

    Attributes
    ----------
    dynamic : tuple of str
        Drivers that change with time.
    classes : tuple of (str, tuple of int)
        Class maps and the codes that were seen in training.
    coordinates : bool
        Whether latitude and longitude are predictors.
    required : tuple of str
        Drivers that no training row lacked; without one of them nothing is predicted.
    history : int
        Months before the present one of which every driver is a predictor.
    surroundings : Surroundings, optional
        What the land around a place is like.
    """

    dynamic: tuple[str, ...]
    classes: tuple[tuple[str, tuple[int, ...]], ...]
    coordinates: bool = False
    required: tuple[str, ...] = REQUIRED
    history: int = 0
    surroundings: Surroundings | None = field(default=None, compare=False)

    @classmethod
    def of(
        cls, towers: xr.Dataset, *, coordinates: bool = False, history: int = 0
    ) -> "FeatureSpec":
        """Take the predictors that ``towers`` (site, time) has values of."""
        dynamic = tuple(
            name for name in DYNAMIC if name in towers and bool(towers[name].notnull().any())
        )
        classes = tuple(
            (name, tuple(int(code) for code in np.unique(towers[name].values) if code in known))
            for name, known in _CLASSES.items()
            if name in towers
        )
        return cls(dynamic, classes, coordinates, history=history)

    @property
    def drivers(self) -> tuple[str, ...]:
        """Variables that prediction needs."""
        return (*self.dynamic, "C4", *(name for name, _ in self.classes))

    @property
    def places(self) -> tuple[str, ...]:
        """Coordinates that prediction needs; the latitude tells the season."""
        return ("lat", "lon") if self.coordinates or self.surroundings else ("lat",)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the predictors, in the order of the table's columns."""
        return tuple(name for name, _ in _columns(self, _Placeholder()))

    def known(self, drivers: xr.Dataset, name: str) -> xr.DataArray:
        """Tell where a driver is known; a class is, if it is one of the table of classes."""
        values = drivers[name]
        if name in _CLASSES:
            return values.isin(list(_CLASSES[name]))
        return values.notnull()


class _Placeholder(Mapping[str, Block]):
    """A block of one missing value under every name, to list the columns without data."""

    def __getitem__(self, name: str) -> Block:
        return np.full((1, 1), np.nan, np.float32)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@dataclass(frozen=True)
class _Calendar:
    """Month of the year of each time step, and whether the record is one year that wraps."""

    month: NDArray[np.intp]
    wrap: bool


_ANY_MONTH: Final = _Calendar(np.ones(1, np.intp), wrap=False)


def features(drivers: xr.Dataset, spec: FeatureSpec) -> xr.DataArray:
    """Build the predictors of every cell and month.

    Lags and running means reach back within the record and are missing before its start, unless
    the record is one climatological year (``attrs["climatology_year"]``), which wraps round.

    Parameters
    ----------
    drivers : xr.Dataset, (site, time) or (time, lat, lon)
        ``spec.drivers`` in units of the schema; months in order without gaps; the latitude as a
        coordinate.
    spec : FeatureSpec

    Returns
    -------
    xr.DataArray, (feature, cell, time) [mixed]
        float32; ``cell`` stacks all dims but time in their order.

    Raises
    ------
    MissingVariableError
        If a predictor of ``spec`` or the latitude is not there.
    DimensionError
        If there is no dimension ``time``.
    UnitsError
        If one is in another unit.
    CalendarError
        If months are missing or not in order.
    """
    require_dims(drivers, ["time"], name="drivers")
    require_monthly(drivers["time"])
    require_variables(drivers, (*spec.drivers, *spec.places), name="drivers")
    space = [dim for dim in drivers["TA"].dims if dim != "time"]
    template = drivers["TA"].transpose(*space, "time")
    block = _flatten(drivers, spec, template)
    # a part of such a year has neighbours that are not there, and several years need no wrapping
    wrap = "climatology_year" in drivers.attrs and drivers.sizes["time"] == _MONTHS
    calendar = _Calendar(drivers["time"].dt.month.values.astype(np.intp), wrap)
    shape = (-1, template.sizes["time"])
    columns = [np.broadcast_to(column, block["TA"].shape).reshape(shape)
               for _, column in _columns(spec, block, calendar)]  # fmt: skip
    return xr.DataArray(
        np.stack(columns),
        dims=("feature", "cell", "time"),
        coords={"feature": list(spec.names), "time": drivers["time"]},
    )


def _flatten(drivers: xr.Dataset, spec: FeatureSpec, template: xr.DataArray) -> dict[str, Block]:
    """Bring what changes to float32 (cell, time), and what belongs to a place to (cell, 1)."""
    block = {}
    for name in (*spec.drivers, *spec.places):
        values = drivers[name]
        changes = name in spec.dynamic or "time" in values.dims
        dims = [dim for dim in template.dims if changes or dim != "time"]
        sizes = {dim: template.sizes[dim] for dim in dims if dim not in values.dims}
        whole = values.expand_dims(sizes).transpose(*dims)
        steps = template.sizes["time"] if changes else 1
        block[name] = np.asarray(whole, dtype=np.float32).reshape(-1, steps)
    return block


def _columns(
    spec: FeatureSpec, block: Mapping[str, Block], calendar: _Calendar = _ANY_MONTH
) -> Iterator[tuple[str, Block]]:
    """Yield name and values, (cell, time) or (cell, 1), of every predictor."""
    yield from ((name, block[name]) for name in spec.dynamic)
    light = block["FAPAR"] * block["SWIN"]
    yield "APAR", light
    for name, months in LAGS:
        if name in spec.dynamic:
            yield f"{name}_lag{months}", _lag(block[name], months, calendar)
    for name, months in RUNNING:
        if name == "APAR" or name in spec.dynamic:
            source = light if name == "APAR" else block[name]
            yield f"{name}_run{months}", _running_mean(source, months, calendar)
    yield from _climate(spec, block, calendar)
    yield from _season(block["lat"], calendar)
    yield "C4", block["C4"]
    for name, codes in spec.classes:
        known = _CLASSES[name]
        yield from ((f"{name}_{known[code]}", _is(block[name], code)) for code in codes)
    if spec.coordinates:
        yield from (("lat", block["lat"]), ("lon", block["lon"]))
    if spec.surroundings is not None:
        around = spec.surroundings.at(block["lat"][:, 0], block["lon"][:, 0])
        yield from zip(spec.surroundings.names, around[:, :, np.newaxis], strict=True)
    for name in spec.dynamic:
        for months in range(1, spec.history + 1):
            yield f"{name}{BACK}{months}", _lag(block[name], months, calendar)


def _is(codes: Block, code: int) -> Block:
    return np.equal(codes, code).astype(np.float32)


def _lag(values: Block, months: int, calendar: _Calendar) -> Block:
    """Value of ``months`` before; missing before the start unless the year wraps."""
    shifted: Block = np.roll(values, months, axis=1)
    if not calendar.wrap:
        shifted[:, :months] = np.nan
    return shifted


def _running_mean(values: Block, months: int, calendar: _Calendar) -> Block:
    """Mean of this month and those before it; missing where less than half of them are known."""
    if calendar.wrap:
        repeats = -(-months // values.shape[1])
        values = np.concatenate([*[values] * repeats, values], axis=1)
    known = np.isfinite(values)
    total = _trailing_sum(np.where(known, values, 0.0), months)
    count = _trailing_sum(known.astype(np.float64), months)
    mean = np.full(total.shape, np.nan)
    np.divide(total, count, out=mean, where=count >= months / 2)
    return mean[:, -len(calendar.month) :].astype(np.float32)


def _trailing_sum(values: NDArray[np.float64], months: int) -> NDArray[np.float64]:
    total = np.cumsum(values, axis=1, dtype=np.float64)
    total[:, months:] -= total[:, :-months].copy() if months < total.shape[1] else 0.0
    return total


def _climate(
    spec: FeatureSpec, block: Mapping[str, Block], calendar: _Calendar
) -> Iterator[tuple[str, Block]]:
    """Mean of the year, and the range of the mean seasonal cycle, where all months are known."""
    for name in CLIMATE:
        if name not in spec.dynamic:
            continue
        cycle = seasonal_cycle(block[name], calendar.month)
        # a year with a month unknown has no mean: NaN goes through
        yield f"{name}_mean", cycle.mean(axis=1, keepdims=True)
        lowest, highest = (reduce(cycle, axis=1, keepdims=True) for reduce in (np.min, np.max))
        yield f"{name}_range", highest - lowest
        if name in ("TA", "FAPAR"):
            yield f"{name}_max", highest


def seasonal_cycle(values: Block, month: NDArray[np.intp]) -> Block:
    """Mean of each calendar month over the years, (cell, 12); missing where there is none.

    Examples
    --------
    >>> cycle = seasonal_cycle(np.array([[1.0, 5.0, 3.0]], np.float32), np.array([1, 2, 1]))
    >>> cycle[0, :3].tolist()
    [2.0, 5.0, nan]
    """
    cycle = np.full((len(values), _MONTHS), np.nan, np.float32)
    for index in range(_MONTHS):
        chosen = values[:, month == index + 1]
        known = np.isfinite(chosen)
        count = known.sum(axis=1)
        total = np.where(known, chosen, 0.0).sum(axis=1)
        np.divide(total, count, out=cycle[:, index], where=count > 0, casting="same_kind")
    return cycle


def _season(lat: Block, calendar: _Calendar) -> Iterator[tuple[str, Block]]:
    """Phase of the year, shifted by half a year in the south so that January is winter."""
    shift = np.where(lat < 0.0, _MONTHS / 2, 0.0)
    angle = 2.0 * np.pi * (calendar.month[np.newaxis, :] + shift) / _MONTHS
    yield "season_sin", np.sin(angle).astype(np.float32)
    yield "season_cos", np.cos(angle).astype(np.float32)
