"""Land cells of a band of latitudes, and what every draw of a posterior respires there.

Arrays are laid out (month, cell, draw): the sea costs nothing, and statistics over draws run along
memory.
"""

from dataclasses import dataclass
from typing import Any, Final, Self, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.baselines.conditioned_fitting import temperature_covariate
from uflux_stats.baselines.conditions import standardised
from uflux_stats.baselines.parameters import CLASS_CODES
from uflux_stats.bayes.draws import LARGEST_LOG
from uflux_stats.bayes.fitted import RespirationFit
from uflux_stats.bayes.spatial import Place
from uflux_stats.schema import IGBP_CLASSES

Floats: TypeAlias = NDArray[np.float32]
Index = NDArray[np.intp]


@dataclass(frozen=True)
class GroupDraws:
    """Parameters of the groups, draw by draw; the last group stands for unseen classes.

    Attributes
    ----------
    rate, slope : array, (group, draw)
        Log rate at 10 degC and average conditions, and its slope on warmth.
    coefficient : array, (effect, draw)
    spread_rate, spread_slope : array, (draw,)
        Standard deviation of sites about their group; zero in a model without sites.
    correlation : array, (draw,)
        Of the deviations of a site's rate and slope.
    """

    rate: Floats
    slope: Floats
    coefficient: Floats
    spread_rate: Floats
    spread_slope: Floats
    correlation: Floats

    @classmethod
    def of(cls, fit: RespirationFit, n: int) -> Self:
        """Take ``n`` draws of a fit, evenly spaced.

        Raises
        ------
        ConfigError
            If the fit has fewer.
        """
        draws = fit.draws(n)
        found = []
        for label, spread in (("log_rate", "spread_rate_class"), ("slope", "spread_slope_class")):
            rng = np.random.default_rng([fit.sampler.seed, len(label)])
            unseen = draws.values[label] + draws.get(spread) * rng.standard_normal(n)
            known = draws.of_group(label, len(fit.rows.groups))
            found.append(np.hstack([known, unseen[:, None]]).T)
        coefficient = draws.values.get("coefficient", np.zeros((n, 0)))
        spreads = (
            draws.get(f"{name}_site") for name in ("spread_rate", "spread_slope", "correlation")
        )
        arrays = (*found, coefficient.T, *spreads)
        return cls(*(np.ascontiguousarray(array, dtype=np.float32) for array in arrays))


@dataclass(frozen=True)
class LandCells:
    """Cells of a band with all that the model needs in one month or more.

    Attributes
    ----------
    warmth : array, (month, cell)
        Log response to temperature per unit slope; zero where it is not known.
    frozen : array of bool, (month, cell)
        Too cold for the form: nothing is respired.
    conditions : array, (month, cell, effect)
        Standardised drivers of the rate.
    known : array of bool, (month, cell)
        Months with all drivers, and GPP where it is given.
    group : array of int, (cell,)
    place : tuple of array of int, (cell,)
        Row and column in the band.
    degrees : tuple of array, (cell,)
        Latitude and longitude.
    gpp : array, (member, month, cell) [gC m-2 d-1], or None
    """

    warmth: Floats
    frozen: NDArray[np.bool_]
    conditions: Floats
    known: NDArray[np.bool_]
    group: Index
    place: tuple[Index, Index]
    degrees: Place
    gpp: Floats | None = None

    @classmethod
    def of(cls, fit: RespirationFit, band: xr.Dataset, gpp: xr.DataArray | None = None) -> Self:
        """Pick the land cells of a band (step, lat, lon) that is in memory.

        ``gpp`` (member, step, lat, lon): only months that have it are known.
        """
        model = fit.rows.options
        air = band[model.temperature]
        warmth = temperature_covariate(air.values.astype(float), model.form)
        drivers = [standardised(band, effect).transpose(*air.dims) for effect in fit.rows.effects]
        known = (band["LANDFRAC"].values > 0.0) & ~np.isnan(warmth)
        for driver in drivers:
            known = known & np.isfinite(driver.values)
        if gpp is not None:
            known = known & np.isfinite(gpp.values).all(axis=0)
        row, column = np.nonzero(known.any(axis=0))
        conditions = np.zeros((*known[:, row, column].shape, len(drivers)), np.float32)
        for number, driver in enumerate(drivers):
            conditions[..., number] = np.nan_to_num(driver.values[:, row, column])
        return cls(
            warmth=np.nan_to_num(warmth[:, row, column], neginf=0.0).astype(np.float32),
            frozen=np.isneginf(warmth[:, row, column]),
            conditions=conditions,
            known=known[:, row, column],
            group=_groups(fit, band["IGBP"].values[row, column]),
            place=(row, column),
            degrees=(
                band["lat"].values[row].astype(float),
                band["lon"].values[column].astype(float),
            ),
            gpp=None if gpp is None else np.nan_to_num(gpp.values[:, :, row, column]),
        )

    def log_respiration(self, drawn: GroupDraws) -> Floats:
        """Return the log of RECO of the typical site, (month, cell, draw)."""
        logarithm = self.conditions @ drawn.coefficient
        logarithm += drawn.rate[self.group]
        logarithm += self.warmth[..., None] * drawn.slope[self.group]
        logarithm[self.frozen] = -np.inf
        return np.asarray(logarithm)

    def respiration(
        self, logarithm: Floats, deviation: tuple[Floats, Floats] | None
    ) -> tuple[Floats, int]:
        """Return RECO with the deviation (cell, draw) of log rate and slope [gC m-2 d-1].

        And how many values of known months were held at ``LARGEST_LOG``.
        """
        if deviation is None:
            whole = logarithm.copy()
        else:
            whole = self.warmth[..., None] * deviation[1]
            whole += deviation[0]
            whole += logarithm
        held = int(((whole > LARGEST_LOG).sum(axis=-1) * self.known).sum())
        np.minimum(whole, LARGEST_LOG, out=whole)
        return np.exp(whole, out=whole), held


def unseen_classes(fit: RespirationFit, igbp: xr.DataArray) -> tuple[str, ...]:
    """Name the classes of a map that the fit has no group of; none in a pooled model."""
    if fit.rows.options.level == "pooled":
        return ()
    codes = [int(code) for code in np.unique(igbp.values) if code in IGBP_CLASSES]
    seen = set(fit.rows.groups)
    return tuple(IGBP_CLASSES[code] for code in codes if IGBP_CLASSES[code] not in seen)


_UNKNOWN: Final = CLASS_CODES - 1


def _groups(fit: RespirationFit, codes: NDArray[Any]) -> Index:
    """Find the number of the group of each cell; the one after the last for unseen classes."""
    if fit.rows.options.level == "pooled":
        return np.zeros(codes.shape, np.intp)
    groups = {name: number for number, name in enumerate(fit.rows.groups)}
    table = np.full(CLASS_CODES, len(groups), np.intp)
    for code, name in IGBP_CLASSES.items():
        table[code] = groups.get(name, len(groups))
    numbers = np.nan_to_num(np.asarray(codes, dtype=float), nan=_UNKNOWN)
    found: Index = table[np.clip(numbers, 0, _UNKNOWN).astype(np.intp)]
    return found
