"""What the land around a place looks like: a code of a few numbers, learned without fluxes.

Two hundred towers are two hundred windows, too few to learn filters from. The maps of the drivers
have a window about every cell of land: what tells these windows apart is learned from all of
them, and is a predictor wherever a place lies on the maps. A window is seen as its difference from
the cell in its middle, whose own climate is among the predictors already.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, Protocol, get_args

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import distance_transform_edt

from uflux_stats.checks import require_dims, require_variables
from uflux_stats.choices import require_choice, require_least
from uflux_stats.errors import GridError, SampleError
from uflux_stats.grid.regrid import TURN
from uflux_stats.refinement.neural.patches import Autoencoder
from uflux_stats.refinement.windows import LAND, Components, Maps, Values, Windows, fields_of

Encoder = Literal["convolution", "linear"]
_CELLS: Final = 20_000
"""Most windows that are learned from."""
_CHUNK: Final = 8192
_COAST: Final = 1.5
"""Cells that a place may be from land and still be given the code of that."""
_MARGIN: Final = 2


@dataclass(frozen=True)
class SurroundingsOptions:
    """How the land around a place is encoded.

    Attributes
    ----------
    encoder : {"convolution", "linear"}
        A convolutional autoencoder (extra ``nn``), or principal components.
    reach : int
        Cells to each side of the middle of a window.
    code : int
        Numbers that are told of a window.
    epochs : int
        Of the autoencoder.
    seed : int

    Raises
    ------
    ConfigError
        If a choice is unknown or a number is out of its range.
    """

    encoder: Encoder = "convolution"
    reach: int = 2
    code: int = 4
    epochs: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        require_choice(self.encoder, get_args(Encoder), name="encoder")
        for name in ("reach", "code", "epochs"):
            require_least(getattr(self, name), 1, name=name)
        require_least(self.seed, 0, name="seed")


@dataclass(frozen=True)
class Surroundings:
    """A map of codes.

    Attributes
    ----------
    lat, lon : array [degrees]
        Evenly spaced, rising.
    codes : array of float32, (code, lat, lon) [standard deviations]
        Missing where there is no land.
    explained : float [1]
        Share of the variance of all windows that their codes give back.
    """

    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    codes: Values
    explained: float

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the predictors."""
        return tuple(f"around_{number}" for number in range(1, len(self.codes) + 1))

    def at(self, lat: ArrayLike, lon: ArrayLike) -> Values:
        """Look up the code of the cells that places lie in, (code, place); missing beyond."""
        row = _cell(np.asarray(lat, float), self.lat, wrap=False)
        column = _cell(np.asarray(lon, float), self.lon, wrap=_wraps(self.lon))
        known = (row >= 0) & (column >= 0)
        found: Values = np.where(known, self.codes[:, row, column], np.nan).astype(np.float32)
        return found

    def save(self, path: Path) -> None:
        """Write all arrays to one ``.npz``."""
        with path.open("wb") as stream:
            np.savez(stream, **vars(self))

    @classmethod
    def load(cls, path: Path) -> "Surroundings":
        """Read what ``save`` wrote; no code is run from the file.

        Raises
        ------
        KeyError, TypeError, ValueError, OSError, EOFError, BadZipFile
            If something is missing or not as it should be.
        """
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            parts: dict[str, Any] = {name: stored[name] for name in stored.files}
        shape = (len(parts["lat"]), len(parts["lon"]))
        if parts["codes"].ndim != 3 or parts["codes"].shape[1:] != shape:
            raise ValueError(f"codes of shape {parts['codes'].shape} on a grid of {shape}")
        return cls(**parts | {"explained": float(parts["explained"])})


def fit_surroundings(
    drivers: xr.Dataset, options: SurroundingsOptions | None = None, **changes: Any
) -> Surroundings:
    """Learn what tells the surroundings of one cell of land from those of another.

    Parameters
    ----------
    drivers : xr.Dataset, (time or month, lat, lon)
        Of ``read_drivers``, evenly spaced; round the globe the longitudes wrap.
    options : SurroundingsOptions, optional
    **changes
        Fields of ``SurroundingsOptions``.

    Returns
    -------
    Surroundings
        A code for each cell of land and those at its coast; ``refine(towers, surroundings=...)``.

    Raises
    ------
    DimensionError, MissingVariableError
        If drivers are not gridded or without air temperature, which tells where land is.
    GridError
        If cells are not evenly spaced.
    SampleError
        If there is no land.
    MissingExtraError
        If PyTorch, which convolutions need, is not installed.

    References
    ----------
    Masci et al. (2011), doi 10.1007/978-3-642-21735-7_7: convolutional autoencoders.

    Examples
    --------
    A ridge that runs north: what lies east of it sees it in the west.

    >>> axes = {"lat": np.arange(0.25, 6.0, 0.5), "lon": np.arange(0.25, 10.0, 0.5)}
    >>> warmth = xr.DataArray(20.0 - np.eye(20)[np.full(12, 8)], axes, dims=("lat", "lon"))
    >>> drivers = xr.Dataset({"TA": warmth.expand_dims(month=12).assign_attrs(units="degC")})
    >>> around = fit_surroundings(drivers, encoder="linear", code=2)
    >>> around.names, around.codes.shape
    (('around_1', 'around_2'), (2, 12, 20))
    >>> west, also, east = around.at([1.3, 3.3, 3.3], [3.4, 3.4, 5.4]).T
    >>> bool(np.allclose(west, also, atol=0.2)), bool(np.allclose(west, east, atol=0.2))
    (True, False)
    """
    how = replace(options or SurroundingsOptions(), **changes)
    require_dims(drivers, ["lat", "lon"], name="drivers")
    require_variables(drivers, [LAND], name="drivers")
    drivers = drivers.sortby(["lat", "lon"])
    lat, lon = (_even(drivers[axis].values, axis) for axis in ("lat", "lon"))
    maps = Maps.of(fields_of(drivers), how.reach, wrap=_wraps(lon))
    cells = np.argwhere(maps.known)
    chosen = np.random.default_rng(how.seed).permutation(len(cells))[:_CELLS]
    sample = cells[np.sort(chosen)]
    if not len(sample):
        raise SampleError(f"drivers.{LAND}: expected land, got none; check the mask")
    maps = maps.scaled(maps.windows(sample))
    coder = _ENCODERS[how.encoder](maps.windows(sample), how)
    codes, explained = _encode(coder, maps, cells)
    whole = _onto_coast(_standard(codes), cells, maps.known, wrap=_wraps(lon))
    return Surroundings(lat, lon, whole, explained)


class Coder(Protocol):
    """What makes codes of windows, and windows of codes."""

    def encode(self, windows: Windows) -> Values:
        """Return the codes of windows (window, field, lat, lon), (window, code)."""
        ...

    def decode(self, codes: Values) -> Windows:
        """Return windows as their codes tell them."""
        ...


def _convolution(windows: Windows, options: SurroundingsOptions) -> Autoencoder:
    coder = Autoencoder(windows.shape[1:], options.code, options.seed)
    coder.learn(windows, options.epochs)
    return coder


_ENCODERS: Final[dict[Encoder, Callable[[Windows, SurroundingsOptions], Coder]]] = {
    "convolution": _convolution,
    "linear": lambda windows, options: Components.of(windows, options.code),
}


def _encode(coder: Coder, maps: Maps, cells: NDArray[np.intp]) -> tuple[Values, float]:
    """Encode the windows of all cells, some at a time; with the share of variance given back."""
    codes, lost, whole = [], 0.0, 0.0
    for start in range(0, len(cells), _CHUNK):
        windows = maps.windows(cells[start : start + _CHUNK])
        codes.append(coder.encode(windows))
        lost += float(((coder.decode(codes[-1]) - windows) ** 2).sum())
        whole += float((windows**2).sum())
    return np.concatenate(codes), 1.0 - lost / whole


def _standard(codes: Values) -> Values:
    spread = codes.std(axis=0)
    standard: Values = (codes - codes.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
    return standard


def _onto_coast(
    codes: Values, cells: NDArray[np.intp], land: NDArray[np.bool_], *, wrap: bool
) -> Values:
    """Lay codes (cell, code) out as maps; the sea next to land has the code of the nearest land."""
    whole = np.full((codes.shape[1], *land.shape), np.nan, np.float32)
    whole[:, cells[:, 0], cells[:, 1]] = codes.T
    sides: Any = ((0, 0), (_MARGIN, _MARGIN))
    beyond: Any = "wrap" if wrap else "edge"
    land, whole = np.pad(land, sides, beyond), np.pad(whole, ((0, 0), *sides), beyond)
    far, nearest = distance_transform_edt(~land, return_indices=True)
    spread: Values = np.where(far <= _COAST, whole[:, nearest[0], nearest[1]], np.nan)
    return spread[:, :, _MARGIN:-_MARGIN]


def _even(axis: NDArray[Any], name: str) -> NDArray[np.float64]:
    """Return an axis as numbers; raise unless its cells are evenly spaced."""
    steps = np.diff(axis)
    if len(axis) < 2 or not np.allclose(steps, steps[0], rtol=1e-3):
        raise GridError(f"drivers.{name}: expected two or more evenly spaced cells; regrid first")
    return axis.astype(float)


def _wraps(lon: NDArray[np.float64]) -> bool:
    """Whether cells go round the globe."""
    step = _step(lon)
    return bool(abs(len(lon) * step - TURN) < 0.5 * step)


def _step(axis: NDArray[np.float64]) -> float:
    """Return the size of a cell, from end to end: single steps are rounded in single precision."""
    return float(axis[-1] - axis[0]) / (len(axis) - 1)


def _cell(places: NDArray[np.float64], axis: NDArray[np.float64], *, wrap: bool) -> Any:
    """Find the number of the cell of each place; -1 beyond, and where a place is not known."""
    known = np.isfinite(places)
    number = np.rint((np.where(known, places, 0.0) - axis[0]) / _step(axis)).astype(int)
    number = number % len(axis) if wrap else number
    return np.where(known & (number >= 0) & (number < len(axis)), number, -1)
