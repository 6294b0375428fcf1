"""An ensemble of networks: fitted to a table, asked for fluxes, kept in a file without pickle."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from uflux_stats.refinement.neural.backend import one_thread, torch
from uflux_stats.refinement.neural.loss import Batch, Slope
from uflux_stats.refinement.neural.network import Design, Weights, forward, initial_weights
from uflux_stats.refinement.neural.scaling import Scaling, Table
from uflux_stats.refinement.neural.training import Task, train
from uflux_stats.refinement.options import RefineOptions
from uflux_stats.refinement.responses import Direction

ROWS: Final = 65_536
"""Rows predicted at a time."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Lessons:
    """Rows to learn from.

    Attributes
    ----------
    names : tuple of str
        Of the predictors.
    predictors : array of float32, (row, feature)
    site : array of int, (row,)
        Towers are whole on one side of a member's draw.
    observed : dict of array, (row,)
        Each flux; NaN where it is not known.
    process : dict of array, (row,)
        The baseline of the fluxes learned as residuals.
    directions : tuple of Direction
        Of the responses that are to be monotone.
    """

    names: tuple[str, ...]
    predictors: Table
    site: NDArray[np.intp]
    observed: dict[str, Floats]
    process: dict[str, Floats]
    directions: tuple[Direction, ...] = ()


@dataclass(frozen=True)
class Networks:
    """A fitted ensemble.

    Attributes
    ----------
    design : Design
    scaling : Scaling
    offset : array, (flux,) [standard deviations]
        Mean of what the heads learn.
    residual : tuple of str
        Fluxes learned as residuals.
    members : tuple of dict of array
    """

    design: Design
    scaling: Scaling
    offset: NDArray[np.float32]
    residual: tuple[str, ...]
    members: tuple[Weights, ...]

    def predict(self, predictors: Table, process: dict[str, Floats]) -> dict[str, Table]:
        """Predict every flux, each as an array (member, row).

        Parameters
        ----------
        predictors : array, (row, feature)
        process : dict of array, (row,)
            Fluxes of the baseline.
        """
        parts = [slice(start, start + ROWS) for start in range(0, max(1, len(predictors)), ROWS)]
        whole = np.empty((len(self.members), len(predictors), len(self.design.fluxes)), np.float32)
        with one_thread(), torch().no_grad():
            for rows in parts:
                inputs = torch().from_numpy(self.scaling.inputs(predictors[rows]))
                base = torch().from_numpy(self.base(process, rows, len(inputs)))
                for number, weights in enumerate(self.members):
                    tensors = {name: torch().from_numpy(w) for name, w in weights.items()}
                    whole[number, rows] = forward(tensors, inputs, base, self.design).numpy()
        return {name: whole[:, :, n] for n, name in enumerate(self.design.fluxes)}

    def base(self, process: dict[str, Floats], rows: slice, count: int) -> Table:
        """Scale what the heads add to, (row, flux): a baseline, or the mean of the flux."""
        return self.offset + self.scaled(process, rows, count)

    def scaled(self, process: dict[str, Floats], rows: slice, count: int) -> Table:
        """Scale the baseline of the residuals, (row, flux); zero for other fluxes."""
        columns = np.zeros((count, len(self.design.fluxes)), np.float32)
        for number, name in enumerate(self.design.fluxes):
            if name in self.residual:
                columns[:, number] = process[name][rows] / self.design.scale[number]
        return columns

    def save(self, path: Path) -> None:
        """Write the arrays of all members to one ``.npz``."""
        arrays: dict[str, Any] = {f"scaling/{k}": v for k, v in vars(self.scaling).items()}
        arrays |= {
            "offset": self.offset,
            "fluxes": np.array(self.design.fluxes),
            "scale": np.array(self.design.scale),
            "positivity": np.array(self.design.positivity),
            "residual": np.array(self.residual, dtype=np.str_),
        }
        for number, weights in enumerate(self.members):
            arrays |= {f"{number:03d}/{name}": values for name, values in weights.items()}
        np.savez(path, **arrays)

    @classmethod
    def load(cls, path: Path, members: int) -> "Networks":
        """Read what ``save`` wrote; no code is run from the file.

        Raises
        ------
        KeyError, TypeError, ValueError, OSError, EOFError, BadZipFile
            If something is missing or not as it should be.
        """
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            parts: dict[str, dict[str, Any]] = {}
            for key in stored.files:
                group, _, name = key.rpartition("/")
                parts.setdefault(group, {})[name] = stored[key]
        head = parts[""]
        design = Design(
            tuple(head["fluxes"].tolist()),
            tuple(head["scale"].tolist()),
            head["positivity"].item(),
        )
        return cls(
            design,
            Scaling(**parts["scaling"]),
            head["offset"],
            tuple(head["residual"].tolist()),
            tuple(parts[f"{number:03d}"] for number in range(members)),
        )


def fit_networks(lessons: Lessons, options: RefineOptions, seed: Sequence[int]) -> Networks:
    """Fit an ensemble of networks, each on its own draw of towers and features.

    The towers that a member does not learn from tell when it has learned enough.

    Parameters
    ----------
    lessons : Lessons
    options : RefineOptions
    seed : sequence of int

    Returns
    -------
    Networks

    Raises
    ------
    MissingExtraError
        If PyTorch is not installed.
    SampleError
        If a predictor is infinite, or the loss becomes no number.
    """
    torch()
    fluxes = tuple(lessons.observed)
    scaling = Scaling.of(lessons.predictors, lessons.names)
    design = Design(
        fluxes,
        tuple(float(np.nanstd(lessons.observed[name])) or 1.0 for name in fluxes),
        options.network.positivity,
    )
    residual = tuple(k for k in fluxes if k in lessons.process and not _follows(design, k))
    start = Networks(design, scaling, _offset(lessons, design, residual), residual, ())
    with one_thread():
        batch = _batch(lessons, start)
        members = tuple(
            train(_task(lessons, start, batch, options, [*seed, number]))
            for number in range(options.members)
        )
    return Networks(design, scaling, start.offset, residual, members)


def _follows(design: Design, name: str) -> bool:
    """Whether a flux is made of others."""
    return name == "NEE" and design.balanced


def _offset(lessons: Lessons, design: Design, residual: tuple[str, ...]) -> NDArray[np.float32]:
    """Mean of what each head learns, in standard deviations of its flux."""
    offset = np.zeros(len(design.fluxes), np.float32)
    for number, (name, scale) in enumerate(zip(design.fluxes, design.scale, strict=True)):
        if not _follows(design, name):
            base = lessons.process[name] if name in residual else 0.0
            offset[number] = np.nanmean(lessons.observed[name] - base) / scale
    return offset


def _batch(lessons: Lessons, start: Networks) -> Batch:
    """Bring all rows to tensors."""
    base = start.base(lessons.process, slice(None), len(lessons.site))
    observed = np.column_stack([lessons.observed[k] for k in start.design.fluxes])
    known = np.isfinite(observed) & np.isfinite(base)
    from_numpy = torch().from_numpy
    slopes = [_slope(each, lessons, start) for each in lessons.directions
              if each.response.flux in start.design.fluxes]  # fmt: skip
    return Batch(
        inputs=from_numpy(start.scaling.inputs(lessons.predictors)),
        base=from_numpy(np.nan_to_num(base)),
        observed=from_numpy(np.where(known, observed, 0.0).astype(np.float32)),
        known=from_numpy(known),
        slopes=tuple(slopes),
    )


def _slope(direction: Direction, lessons: Lessons, start: Networks) -> Slope:
    """Bring a direction to inputs and base in standard deviations."""
    base = start.scaled(direction.process, slice(None), len(lessons.site))
    inputs = start.scaling.slopes(direction.predictors, lessons.predictors)
    from_numpy = torch().from_numpy
    return Slope(
        direction.response,
        from_numpy(inputs),
        from_numpy(np.nan_to_num(base)),
        direction.spread,
        from_numpy(direction.inside),
    )


def _task(
    lessons: Lessons, start: Networks, batch: Batch, options: RefineOptions, seed: list[int]
) -> Task:
    """Deal towers and features to one member; of the others it knows nothing."""
    rng = np.random.default_rng(seed)
    sites = rng.permutation(np.unique(lessons.site))
    learns = np.isin(lessons.site, sites[: _share(options.row_fraction, len(sites))])
    features = len(lessons.names)
    dealt = rng.permutation(features) < _share(options.feature_fraction, features)
    flags = np.flatnonzero(start.scaling.flagged)
    seen = np.concatenate([dealt, dealt[flags]])
    first = initial_weights(rng, len(seen), options.network.hidden, len(start.design.fluxes))
    first["layer_0"][~seen] = 0.0
    return Task(
        batch=batch.seeing(seen),
        learn=np.flatnonzero(learns),
        stop=np.flatnonzero(~learns),
        design=start.design,
        first=first,
        options=options.network,
        seed=seed,
        names=(*lessons.names, *(f"{lessons.names[n]} missing" for n in flags)),
    )


def _share(fraction: float, size: int) -> int:
    return max(1, round(fraction * size))
