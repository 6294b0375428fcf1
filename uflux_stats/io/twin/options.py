"""What can be asked of a twin Earth, and where its files are."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from uflux_stats.errors import ConfigError

TWIN_VERSION: Final = "2"
"""Raised whenever equal options no longer give equal bytes."""
NOTICE: Final = (
    "GENERATED TWIN EARTH: made by a computer program from a seed. "
    "Nothing in here was measured; it must never be used as data about the Earth."
)
MODEL_NAMES: Final = (
    "TWIN-ALDER", "TWIN-BIRCH", "TWIN-CEDAR", "TWIN-DATE", "TWIN-ELM", "TWIN-FIR", "TWIN-GINKGO",
    "TWIN-HAZEL", "TWIN-IVY", "TWIN-JUNIPER", "TWIN-KAPOK", "TWIN-LARCH", "TWIN-MAPLE",
    "TWIN-NETTLE", "TWIN-OAK", "TWIN-PINE",
)  # fmt: skip
FIRST_MOMENT: Final = 2003
"""Year in which all deliberate trends start from zero."""


@dataclass(frozen=True)
class Trends:
    """The deliberate trends of the twin Earth.

    ``warming`` [K yr-1] is the trend at the equator times 1/0.7: the local one is
    ``warming * (0.7 + 0.8 sin(lat)^2)``. ``greening`` [yr-1] is the relative growth of FAPAR.
    ``carbon_dioxide`` is the growth of CO2 in 2003 [ppm yr-1] and half the change of it per year
    [ppm yr-2].
    """

    warming: float = 0.03
    greening: float = 0.0012
    carbon_dioxide: tuple[float, float] = (2.0, 0.008)


@dataclass(frozen=True)
class TwinOptions:
    """Everything that decides the bytes of a twin Earth.

    Parameters
    ----------
    seed : int
        Start of all random numbers, zero or more.
    resolution : float
        Size of a grid cell [degree]; 180 must be a whole multiple of it, 0.5 to 30.
    years : tuple of int
        First and last year, both included; two years or more.
    n_towers, n_dgvms : int
        Number of flux towers (6 or more) and of pretend vegetation models.
    trends : Trends
        The deliberate trends.

    Raises
    ------
    ConfigError
        If a value is not allowed.

    Examples
    --------
    >>> TwinOptions(resolution=10.0, years=(2003, 2005)).time.size
    36
    """

    seed: int = 2003
    resolution: float = 4.0
    years: tuple[int, int] = (2003, 2022)
    n_towers: int = 80
    n_dgvms: int = 8
    trends: Trends = field(default_factory=Trends)

    def __post_init__(self) -> None:
        """Refuse values that cannot be built."""
        _require(self.seed >= 0, "seed", "a whole number of zero or more", self.seed)
        _require(
            0.5 <= self.resolution <= 30 and (180 / self.resolution).is_integer(),
            "resolution",
            "0.5 to 30 degrees of which 180 is a whole multiple (2, 4, 5, 10 ...)",
            self.resolution,
        )
        _require(
            1960 <= self.years[0] < self.years[1] <= 2100,
            "years",
            "first year before last year, both from 1960 to 2100",
            self.years,
        )
        _require(self.n_towers >= 6, "n_towers", "6 or more", self.n_towers)
        _require(
            1 <= self.n_dgvms <= len(MODEL_NAMES),
            "n_dgvms",
            f"1 to {len(MODEL_NAMES)}",
            self.n_dgvms,
        )

    @property
    def time(self) -> pd.DatetimeIndex:
        """All month starts, first January to last December."""
        return pd.date_range(f"{self.years[0]}-01", f"{self.years[1]}-12", freq="MS", unit="ns")

    @property
    def elapsed(self) -> np.ndarray:
        """Years since the start of 2003 in the middle of each month (time,)."""
        return np.asarray(
            self.time.year + (self.time.month - 0.5) / 12 - FIRST_MOMENT, dtype=np.float64
        )

    def rng(self, purpose: str) -> np.random.Generator:
        """Return the random numbers of one purpose, independent of all other purposes."""
        return np.random.default_rng([self.seed, *purpose.encode()])


def _require(holds: bool, name: str, expected: str, got: object) -> None:
    if not holds:
        raise ConfigError(f"{name}: expected {expected}, got {got!r}; change this option")


@dataclass(frozen=True)
class TwinPaths:
    """Where the files of a twin Earth are, relative to its ``folder``."""

    folder: Path

    @property
    def towers(self) -> Path:
        """Folder of tower files in FLUXNET2015 layout."""
        return self.folder / "towers"

    @property
    def sites(self) -> Path:
        """Table of towers."""
        return self.towers / "sites.csv"

    @property
    def fapar(self) -> Path:
        """Table of FAPAR and CO2 at the towers, gzipped."""
        return self.towers / "fapar.csv.gz"

    @property
    def drivers(self) -> Path:
        """Gridded drivers."""
        return self.folder / "drivers.nc"

    @property
    def dgvm(self) -> Path:
        """Folder of pretend vegetation models in TRENDY layout."""
        return self.folder / "dgvm"

    @property
    def truth(self) -> Path:
        """True fluxes, stocks and parameters."""
        return self.folder / "truth.nc"

    @property
    def manifest(self) -> Path:
        """What this is, with options and key truths."""
        return self.folder / "TWIN.json"
