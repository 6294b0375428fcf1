"""Train an ensemble at once: AdamW, a cosine, stopping at held-out towers, and checkpoints."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from uflux_stats.errors import SampleError
from uflux_stats.refinement.neural.backend import Tensor, torch
from uflux_stats.refinement.neural.checkpoints import Checkpoint
from uflux_stats.refinement.neural.loss import LEARNED, Batch, terms, total
from uflux_stats.refinement.neural.network import Design, Weights
from uflux_stats.refinement.neural.options import NetworkOptions

logger = logging.getLogger(__name__)

_NO_MATTER: Final = ("checkpoints", "progress", "device")

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Task:
    """What an ensemble is trained on, and how.

    Attributes
    ----------
    batch : Batch
        All rows, in the memory of the machine.
    learn, stop : tuple of array of int
        For each member, rows to learn from and rows of other towers to stop at; the latter may be
        none.
    design : Design
    first : dict of array, (member, ...)
        Weights to begin with.
    seen : dict of array, (member, input, 1)
        Ones where a weight may change; of all others no input is used.
    options : NetworkOptions
    seed : sequence of int
        With the number of a member it orders the rows of each epoch.
    names : tuple of str
        Of the inputs.
    """

    batch: Batch
    learn: tuple[Rows, ...]
    stop: tuple[Rows, ...]
    design: Design
    first: Weights
    seen: Weights
    options: NetworkOptions
    seed: Sequence[int]
    names: tuple[str, ...]

    def checkpoint(self) -> Checkpoint:
        """Return the file that holds how far this task is."""
        how = {k: v for k, v in asdict(self.options).items() if k not in _NO_MATTER}
        arrays = [*self.batch.arrays(), *self.learn, *self.stop, *self.first.values()]
        content = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)
        return Checkpoint.of(
            self.options.checkpoints, content, asdict(self.design), how, list(self.seed)
        )

    def order(self, epoch: int) -> Rows:
        """Shuffle the rows of an epoch into batches, (step, member, row).

        All members take as many; of each, less than a batch is left out.
        """
        least = min(map(len, self.learn))
        size = min(self.options.batch, least)
        steps = least // size
        rows = [
            np.random.default_rng([*self.seed, member, epoch]).permutation(own)[: steps * size]
            for member, own in enumerate(self.learn)
        ]
        return np.stack(rows).reshape(len(rows), steps, size).swapaxes(0, 1)


def train(task: Task) -> Weights:
    """Train and return the best weights, or the last where no towers were held out.

    Raises
    ------
    SampleError
        If the loss is no number any more; says of which term, and which input is to blame.
    """
    try:
        return _train_on(_device(task.options), task)
    except torch().OutOfMemoryError:
        logger.warning("not enough memory on the GPU; the CPU goes on")
        return _train_on("cpu", task)


def _device(options: NetworkOptions) -> str:
    if options.device != "auto":
        return options.device
    return "cuda" if torch().cuda.is_available() else "cpu"


def _train_on(device: str, task: Task) -> Weights:
    """Train epoch by epoch, going on from a checkpoint if there is one."""
    options = task.options
    task = replace(task, batch=task.batch.to(device))
    checkpoint = task.checkpoint()
    progress = checkpoint.read(task.first)
    weights = {name: torch().tensor(value, device=device, requires_grad=True)
               for name, value in progress.weights.items()}  # fmt: skip
    adam = torch().optim.AdamW(list(weights.values()), lr=options.rate, weight_decay=options.decay)
    progress.restore(weights, adam)
    held_out = _held_out_rows(task)
    epochs = range(progress.epoch, options.epochs)
    for epoch in tqdm(epochs, desc="epochs", disable=not options.progress):
        if (progress.waited >= options.patience).all():
            break
        _run_epoch(task, weights, adam, epoch)
        loss = None if held_out is None else _held_out(task, held_out, weights)
        progress = progress.after_epoch(weights, adam, loss, options.patience)
        checkpoint.write(progress)
    return progress.best


def _run_epoch(task: Task, weights: dict[str, Tensor], adam: Any, epoch: int) -> None:
    """Go once through the rows, in an order of this epoch's own."""
    options = task.options
    order = task.order(epoch)
    seen = {name: torch().from_numpy(mask).to(weights[name].device)
            for name, mask in task.seen.items()}  # fmt: skip
    rng = np.random.default_rng([*task.seed, len(task.learn), epoch])
    strength = min(1.0, (epoch + 1) / (options.warmup + 1))
    for step, chosen in enumerate(order):
        done = (epoch + step / len(order)) / options.epochs
        for group in adam.param_groups:
            group["lr"] = options.rate * 0.5 * (1.0 + np.cos(np.pi * done))
        part = task.batch.take(chosen)
        if options.elsewhere:
            moved = tuple(slope.elsewhere(rng, options.elsewhere) for slope in part.slopes)
            part = replace(part, slopes=moved)
        found = terms(weights, part, task.design, options)
        loss = total(found, options, strength, weights.get(LEARNED)).sum()
        if not torch().isfinite(loss):
            raise SampleError(_blame(found, part, weights, task.names))
        adam.zero_grad()
        loss.backward()
        for name, mask in seen.items():
            weights[name].grad.mul_(mask)
        adam.step()


def _held_out_rows(task: Task) -> Batch | None:
    """Bring the rows that members stop at together; the fewer are repeated to be as many."""
    longest = max(map(len, task.stop))
    if not longest:
        return None
    return task.batch.take(np.stack([np.resize(rows, longest) for rows in task.stop]))


def _held_out(task: Task, held_out: Batch, weights: dict[str, Tensor]) -> NDArray[np.float64]:
    """Loss of each member at the towers held out for stopping, constraints at full weight."""
    fixed = {name: value.detach() for name, value in weights.items()}
    found = terms(fixed, held_out, task.design, task.options)
    loss: NDArray[np.float64] = total(found, task.options).detach().cpu().numpy().astype(float)
    return loss


def _blame(
    found: dict[str, Tensor], part: Batch, weights: dict[str, Tensor], names: tuple[str, ...]
) -> str:
    """Say which terms are no numbers, and which inputs they come from."""
    wrong = [name for name, value in found.items() if not torch().isfinite(value).all()]
    values = [part.signals.plain, *(slope.inputs for slope in part.slopes)]
    finite = np.logical_and.reduce([np.isfinite(each.cpu().numpy()).all((0, 1)) for each in values])
    guilty = [name for name, fine in zip(names, finite, strict=True) if not fine]
    if guilty:
        return (
            f"predictors: expected finite numbers, got others in {guilty}, so that the terms "
            f"{wrong} of the loss are no numbers; mask or drop them"
        )
    size = np.abs(weights["layer_0"].detach().cpu().numpy()).sum(axis=(0, 2))
    heaviest = names[int(np.nan_to_num(size, nan=np.inf).argmax())]
    return (
        f"loss: expected a number, got none in the terms {wrong}; all inputs are finite, and "
        f"{heaviest} has the largest weights: lower network.rate, or leave this predictor out"
    )
