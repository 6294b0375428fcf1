"""Choices of a Bayesian respiration fit."""

from dataclasses import dataclass, field
from typing import Final, Literal

from uflux_stats.baselines.conditions import require_effects
from uflux_stats.baselines.respiration import Form
from uflux_stats.bayes.priors import PRESETS, Prior
from uflux_stats.choices import require_choice, require_least
from uflux_stats.errors import ConfigError

Level = Literal["pooled", "pft", "continent", "site"]
Likelihood = Literal["student_t", "normal", "laplace"]
Geometry = Literal["auto", "centred", "noncentred"]
Sampler = Literal["nutpie", "pymc", "numpyro", "blackjax"]

_ALLOWED: Final[dict[str, tuple[str, ...]]] = {
    "form": ("q10", "lloyd_taylor"),
    "level": ("pooled", "pft", "continent", "site"),
    "likelihood": ("student_t", "normal", "laplace"),
    "geometry": ("auto", "centred", "noncentred"),
    "temperature": ("TA", "TS"),
    "priors": PRESETS,
    "on_failure": ("raise", "flag"),
}


@dataclass(frozen=True)
class RespirationOptions:
    """Options of ``fit_respiration``.

    Attributes
    ----------
    form : {"q10", "lloyd_taylor"}
    level : {"pooled", "pft", "continent", "site"}
        One set of parameters for all towers; one for each IGBP class or continent, drawn from a
        common distribution; or one for each site within its IGBP class.
    effects : tuple of str
        Drivers that the reference respiration is multiplied by, keys of
        ``uflux_stats.baselines.conditions.TRANSFORMS``.
    season : bool
        Effect of site times season on the log rate (level "site").
    likelihood : {"student_t", "normal", "laplace"}
    geometry : {"auto", "centred", "noncentred"}
        Parametrisation of the effects of sites; "auto" centres each by how much its own months
        tell of it, see ``uflux_stats.bayes.geometry``.
    temperature : {"TA", "TS"}
    priors : {"literature", "wide"}
    changed_priors : dict of str to Prior
    on_failure : {"raise", "flag"}
        What follows from a sample that does not pass the gate.

    Raises
    ------
    ConfigError
        If a choice is unknown.

    Examples
    --------
    >>> RespirationOptions(level="pft").form
    'q10'
    """

    form: Form = "q10"
    level: Level = "site"
    effects: tuple[str, ...] = ()
    season: bool = False
    likelihood: Likelihood = "student_t"
    geometry: Geometry = "auto"
    temperature: Literal["TA", "TS"] = "TA"
    priors: Literal["literature", "wide"] = "literature"
    changed_priors: dict[str, Prior] = field(default_factory=dict)
    on_failure: Literal["raise", "flag"] = "raise"

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name, allowed in _ALLOWED.items():
            require_choice(getattr(self, name), allowed, name=name)
        require_effects(self.effects)
        if self.season and self.level != "site":
            raise ConfigError(f"season: expected level 'site' with it, got {self.level!r}; drop it")


@dataclass(frozen=True)
class SamplerOptions:
    """How the posterior is sampled.

    Attributes
    ----------
    sampler : {"nutpie", "pymc", "numpyro", "blackjax"}
        All of them NUTS (Hoffman and Gelman 2014); the last two need their packages.
    draws, tune, chains : int
        Draws and tuning steps of each chain.
    cores : int
        Chains at a time; it does not change the result.
    target_accept : float [1]
    seed : int
    progress : bool
        Show a bar.

    Raises
    ------
    ConfigError
        If the sampler is unknown or a number out of range.
    """

    sampler: Sampler = "nutpie"
    draws: int = 1500
    tune: int = 800
    chains: int = 4
    cores: int = 2
    target_accept: float = 0.9
    seed: int = 0
    progress: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        samplers = ("nutpie", "pymc", "numpyro", "blackjax")
        require_choice(self.sampler, samplers, name="sampler")
        for name in ("draws", "tune", "chains", "cores"):
            require_least(getattr(self, name), 1, name=name)
        if not 0.0 < self.target_accept < 1.0:
            raise ConfigError(
                f"target_accept: expected between 0 and 1, got {self.target_accept}; use 0.9"
            )
