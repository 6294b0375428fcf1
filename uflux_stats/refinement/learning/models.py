"""What every fitted learner can do; and the commonest one, trees."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from uflux_stats.refinement.learners import Ensemble, Table, importance, predict_ensemble

Head = dict[str, Any]
"""What the head file keeps of a model, as plain values: its kind, and what names its files."""


class Model(Protocol):
    """A fitted ensemble for one flux."""

    @property
    def width(self) -> int:
        """Number of predictors."""
        ...

    @property
    def trees(self) -> Ensemble:
        """What of the model is trees, for exact SHAP values; none if nothing is."""
        ...

    def predict(self, table: Table, *, threads: int = 1) -> Table:
        """Predict with every member, (member, row), at rows of predictors (row, feature)."""
        ...

    def importance(self) -> NDArray[np.float64]:
        """Share of each predictor in what is learned, (feature,)."""
        ...

    def save(self, folder: Path, stem: str) -> Head:
        """Write files whose names begin with ``stem``; return what is needed to read them."""
        ...


@dataclass(frozen=True)
class Trees:
    """An ensemble of boosters, whatever library grew their trees."""

    members: Ensemble

    @property
    def width(self) -> int:
        """Number of predictors."""
        return int(self.members[0].num_features())

    @property
    def trees(self) -> Ensemble:
        """The boosters."""
        return self.members

    def predict(self, table: Table, *, threads: int = 1) -> Table:
        """Predict with every member; see ``predict_ensemble``."""
        return predict_ensemble(self.members, table, threads=threads)

    def importance(self) -> NDArray[np.float64]:
        """Share of each predictor in what all splits gained; see ``learners.importance``."""
        return importance(self.members, self.width)

    def save(self, folder: Path, stem: str) -> Head:
        """Write a file for each member."""
        for number, booster in enumerate(self.members):
            booster.save_model(_file(folder, stem, number))
        return {"kind": "trees", "stem": stem, "members": len(self.members)}

    @classmethod
    def load(cls, folder: Path, head: Head) -> "Trees":
        """Read what ``save`` wrote."""
        numbers = range(head["members"])
        return cls([xgb.Booster(model_file=_file(folder, head["stem"], n)) for n in numbers])


def _file(folder: Path, stem: str, number: int) -> Path:
    return folder / f"{stem}-{number:03d}.ubj"
