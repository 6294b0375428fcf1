"""Windows of maps about cells of land, and the directions in which they vary most."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

Windows = NDArray[np.float32]
Values = NDArray[np.float32]

FIELDS: Final = ("TA", "P", "SWIN", "VPD", "FAPAR", "DEM", "C4")
"""Maps that are seen, as the mean of the year, those of them that are there."""
CYCLES: Final = ("TA", "P", "FAPAR")
"""Of these the range of the mean year too."""
LAND: Final = "TA"
"""Known where there is land."""


@dataclass(frozen=True)
class Maps:
    """Maps with a margin, of which windows are cut.

    Attributes
    ----------
    padded : array, (field, lat, lon)
    known : array of bool, (lat, lon)
        Where land is, without the margin.
    reach : int
    spread : array, (field,)
        By which differences are divided.
    """

    padded: Values
    known: NDArray[np.bool_]
    reach: int
    spread: Values

    @classmethod
    def of(cls, fields: Values, reach: int, *, wrap: bool) -> "Maps":
        """Add margins: nothing beyond the poles, and round the globe what is on the other side."""
        beyond: dict[str, Any] = {"constant_values": np.nan}
        padded = np.pad(fields, ((0, 0), (reach, reach), (0, 0)), **beyond)
        sides = ((0, 0), (0, 0), (reach, reach))
        padded = np.pad(padded, sides, mode="wrap") if wrap else np.pad(padded, sides, **beyond)
        return cls(padded, np.isfinite(fields[0]), reach, np.ones(len(fields), np.float32))

    def scaled(self, windows: Windows) -> "Maps":
        """Return the same with differences divided by their spread among windows."""
        spread = windows[:, :-1].std(axis=(0, 2, 3))
        return replace(self, spread=np.where(spread > 0.0, spread, 1.0).astype(np.float32))

    def windows(self, cells: NDArray[np.intp]) -> Windows:
        """Cut the windows about cells (cell, 2): differences from the middle, and where land is.

        Returns
        -------
        array, (cell, field + 1, lat, lon)
            Zero where a field is not known; land counts 0 and sea -1.
        """
        size = 2 * self.reach + 1
        views = np.lib.stride_tricks.sliding_window_view(self.padded, (size, size), axis=(1, 2))
        cut = views[:, cells[:, 0], cells[:, 1]].swapaxes(0, 1)
        middle = cut[:, :, self.reach, self.reach, np.newaxis, np.newaxis]
        apart = (cut - middle) / self.spread[:, np.newaxis, np.newaxis]
        sea = -np.isnan(cut[:, :1]).astype(np.float32)
        return np.concatenate([np.nan_to_num(apart), sea], axis=1, dtype=np.float32)


def fields_of(drivers: xr.Dataset) -> Values:
    """Stack the maps that are seen, (field, lat, lon), that which tells land first."""
    found = []
    for name in FIELDS:
        if name in drivers:
            months = _mean_year(drivers[name])
            found.append(months.mean("month") if "month" in months.dims else months)
            if name in CYCLES and "month" in months.dims:
                found.append(months.max("month") - months.min("month"))
    return np.stack([each.transpose("lat", "lon").values for each in found]).astype(np.float32)


def _mean_year(field: xr.DataArray) -> xr.DataArray:
    return field.groupby("time.month").mean() if "time" in field.dims else field


@dataclass(frozen=True)
class Components:
    """Principal components of windows.

    Attributes
    ----------
    mean : array, (value,)
    axes : array, (code, value)
    shape : tuple of int
        Of a window.
    """

    mean: Values
    axes: Values
    shape: tuple[int, ...]

    @classmethod
    def of(cls, windows: Windows, code: int) -> "Components":
        """Find the directions in which windows vary most."""
        flat = windows.reshape(len(windows), -1)
        mean = flat.mean(axis=0)
        _, vectors = np.linalg.eigh(np.cov(flat.T))
        axes = vectors[:, ::-1][:, :code].T
        # a direction has no sign of its own
        axes = axes * np.where(axes.sum(axis=1, keepdims=True) < 0.0, -1.0, 1.0)
        return cls(mean, axes.astype(np.float32), windows.shape[1:])

    def encode(self, windows: Windows) -> Values:
        """Return the codes of windows, (window, code)."""
        flat = windows.reshape(len(windows), -1)
        codes: Values = ((flat - self.mean) @ self.axes.T).astype(np.float32)
        return codes

    def decode(self, codes: Values) -> Windows:
        """Return windows as their codes tell them."""
        windows: Windows = (self.mean + codes @ self.axes).reshape(-1, *self.shape)
        return windows
