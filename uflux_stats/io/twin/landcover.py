"""Vegetation classes, climate classes and C4 plants of the twin Earth, by rule from climate."""

from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.io.twin.climate import Bump, added
from uflux_stats.schema import IGBP_CLASSES, KOPPEN_CLASSES

Floats = NDArray[np.float64]

IGBP_CODES: Final = {name: code for code, name in IGBP_CLASSES.items()}
FARMLAND: Final = (
    Bump(49, 22, 7, 26, 1.0), Bump(53, 65, 4, 22, 1.2), Bump(42, -93, 7, 8, 1.7),
    Bump(51, -107, 3, 8, 1.6), Bump(26, 79, 5, 8, 2.4), Bump(34, 114, 6, 6, 2.2),
    Bump(-35, -61, 5, 5, 1.8), Bump(11, 3, 3, 14, 1.0), Bump(46, 126, 4, 6, 1.8),
    Bump(-33, 145, 4, 6, 1.2), Bump(14, 102, 4, 4, 1.5), Bump(-18, -50, 5, 6, 1.0),
)  # fmt: skip
"""Where farming is likely, on the scale of a standard normal field."""
MAIN_KOPPEN: Final = {"A": 1, "B": 2, "C": 3, "D": 4, "E": 5}


def igbp_class(planet: xr.Dataset, fields: list[Floats], chance: Floats) -> NDArray[np.int16]:
    """Choose a class of land cover for every cell.

    Parameters
    ----------
    planet : xr.Dataset
        ``TA`` (month, cell) [degC], ``aridity``, ``inland`` (cell,), with lat and lon.
    fields : list of three np.ndarray, (cell,)
        Standard normal fields that decide between farming, wetland and mixtures.
    chance : np.ndarray, (cell,)
        Uniform numbers, 0 to 1, that scatter wetlands.

    Returns
    -------
    np.ndarray of int, (cell,)
        Codes of ``schema.IGBP_CLASSES``.
    """
    warmest, coldest = planet["TA"].max("month").values, planet["TA"].min("month").values
    wet = planet["aridity"].values
    names = np.select(
        [warmest < -1.0, warmest < 4.5, warmest < 11.0, coldest > 15.5, coldest > -9.0],
        [
            np.full(wet.shape, "SNO"),
            np.full(wet.shape, "BSV"),
            np.where(wet > 0.45, "OSH", np.where(fields[2] > 0, "GRA", "BSV")),
            _tropical(wet, fields[2]),
            _temperate(wet, coldest, fields[2]),
        ],
        _boreal(wet, coldest, fields[2]),
    )
    names = _wetland(names, wet, chance - 0.05 * fields[1])
    names = _farmland(planet, names, wet, fields[0])
    return np.array([IGBP_CODES[name] for name in names], dtype=np.int16)


def _tropical(wet: Floats, mixture: Floats) -> NDArray[np.str_]:
    dry = np.where(wet > 0.09, "OSH", "BSV")
    savanna = np.where(wet > 0.45, "SAV", np.where(wet > 0.22, "GRA", dry))
    return np.where(wet > 1.0, "EBF", np.where(wet > 0.68 + 0.08 * mixture, "WSA", savanna))


def _temperate(wet: Floats, coldest: Floats, mixture: Floats) -> NDArray[np.str_]:
    warm = np.where(mixture > 0.4, "EBF", "MF")
    cool = np.where(mixture > 0.8, "ENF", np.where(mixture > -0.7, "DBF", "MF"))
    forest = np.where(coldest > 9.0, warm, cool)
    shrub = np.where(wet > 0.14, "OSH", "BSV")
    woody = np.where(coldest > 4.0, np.where(mixture > 0.6, "CSH", "WSA"), "GRA")
    open_land = np.where(wet > 0.52, woody, np.where(wet > 0.28, "GRA", shrub))
    return np.where(wet > 0.8, forest, open_land)


def _boreal(wet: Floats, coldest: Floats, mixture: Floats) -> NDArray[np.str_]:
    mixed = np.where(coldest > -16, np.where(mixture > 0.6, "DBF", "MF"), "ENF")
    forest = np.where(coldest < -31, "DNF", mixed)
    open_land = np.where(wet > 0.26, "GRA", np.where(wet > 0.14, "OSH", "BSV"))
    return np.where(wet > 0.58, forest, open_land)


def _wetland(names: NDArray[np.str_], wet: Floats, unlikely: Floats) -> NDArray[np.str_]:
    bog = (wet > 0.9) & np.isin(names, ["ENF", "OSH", "DBF", "EBF", "MF"]) & (unlikely < 0.09)
    return np.where(bog, "WET", names)


def _farmland(
    planet: xr.Dataset, names: NDArray[np.str_], wet: Floats, field: Floats
) -> NDArray[np.str_]:
    likely = added(FARMLAND, planet["lat"].values, planet["lon"].values) + 0.6 * field
    possible = (wet > 0.25) & ~np.isin(names, ["SNO", "BSV", "WET", "DNF"])
    mosaic = np.where(likely > 0.8, "CVM", names)
    return np.where(possible, np.where(likely > 0.95, "CRO", mosaic), names)


def koppen_class(planet: xr.Dataset) -> NDArray[np.str_]:
    """Name the climate of every cell by two or three letters such as ``"Dfb"`` (cell,).

    The main letter follows the thresholds of Peel et al. 2007 (doi 10.5194/hess-11-1633-2007), but
    dryness is rain over evaporative demand, below 0.32, instead of their rain threshold.
    """
    temperature, rain = planet["TA"], planet["P"]
    warmest, coldest = temperature.max("month").values, temperature.min("month").values
    mean, driest = temperature.mean("month").values, rain.min("month").values
    humid = np.where(driest > 0.35 * rain.mean("month").values, "f", "s")
    summer = np.where(warmest > 22, "a", np.where(warmest > 16, "b", "c"))
    tropical = np.where(driest > 2.0, "Af", "Aw")
    arid = np.char.add(
        np.where(planet["aridity"].values < 0.14, "BW", "BS"), np.where(mean > 18, "h", "k")
    )
    temperate = np.char.add(np.char.add("C", humid), summer)
    cold = np.char.add(np.char.add("D", humid), summer)
    polar = np.where(warmest > 0, "ET", "EF")
    dry = planet["aridity"].values < 0.32
    return np.select(
        [warmest < 10, dry, coldest >= 18, coldest > 0], [polar, arid, tropical, temperate], cold
    )


def main_koppen(codes: NDArray[np.str_]) -> NDArray[np.int16]:
    """Return the main class, 1 to 5 as in ``schema.KOPPEN_CLASSES``, of climate names (cell,).

    Examples
    --------
    >>> [KOPPEN_CLASSES[int(code)] for code in main_koppen(np.array(["Dfb", "Aw"]))]
    ['Cold', 'Tropical']
    """
    known = {name: code for name, code in MAIN_KOPPEN.items() if code in KOPPEN_CLASSES}
    return np.array([known[str(code)[0]] for code in codes], dtype=np.int16)


def c4_share(planet: xr.Dataset) -> Floats:
    """Share of C4 plants (cell,) [1]: warm grass and savanna, some warm crops."""
    warm = 1 / (1 + np.exp(-(planet["TA"].max("month").values - 24.0) / 1.5))
    grassy = {"GRA": 0.9, "SAV": 0.8, "WSA": 0.4, "OSH": 0.3, "CRO": 0.3, "CVM": 0.3}
    share = np.array([grassy.get(IGBP_CLASSES[int(code)], 0.0) for code in planet["IGBP"].values])
    return np.asarray(share * warm)
