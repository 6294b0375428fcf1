"""The table of respiration parameters: a base rate and a sensitivity for each land cover class."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import resources
from typing import Final, Literal, Self

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.baselines.conditions import DriverEffect
from uflux_stats.baselines.respiration import FORMS, Form
from uflux_stats.choices import require_choice
from uflux_stats.errors import ConfigError, DataFileError
from uflux_stats.schema import CARBON_FLUX, IGBP_CLASSES
from uflux_stats.stats.views import html_view

Temperature = Literal["TA", "TS"]
TEMPERATURES: Final[tuple[Temperature, ...]] = ("TA", "TS")
CLASS_CODES: Final = 256
"""Codes of a class map are bytes; `MISSING_CLASS` is the last."""
CODE_OF: Final = {name: code for code, name in IGBP_CLASSES.items()}


@dataclass(frozen=True)
class ClassParameters:
    """Parameters of one class.

    Attributes
    ----------
    rate : float
        Respiration at 10 degC [gC m-2 d-1].
    sensitivity : float
        Q10 [1] or E0 [K], by the form of the table.
    n_sites, n_months : int
        How many towers and months the fit saw; 0 where the numbers come from elsewhere.
    """

    rate: float
    sensitivity: float
    n_sites: int = 0
    n_months: int = 0

    def __post_init__(self) -> None:
        """Refuse what is not a positive number."""
        for name in ("rate", "sensitivity"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0.0):
                raise ConfigError(f"{name}: expected a positive number, got {value}; correct it")


@dataclass(frozen=True)
class ParameterTable:
    """Respiration parameters per IGBP class, with those of all other classes as the fallback.

    Attributes
    ----------
    form : {"q10", "lloyd_taylor"}
        What the sensitivities mean.
    fallback : ClassParameters
        For classes that the table lacks and cells of unknown class.
    classes : mapping of IGBP class name to ClassParameters
    provenance : str
        Where the numbers come from.
    effects : tuple of DriverEffect
        Other drivers that the rates are multiplied by; the rates are then those at average
        conditions. None: respiration depends on temperature and class alone.
    temperature : {"TA", "TS"}, optional
        The temperature that it was fitted to, which is then used whatever the options of the
        baseline say; None leaves it to them.

    Raises
    ------
    ConfigError
        If the form, the temperature or the name of a class is unknown, or a parameter is not
        positive.

    Examples
    --------
    >>> table = ParameterTable("q10", ClassParameters(2.0, 1.5), {"ENF": ClassParameters(3.0, 1.5)})
    >>> table.rate(xr.DataArray([1.0, 10.0, float("nan")], dims="site")).values.tolist()
    [3.0, 2.0, 2.0]
    """

    form: Form
    fallback: ClassParameters
    classes: Mapping[str, ClassParameters] = field(default_factory=dict)
    provenance: str = ""
    effects: tuple[DriverEffect, ...] = ()
    temperature: Temperature | None = None

    def __post_init__(self) -> None:
        """Refuse unknown forms and classes."""
        require_choice(self.form, FORMS, name="form")
        if self.temperature is not None:
            require_choice(self.temperature, TEMPERATURES, name="temperature")
        unknown = sorted(set(self.classes) - set(CODE_OF))
        if unknown:
            raise ConfigError(
                f"classes: expected IGBP names {sorted(CODE_OF)}, got {unknown}; rename them"
            )

    def rate(self, igbp: xr.DataArray) -> xr.DataArray:
        """Look up the base rate [gC m-2 d-1] on the dims of a map of IGBP codes."""
        return self._look_up(igbp, "rate").assign_attrs(units=CARBON_FLUX)

    def sensitivity(self, igbp: xr.DataArray) -> xr.DataArray:
        """Look up the Q10 [1] or E0 [K] on the dims of a map of IGBP codes."""
        unit = "1" if self.form == "q10" else "K"
        return self._look_up(igbp, "sensitivity").assign_attrs(units=unit)

    def _look_up(self, igbp: xr.DataArray, name: str) -> xr.DataArray:
        """Map codes to a parameter; codes outside 0 to 255 and missing ones take the fallback."""
        values = np.full(CLASS_CODES, getattr(self.fallback, name), dtype=float)
        for class_name, row in self.classes.items():
            values[CODE_OF[class_name]] = getattr(row, name)
        found: xr.DataArray = xr.apply_ufunc(
            _take, igbp, kwargs={"values": values}, dask="parallelized", output_dtypes=[float],
            keep_attrs=False,
        )  # fmt: skip
        return found

    def to_frame(self) -> pd.DataFrame:
        """Tabulate rate [gC m-2 d-1] and sensitivity of each class; the fallback is last.

        Returns
        -------
        pandas.DataFrame
            ``class``, ``rate``, ``sensitivity`` (Q10 [1] or E0 [K]), ``n_sites``, ``n_months``.
        """
        rows = {**self.classes, "all others": self.fallback}
        return pd.DataFrame([{"class": name, **asdict(row)} for name, row in rows.items()])

    def _repr_html_(self) -> str:
        return html_view(f"Respiration, {self.form}", self.to_frame(), self.provenance)

    def to_json(self) -> str:
        """Write the table as JSON text, classes in the order of their names.

        Examples
        --------
        >>> table = ParameterTable("q10", ClassParameters(2.0, 1.5))
        >>> ParameterTable.from_json(table.to_json()) == table
        True
        """
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a table from JSON text.

        Raises
        ------
        DataFileError
            If the text is not such a table.
        """
        try:
            read = json.loads(text)
            fallback = ClassParameters(**read["fallback"])
            classes = {name: ClassParameters(**row) for name, row in read["classes"].items()}
            effects = tuple(DriverEffect(**row) for row in read.get("effects", ()))
            warmth = read.get("temperature")
            return cls(read["form"], fallback, classes, read["provenance"], effects, warmth)
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise DataFileError(
                "text: expected JSON with form, fallback, classes and provenance, "
                f"got {text[:40]!r} ({error}); write it with ParameterTable.to_json"
            ) from error


def _take(codes: NDArray[np.generic], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take ``values`` at integer ``codes``; anything else counts as the last one."""
    numbers = np.asarray(codes, dtype=float)
    known = (numbers >= 0) & (numbers < values.size)
    index = np.where(known, numbers, values.size - 1).astype(np.intp)
    return values[index]


def default_parameters() -> ParameterTable:
    """Return the table that the package ships: Q10 1.5, base rates fitted to FLUXNET2015.

    Examples
    --------
    >>> default_parameters().form
    'q10'
    """
    packaged = resources.files("uflux_stats") / "data" / "respiration_fluxnet2015.json"
    return ParameterTable.from_json(packaged.read_text(encoding="utf-8"))
