"""The sections of a run's configuration, one frozen record each.

Field names are the keys of the TOML file. ``setting`` adds the allowed range to a field; choices
are ``Literal`` types. Building a record touches no file: ``uflux_stats.config.check`` does.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from uflux_stats.config.learning import RefineConfig
from uflux_stats.config.settings import setting
from uflux_stats.errors import ConfigError

Split = Literal["random", "tower", "igbp", "koppen", "blocks"]
RespirationForm = Literal["q10", "lloyd_taylor", "conditioned_q10", "conditioned_lloyd_taylor"]

SPLITS_BY_MODE: Final[dict[str, tuple[Split, ...]]] = {
    "quick": ("random", "tower"),
    "full": ("random", "tower", "igbp", "koppen", "blocks"),
}
"""Splits that each validation mode computes unless the configuration lists its own."""
LEARNER: Final = {"trees": 150, "depth": 8, "rows": 80_000}
QUICK_LEARNER: Final = {"trees": 30, "depth": 5, "rows": 6000}
"""Size of the learner of each parameter of the allocation, on data and on the twin Earth."""

POSTERIOR: Final = {"draws": 1500, "tune": 800, "chains": 4, "months": None}
QUICK_POSTERIOR: Final = {"draws": 250, "tune": 250, "chains": 2, "months": 8}
"""Size of a posterior sample, and most months of a tower, on data and on the twin Earth."""


FOLDS_BY_MODE: Final = {"quick": 0, "full": 5}
"""Groups of towers that posteriors are refitted without; 0: not refitted."""


@dataclass(frozen=True)
class InputConfig:
    """``[input]``: the data; without any the run is on the twin Earth.

    ``sites`` and ``fapar`` are tables of the towers; by default they are looked for beside them.
    """

    towers: Path | None = None
    sites: Path | None = None
    fapar: Path | None = None
    drivers: tuple[Path, ...] = ()
    dgvm: Path | None = None
    tower_drivers: Literal["tower", "grid"] = "tower"
    climatology_year: int = setting(2006, low=1850, high=2100)
    qc: float = setting(0.8, low=0, high=1)
    partitioning: Literal["NT", "DT"] = "NT"


@dataclass(frozen=True)
class TwinConfig:
    """``[twin]``: the generated planet.

    Resolution in degrees; first and last year, both included; the seed defaults to the run's.
    """

    seed: int | None = setting(None, low=0)
    resolution: float = setting(4.0, low=0.5, high=30)
    years: tuple[int, int] = (2003, 2022)
    towers: int = setting(80, low=6, high=1000)
    models: int = setting(8, low=1, high=16)


@dataclass(frozen=True)
class ValidationConfig:
    """``[validation]``: how honestly, and for how long. No ``splits``: those of the mode.

    ``both_drivers`` adds the skill with measured beside that with gridded drivers (groups of towers
    held out), where a run has both; by default on data, not on the twin Earth.
    """

    mode: Literal["quick", "full"] = "quick"
    splits: tuple[Split, ...] = ()
    both_drivers: bool | None = None

    @property
    def wanted(self) -> tuple[Split, ...]:
        """The splits to compute, in their fixed order.

        Examples
        --------
        >>> ValidationConfig(mode="quick").wanted
        ('random', 'tower')
        >>> ValidationConfig(splits=("tower", "random")).wanted
        ('random', 'tower')
        """
        if not self.splits:
            return SPLITS_BY_MODE[self.mode]
        return tuple(split for split in SPLITS_BY_MODE["full"] if split in self.splits)


@dataclass(frozen=True)
class AttributionConfig:
    """``[attribution]``: resamples behind every interval."""

    replicates: int = setting(200, low=20, high=100_000)


@dataclass(frozen=True)
class EmulateConfig:
    """``[emulate]``: allocation of carbon, learned from vegetation models; each is one member.

    What comes out without any closure is always kept beside. ``models``, ``scenario`` and
    ``years`` choose what is read of them; by default all there is.
    ``trees``, ``depth`` and ``rows`` (most rows of teaching material) are those of each learned
    parameter. Where not given they are 150, 8 and 80,000, and on the twin Earth, whose rules are
    simple and whose run is a demonstration, 30, 5 and 6,000.
    """

    closure: Literal["exact", "paper"] = "exact"
    models: tuple[str, ...] = ()
    scenario: str | None = None
    years: tuple[int, int] | None = None
    trees: int | None = setting(None, low=1, high=10_000)
    depth: int | None = setting(None, low=1, high=20)
    rows: int | None = setting(None, low=100)

    def learner(self, *, twin: bool) -> dict[str, int]:
        """Size of the learner of a parameter: as given, else the default.

        Examples
        --------
        >>> EmulateConfig(trees=10).learner(twin=True)
        {'trees': 10, 'depth': 5, 'rows': 6000}
        """
        default = QUICK_LEARNER if twin else LEARNER
        given = {"trees": self.trees, "depth": self.depth, "rows": self.rows}
        return default | {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class RespirationConfig:
    """``[respiration]``: posteriors of the respiration parameters and what they say of the globe.

    Each of ``forms`` is fitted: temperature alone, or with the drivers of the base rate. The first
    is the one that maps and cell statistics are of. No ``forms``: Q10 with drivers and, except on
    the twin Earth, Q10 alone. ``posterior`` false leaves all out. ``level`` is that of
    ``RespirationOptions``.

    ``draws``, ``tune`` and ``chains`` are those of the sampler and ``months`` the most months of a
    tower that are used (none: all). Where not given they are 1500, 800, 4 and all, and on the twin
    Earth 250, 250, 2 and 8. ``gate`` decides what follows from a sample whose chains do not
    agree: where not given the run stops, and on the twin Earth, whose sample is short on purpose,
    the result is flagged.

    The posteriors are refitted without the towers of each of ``folds`` groups, to see what they say
    of unseen sites; with 0 that is approximated from the fit to all. Where not given 5 with full
    validation, else 0.

    At most ``carried`` draws are carried to the grid; ``site_effect`` is how the deviation of
    unseen places from their class is correlated in maps, over ``length_km``; totals are given under
    every choice.
    """

    posterior: bool = True
    forms: tuple[RespirationForm, ...] = ()
    level: Literal["pooled", "pft", "site"] = "site"
    draws: int | None = setting(None, low=50, high=100_000)
    tune: int | None = setting(None, low=50, high=100_000)
    chains: int | None = setting(None, low=2, high=64)
    months: int | None = setting(None, low=2)
    seed: int | None = setting(None, low=0)
    gate: Literal["raise", "flag"] | None = None
    folds: int | None = setting(None, low=0, high=1000)
    carried: int = setting(150, low=20, high=10_000)
    site_effect: Literal["none", "shared", "independent", "spatial"] = "spatial"
    length_km: float = setting(500.0, low=1, high=20_000)

    def __post_init__(self) -> None:
        """Refuse a single group, which would leave no tower."""
        if self.folds == 1:
            raise ConfigError("respiration.folds: expected 0 or at least 2, got 1; change it")

    def fitted(self, *, twin: bool) -> tuple[RespirationForm, ...]:
        """Forms that are fitted: as given, else the default.

        Examples
        --------
        >>> RespirationConfig().fitted(twin=True)
        ('conditioned_q10',)
        """
        if self.forms:
            return tuple(dict.fromkeys(self.forms))
        return ("conditioned_q10",) if twin else ("conditioned_q10", "q10")

    def held_out(self, *, mode: str) -> int:
        """Return the number of groups of towers to refit without: as given, else that of the mode.

        Examples
        --------
        >>> RespirationConfig().held_out(mode="full"), RespirationConfig().held_out(mode="quick")
        (5, 0)
        """
        return FOLDS_BY_MODE[mode] if self.folds is None else self.folds

    def sampled(self, *, twin: bool) -> dict[str, Any]:
        """Size of the sample and what its gate does: as given, else the default.

        Examples
        --------
        >>> RespirationConfig(chains=3).sampled(twin=True)
        {'draws': 250, 'tune': 250, 'chains': 3, 'months': 8, 'gate': 'flag'}
        """
        default = {**(QUICK_POSTERIOR if twin else POSTERIOR), "gate": "flag" if twin else "raise"}
        given = {name: getattr(self, name) for name in default}
        return default | {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class BenchmarksConfig:
    """``[benchmarks]``: observations that nothing learns from, to hold the allocation against.

    ``srdb``: soil respiration (Parquet or CSV); ``soil_carbon``: maps in kg m-2 (HWSD, NCSCD);
    ``biomass``: tiles of ESA CCI, or their folder; ``land_sink``: workbook of the Global Carbon
    Budget.
    """

    srdb: Path | None = None
    soil_carbon: tuple[Path, ...] = ()
    biomass: tuple[Path, ...] = ()
    land_sink: Path | None = None

    @property
    def files(self) -> dict[str, tuple[Path, ...]]:
        """What was named, by kind.

        Examples
        --------
        >>> BenchmarksConfig(srdb=Path("srdb.csv")).files
        {'srdb': (PosixPath('srdb.csv'),)}
        """
        single = {"srdb": self.srdb, "land_sink": self.land_sink}
        several = {"soil_carbon": self.soil_carbon, "biomass": self.biomass}
        one = {kind: (path,) for kind, path in single.items() if path is not None}
        return one | {kind: paths for kind, paths in several.items() if paths}


@dataclass(frozen=True)
class OutputConfig:
    """``[output]``: where results go, in which regions, and how much is in memory at once.

    ``rows`` is the number of cells times months of a band of the grid; ``projection`` is that of
    the maps of the globe, where all but "plate" need the extra ``maps``.
    """

    out: Path = Path("uflux-run")
    regions: Literal["geographic", "natural_earth"] = "geographic"
    projection: Literal["plate", "robinson", "equal_earth"] = "plate"
    rows: int = setting(800_000, low=1000, high=100_000_000)


@dataclass(frozen=True)
class RunSection:
    """``[run]``: threads used, all processors by default, and the seed of all randomness.

    No result depends on the number of threads.
    """

    workers: int = setting(os.cpu_count() or 1, low=1, high=1024)
    seed: int = setting(0, low=0)


@dataclass(frozen=True)
class RunConfig:
    """All that one run is told.

    Examples
    --------
    >>> config = RunConfig(run=RunSection(seed=3), refine=RefineConfig(members=4))
    >>> config.refine.members, config.refine_seed, config.is_twin
    (4, 3, True)
    """

    input: InputConfig = InputConfig()
    twin: TwinConfig = TwinConfig()
    refine: RefineConfig = field(default_factory=RefineConfig)
    validation: ValidationConfig = ValidationConfig()
    attribution: AttributionConfig = AttributionConfig()
    emulate: EmulateConfig = EmulateConfig()
    respiration: RespirationConfig = RespirationConfig()
    benchmarks: BenchmarksConfig = BenchmarksConfig()
    output: OutputConfig = OutputConfig()
    run: RunSection = RunSection()

    @property
    def is_twin(self) -> bool:
        """Whether no data were given, so that the run is on the twin Earth."""
        return self.input.towers is None and not self.input.drivers and self.input.dgvm is None

    @property
    def compares_drivers(self) -> bool:
        """Whether the skill with measured and with gridded drivers is computed, if both exist."""
        wanted = self.validation.both_drivers
        return not self.is_twin if wanted is None else wanted

    @property
    def twin_seed(self) -> int:
        """Seed of the twin Earth."""
        return self.run.seed if self.twin.seed is None else self.twin.seed

    @property
    def respiration_seed(self) -> int:
        """Seed of the posterior samples and of their draws on the grid."""
        return self.run.seed if self.respiration.seed is None else self.respiration.seed

    @property
    def learner(self) -> dict[str, Any]:
        """Options of the refinement, with its seed."""
        return self.refine.options() | {"seed": self.refine_seed}

    @property
    def refine_seed(self) -> int:
        """Seed of the ensemble and of the validation splits."""
        return self.run.seed if self.refine.seed is None else self.refine.seed
