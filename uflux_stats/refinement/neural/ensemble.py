"""An ensemble of networks: fitted to a table, asked for fluxes, kept in a file without pickle."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from uflux_stats.refinement.neural.backend import one_thread, torch
from uflux_stats.refinement.neural.encoding import Encoding, present_columns
from uflux_stats.refinement.neural.loss import CONSTRAINTS, LEARNED, Batch, Slope
from uflux_stats.refinement.neural.memory import memory_inputs
from uflux_stats.refinement.neural.network import (
    Design,
    Signals,
    Sizes,
    Weights,
    forward,
    initial_weights,
)
from uflux_stats.refinement.neural.options import NetworkOptions
from uflux_stats.refinement.neural.scaling import Scaling, Table
from uflux_stats.refinement.neural.training import Task, train
from uflux_stats.refinement.options import RefineOptions
from uflux_stats.refinement.responses import RESPONSES, Direction

ROWS: Final = 8192
"""Rows predicted at a time."""
_PARTS: Final = ("scaling", "past")

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
    weight : array, (row,) [1]
        What a row counts.
    directions : tuple of Direction
        Of the responses that are to be monotone.
    """

    names: tuple[str, ...]
    predictors: Table
    site: NDArray[np.intp]
    observed: dict[str, Floats]
    process: dict[str, Floats]
    weight: Floats
    directions: tuple[Direction, ...] = ()

    def only(self, rows: NDArray[np.bool_]) -> "Lessons":
        """Return the lessons of the chosen rows (row,) alone; fluxes not known there fall away."""
        observed = {name: values[rows] for name, values in self.observed.items()}
        return replace(
            self,
            predictors=self.predictors[rows],
            site=self.site[rows],
            observed={name: v for name, v in observed.items() if np.isfinite(v).any()},
            process={name: values[rows] for name, values in self.process.items()},
            weight=self.weight[rows],
            directions=tuple(each.only(rows) for each in self.directions),
        )


@dataclass(frozen=True)
class Networks:
    """A fitted ensemble.

    Attributes
    ----------
    design : Design
    encoding : Encoding
    offset : array, (flux,) [standard deviations]
        Mean of what the heads learn.
    residual : tuple of str
        Fluxes learned as residuals.
    weights : dict of array, (member, ...)
    """

    design: Design
    encoding: Encoding
    offset: NDArray[np.float32]
    residual: tuple[str, ...]
    weights: Weights

    def predict(self, predictors: Table, process: dict[str, Floats]) -> dict[str, Table]:
        """Predict every flux, each as an array (member, row).

        Parameters
        ----------
        predictors : array, (row, feature)
        process : dict of array, (row,)
            Fluxes of the baseline.
        """
        parts = [slice(start, start + ROWS) for start in range(0, max(1, len(predictors)), ROWS)]
        members = len(self.weights["out"])
        whole = np.empty((members, len(predictors), len(self.design.fluxes)), np.float32)
        with one_thread(), torch().no_grad():
            weights = {name: torch().from_numpy(w) for name, w in self.weights.items()}
            for rows in parts:
                base = self.base(process, rows, len(predictors[rows]))
                signals = self.encoding.signals(predictors[rows], base)
                signals = signals.each(lambda part: part.unsqueeze(0))
                whole[:, rows] = forward(weights, signals, self.design).numpy()
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
        """Write all arrays to one ``.npz``."""
        arrays: dict[str, Any] = {
            "offset": self.offset,
            "names": np.array(self.encoding.names),
            "fluxes": np.array(self.design.fluxes),
            "scale": np.array(self.design.scale),
            "positivity": np.array(self.design.positivity),
            "built_in": np.array(self.design.built_in, dtype=np.str_),
            "memory": np.array(self.design.memory),
            "residual": np.array(self.residual, dtype=np.str_),
        }
        for part in _PARTS:
            scaling = getattr(self.encoding, part)
            arrays |= {f"{part}/{k}": v for k, v in vars(scaling).items()} if scaling else {}
        arrays |= {f"weights/{name}": values for name, values in self.weights.items()}
        np.savez(path, **arrays)

    @classmethod
    def load(cls, path: Path) -> "Networks":
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
            tuple(head["built_in"].tolist()),
            head["memory"].item(),
        )
        scalings = [Scaling(**parts[part]) for part in _PARTS if part in parts]
        encoding = Encoding(tuple(head["names"].tolist()), design.built_in, *scalings)
        residual = tuple(head["residual"].tolist())
        return cls(design, encoding, head["offset"], residual, parts["weights"])


def fit_networks(lessons: Lessons, options: RefineOptions, seed: Sequence[int]) -> Networks:
    """Fit an ensemble of networks, each on its own draw of towers and features.

    The towers that a member does not learn from tell when it has learned enough. With the number
    of a member the seed makes all its draws.

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
    design = _design(lessons, options.network)
    encoding = Encoding.of(
        lessons.predictors, lessons.names, design.built_in, memory=design.memory != "none"
    )
    residual = tuple(k for k in design.fluxes if k in lessons.process and not _follows(design, k))
    start = Networks(design, encoding, _offset(lessons, design, residual), residual, {})
    with one_thread():
        weights = train(_task(lessons, start, _batch(lessons, start), options, seed))
    weights = {name: values for name, values in weights.items() if name != LEARNED}
    return replace(start, weights=weights)


def _design(lessons: Lessons, options: NetworkOptions) -> Design:
    """Say what comes out, with the responses of the fluxes that are there."""
    fluxes = tuple(lessons.observed)
    return Design(
        fluxes,
        tuple(float(np.nanstd(lessons.observed[name])) or 1.0 for name in fluxes),
        options.positivity,
        tuple(name for name in options.built_in if RESPONSES[name].flux in fluxes),
        options.memory,
    )


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
        signals=start.encoding.signals(lessons.predictors, np.nan_to_num(base)),
        observed=from_numpy(np.where(known, observed, 0.0).astype(np.float32)),
        known=from_numpy(known),
        weight=from_numpy(lessons.weight.astype(np.float32)),
        slopes=tuple(slopes),
    )


def _slope(direction: Direction, lessons: Lessons, start: Networks) -> Slope:
    """Bring a direction to inputs and base in standard deviations."""
    base = start.scaled(direction.process, slice(None), len(lessons.site))
    present = present_columns(lessons.names)
    inputs = start.encoding.scaling.slopes(
        direction.predictors[:, present], lessons.predictors[:, present]
    )
    from_numpy = torch().from_numpy
    return Slope(
        direction.response,
        from_numpy(inputs),
        from_numpy(np.nan_to_num(base)),
        direction.spread,
        from_numpy(direction.inside),
        from_numpy(direction.reach),
    )


def _task(
    lessons: Lessons, start: Networks, batch: Batch, options: RefineOptions, seed: Sequence[int]
) -> Task:
    """Deal towers and features to each member; of the others it knows nothing."""
    dealt = [
        _deal(lessons, start, batch.signals, options, [*seed, number])
        for number in range(options.members)
    ]
    first = {name: np.stack([own.first[name] for own in dealt]) for name in dealt[0].first}
    if options.network.learned:
        first[LEARNED] = np.zeros((options.members, len(CONSTRAINTS)), np.float32)
    return Task(
        batch=batch,
        learn=tuple(np.flatnonzero(own.learns) for own in dealt),
        stop=tuple(np.flatnonzero(~own.learns) for own in dealt),
        design=start.design,
        first=first,
        seen={name: np.stack([own.seen[name] for own in dealt]) for name in dealt[0].seen},
        options=options.network,
        seed=seed,
        names=start.encoding.inputs,
    )


@dataclass(frozen=True)
class _Dealt:
    """What one member learns from: rows, first weights, and which of these may be used."""

    learns: NDArray[np.bool_]
    first: Weights
    seen: Weights


def _deal(
    lessons: Lessons, start: Networks, signals: Signals, options: RefineOptions, seed: list[int]
) -> _Dealt:
    rng = np.random.default_rng(seed)
    sites = rng.permutation(np.unique(lessons.site))
    learns = np.isin(lessons.site, sites[: _share(options.row_fraction, len(sites))])
    names = start.encoding.present
    dealt = rng.permutation(len(names)) < _share(options.feature_fraction, len(names))
    seen = _seen(start, dict(zip(names, dealt.astype(np.float32), strict=True)))
    sizes = Sizes(
        signals.plain.shape[-1],
        options.network.hidden,
        tuple(rising.shape[-1] for rising in signals.rising),
        (0, 0) if signals.past is None else tuple(signals.past.shape[-2:]),
    )
    first = initial_weights(rng, start.design, sizes)
    return _Dealt(learns, {k: v * seen.get(k, np.float32(1.0)) for k, v in first.items()}, seen)


def _seen(start: Networks, dealt: dict[str, np.float32]) -> Weights:
    """Ones for the weights of the dealt predictors, zeros for those of others."""
    encoding = start.encoding
    names = np.array([name.removesuffix(" missing") for name in encoding.inputs])
    seen = {"layer_0": np.array([dealt[name] for name in names])[:, np.newaxis]}
    for name, ordering in zip(encoding.built_in, encoding.orderings, strict=True):
        rising = np.array([dealt[encoding.present[n]] for n in ordering.inputs])
        seen |= {f"line_{name}": rising, f"pull_{name}": rising[:, np.newaxis]}
    remembered = np.array([dealt[name] for name in encoding.remembered], np.float32)
    return seen | memory_inputs(start.design.memory, remembered)


def _share(fraction: float, size: int) -> int:
    return max(1, round(fraction * size))
