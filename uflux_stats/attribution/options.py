"""Choices of how rows are made from towers, cubes or tables."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from uflux_stats.choices import require_choice, require_least
from uflux_stats.grid.polygons import RegionSet

Transform = Literal["raw", "anomaly", "detrended", "annual"]
Season = Literal["DJF", "MAM", "JJA", "SON"]
Pool = Literal["cells", "mean"]

SEASONS: Final[dict[str, tuple[int, ...]]] = {
    "DJF": (12, 1, 2), "MAM": (3, 4, 5), "JJA": (6, 7, 8), "SON": (9, 10, 11),
}  # fmt: skip
MIN_MONTHS: Final = 60
MIN_YEARS: Final = 3


@dataclass(frozen=True)
class SampleOptions:
    """How rows are made.

    Attributes
    ----------
    transform : {"anomaly", "raw", "detrended", "annual"}
        raw: months as they are. anomaly: minus the mean seasonal cycle of the place itself, which
        also removes differences between places. detrended: anomalies minus the linear trend of the
        place. annual: means of whole years minus their mean.
    season : {"DJF", "MAM", "JJA", "SON"}, optional
        Months to keep, after the transform.
    regions : {"geographic", "natural_earth"}
        Set of continents, see `uflux_stats.grid.continents`.
    pool : {"cells", "mean"}
        Rows of all places of a region, or of its mean over land area.
    min_months : int
        Months that a fit needs.
    min_years : int
        Years that a mean seasonal cycle needs, in every calendar month.

    Raises
    ------
    ConfigError
        If a value is unknown or too small.
    """

    transform: Transform = "anomaly"
    season: Season | None = None
    regions: RegionSet = "geographic"
    pool: Pool = "cells"
    min_months: int = MIN_MONTHS
    min_years: int = MIN_YEARS

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name, allowed in (
            ("transform", get_args(Transform)),
            ("season", (None, *SEASONS)),
            ("pool", get_args(Pool)),
        ):
            require_choice(getattr(self, name), allowed, name=name)
        for name, least in (("min_months", 24), ("min_years", 2)):
            require_least(getattr(self, name), least, name=name)
