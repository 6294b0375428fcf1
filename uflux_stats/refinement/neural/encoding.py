"""From predictors to what networks see, with scales learned from the training rows alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uflux_stats.refinement.features import BACK
from uflux_stats.refinement.neural.backend import torch
from uflux_stats.refinement.neural.network import Signals
from uflux_stats.refinement.neural.options import Monotone
from uflux_stats.refinement.neural.ordering import Ordering
from uflux_stats.refinement.neural.scaling import Scaling, Table
from uflux_stats.refinement.responses import RESPONSES


@dataclass(frozen=True)
class Encoding:
    """How the columns of a table become signals.

    Attributes
    ----------
    names : tuple of str
        Of all predictors.
    built_in : tuple of {"light", "temperature"}
    scaling : Scaling
        Of the predictors of the month.
    past : Scaling, optional
        Of the drivers of the months before, where the network has a memory.
    """

    names: tuple[str, ...]
    built_in: tuple[Monotone, ...]
    scaling: Scaling
    past: Scaling | None = None

    @classmethod
    def of(
        cls,
        table: Table,
        names: Sequence[str],
        built_in: tuple[Monotone, ...] = (),
        *,
        memory: bool = False,
    ) -> "Encoding":
        """Learn the scales of a table (row, feature).

        Raises
        ------
        SampleError
            If a predictor is infinite somewhere.
        """
        names = tuple(names)
        present, past = present_columns(names), past_columns(names)
        scaling = Scaling.of(table[:, present], _named(names, present))
        if not memory:
            return cls(names, built_in, scaling)
        before = Scaling.of(table[:, past.ravel()], _named(names, past.ravel()))
        return cls(names, built_in, scaling, before)

    @property
    def present(self) -> tuple[str, ...]:
        """Names of the predictors of the month."""
        return _named(self.names, present_columns(self.names))

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs: predictors of the month, and which of them are missing."""
        flagged = np.flatnonzero(self.scaling.flagged)
        return (*self.present, *(f"{self.present[n]} missing" for n in flagged))

    @property
    def orderings(self) -> tuple[Ordering, ...]:
        """The built-in responses."""
        return tuple(Ordering.of(RESPONSES[name], self.present) for name in self.built_in)

    @property
    def remembered(self) -> tuple[str, ...]:
        """Names of the drivers that a memory reads."""
        names = _named(self.names, past_columns(self.names)[0]) if self.past is not None else ()
        return tuple(name.partition(BACK)[0] for name in names)

    def signals(self, table: Table, base: Table) -> Signals:
        """Encode predictors (row, feature); ``base`` (row, flux) goes along."""
        present = table[:, present_columns(self.names)]
        split = [ordering.split(present, self.scaling) for ordering in self.orderings]
        from_numpy = torch().from_numpy
        return Signals(
            from_numpy(self.scaling.inputs(present)),
            from_numpy(base),
            tuple(from_numpy(free) for free, _ in split),
            tuple(from_numpy(rising) for _, rising in split),
            None if self.past is None else from_numpy(self._sequences(table, self.past)),
        )

    def _sequences(self, table: Table, scaling: Scaling) -> Table:
        """Lay the months before out as (row, month, driver); what is missing is at its mean."""
        columns = past_columns(self.names)
        scaled = scaling.inputs(table[:, columns.ravel()])[:, : columns.size]
        return np.ascontiguousarray(scaled.reshape(len(table), *columns.shape))


def present_columns(names: Sequence[str]) -> NDArray[np.intp]:
    """Columns of the predictors that are not of a memory."""
    return np.array([n for n, name in enumerate(names) if BACK not in name], np.intp)


def past_columns(names: Sequence[str]) -> NDArray[np.intp]:
    """Columns of the drivers of the months before, (month, driver), oldest first.

    Examples
    --------
    >>> past_columns(["TA", "P", "TA_back1", "TA_back2", "P_back1", "P_back2"]).tolist()
    [[3, 5], [2, 4]]
    """
    drivers = [name for name in names if f"{name}{BACK}1" in names]
    months = sum(name.startswith(f"{driver}{BACK}") for driver in drivers[:1] for name in names)
    columns = [[names.index(f"{driver}{BACK}{back}") for driver in drivers]
               for back in range(months, 0, -1)]  # fmt: skip
    return np.array(columns, np.intp).reshape(months, len(drivers))


def _named(names: Sequence[str], columns: NDArray[np.intp]) -> tuple[str, ...]:
    return tuple(names[n] for n in columns)
