"""Registry of priors: each parameter's distribution, unit and source, in named sets."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from uflux_stats.baselines.respiration import Form
from uflux_stats.choices import require_choice
from uflux_stats.errors import ConfigError

Family = Literal["normal", "halfnormal", "gamma", "correlation"]
SLOPES: Final[dict[Form, str]] = {"q10": "log of Q10", "lloyd_taylor": "E0 / 100 K"}
"""What the parameter ``slope`` is in each form."""


@dataclass(frozen=True)
class Prior:
    """A distribution of one parameter.

    Attributes
    ----------
    family : {"normal", "halfnormal", "gamma", "correlation"}
    first, second : float
        Mean and standard deviation (normal), scale and nothing (half-normal), shape and rate
        (gamma), concentration about zero and nothing (correlation: density proportional to
        ``(1 - r^2)^(first - 1)`` between -1 and 1).
    source : str
    """

    family: Family
    first: float
    second: float = 0.0
    source: str = "weakly informative: wide against what towers show"

    def __post_init__(self) -> None:
        """Refuse scales that are not positive."""
        scales = {"normal": [self.second], "gamma": [self.first, self.second]}
        if not all(scale > 0.0 for scale in scales.get(self.family, [self.first])):
            raise ConfigError(f"prior: expected positive scales, got {self}; raise them")

    def draw(
        self, rng: np.random.Generator, size: int | tuple[int, ...] | None = None
    ) -> NDArray[np.float64]:
        """Draw from the distribution.

        Examples
        --------
        >>> bool(Prior("halfnormal", 1.0).draw(np.random.default_rng(0)) > 0.0)
        True
        """
        if self.family == "normal":
            return np.asarray(rng.normal(self.first, self.second, size))
        if self.family == "halfnormal":
            return np.abs(rng.normal(0.0, self.first, size))
        if self.family == "correlation":
            return np.asarray(2.0 * rng.beta(self.first, self.first, size) - 1.0)
        return np.asarray(rng.gamma(self.first, 1.0 / self.second, size))

    def log_density(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log density of the distribution at values.

        Examples
        --------
        >>> Prior("halfnormal", 1.0).log_density(np.array([0.0, -1.0])).round(3).tolist()
        [-0.226, -inf]
        """
        law = {
            "normal": stats.norm(self.first, self.second),
            "halfnormal": stats.halfnorm(scale=self.first),
            "gamma": stats.gamma(self.first, scale=1.0 / (self.second or 1.0)),
            "correlation": stats.beta(self.first, self.first, loc=-1.0, scale=2.0),
        }[self.family]
        return np.asarray(law.logpdf(values))

    def variable(self, pm: Any, name: str, **shape: Any) -> Any:
        """Make the random variable of this name in the current PyMC model."""
        if self.family == "normal":
            return pm.Normal(name, self.first, self.second, **shape)
        if self.family == "halfnormal":
            return pm.HalfNormal(name, self.first, **shape)
        if self.family == "correlation":
            share = pm.Beta(f"raw_{name}", self.first, self.first, **shape)
            return pm.Deterministic(name, 2.0 * share - 1.0, **shape)
        return pm.Gamma(name, alpha=self.first, beta=self.second, **shape)

    def widened(self, factor: float) -> "Prior":
        """Return the same family with its spread times ``factor``; a correlation at most uniform.

        Examples
        --------
        >>> Prior("normal", 0.0, 1.0).widened(2.0).second
        2.0
        """
        if self.family == "normal":
            return replace(self, second=self.second * factor)
        if self.family == "halfnormal":
            return replace(self, first=self.first * factor)
        if self.family == "correlation":
            return replace(self, first=max(self.first / factor, 1.0))
        return replace(self, first=self.first / factor, second=self.second / factor)


_RATE: Final = Prior(
    "normal", float(np.log(2.5)), 0.5,
    "median 2.5 gC m-2 d-1 at 10 degC, 90 % of classes within 1.1 and 5.7; Migliavacca et al. "
    "2011, doi 10.1111/j.1365-2486.2010.02243.x",
)  # fmt: skip
_SHARED: Final[dict[str, Prior]] = {
    "log_rate": _RATE,
    "spread_rate_class": Prior("halfnormal", 0.5),
    "spread_rate_site": Prior("halfnormal", 0.5),
    "correlation_site": Prior(
        "correlation", 2.0,
        source="weakly against -1 and 1; Lewandowski et al. 2009, doi 10.1016/j.jmva.2009.04.008",
    ),
    "effect": Prior("normal", 0.0, 0.5),
    "spread_season": Prior("halfnormal", 0.2),
    "sigma0": Prior("halfnormal", 0.5),
    "sigma1": Prior("halfnormal", 0.5),
    "noise_spread": Prior("halfnormal", 0.5),
    "nu": Prior("gamma", 2.0, 0.1, "Juarez and Steel 2010, doi 10.1198/jbes.2009.07145"),
}  # fmt: skip
_Q10: Final[dict[str, Prior]] = {
    "slope": Prior(
        "normal", float(np.log(1.8)), 0.35,
        "Q10 within 1.0 and 3.2 at 90 %: from 1.4 between ecosystems (Mahecha et al. 2010, doi "
        "10.1126/science.1189587) to 2.4 in soils (Raich and Schlesinger 1992)",
    ),
    "spread_slope_class": Prior("halfnormal", 0.3),
    "spread_slope_site": Prior("halfnormal", 0.3),
}  # fmt: skip
_LLOYD_TAYLOR: Final[dict[str, Prior]] = {
    "slope": Prior(
        "normal", 1.85, 0.8,
        "E0 185 +- 80 K: fits of towers lie between 50 and 400 K (Reichstein et al. 2005, doi "
        "10.1111/j.1365-2486.2005.001002.x), the soils of Lloyd and Taylor 1994 at 309 K",
    ),
    "spread_slope_class": Prior("halfnormal", 0.6),
    "spread_slope_site": Prior("halfnormal", 0.6),
}  # fmt: skip
PRESETS: Final = ("literature", "wide")
"""Named sets: as published, and the same with every spread doubled."""


def priors(
    form: Form, preset: str = "literature", changes: Mapping[str, Prior] | None = None
) -> dict[str, Prior]:
    """Return the priors of all parameters.

    Parameters
    ----------
    form : {"q10", "lloyd_taylor"}
        Decides the unit of ``slope``, see ``SLOPES``.
    preset : {"literature", "wide"}
    changes : mapping of str to Prior, optional
        Priors to replace.

    Returns
    -------
    dict of str to Prior

    Raises
    ------
    ConfigError
        If the preset or a changed parameter is unknown.

    Examples
    --------
    >>> priors("lloyd_taylor")["slope"].first, priors("q10", "wide")["slope"].second
    (1.85, 0.7)
    """
    require_choice(preset, PRESETS, name="priors")
    found = _SHARED | (_Q10 if form == "q10" else _LLOYD_TAYLOR)
    if preset == "wide":
        found = {name: prior.widened(2.0) for name, prior in found.items()}
    unknown = sorted(set(changes or ()) - set(found))
    if unknown:
        raise ConfigError(f"priors: expected names of {sorted(found)}, got {unknown}; rename them")
    return found | dict(changes or {})
