"""Choices of the network and the weights of its constraints."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from uflux_stats.choices import require_choice, require_least
from uflux_stats.errors import ConfigError

Positivity = Literal["softplus", "relu", "penalty", "none"]
Device = Literal["auto", "cpu", "cuda"]
Monotone = Literal["light", "temperature"]
Memory = Literal["none", "tcn", "lstm"]

HISTORY: Final = 11
"""Months before the present one that a network with a memory reads: with it a year."""

_LEAST: Final = {
    "mass": 0.0, "light": 0.0, "temperature": 0.0, "positive": 0.0, "decay": 0.0, "warmup": 0,
    "hidden": 1, "epochs": 1, "batch": 1, "patience": 1,
}  # fmt: skip


@dataclass(frozen=True)
class NetworkOptions:
    """Options of ``refine(model="neural")``.

    All terms of the loss are in standard deviations of the fluxes and drivers, so that a weight of
    1 makes a constraint as heavy as the misfit of one flux.

    Attributes
    ----------
    mass : float
        Weight of the imbalance NEE - (RECO - GPP), as an absolute value.
    light : float
        Weight of what GPP loses with more light, up to 200 W m-2 of shortwave radiation. Ten, since
        at one a response is violated several times as often at unseen towers, for no more skill.
    temperature : float
        Weight of what RECO loses with more warmth, below 40 degC.
    built_in : tuple of {"light", "temperature"}
        Which of these two hold by the construction of the network, everywhere, so that their
        terms of the loss fall away.
    elsewhere : float
        Share of the rows whose light or temperature is moved to anywhere between the lowest that
        was seen and the limit before the terms of ``light`` and ``temperature`` are computed.
    positivity : {"softplus", "relu", "penalty", "none"}
        How GPP and RECO are kept from being negative: by the output layer (smooth, or with units
        that can die), by a term of the loss, or not at all.
    positive : float
        Weight of that term.
    warmup : int
        Epochs over which the weights of the constraints rise from zero.
    learned : bool
        Let the weights of the constraints be learned from those given (Kendall et al. 2018,
        arXiv 1705.07115), by at most a factor of 20 either way.
    memory : {"none", "tcn", "lstm"}
        What reads the drivers of the eleven months before: nothing, convolutions in time, or a
        long short-term memory (Hochreiter and Schmidhuber 1997, doi 10.1162/neco.1997.9.8.1735).
    hidden : int
        Units of each of the two shared layers; a head has half as many.
    epochs, batch, rate, decay : int, int, float, float
        Of AdamW (Loshchilov and Hutter 2019); the rate falls to zero along a cosine.
    patience : int
        Epochs without gain at a member's own held-out towers after which it stops.
    device : {"auto", "cpu", "cuda"}
        "auto" takes a GPU if there is one; without enough memory there, the CPU goes on.
    checkpoints : str, optional
        Folder of unfinished and finished ensembles. A fit of the same data, options and seed goes
        on from there, with the result of a fit that was never interrupted.
    progress : bool
        Show a bar.

    Raises
    ------
    ConfigError
        If a choice is unknown or a number is out of its range.

    Examples
    --------
    >>> NetworkOptions(mass=-1.0)
    Traceback (most recent call last):
    uflux_stats.errors.ConfigError: mass: expected at least 0.0, got -1.0; raise it
    """

    mass: float = 1.0
    light: float = 10.0
    temperature: float = 1.0
    built_in: tuple[Monotone, ...] = ("light", "temperature")
    elsewhere: float = 0.0
    positivity: Positivity = "softplus"
    positive: float = 1.0
    warmup: int = 3
    learned: bool = False
    memory: Memory = "none"
    hidden: int = 64
    epochs: int = 40
    batch: int = 512
    rate: float = 3e-3
    decay: float = 1e-2
    patience: int = 10
    device: Device = "auto"
    checkpoints: str | None = None
    progress: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        require_choice(self.positivity, get_args(Positivity), name="positivity")
        require_choice(self.device, get_args(Device), name="device")
        require_choice(self.memory, get_args(Memory), name="memory")
        for response in self.built_in:
            require_choice(response, get_args(Monotone), name="built_in")
        for name, least in _LEAST.items():
            require_least(getattr(self, name), least, name=name)
        if not 0.0 < self.rate < 1.0:
            raise ConfigError(f"rate: expected above 0 and below 1, got {self.rate}")
        if not 0.0 <= self.elsewhere <= 1.0:
            raise ConfigError(f"elsewhere: expected a share from 0 to 1, got {self.elsewhere}")

    @property
    def history(self) -> int:
        """Months before the present one that are read."""
        return HISTORY if self.memory != "none" else 0

    @property
    def penalised(self) -> tuple[Monotone, ...]:
        """Responses that a term of the loss makes monotone."""
        return tuple(
            name for name in get_args(Monotone) if getattr(self, name) and name not in self.built_in
        )
