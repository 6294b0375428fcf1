"""Ecological parameters of allocation, each on a scale where every number is a possible value."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.errors import MissingVariableError

Floats = NDArray[np.floating]
Scale = Literal["logit", "log", "raw"]
DAYS_PER_YEAR: Final = 365.25
LEAST_GPP: Final = 0.05
"""Yearly mean GPP [gC m-2 d-1] below which a cell teaches nothing: ice and bare desert."""


@dataclass(frozen=True)
class Parameter:
    """One quantity that is learned.

    Attributes
    ----------
    name
        Of the parameter.
    numerator, denominator
        Variables whose sums make the ratio.
    scale
        "logit" for shares between 0 and 1, "log" for positive ratios, "raw" as it is.
    low, high
        Values beyond are no teaching material (``masked``) or set to the end (not ``masked``).
    masked
        Whether values beyond the ends are left out and counted; shares of pools may be 0 or 1.
    monthly
        Whether the parameter has a season where the models' output is monthly.
    yearly
        Whether the ratio is a flux [gC m-2 d-1] over a pool [gC m-2], and in yr-1.
    """

    name: str
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    scale: Scale
    low: float
    high: float
    masked: bool = True
    monthly: bool = False
    yearly: bool = False

    @property
    def needs(self) -> tuple[str, ...]:
        """Variables that the ratio needs."""
        return tuple(dict.fromkeys((*self.numerator, *self.denominator)))

    @property
    def units(self) -> str:
        """Unit of the parameter."""
        return "yr-1" if self.yearly else "1"


PARAMETERS: Final = (
    Parameter("CUE", ("NPP",), ("GPP",), "logit", 0.02, 0.98, monthly=True),
    Parameter("RH_SHARE", ("Rh",), ("Ra", "Rh"), "logit", 0.02, 0.98, monthly=True),
    Parameter("VEG_TURNOVER", ("NPP",), ("cVeg",), "log", 2e-3, 50.0, yearly=True),
    Parameter("SOIL_TURNOVER", ("NPP",), ("cSoil",), "log", 1e-4, 50.0, yearly=True),
    Parameter("LITTER_TURNOVER", ("NPP",), ("cLitter",), "log", 1e-3, 50.0, yearly=True),
    Parameter("LEAF_SHARE", ("cLeaf",), ("cLeaf", "cWood", "cRoot"), "logit", 1e-3, 0.999,
              masked=False),
    Parameter("WOOD_SHARE", ("cWood",), ("cWood", "cRoot"), "logit", 1e-3, 0.999, masked=False),
)  # fmt: skip
RAW: Final = (
    Parameter("GPP_PER_RA", ("GPP",), ("Ra",), "raw", 1.0, 20.0, monthly=True),
    Parameter("GPP_PER_NPP", ("GPP",), ("NPP",), "raw", 1.0, 20.0, monthly=True),
    Parameter("RECO_PER_RH", ("Ra", "Rh"), ("Rh",), "raw", 1.0, 20.0, monthly=True),
)
"""The unbounded ratios of the method paper, each learned on its own: their inverses need not add up
to one, which is where its imbalance comes from."""
BY_NAME: Final = {parameter.name: parameter for parameter in (*PARAMETERS, *RAW)}
SOIL: Final = ("SOIL_TURNOVER",)


def parameter_value(data: xr.Dataset, parameter: Parameter) -> xr.DataArray:
    """Compute a parameter from fluxes and pools.

    Parameters
    ----------
    data : xr.Dataset, any dims
        ``parameter.needs``: fluxes [gC m-2 d-1], pools [gC m-2].
    parameter : Parameter

    Returns
    -------
    xr.DataArray, same dims [1 or yr-1]
        Missing where a value is beyond the ends and ``parameter.masked``, or the ratio is not
        defined.

    Raises
    ------
    MissingVariableError
        If a variable is missing.

    Examples
    --------
    >>> data = xr.Dataset({"NPP": ("cell", [1.0, 3.0]), "GPP": ("cell", [2.0, 2.0])})
    >>> parameter_value(data, BY_NAME["CUE"]).values
    array([0.5, nan])
    """
    lacking = [name for name in parameter.needs if name not in data]
    if lacking:
        raise MissingVariableError(
            f"data: expected {parameter.needs} for {parameter.name}, got no {lacking}; add them"
        )
    above = sum((data[name] for name in parameter.numerator[1:]), data[parameter.numerator[0]])
    below = sum((data[name] for name in parameter.denominator[1:]), data[parameter.denominator[0]])
    factor = DAYS_PER_YEAR if parameter.yearly else 1.0
    ratio = factor * above / below.where(below > 0)
    inside = (
        ratio.where((ratio >= parameter.low) & (ratio <= parameter.high))
        if parameter.masked
        else ratio.clip(parameter.low, parameter.high)
    )
    return inside.rename(parameter.name).assign_attrs(units=parameter.units)


def to_scale(values: Floats, parameter: Parameter) -> Floats:
    """Bring values to the scale on which they are learned.

    Examples
    --------
    >>> to_scale(np.array([0.5]), BY_NAME["CUE"])
    array([0.])
    """
    if parameter.scale == "raw":
        return values
    if parameter.scale == "log":
        return np.log(values)
    return np.log(values) - np.log1p(-values)


def from_scale(scaled: Floats, parameter: Parameter) -> Floats:
    """Bring learned numbers back, never beyond the ends of the parameter.

    Examples
    --------
    >>> from_scale(np.array([0.0, -99.0]), BY_NAME["CUE"])
    array([0.5 , 0.02])
    """
    if parameter.scale == "log":
        values = np.exp(np.minimum(scaled, np.log(parameter.high)))
    elif parameter.scale == "logit":
        values = 1.0 / (1.0 + np.exp(-np.clip(scaled, -30.0, 30.0)))
    else:
        values = scaled
    return np.clip(values, parameter.low, parameter.high)
