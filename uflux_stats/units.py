"""Physical constants and unit conversions, each with its source.

Units are converted at the door (in ``uflux_stats.io``) and checked by equality inside.
"""

from dataclasses import dataclass
from typing import Final

import xarray as xr

from uflux_stats.errors import UnitsError

SECONDS_PER_DAY: Final = 86400.0
PG_PER_G: Final = 1e-15
MOLAR_MASS_CARBON: Final = 12.0107
"""Molar mass of carbon [g mol-1]; IUPAC 2005 standard atomic weight."""
ZERO_CELSIUS: Final = 273.15
"""Kelvin at 0 degC; exact by definition of the Celsius scale."""
LATENT_HEAT: Final = 2.45e6
"""Latent heat of vaporisation of water [J kg-1] at 20 degC; FAO-56 (Allen et al. 1998), eq. 3-1."""
WATTS_PER_MM_DAY: Final = LATENT_HEAT / SECONDS_PER_DAY
"""Latent heat flux [W m-2] that evaporates 1 mm d-1 of water."""


@dataclass(frozen=True)
class Conversion:
    """A linear change of units: ``new = factor * old + offset``."""

    factor: float
    offset: float = 0.0

    def __call__(self, values: xr.DataArray) -> xr.DataArray:
        """Apply the conversion to ``values`` (any dims); attributes are dropped."""
        return values * self.factor + self.offset


CONVERSIONS: Final[dict[tuple[str, str], Conversion]] = {
    ("K", "degC"): Conversion(1.0, -ZERO_CELSIUS),
    ("Pa", "hPa"): Conversion(1e-2),
    ("kPa", "hPa"): Conversion(10.0),
    ("Pa", "kPa"): Conversion(1e-3),
    ("hPa", "kPa"): Conversion(0.1),
    ("kg m-2 s-1", "mm d-1"): Conversion(SECONDS_PER_DAY),
    ("kg m-2 d-1", "mm d-1"): Conversion(1.0),
    ("m d-1", "mm d-1"): Conversion(1e3),
    ("m s-1", "mm d-1"): Conversion(1e3 * SECONDS_PER_DAY),
    ("mm s-1", "mm d-1"): Conversion(SECONDS_PER_DAY),
    ("J m-2 d-1", "W m-2"): Conversion(1.0 / SECONDS_PER_DAY),
    ("MJ m-2 d-1", "W m-2"): Conversion(1e6 / SECONDS_PER_DAY),
    ("kgC m-2 s-1", "gC m-2 d-1"): Conversion(1e3 * SECONDS_PER_DAY),
    ("kg m-2 s-1", "gC m-2 d-1"): Conversion(1e3 * SECONDS_PER_DAY),
    ("umol m-2 s-1", "gC m-2 d-1"): Conversion(MOLAR_MASS_CARBON * 1e-6 * SECONDS_PER_DAY),
    ("kgC m-2", "gC m-2"): Conversion(1e3),
    ("kg m-2", "gC m-2"): Conversion(1e3),
    ("MgC ha-1", "gC m-2"): Conversion(1e2),
    ("%", "1"): Conversion(1e-2),
    ("ppmv", "ppm"): Conversion(1.0),
    ("umol mol-1", "ppm"): Conversion(1.0),
    ("km", "m"): Conversion(1e3),
}
"""Known conversions, keyed by (unit found, unit wanted)."""

SUMS: Final = ("m", "mm", "kg m-2", "J m-2", "MJ m-2")
"""Units of a sum over a time that they do not tell, where a mean is wanted."""

SPELLINGS: Final[dict[str, str]] = {
    "c": "degC", "celsius": "degC", "degrees_celsius": "degC", "deg_c": "degC", "°c": "degC",
    "degc": "degC", "kelvin": "K", "k": "K", "degk": "K",
    "w/m2": "W m-2", "w/m^2": "W m-2", "w m**-2": "W m-2", "watt m-2": "W m-2", "w m-2": "W m-2",
    "mm/d": "mm d-1", "mm/day": "mm d-1", "mm day-1": "mm d-1", "mm d-1": "mm d-1",
    "mm/s": "mm s-1", "mm s**-1": "mm s-1", "m/s": "m s-1", "m s**-1": "m s-1",
    "mm/month": "mm month-1", "mm/mon": "mm month-1", "mm mon-1": "mm month-1",
    "kg m**-2 s**-1": "kg m-2 s-1", "kg m-2 s-1": "kg m-2 s-1", "kg/m2/s": "kg m-2 s-1",
    "kgc/m2/s": "kgC m-2 s-1", "kg c m-2 s-1": "kgC m-2 s-1", "kgc m-2 s-1": "kgC m-2 s-1",
    "gc/m2/d": "gC m-2 d-1", "g c m-2 d-1": "gC m-2 d-1", "gc m-2 day-1": "gC m-2 d-1",
    "gc m-2 d-1": "gC m-2 d-1", "umolco2 m-2 s-1": "umol m-2 s-1",
    "kgc/m2": "kgC m-2", "kg c m-2": "kgC m-2", "gc/m2": "gC m-2", "g c m-2": "gC m-2",
    "j m**-2": "J m-2", "j/m2/d": "J m-2 d-1", "mj/m2/d": "MJ m-2 d-1",
    "percent": "%", "fraction": "1", "-": "1", "unitless": "1", "none": "1", "0-1": "1",
    "mbar": "hPa", "millibar": "hPa", "hpa": "hPa", "kpa": "kPa", "pa": "Pa",
    "meter": "m", "metre": "m", "meters": "m", "m a.s.l.": "m", "masl": "m",
}  # fmt: skip
"""Common spellings (lower case) of the units above."""


def canonical_unit(text: str) -> str:
    """Return the package's spelling of a unit.

    Examples
    --------
    >>> canonical_unit("W/m2"), canonical_unit("Kelvin"), canonical_unit("furlong")
    ('W m-2', 'K', 'furlong')
    """
    stripped = " ".join(text.split())
    return SPELLINGS.get(stripped.lower(), stripped)


def convert(values: xr.DataArray, unit: str, *, name: str) -> xr.DataArray:
    """Convert ``values`` from the unit in its attributes to ``unit``.

    Parameters
    ----------
    values : xr.DataArray, any dims
        With ``attrs["units"]``.
    unit : str
        Wanted unit, in the package's spelling.
    name : str
        Argument name for the error message.

    Returns
    -------
    xr.DataArray
        Same dims, other attributes kept.

    Raises
    ------
    UnitsError
        If the unit is missing or no conversion is known.

    Examples
    --------
    >>> kelvin = xr.DataArray([273.15], dims="time", attrs={"units": "K"})
    >>> convert(kelvin, "degC", name="TA").item()
    0.0
    """
    found = canonical_unit(str(values.attrs.get("units", "")))
    if found == unit:
        return values.assign_attrs(units=unit)
    conversion = CONVERSIONS.get((found, unit))
    if conversion is None:
        advice = "set attrs['units'] to the true unit"
        if found in SUMS and unit in ("mm d-1", "W m-2"):
            advice = f"a sum over which time? If over a day, set attrs['units'] to '{found} d-1'"
        raise UnitsError(
            f"{name}: expected units {unit!r} or one convertible to it, got {found!r}; {advice}"
        )
    return conversion(values).assign_attrs({**values.attrs, "units": unit})
