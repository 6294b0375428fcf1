"""How far an ensemble has come, in memory and on disk, so that a killed fit goes on."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from uflux_stats.io.fingerprints import fingerprint
from uflux_stats.io.store import whole_file
from uflux_stats.refinement.neural.backend import Tensor, torch
from uflux_stats.refinement.neural.network import Weights

_MOMENTS: Final = ("exp_avg", "exp_avg_sq")


@dataclass(frozen=True)
class Progress:
    """State of the training of an ensemble after some epochs.

    Attributes
    ----------
    weights, best : dict of array, (member, ...)
        As they are, and as they were when the held-out loss of a member was lowest.
    moments : dict of array
        Of AdamW, by name of the weight and of the moment.
    waited : array of int, (member,)
        Epochs since without gain.
    lowest : array, (member,)
    epoch : int
        Epochs done.
    steps : int
        Of AdamW.
    """

    weights: Weights
    best: Weights
    moments: Weights
    waited: NDArray[np.int64]
    lowest: NDArray[np.float64]
    epoch: int = 0
    steps: int = 0

    @classmethod
    def start(cls, first: Weights) -> "Progress":
        """Begin with first weights."""
        members = len(next(iter(first.values())))
        return cls(first, first, {}, np.zeros(members, np.int64), np.full(members, np.inf))

    def after_epoch(
        self,
        weights: dict[str, Tensor],
        adam: Any,
        loss: NDArray[np.float64] | None,
        patience: int,
    ) -> "Progress":
        """Return the state one epoch later; without a held-out ``loss`` the last is the best.

        A member that has waited for ``patience`` epochs has its best for good.
        """
        now = {name: _array(value) for name, value in weights.items()}
        gained = np.ones(len(self.waited), bool)
        if loss is not None:
            gained = (loss < self.lowest) & (self.waited < patience)
        states = {name: adam.state[value] for name, value in weights.items()}
        moments = {f"{name}.{moment}": _array(state[moment])
                   for name, state in states.items() for moment in _MOMENTS}  # fmt: skip
        return Progress(
            weights=now,
            best={name: _choose(gained, now[name], value) for name, value in self.best.items()},
            moments=moments,
            waited=np.where(gained, 0, self.waited + 1),
            lowest=self.lowest if loss is None else np.where(gained, loss, self.lowest),
            epoch=self.epoch + 1,
            steps=int(next(iter(states.values()))["step"]),
        )

    def restore(self, weights: dict[str, Tensor], adam: Any) -> None:
        """Give an optimiser the moments that it had."""
        for name, value in weights.items():
            if self.moments:
                adam.state[value] = {
                    moment: torch().tensor(self.moments[f"{name}.{moment}"], device=value.device)
                    for moment in _MOMENTS
                } | {"step": torch().tensor(float(self.steps))}


def _array(value: Tensor) -> Any:
    return value.detach().cpu().numpy().copy()


def _choose(
    gained: NDArray[np.bool_], now: NDArray[np.float32], before: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Take the members that gained as they are now."""
    return np.where(gained.reshape(-1, *[1] * (now.ndim - 1)), now, before)


@dataclass(frozen=True)
class Checkpoint:
    """A file of the state of an ensemble, or none if ``path`` is."""

    path: Path | None

    @classmethod
    def of(cls, folder: str | None, *what: Any) -> "Checkpoint":
        """Name the file by what is trained, on what and how: another fit has another file."""
        if folder is None:
            return cls(None)
        Path(folder).mkdir(parents=True, exist_ok=True)
        return cls(Path(folder) / f"{fingerprint(*what)}.npz")

    def read(self, first: Weights) -> Progress:
        """Read the state; from the beginning where there is none, or none that can be read."""
        if self.path is None or not self.path.is_file():
            return Progress.start(first)
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                parts: dict[str, Any] = {"weights": {}, "best": {}, "moments": {}}
                for key in stored.files:
                    kind, _, name = key.partition("/")
                    if name:
                        parts[kind][name] = stored[key]
                    else:
                        parts[key] = stored[key] if stored[key].ndim else stored[key].item()
                return Progress(**parts)
        except (OSError, EOFError, ValueError, TypeError, KeyError, BadZipFile):
            return Progress.start(first)

    def write(self, progress: Progress) -> None:
        """Write the state, whole or not at all."""
        if self.path is None:
            return
        flat: dict[str, Any] = {}
        for key, value in asdict(progress).items():
            if isinstance(value, dict):
                flat |= {f"{key}/{name}": array for name, array in value.items()}
            else:
                flat[key] = np.asarray(value)
        with whole_file(self.path) as partial, partial.open("wb") as stream:
            np.savez(stream, **flat)
