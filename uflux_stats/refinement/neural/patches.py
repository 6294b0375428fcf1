"""A convolutional autoencoder of small windows of maps."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from uflux_stats.refinement.neural.backend import one_thread, torch

Windows = NDArray[np.float32]

FILTERS: Final = 16
_KERNEL: Final = 3
_HIDDEN: Final = 64
_BATCH: Final = 256
_RATE: Final = 3e-3


class Autoencoder:
    """Filters of 3 by 3 cells, a code of a few numbers, and the way back (Masci et al. 2011).

    Parameters
    ----------
    shape : tuple of int
        Of a window: (field, lat, lon).
    code : int
    seed : int
    """

    def __init__(self, shape: tuple[int, int, int], code: int, seed: int) -> None:
        library = torch()
        layer = library.nn
        fields, height, width = shape
        inner = FILTERS * (height - _KERNEL + 1) * (width - _KERNEL + 1)
        # first weights by a seed of their own; the state of PyTorch is left as it was
        with library.random.fork_rng(devices=[]):
            library.manual_seed(seed)
            self._encode: Any = layer.Sequential(
                layer.Conv2d(fields, FILTERS, _KERNEL), layer.SiLU(), layer.Flatten(),
                layer.Linear(inner, code),
            )  # fmt: skip
            self._decode: Any = layer.Sequential(
                layer.Linear(code, _HIDDEN), layer.SiLU(),
                layer.Linear(_HIDDEN, fields * height * width), layer.Unflatten(1, shape),
            )  # fmt: skip
        self._seed = seed

    def learn(self, windows: Windows, epochs: int) -> None:
        """Learn to give windows (window, field, lat, lon) back from their code."""
        library = torch()
        weights = [*self._encode.parameters(), *self._decode.parameters()]
        adam = library.optim.Adam(weights, lr=_RATE)
        rng = np.random.default_rng(self._seed)
        with one_thread():
            for _ in range(epochs):
                order = rng.permutation(len(windows))
                for start in range(0, len(order), _BATCH):
                    batch = library.from_numpy(windows[order[start : start + _BATCH]])
                    loss = ((self._decode(self._encode(batch)) - batch) ** 2).mean()
                    adam.zero_grad()
                    loss.backward()
                    adam.step()

    def encode(self, windows: Windows) -> Windows:
        """Return the codes of windows, (window, code)."""
        with one_thread(), torch().no_grad():
            codes: Windows = self._encode(torch().from_numpy(windows)).numpy()
        return codes

    def decode(self, codes: Windows) -> Windows:
        """Return windows as their codes (window, code) tell them."""
        with one_thread(), torch().no_grad():
            windows: Windows = self._decode(torch().from_numpy(codes)).numpy()
        return windows
