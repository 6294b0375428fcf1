"""From towers to the rows of a respiration model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.baselines.conditioned_fitting import temperature_covariate, usable_months
from uflux_stats.baselines.conditions import (
    DriverEffect,
    inputs_of,
    measure_effect,
    standardised,
    transformed,
)
from uflux_stats.bayes.options import RespirationOptions
from uflux_stats.checks import require_dims, require_range, require_variables
from uflux_stats.errors import MissingVariableError
from uflux_stats.grid import continents_at
from uflux_stats.schema import IGBP_CLASSES

Values = NDArray[np.float64]
Index = NDArray[np.intp]

UNKNOWN: Final = "unknown"
"""Group of sites whose class or continent is not known."""
ALL: Final = "all"
SEASONS: Final = 4
_MONTHS: Final = 12


@dataclass(frozen=True)
class ModelRows:
    """Site-months as a model sees them.

    Attributes
    ----------
    options : RespirationOptions
    observed : array, (row,) [gC m-2 d-1]
        RECO, of any sign.
    temperature : array, (row,) [degC]
    warmth : array, (row,) [1]
        Log response to temperature per unit slope; zero at 10 degC.
    conditions : array, (row, effect) [1]
        Standardised drivers of the reference respiration.
    site, season, month : array of int, (row,)
        Position of the site; season, shifted by half a year in the south; months since year 0.
    group : array of int, (site,)
        Class or continent of each site.
    sites, groups : tuple of str
    effects : tuple of DriverEffect
        How the conditions were standardised; coefficients are not fitted here.
    """

    options: RespirationOptions
    observed: Values
    temperature: Values
    warmth: Values
    conditions: Values
    site: Index
    season: Index
    month: Index
    group: Index
    sites: tuple[str, ...]
    groups: tuple[str, ...]
    effects: tuple[DriverEffect, ...]

    def site_mean(self, values: Values) -> Values:
        """Average rows, (row,) or (row, k), over each site; zero where a site has none."""
        count = np.maximum(np.bincount(self.site, minlength=len(self.sites)), 1)
        flat = values.reshape(len(values), -1)
        sums = [np.bincount(self.site, column, len(self.sites)) for column in flat.T]
        means = np.stack(sums, axis=1) / count[:, None] if sums else np.zeros((len(count), 0))
        return means.reshape(len(count), *values.shape[1:])

    def site_tilt(self, values: Values) -> Values:
        """Slopes of rows, (row, k), on warmth within each site, (site, k); zero without range."""
        warm = self.warmth - self.site_mean(self.warmth)[self.site]
        within = values - self.site_mean(values)[self.site]
        spread = self.site_mean(np.square(warm))[:, None]
        shared = self.site_mean(within * warm[:, None])
        return np.divide(shared, spread, out=np.zeros_like(shared), where=spread > 1e-12)

    def keep(self, chosen: NDArray[np.bool_]) -> "ModelRows":
        """Return the chosen rows, with all sites and groups still known by their numbers."""
        names = ("observed", "temperature", "warmth", "conditions", "site", "season", "month")
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})

    @property
    def coords(self) -> dict[str, Sequence[str]]:
        """Names along the dims of the parameters."""
        named: dict[str, Sequence[str]] = {}
        if self.options.level == "site":
            named["site"] = self.sites
        if self.options.level != "pooled":
            named["group"] = self.groups
        if self.effects:
            named["effect"] = [effect.name for effect in self.effects]
        return named


def model_rows(
    towers: xr.Dataset,
    options: RespirationOptions,
    *,
    measured: Sequence[str] | None = None,
) -> ModelRows:
    """Choose and prepare the site-months with RECO and everything the model needs.

    Parameters
    ----------
    towers : xr.Dataset, (site, time)
        RECO [gC m-2 d-1], the temperature [degC], IGBP (site,), the drivers of the effects;
        latitude and longitude for level "continent", latitude for seasons.
    options : RespirationOptions
    measured : sequence of str, optional
        The sites whose months tell mean, standard deviation and range of the effects; all of them
        by default, the training towers alone where others are held out.

    Returns
    -------
    ModelRows

    Raises
    ------
    MissingVariableError
        If a variable or coordinate is not there, a site lacks its class, or no month has all.
    UnitsError
        If one is in another unit.
    RangeError
        If temperatures are impossible in degC: kelvin, most likely.
    """
    require_dims(towers, ("site", "time"), name="towers")
    wanted = ("RECO", options.temperature, "IGBP", *inputs_of(options.effects))
    require_variables(towers, wanted, name="towers")
    require_range(towers[options.temperature], name=options.temperature)
    _require_places(towers, options)
    towers = towers.transpose("site", "time", ...)
    warm = towers.assign(TA=towers[options.temperature])
    used = usable_months(warm, options.form, options.effects)
    present, site = np.unique(np.nonzero(used)[0], return_inverse=True)
    seen = used if measured is None else used & towers["site"].isin(measured).values[:, None]
    effects = tuple(
        measure_effect(_picked(transformed(towers, name), seen), name) for name in options.effects
    )
    groups, group = _groups(towers.isel(site=present), options)
    conditions = [_picked(standardised(towers, effect), used) for effect in effects]
    temperature = _picked(towers[options.temperature], used)
    rows = np.nonzero(used)
    return ModelRows(
        options=options,
        observed=_picked(towers["RECO"], used),
        temperature=temperature,
        warmth=temperature_covariate(temperature, options.form),
        conditions=np.stack(conditions, axis=1) if conditions else np.zeros((site.size, 0)),
        site=site.astype(np.intp),
        season=_seasons(towers)[rows],
        month=_months(towers)[rows[1]],
        group=group,
        sites=tuple(str(name) for name in towers["site"].values[present]),
        groups=groups,
        effects=effects,
    )


def _require_places(towers: xr.Dataset, options: RespirationOptions) -> None:
    """Raise ``MissingVariableError`` unless there are coordinates to find continents by."""
    wanted = ("lat", "lon") if options.level == "continent" else ()
    lacking = [name for name in wanted if name not in towers.coords]
    if lacking:
        raise MissingVariableError(
            f"towers: expected coordinates {lacking} for level 'continent', got "
            f"{sorted(map(str, towers.coords))}; add them with assign_coords"
        )


def _picked(values: xr.DataArray, used: NDArray[np.bool_]) -> Values:
    return np.asarray(values.transpose("site", "time"), dtype=float)[used]


def _months(towers: xr.Dataset) -> Index:
    time = towers["time"].dt
    return np.asarray(time.year * _MONTHS + time.month - 1, dtype=np.intp)


def _seasons(towers: xr.Dataset) -> Index:
    """Season of each month at each site, (site, time): 0 is winter."""
    lat = towers["lat"].values if "lat" in towers.coords else np.zeros(towers.sizes["site"])
    shift = np.where(lat < 0.0, _MONTHS // 2, 0)
    month = (_months(towers)[None, :] + 1 + shift[:, None]) % _MONTHS
    return (month // (_MONTHS // SEASONS)).astype(np.intp)


def _groups(sites: xr.Dataset, options: RespirationOptions) -> tuple[tuple[str, ...], Index]:
    """Names of the groups, and the group of each site."""
    if options.level == "pooled":
        names = np.full(sites.sizes["site"], ALL)
    elif options.level == "continent":
        found = continents_at(sites["lat"].values, sites["lon"].values)
        names = np.array([str(name) or UNKNOWN for name in found])
    else:
        codes = sites["IGBP"].values.astype(float)
        if np.isnan(codes).any():
            unclassed = [str(name) for name in sites["site"].values[np.isnan(codes)]]
            raise MissingVariableError(
                f"towers.IGBP: expected a class for each site, got none for {unclassed}; give it, "
                "or 255 for an unknown one"
            )
        names = np.array([IGBP_CLASSES.get(int(code), UNKNOWN) for code in codes])
    present, index = np.unique(names, return_inverse=True)
    return tuple(str(name) for name in present), index.astype(np.intp)
