"""The mean year of the twin Earth: sun, temperature and rain from place alone.

The shapes are hand-made curves that resemble the Earth's climate; they are not fitted to data.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SOLAR_CONSTANT: Final = 1361.0
"""Total solar irradiance [W m-2]; Kopp and Lean 2011, doi 10.1029/2010GL045777."""
LAPSE_RATE: Final = 5.5e-3
"""Fall of temperature with height [K m-1]; a common mean over mountains."""
MONTH: Final = np.arange(12)
MID_MONTH_DAY: Final = 15.2 + 30.42 * MONTH


@dataclass(frozen=True)
class Bump:
    """A smooth regional departure: ``value`` in the middle, fading with distance [degree]."""

    lat: float
    lon: float
    height: float
    width: float
    value: float

    def weight(self, lat: Floats, lon: Floats) -> Floats:
        """One in the middle, zero far away (cell,)."""
        east = (lon - self.lon + 180) % 360 - 180
        distance = ((lat - self.lat) / self.height) ** 2 + (east / self.width) ** 2
        return np.asarray(np.exp(-(distance**1.5)))


MOUNTAINS: Final = (
    Bump(34, 88, 7, 16, 4600), Bump(45, 82, 6, 12, 1500), Bump(40, 72, 5, 8, 2200),
    Bump(-16, -69, 10, 5, 3300), Bump(-34, -70, 9, 3, 2400), Bump(3, -75, 6, 4, 1800),
    Bump(40, -110, 11, 8, 1900), Bump(57, -126, 9, 9, 1100), Bump(22, -103, 6, 5, 1800),
    Bump(8, 39, 6, 5, 1900), Bump(-2, 33, 8, 6, 1200), Bump(-28, 26, 8, 8, 1200),
    Bump(33, 53, 5, 9, 1400), Bump(39, 40, 4, 8, 1400), Bump(46, 10, 2.5, 6, 1300),
    Bump(48, 100, 6, 14, 1300), Bump(63, 130, 8, 14, 650), Bump(72, -40, 10, 14, 2300),
    Bump(62, 12, 6, 6, 600), Bump(40, -5, 5, 5, 650), Bump(-24, 130, 8, 14, 380),
    Bump(62, -145, 5, 12, 700), Bump(-12, -50, 9, 9, 500), Bump(23, 5, 5, 7, 700),
)  # fmt: skip
"""Height [m] of the main mountain ranges and plateaus."""

WARMTH: Final = (
    Bump(58, 5, 14, 22, 7.0), Bump(57, -128, 10, 14, 4.0), Bump(68, 30, 8, 20, 4.0),
    Bump(57, -78, 10, 18, -4.0), Bump(64, 130, 10, 25, -3.0), Bump(72, -40, 10, 14, -4.0),
    Bump(22, 10, 9, 30, 3.0), Bump(24, 50, 9, 14, 3.0), Bump(-24, 130, 9, 14, 2.0),
)  # fmt: skip
"""Departures of the yearly mean temperature [K]: warm and cold currents, deserts."""

WETNESS: Final = (
    Bump(23, 12, 8, 32, 0.06), Bump(24, 48, 9, 16, 0.10), Bump(29, 66, 5, 9, 0.25),
    Bump(-25, 130, 7, 14, 0.30), Bump(41, 92, 6, 24, 0.14), Bump(42, 62, 7, 12, 0.30),
    Bump(34, -113, 6, 8, 0.28), Bump(42, -113, 6, 8, 0.5), Bump(-22, -70, 9, 3, 0.08),
    Bump(-44, -69, 8, 4, 0.30), Bump(-24, 18, 7, 6, 0.22), Bump(7, 46, 7, 6, 0.22),
    Bump(0, 37, 6, 6, 0.35),
    Bump(-8, -39, 5, 4, 0.40), Bump(46, -104, 8, 6, 0.65), Bump(35, 85, 4, 12, 0.5),
    Bump(3, 112, 9, 16, 1.5), Bump(-4, 140, 6, 9, 1.5), Bump(21, 92, 9, 12, 2.4),
    Bump(18, 78, 9, 6, 1.6), Bump(28, 114, 8, 8, 3.4), Bump(34, -87, 8, 9, 3.0),
    Bump(-28, -53, 8, 8, 3.0), Bump(-24, 32, 7, 5, 1.8), Bump(36, 138, 6, 6, 2.0),
    Bump(-3, -63, 9, 11, 1.25), Bump(54, -130, 7, 6, 1.6), Bump(-33, 150, 7, 5, 1.9),
    Bump(-19, 47, 6, 4, 1.8), Bump(58, 0, 8, 9, 1.3), Bump(-43, -73, 6, 3, 2.2),
    Bump(72, -60, 10, 40, 0.7), Bump(46, 20, 5, 16, 1.2), Bump(20, -90, 6, 6, 1.7),
)  # fmt: skip
"""Factors on rain: deserts below one, monsoons and wet coasts above."""

WINTER_RAIN: Final = (
    Bump(38, 12, 6, 26, 0.75), Bump(37, -121, 6, 5, 0.8), Bump(-34, -72, 5, 3, 0.7),
    Bump(-33, 117, 4, 7, 0.7), Bump(-34, 19, 3, 4, 0.7), Bump(33, 48, 6, 12, 0.8),
)  # fmt: skip
"""Mediterranean places: relative amplitude of rain that peaks in winter."""


def added(bumps: tuple[Bump, ...], lat: Floats, lon: Floats) -> Floats:
    """Add regional departures up (cell,)."""
    return np.asarray(sum(bump.value * bump.weight(lat, lon) for bump in bumps))


def multiplied(bumps: tuple[Bump, ...], lat: Floats, lon: Floats) -> Floats:
    """Multiply regional factors (cell,)."""
    logs = sum(np.log(bump.value) * bump.weight(lat, lon) for bump in bumps)
    return np.asarray(np.exp(logs))


def top_of_atmosphere(lat: Floats) -> Floats:
    """Daily mean sunshine above the air [W m-2] (month, cell).

    Source: FAO-56 (Allen et al. 1998), eqs 21-25, in the middle of each month.

    Examples
    --------
    >>> top_of_atmosphere(np.array([0.0]))[[2, 5], 0].round(-1)
    array([440., 390.])
    """
    angle = 2 * np.pi * MID_MONTH_DAY[:, None] / 365
    distance = 1 + 0.033 * np.cos(angle)
    declination = 0.409 * np.sin(angle - 1.39)
    phi = np.radians(lat)[None, :]
    sunset = np.arccos(np.clip(-np.tan(phi) * np.tan(declination), -1, 1))
    daylight = sunset * np.sin(phi) * np.sin(declination)
    daylight = daylight + np.cos(phi) * np.cos(declination) * np.sin(sunset)
    return np.asarray(SOLAR_CONSTANT / np.pi * distance * np.maximum(daylight, 0))


def mean_temperature(lat: Floats, lon: Floats, height: Floats, inland: Floats) -> Floats:
    """Mean monthly air temperature [degC] (month, cell).

    Parameters
    ----------
    lat, lon : np.ndarray, (cell,) [degree]
        Places.
    height : np.ndarray, (cell,) [m]
        Elevation.
    inland : np.ndarray, (cell,) [1]
        Continentality, 0 on an island to 1 in the middle of a continent.
    """
    tilt = np.abs(np.sin(np.radians(lat)))
    yearly = 27.5 - 43 * tilt**2.5 + added(WARMTH, lat, lon) - LAPSE_RATE * height
    swing = 0.8 + np.abs(lat) / 60 * (6.0 + 19.0 * inland**1.3)
    season = np.cos(2 * np.pi * (MONTH[:, None] - 6.3) / 12) * np.sign(lat)
    return np.asarray(yearly + swing * season)


def mean_rain(lat: Floats, lon: Floats, height: Floats, inland: Floats) -> Floats:
    """Mean monthly precipitation [mm d-1] (month, cell); arguments as for temperature."""
    phase = np.cos(2 * np.pi * (MONTH[:, None] - 6.6) / 12)
    north = np.where(lat > 0, 1.0, -1.0)
    tropical = 8.5 * np.exp(-(((lat - 1 - 9.5 * phase) / 9.5) ** 2))
    westerlies = 2.4 * np.exp(-(((np.abs(lat) - 47 - 4 * north * phase) / 15) ** 2))
    westerlies = westerlies * (1 - 0.45 * inland) * (1 + (0.75 * inland - 0.15) * north * phase)
    trades = 1.0 * np.exp(-(((np.abs(lat) - 24) / 10) ** 2)) * (1 + 0.7 * north * phase)
    polar = 0.35 * (1 + 0.4 * north * phase)
    rain = (tropical + westerlies + trades + polar) * multiplied(WETNESS, lat, lon)
    rain = rain * (1 - added(WINTER_RAIN, lat, lon) * north * phase)
    return np.asarray(np.maximum(rain * np.exp(-height / 6000), 0.005))


def evaporative_demand(temperature: Floats, sun: Floats) -> Floats:
    """Potential evaporation [mm d-1] of temperature [degC] and sun above the air [W m-2].

    Source: Oudin et al. 2005, doi 10.1016/j.jhydrol.2004.08.026, with the two parameters 5 and 100.
    """
    return np.asarray(sun * 0.0864 / 2.45 * np.maximum(temperature + 5, 0) / 100)
