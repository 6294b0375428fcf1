"""Effects of drivers on targets, and their shares of trends and of inter-annual variability.

In the fitted network every node is, in normal scores, a linear function of its parents plus noise.
Setting a driver (Pearl 2009, do-operator) cuts its own parents off and sends its change along all
directed paths: with B the coefficients, all total effects are (I - B)^-1. This is the
g-computation (Robins 1986, doi 10.1016/0270-0255(86)90088-6) of that network in closed form. As a
cross-check, the back-door regression adjusts the rows themselves for the parents of the driver.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from uflux_stats.attribution.copula import Copula
from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.moments import Moments
from uflux_stats.attribution.ranks import to_rank

Array = NDArray[np.float64]

REMAINDER: Final = "remainder"
"""What no driver explains, of a trend or of inter-annual variability."""
QUANTITIES: Final[dict[str, str]] = {
    "association": "implied rank correlation of driver and target, whatever its cause",
    "direct": "effect with all other drivers held, standard deviations per standard deviation",
    "total": "effect of setting the driver, along all paths, standard deviations per same",
    "backdoor": "the total effect by regression adjusted for the parents of the driver",
    "lasting": "total effect of a change that has lasted three years, through memory too",
    "sensitivity": "total effect in units",
    "lasting_sensitivity": "lasting effect in units",
    "direct_sensitivity": "direct effect in units",
    "trend": "direct effect in units times the trend of the driver",
    "trend_share": "share of the target's trend",
    "iav_share": "share of the target's variance between years, trends removed",
}
"""What is attributed, and what it means."""
IN_UNITS: Final = ("sensitivity", "lasting_sensitivity", "direct_sensitivity")
YEARS: Final = 3
"""A lasting change has lasted so long: what was assimilated before is that of the new state."""


@dataclass(frozen=True)
class Effects:
    """Effects of all drivers on all targets of a graph, with leading dims of resamples.

    Attributes
    ----------
    graph : CausalGraph
    copula : Copula
    moments : Moments
    """

    graph: CausalGraph
    copula: Copula
    moments: Moments

    @cached_property
    def _targets(self) -> list[int]:
        return [self.graph.nodes.index(name) for name in self.graph.targets]

    @cached_property
    def _drivers(self) -> list[int]:
        return [self.graph.nodes.index(name) for name in self.graph.drivers]

    def _scaled(self, effect: Array) -> Array:
        """Turn effects on scores (..., node, node) into units, and pick."""
        return self._pick(self._with_sums(self._to_units(effect)))

    def _to_units(self, effect: Array) -> Array:
        scale = self.moments.scale
        safe = np.where(scale == 0.0, np.nan, scale)
        units: Array = effect * scale[..., :, np.newaxis] / safe[..., np.newaxis, :]
        return units

    def _with_sums(self, units: Array) -> Array:
        """Make identities the sums of their terms."""
        for name, terms in self.graph.identities.items():
            places = [self.graph.nodes.index(term) for term in terms]
            factors = np.array(list(terms.values()))
            row = np.einsum("t,...tk->...k", factors, units[..., places, :])
            units[..., self.graph.nodes.index(name), :] = row
        return units

    def _pick(self, matrix: Array) -> Array:
        """Keep targets (rows) and drivers (columns) of (..., node, node)."""
        return matrix[..., np.array(self._targets)[:, np.newaxis], self._drivers]

    def _standard(self, units: Array) -> Array:
        """Turn effects in units (..., target, driver) into standard deviations."""
        scale = self.moments.scale
        by_driver = scale[..., np.newaxis, self._drivers]
        standard: Array = units * by_driver / scale[..., self._targets][..., np.newaxis]
        return standard

    @cached_property
    def direct_units(self) -> Array:
        """Direct effects (..., target, driver) [target unit per driver unit]."""
        return self._scaled(self.copula.coefficients)

    @cached_property
    def total_units(self) -> Array:
        """Total effects (..., target, driver) [target unit per driver unit]."""
        return self._scaled(self.copula.total_effects)

    @cached_property
    def lasting_units(self) -> Array:
        """Effects (..., target, driver) in units after ``YEARS`` years, memory included.

        A memory takes the change of its source. The driver that is set stays where it is, even
        where its own causes remember.
        """
        within = self._to_units(self.copula.total_effects)
        if not self.graph.memory:
            return self._pick(self._with_sums(within))
        size = len(self.graph.nodes)
        source = np.zeros((size, size))
        for name, (of, _) in self.graph.memory.items():
            source[self.graph.nodes.index(name), self.graph.nodes.index(of)] = 1.0
        at_once = _as_roots(self._to_units(self.copula.coefficients), source.sum(axis=1))
        found = within
        for _ in range(YEARS):
            later = at_once @ source @ found
            held = 1.0 - np.diagonal(later, axis1=-2, axis2=-1)
            found = later + at_once * held[..., np.newaxis, :]
        return self._pick(self._with_sums(found))

    @cached_property
    def backdoor(self) -> Array:
        """Regression of the rows' targets on each driver and its parents, (..., target, driver)."""
        correlations = self.moments.correlation
        matrix = np.zeros_like(correlations)
        for driver in self._drivers:
            adjust = [self.graph.nodes.index(name)
                      for name in self.graph.parents[self.graph.nodes[driver]]]  # fmt: skip
            chosen = np.array([driver, *adjust])
            given = correlations[..., chosen[:, np.newaxis], chosen] + 1e-10 * np.eye(len(chosen))
            to_targets = correlations[..., chosen[:, np.newaxis], self._targets]
            matrix[..., self._targets, driver] = np.linalg.solve(given, to_targets)[..., 0, :]
        return self._standard(self._scaled(matrix))

    def table(self) -> Array:
        """All quantities, (..., target, driver and remainder, quantity), in order of QUANTITIES."""
        trends, yearly = self.moments.trend, self.moments.yearly
        contribution = self.direct_units * trends[..., np.newaxis, self._drivers]
        of_target = trends[..., self._targets][..., np.newaxis]
        between = np.diagonal(yearly, axis1=-2, axis2=-1)[..., self._targets][..., np.newaxis]
        iav = self.direct_units * _ratio(self._pick(yearly), between)
        columns = [
            _without_remainder(to_rank(self._pick(self.copula.correlation))),
            _without_remainder(self._standard(self.direct_units)),
            _without_remainder(self._standard(self.total_units)),
            _without_remainder(self.backdoor),
            _without_remainder(self._standard(self.lasting_units)),
            _without_remainder(self.total_units),
            _without_remainder(self.lasting_units),
            _without_remainder(self.direct_units),
            _with_remainder(contribution, of_target),
            _ratio(_with_remainder(contribution, of_target), of_target),
            _with_remainder(iav, np.ones_like(between)),
        ]
        return np.stack(columns, axis=-1)


def _as_roots(coefficients: Array, roots: Array) -> Array:
    """Total effects (..., node, node) within a month, of nodes whose own causes are in the past."""
    cut = coefficients * (1.0 - roots[:, np.newaxis])
    return np.linalg.inv(np.eye(cut.shape[-1]) - cut).astype(np.float64, copy=False)


def _ratio(above: Array, below: Array) -> Array:
    whole = np.broadcast_to(below, above.shape)
    found: Array = np.divide(above, whole, out=np.full(above.shape, np.nan), where=whole != 0.0)
    return found


def _without_remainder(values: Array) -> Array:
    missing = np.full((*values.shape[:-1], 1), np.nan)
    return np.concatenate([values, missing], axis=-1)


def _with_remainder(values: Array, whole: Array) -> Array:
    rest = whole - values.sum(axis=-1, keepdims=True)
    return np.concatenate([values, rest], axis=-1)
