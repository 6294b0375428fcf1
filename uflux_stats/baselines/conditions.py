"""What respiration depends on beside temperature: driver effects on the base rate.

The base rate of a class is multiplied by ``exp(sum_k c_k z_k)``, where ``z_k`` is a driver, or a
transform of drivers, minus its mean over the tower months, divided by its standard deviation there
and held within the range seen there. The base rate is then the one at average conditions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.checks import require_variables
from uflux_stats.errors import ConfigError, DimensionError

RANGE: Final = (0.005, 0.995)
"""Quantiles of the tower months beyond which a driver is held."""
_DRY: Final = 0.3
"""Precipitation [mm d-1] added before the logarithm, so that a dry month is finite."""
_BARE: Final = 0.05
"""Greenness [1] below which ground counts as bare, so that its logarithm is finite."""


@dataclass(frozen=True)
class Transform:
    """How an effect is made of drivers: their names, and a function of their arrays.

    With ``climate`` it is averaged over the months at each place.
    """

    inputs: tuple[str, ...]
    function: Callable[..., Any]
    text: str
    climate: bool = False


_MONTHLY: Final[dict[str, Transform]] = {
    "APAR": Transform(
        ("FAPAR", "SWIN"),
        lambda fapar, light: np.sqrt(np.maximum(fapar * light, 0.0)),
        "sqrt(FAPAR SWIN), greenness times light [W1/2 m-1]",
    ),
    "FAPAR": Transform(("FAPAR",), lambda fapar: fapar, "greenness [1]"),
    "LOGFAPAR": Transform(
        ("FAPAR",), lambda fapar: np.log(np.maximum(fapar, _BARE)), "log of greenness [1]"
    ),
    "VPD": Transform(("VPD",), lambda vpd: vpd, "vapour pressure deficit [hPa]"),
    "P": Transform(
        ("P",), lambda rain: np.log(np.maximum(rain, 0.0) + _DRY), "log of precipitation [mm d-1]"
    ),
    "GPP": Transform(
        ("GPP",),
        lambda gpp: np.sqrt(np.maximum(gpp, 0.0)),
        "sqrt(GPP); at towers it shares its partitioning with RECO",
    ),
}
_TEMPERATURE: Final = Transform(("TA",), lambda warmth: warmth, "air temperature [degC]")
_CLIMATE: Final = {
    f"{name}_mean": replace(transform, text=f"mean over the year of {transform.text}", climate=True)
    for name, transform in {**_MONTHLY, "TA": _TEMPERATURE}.items()
}
TRANSFORMS: Final[dict[str, Transform]] = {**_MONTHLY, **_CLIMATE}
"""Effects by name; temperature acts by the month through the form, and here by its mean alone."""
SATELLITE: Final = ("APAR", "FAPAR", "VPD")
"""The default effects: what satellites and climate maps know everywhere."""
PLACES: Final = ("APAR", "LOGFAPAR", "VPD", "TA_mean", "LOGFAPAR_mean")
"""Effects of a model with site effects: what changes from month to month, and apart from it how
warm and how green a place is on average, which its site effect would otherwise take up."""


@dataclass(frozen=True)
class DriverEffect:
    """One effect on the base rate: ``exp(coefficient (clip(x, low, high) - mean) / scale)``.

    Attributes
    ----------
    name : str
        A key of ``TRANSFORMS``.
    coefficient : float [1]
        Change of the log rate per standard deviation.
    mean, scale, low, high : float [unit of the transform]
    """

    name: str
    coefficient: float
    mean: float
    scale: float
    low: float = -np.inf
    high: float = np.inf

    def __post_init__(self) -> None:
        """Refuse an unknown name and a scale that cannot divide."""
        require_effects([self.name])
        if not (np.isfinite(self.coefficient) and self.scale > 0.0 and self.low <= self.high):
            raise ConfigError(
                f"effect {self.name}: expected a finite coefficient, a scale above 0 and "
                f"low <= high, got {self}; correct it"
            )


def require_effects(names: Sequence[str]) -> None:
    """Raise ``ConfigError`` unless all ``names`` are effects, each once."""
    unknown = [name for name in names if name not in TRANSFORMS]
    if unknown or len(set(names)) != len(names):
        raise ConfigError(
            f"effects: expected different names of {list(TRANSFORMS)}, got {list(names)}; "
            "correct them"
        )


def inputs_of(names: Sequence[str]) -> tuple[str, ...]:
    """List the drivers that effects are made of.

    Examples
    --------
    >>> inputs_of(["APAR", "FAPAR", "VPD"])
    ('FAPAR', 'SWIN', 'VPD')
    """
    require_effects(names)
    return tuple(dict.fromkeys(driver for name in names for driver in TRANSFORMS[name].inputs))


def transformed(drivers: xr.Dataset, name: str) -> xr.DataArray:
    """Compute the transform of one effect, on the dims of its drivers.

    A mean climate is that of the months given: give whole years.

    Raises
    ------
    DimensionError
        If a mean climate is wanted and there is no time or month.
    ConfigError
        If there is no effect of this name.
    MissingVariableError
        If one of its drivers is not there.
    UnitsError
        If one is in another unit.

    Examples
    --------
    >>> green = xr.DataArray([0.5], dims="site", attrs={"units": "1"})
    >>> light = xr.DataArray([200.0], dims="site", attrs={"units": "W m-2"})
    >>> transformed(xr.Dataset({"FAPAR": green, "SWIN": light}), "APAR").values.tolist()
    [10.0]
    """
    require_effects([name])
    transform = TRANSFORMS[name]
    require_variables(drivers, transform.inputs, name="drivers")
    result: xr.DataArray = xr.apply_ufunc(
        transform.function, *(drivers[driver] for driver in transform.inputs),
        join="exact", dask="parallelized", output_dtypes=[float], keep_attrs=False,
    )  # fmt: skip
    return _mean_year(result) if transform.climate else result


def _mean_year(values: xr.DataArray) -> xr.DataArray:
    """Average over the twelve months, each the mean of its years, and lay it out as it came.

    A place that lacks months has the mean of the others.
    """
    if "month" in values.dims:
        mean = values.mean("month")
    elif "time" in values.dims:
        mean = values.groupby("time.month").mean("time").mean("month")
    else:
        raise DimensionError("drivers: expected a dimension time or month, got neither; add it")
    return mean.broadcast_like(values).transpose(*values.dims)


def standardised(drivers: xr.Dataset, effect: DriverEffect) -> xr.DataArray:
    """Return the standardised driver of an effect [1], held within the range of the towers."""
    values = transformed(drivers, effect.name).clip(effect.low, effect.high)
    return (values - effect.mean) / effect.scale


def measure_effect(values: NDArray[np.float64], name: str) -> DriverEffect:
    """Take mean, standard deviation and range of a transform over tower months; no effect yet.

    Raises
    ------
    ConfigError
        If the driver does not vary, so that no effect of it can be seen.
    """
    low, high = (float(end) for end in np.quantile(values, RANGE))
    held = np.clip(values, low, high)
    scale = float(held.std())
    if not scale > 0.0:
        raise ConfigError(
            f"effects: expected drivers that vary, got {name} with the same value in all "
            f"{values.size} months; leave it out"
        )
    return DriverEffect(name, 0.0, float(held.mean()), scale, low, high)


def multiplier(drivers: xr.Dataset, effects: Sequence[DriverEffect]) -> xr.DataArray:
    """Return what the base rate is multiplied by [1]; missing where a driver is.

    Parameters
    ----------
    drivers : xr.Dataset, any dims
        The drivers that ``inputs_of`` lists, in units of the schema.
    effects : sequence of DriverEffect
        With none the result is one.

    Returns
    -------
    xr.DataArray
        On the dims of the drivers; lazy where they are.

    Raises
    ------
    MissingVariableError, UnitsError
        As ``transformed``.

    Examples
    --------
    >>> dry = xr.Dataset({"VPD": xr.DataArray([5.0, 15.0], dims="site", attrs={"units": "hPa"})})
    >>> multiplier(dry, [DriverEffect("VPD", -0.5, 5.0, 10.0)]).round(3).values.tolist()
    [1.0, 0.607]
    """
    if not effects:
        return xr.DataArray(1.0, attrs={"units": "1"})
    logarithm = sum(
        (effect.coefficient * standardised(drivers, effect) for effect in effects[1:]),
        start=effects[0].coefficient * standardised(drivers, effects[0]),
    )
    product: xr.DataArray = xr.apply_ufunc(np.exp, logarithm, dask="allowed")
    return product.assign_attrs(units="1")
