"""Choices of the emulation of carbon allocation."""

from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from uflux_stats.choices import require_choice, require_least, require_names
from uflux_stats.errors import ConfigError
from uflux_stats.refinement.options import RefineOptions

Closure = Literal["none", "paper", "exact"]
Stocks = Literal["ratio", "integrated"]
Period = Literal["INIT", "FINAL"]
CLOSURES: Final[tuple[Closure, ...]] = get_args(Closure)

LEARNER: Final = RefineOptions(
    members=1, row_fraction=1.0, feature_fraction=1.0, tree_features=0.7,
    trees=150, depth=8, learning_rate=0.1, bins=64, min_weight=3.0,
)  # fmt: skip
"""One model per parameter; members of the emulation are whole vegetation models."""


@dataclass(frozen=True)
class EmulateOptions:
    """Options of ``emulate``.

    Attributes
    ----------
    learner : RefineOptions
        The learner of each parameter.
    models : tuple of str, optional
        Vegetation models to use; by default all. Each is one member.
    period : {"FINAL", "INIT"}
        Which ten-year means to learn from, where the models come as such.
    rows : int
        Most rows (cell and month, or cell and year) that one parameter is learned from.
    deep_soil : bool
        Whether models with deep soil carbon teach the turnover of soil.
    flux_error : float
        Relative error of the given GPP, RECO and NEP besides the spread of their members, when the
        budget is closed.
    stocks : {"ratio", "integrated"}
        Pools as the ratio of yearly NPP and turnover, or integrated month by month from that state
        in the first year. One year always takes the ratio.
    workers : int
        Parameters learned at a time, each on one thread. It does not change the result.
    progress : bool
        Show a bar when writing to a store.
    seed : int

    Raises
    ------
    ConfigError
        If a choice is unknown or a number is out of its range.

    Examples
    --------
    >>> EmulateOptions(stocks="ratio").period
    'FINAL'
    """

    learner: RefineOptions = field(default_factory=lambda: LEARNER)
    models: tuple[str, ...] | None = None
    period: Period = "FINAL"
    rows: int = 80_000
    deep_soil: bool = False
    flux_error: float = 0.1
    stocks: Stocks = "integrated"
    workers: int = 2
    progress: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        require_names(self.models, name="models")
        require_choice(self.period, get_args(Period), name="period")
        require_choice(self.stocks, get_args(Stocks), name="stocks")
        if self.flux_error < 0:
            raise ConfigError(f"flux_error: expected 0 or more, got {self.flux_error}")
        for name in ("rows", "workers"):
            require_least(getattr(self, name), 1, name=name)


def require_closure(closure: str) -> None:
    """Raise ``ConfigError`` unless ``closure`` is one of the modes."""
    require_choice(closure, CLOSURES, name="closure")
