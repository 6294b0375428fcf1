"""Land, height, mean climate and land cover of the twin Earth, on land cells only."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.grid import CONTINENTS, cell_area, continents
from uflux_stats.io.twin.climate import (
    MOUNTAINS,
    added,
    evaporative_demand,
    mean_rain,
    mean_temperature,
    top_of_atmosphere,
)
from uflux_stats.io.twin.landcover import c4_share, igbp_class, koppen_class, main_koppen
from uflux_stats.io.twin.noise import fixed_noise, smoothed
from uflux_stats.io.twin.options import TwinOptions

Floats = NDArray[np.float64]

LEAST_LAND: Final = 0.05
"""Cells with a smaller land fraction are sea."""
COAST_LENGTH: Final = 6.0
"""How far the sea is felt inland [degree]."""


@dataclass(frozen=True)
class Axes:
    """A global grid and the land cells in it.

    ``row`` and ``column`` say where the cells (cell,) are on the axes ``lat`` and ``lon``.
    """

    lat: Floats
    lon: Floats
    row: NDArray[np.int64]
    column: NDArray[np.int64]

    def spread(self, cells: xr.Dataset) -> xr.Dataset:
        """Put (..., cell) onto (..., lat, lon); the sea is missing."""
        return xr.Dataset(
            {name: self._spread(values) for name, values in cells.data_vars.items()},
            attrs=cells.attrs,
        )

    def _spread(self, values: xr.DataArray) -> xr.DataArray:
        if "cell" not in values.dims:
            return values
        values = values.transpose(..., "cell")
        kind = values.dtype if values.dtype.kind == "f" else np.dtype("float32")
        full = np.full((*values.shape[:-1], self.lat.size, self.lon.size), np.nan, dtype=kind)
        full[..., self.row, self.column] = values.values
        leading = [str(dim) for dim in values.dims[:-1]]
        coords = {dim: values[dim] for dim in leading if dim in values.coords}
        axes = {"lat": self.lat, "lon": self.lon}
        return xr.DataArray(full, coords | axes, [*leading, "lat", "lon"], attrs=values.attrs)


def make_planet(options: TwinOptions) -> tuple[Axes, xr.Dataset]:
    """Build what does not change with time.

    Returns
    -------
    axes : Axes
        The grid.
    planet : xr.Dataset, (cell,) and (month, cell)
        LANDFRAC, DEM, IGBP, KOPPEN, C4 as in the schema; ``land_area`` [m2], ``continent``,
        ``inland`` [1], ``aridity`` [1] (rain over evaporative demand), and the mean year ``TA``
        [degC], ``P`` [mm d-1], ``sun`` [W m-2].
    """
    lat, lon = _centres(180, options.resolution), _centres(360, options.resolution)
    fraction, names = land_fraction(lat, lon, options.resolution)
    row, column = np.nonzero(fraction > LEAST_LAND)
    axes = Axes(lat, lon, row, column)
    planet = xr.Dataset(
        {
            "LANDFRAC": ("cell", fraction[row, column]),
            "continent": ("cell", names[row, column]),
            "inland": ("cell", _inland(fraction, options.resolution)[row, column]),
        },
        coords={"lat": ("cell", lat[row]), "lon": ("cell", lon[column])},
    )
    area = cell_area(lat, lon).values[row, column] * fraction[row, column]
    planet["land_area"] = ("cell", area, {"units": "m2"})
    return axes, _with_cover(_with_climate(planet, options), options)


def _centres(span: float, step: float) -> Floats:
    return np.arange(-span / 2 + step / 2, span / 2, step)


def land_fraction(lat: Floats, lon: Floats, step: float) -> tuple[Floats, NDArray[np.str_]]:
    """Count how much of each cell is land, and of which continent most of it is.

    Returns
    -------
    fraction : np.ndarray, (lat, lon) [1]
    continent : np.ndarray of str, (lat, lon)
        Empty over the sea and Antarctica.
    """
    parts = int(np.ceil(step / 0.5))
    fine = step / parts
    codes = continents(_centres(180, fine), _centres(360, fine), limit_km=0.0).values
    blocks = codes.reshape(lat.size, parts, lon.size, parts)
    shares = np.stack([(blocks == code).mean(axis=(1, 3)) for code in CONTINENTS])
    fraction = shares.sum(axis=0)
    names = np.array(list(CONTINENTS.values()))[shares.argmax(axis=0)]
    return fraction, np.where(fraction > 0, names, "")


def _inland(fraction: Floats, step: float) -> Floats:
    """Continentality from the share of land around a cell (lat, lon) [1]."""
    around = smoothed(fraction, COAST_LENGTH / step)
    return np.asarray(np.clip((around - 0.25) / 0.7, 0, 1))


def _with_climate(planet: xr.Dataset, options: TwinOptions) -> xr.Dataset:
    lat, lon, inland = planet["lat"].values, planet["lon"].values, planet["inland"].values
    rough = 60 + 180 * np.abs(fixed_noise(options.rng("height"), lat, lon))
    height = added(MOUNTAINS, lat, lon) + rough * np.sqrt(0.2 + inland)
    temperature = mean_temperature(lat, lon, height, inland)
    rain = mean_rain(lat, lon, height, inland)
    sun = top_of_atmosphere(lat)
    demand = evaporative_demand(temperature, sun).mean(axis=0)
    return planet.assign(
        DEM=("cell", height),
        TA=(("month", "cell"), temperature),
        P=(("month", "cell"), rain),
        sun=(("month", "cell"), sun),
        aridity=("cell", rain.mean(axis=0) / np.maximum(demand, 0.3)),
    )


def _with_cover(planet: xr.Dataset, options: TwinOptions) -> xr.Dataset:
    lat, lon = planet["lat"].values, planet["lon"].values
    fields = [fixed_noise(options.rng(f"cover {i}"), lat, lon) for i in range(3)]
    chance = options.rng("wetlands").uniform(size=lat.size)
    planet = planet.assign(IGBP=("cell", igbp_class(planet, fields, chance)))
    codes = koppen_class(planet)
    return planet.assign(
        koppen_code=("cell", codes),
        KOPPEN=("cell", main_koppen(codes)),
        C4=("cell", c4_share(planet)),
    )
