"""Bivariate copulas: the normal one and three of Archimedes' kind, fitted by maximum likelihood."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import ndtr, ndtri

Array = NDArray[np.float64]
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)


@dataclass(frozen=True)
class Family:
    """Distribution and log-density of a copula with one parameter, at (u, v)."""

    cdf: Callable[[Array, Array, float], Array]
    log_density: Callable[[Array, Array, float], Array]
    bounds: tuple[float, float]

    def fit(self, u: Array, v: Array) -> float:
        """Return the most likely parameter (canonical maximum likelihood)."""
        found = minimize_scalar(
            lambda theta: -float(self.log_density(u, v, theta).sum()),
            bounds=self.bounds,
            method="bounded",
            options={"xatol": 1e-8},
        )
        return float(found.x)


def normal_cdf(u: Array, v: Array, rho: float) -> Array:
    """Distribution of the normal copula, by quadrature over the correlation (Drezner 1978).

    Examples
    --------
    >>> half = np.array([0.5])
    >>> round(normal_cdf(half, half, 0.5).item(), 12)  # 1/4 + asin(rho) / (2 pi)
    0.333333333333
    """
    a, b = ndtri(u), ndtri(v)
    angle = np.arcsin(np.clip(rho, -1.0, 1.0)) / 2.0
    theta = angle * (_NODES + 1.0)
    sine, cosine = np.sin(theta), np.cos(theta)
    above = a[:, np.newaxis] ** 2 + b[:, np.newaxis] ** 2
    exponent = (above - 2.0 * np.multiply.outer(a * b, sine)) / (2.0 * cosine**2)
    result: Array = ndtr(a) * ndtr(b) + angle / (2.0 * np.pi) * (np.exp(-exponent) @ _WEIGHTS)
    return result


def _clayton_cdf(u: Array, v: Array, theta: float) -> Array:
    result: Array = (u**-theta + v**-theta - 1.0) ** (-1.0 / theta)
    return result


def _clayton_density(u: Array, v: Array, theta: float) -> Array:
    inner = u**-theta + v**-theta - 1.0
    result: Array = (np.log1p(theta) - (theta + 1.0) * (np.log(u) + np.log(v))
                     - (2.0 + 1.0 / theta) * np.log(inner))  # fmt: skip
    return result


def _frank_cdf(u: Array, v: Array, theta: float) -> Array:
    product = np.expm1(-theta * u) * np.expm1(-theta * v) / np.expm1(-theta)
    result: Array = -np.log1p(product) / theta
    return result


def _frank_density(u: Array, v: Array, theta: float) -> Array:
    whole = -np.expm1(-theta)
    below = whole - np.expm1(-theta * u) * np.expm1(-theta * v)
    above = theta * whole * np.exp(-theta * (u + v))
    result: Array = np.log(above) - 2.0 * np.log(np.abs(below))
    return result


def _gumbel_cdf(u: Array, v: Array, theta: float) -> Array:
    inner = (-np.log(u)) ** theta + (-np.log(v)) ** theta
    result: Array = np.exp(-(inner ** (1.0 / theta)))
    return result


def _gumbel_density(u: Array, v: Array, theta: float) -> Array:
    x, y = -np.log(u), -np.log(v)
    inner = x**theta + y**theta
    root = inner ** (1.0 / theta)
    powers: Array = (theta - 1.0) * (np.log(x) + np.log(y)) + (1.0 / theta - 2.0) * np.log(inner)
    return powers - root + x + y + np.log(root + theta - 1.0)


FAMILIES: Final[dict[str, Family]] = {
    "clayton": Family(_clayton_cdf, _clayton_density, (1e-4, 60.0)),
    "frank": Family(_frank_cdf, _frank_density, (-60.0, 60.0)),
    "gumbel": Family(_gumbel_cdf, _gumbel_density, (1.0 + 1e-6, 60.0)),
}
"""Archimedean copulas (Nelsen 2006, table 4.1: families 1, 5 and 4)."""
ROTATED: Final = ("clayton", "gumbel")
"""Families of positive dependence: one axis is turned round where the correlation is negative."""
