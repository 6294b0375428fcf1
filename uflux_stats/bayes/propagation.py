"""Carry the posterior to cubes: RECO and NEP draw by draw, in bands of latitude.

One draw of the parameters is shared by all cells, because it is one statement about the world:
drawn anew for each cell, errors would cancel in a global sum. What differs between sites of one
class is another matter, and how it is correlated between cells is a choice, see ``SITE_EFFECTS``;
totals are given under each of them.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr

from uflux_stats.baselines.conditions import inputs_of
from uflux_stats.bayes.draw_statistics import (
    QUANTILES,
    labelled,
    paired,
    spread_out,
    statistics,
)
from uflux_stats.bayes.draws import correlated
from uflux_stats.bayes.fitted import RespirationFit
from uflux_stats.bayes.land import Floats, GroupDraws, LandCells, unseen_classes
from uflux_stats.bayes.regional import DrawTotals, region_weights
from uflux_stats.bayes.spatial import SITE_EFFECTS, SiteEffect, standard_deviations
from uflux_stats.checks import (
    require_dims,
    require_ranges,
    require_same_grid,
    require_units,
    require_variables,
)
from uflux_stats.choices import require_choice, require_least
from uflux_stats.errors import ConfigError, DimensionError
from uflux_stats.grid import cell_coordinates
from uflux_stats.grid.polygons import RegionSet
from uflux_stats.grid.regions import By
from uflux_stats.io.zarr_store import create_store
from uflux_stats.schema import CARBON_FLUX, JUDGED


@dataclass(frozen=True)
class PropagationOptions:
    """How a posterior is carried to a grid.

    Attributes
    ----------
    draws : int
    site_effect : {"none", "shared", "independent", "spatial"}
        Of the statistics of cells. Totals are given under all four.
    length_km : float
        Distance over which a spatial site effect is correlated (to exp(-1/2)).
    by : str or sequence of str
        Regions of the totals, see ``uflux_stats.stats.totals.total``.
    regions : {"geographic", "natural_earth"}
    values : int
        About how many values (draws times cells times months) are in memory at once, several
        times over.
    seed : int

    Raises
    ------
    ConfigError
        If a choice is unknown or a number out of range.
    """

    draws: int = 200
    site_effect: SiteEffect = "spatial"
    length_km: float = 500.0
    by: By | Sequence[By] = "globe"
    regions: RegionSet = "geographic"
    values: int = 20_000_000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        require_choice(self.site_effect, SITE_EFFECTS, name="site_effect")
        for name in ("draws", "values", "length_km"):
            require_least(getattr(self, name), 1, name=name)


_DEFAULTS: Final = PropagationOptions()


def propagate(
    fit: RespirationFit,
    drivers: xr.Dataset,
    *,
    gpp: xr.DataArray | None = None,
    options: PropagationOptions = _DEFAULTS,
) -> xr.Dataset:
    """Compute RECO of every posterior draw on a grid, and keep its mean, spread and totals.

    Parameters
    ----------
    fit : RespirationFit
        Of any level but "continent".
    drivers : xr.Dataset, (time, lat, lon) or (month, lat, lon)
        The temperature [degC], IGBP, LANDFRAC and the drivers of the effects; Dask arrays are
        loaded band by band. Classes without towers take the parent level, with its wider spread.
    gpp : xr.DataArray, ([member,] time, lat, lon) [gC m-2 d-1], optional
        Gives NEP = GPP - RECO as well; draw number i goes with member i modulo their number. Cells
        and months without GPP are then left out of RECO too, so that both are of the same land.
        Coordinates DI and AOA (time, lat, lon) of it, which tell where upscaled fluxes may be
        believed, are kept as variables.
    options : PropagationOptions

    Returns
    -------
    xr.Dataset
        ``RECO_mean``, ``RECO_sd`` on (time or month, lat, lon), ``RECO_quantile`` with ``quantile``
        before them [gC m-2 d-1], under the chosen site effect; ``RECO_total`` (site_effect, draw,
        region[, year]) [PgC yr-1], under each; the same of NEP where there is GPP. ``RECO_clipped``
        (site_effect,) [1]: share of the values of cells, months and draws beyond
        exp(``LARGEST_LOG``), which are held there.
        ``attrs["unseen_classes"]`` names those of the parent level; ``gate``,
        ``rhat``, ``ess_bulk``, ``ess_tail`` and ``divergences`` are those of the sample.

    Raises
    ------
    MissingVariableError, UnitsError
        If a driver is not there or in another unit.
    RangeError
        If the temperature or a driver of the effects has values that cannot be in its unit.
    DimensionError
        If there is no grid, or GPP has not the dimension of months that the drivers have.
    GridError
        If GPP is on another grid or of other months.
    ConfigError
        If the fit is of level "continent", has fewer draws than asked for or a season effect.
    """
    work = _Propagation.of(fit, drivers, gpp, options)
    parts = list(work.bands())
    maps = xr.concat(parts, "lat", data_vars="minimal", coords="minimal", compat="override")
    return maps.assign(work.totals.values()).assign_coords(work.places).assign_attrs(work.attrs)


def propagate_to_store(
    fit: RespirationFit,
    drivers: xr.Dataset,
    path: str | Path,
    *,
    gpp: xr.DataArray | None = None,
    options: PropagationOptions = _DEFAULTS,
) -> Path:
    """Write what ``propagate`` returns to a Zarr store, band by band, for grids of any size.

    Parameters
    ----------
    path : str or Path
        The store; it appears when it is whole.
    fit, drivers, gpp, options
        As ``propagate``, whose errors it raises.

    Returns
    -------
    Path
    """
    work = _Propagation.of(fit, drivers, gpp, options)
    template = work.template().assign_coords(work.places).assign_attrs(work.attrs)
    writer = create_store(
        template, path, chunks={"quantile": 1, "lat": work.height},
        title="Respiration and net flux of posterior draws",
    )  # fmt: skip
    try:
        for band in work.bands():
            writer.write(band)
        writer.write(xr.Dataset(work.totals.values()))
    except BaseException:
        shutil.rmtree(writer.partial, ignore_errors=True)
        raise
    return writer.finish()


@dataclass(frozen=True)
class _Propagation:
    """One propagation: its inputs, checked, and the totals that it adds up as it goes."""

    fit: RespirationFit
    drivers: xr.Dataset
    gpp: xr.DataArray | None
    judged: xr.Dataset
    options: PropagationOptions
    drawn: GroupDraws
    totals: DrawTotals
    places: Mapping[str, xr.DataArray]

    @classmethod
    def of(
        cls,
        fit: RespirationFit,
        drivers: xr.Dataset,
        gpp: xr.DataArray | None,
        options: PropagationOptions,
    ) -> "_Propagation":
        _require_gridded(fit, drivers, gpp)
        step = _step(drivers[fit.rows.options.temperature])
        model = fit.rows.options
        names = [model.temperature, "IGBP", "LANDFRAC", *inputs_of(model.effects)]
        needed = drivers[list(dict.fromkeys(names))].transpose(step, "lat", "lon")
        places = cell_coordinates(drivers)
        weights = region_weights(places, options.by, options.regions)
        members = None if gpp is None else _members(gpp, step)
        count = 0 if members is None else members.sizes["member"]
        totals = DrawTotals.of(needed[step], weights, options.draws, count)
        drawn = GroupDraws.of(fit, options.draws)
        shown = xr.Dataset() if gpp is None else _judged(gpp, (step, "lat", "lon"))
        return cls(fit, needed, members, shown, options, drawn, totals, places)

    @property
    def step(self) -> str:
        return _step(self.drivers[self.fit.rows.options.temperature])

    @property
    def height(self) -> int:
        """Rows of latitude that keep all draws within memory."""
        values = self.options.draws * self.drivers.sizes[self.step] * self.drivers.sizes["lon"]
        return max(1, self.options.values // values)

    @property
    def attrs(self) -> dict[str, Any]:
        unseen = unseen_classes(self.fit, self.places["IGBP"])
        return {
            "site_effect": self.options.site_effect, "draws": self.options.draws,
            "seed": self.options.seed, "unseen_classes": ", ".join(unseen),
            "posterior_sha256": self.fit.data_hash, **self.fit.diagnosis.to_attrs(),
        }  # fmt: skip

    def template(self) -> xr.Dataset:
        """Lay out the result; its values are not looked at."""
        import dask.array  # adds warning filters, so not at our own import

        axes = {name: self.drivers[name] for name in (self.step, "lat", "lon")}
        shape = tuple(axis.size for axis in axes.values())
        empty = dask.array.zeros((len(QUANTILES) + 2, *shape), dtype=np.float32)
        names = ("RECO",) if self.gpp is None else ("RECO", "NEP")
        maps = labelled(dict.fromkeys(names, empty), axes)
        return maps.assign(self.totals.values()).assign(self.judged)

    def bands(self) -> Iterator[xr.Dataset]:
        """Yield the statistics of each band of latitudes, and add up its totals."""
        for start in range(0, self.drivers.sizes["lat"], self.height):
            rows = slice(start, start + self.height)
            band = self.drivers.isel(lat=rows).load()
            require_ranges(band, [str(name) for name in band.data_vars], name="drivers")
            gpp = None if self.gpp is None else self.gpp.isel(lat=rows).load()
            yield self._band(band, LandCells.of(self.fit, band, gpp), start)

    def _band(self, band: xr.Dataset, cells: LandCells, start: int) -> xr.Dataset:
        logarithm = cells.log_respiration(self.drawn)
        self.totals.add_gpp(cells, start)
        found: dict[str, Floats] = {}
        for kinds in self._different():
            reco, held = cells.respiration(logarithm, self._deviation(cells, kinds[0]))
            self.totals.add(kinds, reco, cells, start)
            self.totals.count(kinds, held, cells)
            if self.options.site_effect in kinds:
                found["RECO"] = statistics(reco, cells)
                if cells.gpp is not None:
                    found["NEP"] = statistics(paired(cells.gpp, reco), cells)
        axes = {name: band[name] for name in (self.step, "lat", "lon")}
        shape = tuple(axis.size for axis in axes.values())
        whole = {name: spread_out(values, cells, shape) for name, values in found.items()}
        maps = labelled(whole, axes)
        shown = self.judged.isel(lat=slice(start, start + band.sizes["lat"]), missing_dims="ignore")
        return maps.assign(shown.load().where(maps["RECO_mean"].notnull()))

    def _different(self) -> tuple[tuple[SiteEffect, ...], ...]:
        """Group the site effects that are the same: all, in a model without sites."""
        if self.drawn.spread_rate.any() or self.drawn.spread_slope.any():
            return tuple((kind,) for kind in SITE_EFFECTS)
        return (SITE_EFFECTS,)

    def _deviation(self, cells: LandCells, kind: SiteEffect) -> tuple[Floats, Floats] | None:
        """Deviation of log rate and slope of every cell and draw from its class."""
        if kind == "none":
            return None
        rate, slope = (
            standard_deviations(
                cells.degrees, self.options.draws, kind, [self.options.seed, number],
                length_km=self.options.length_km,
            )
            for number in range(2)
        )  # fmt: skip
        rate, slope = correlated(rate, slope, self.drawn.correlation)
        return rate * self.drawn.spread_rate, slope * self.drawn.spread_slope


def _require_gridded(fit: RespirationFit, drivers: xr.Dataset, gpp: xr.DataArray | None) -> None:
    options = fit.rows.options
    if options.level == "continent" or options.season:
        raise ConfigError(
            "fit: expected level 'pooled', 'pft' or 'site' without seasons on a grid, got "
            f"level {options.level!r}, season {options.season}; fit it so"
        )
    wanted = (options.temperature, "IGBP", "LANDFRAC", *inputs_of(options.effects))
    require_variables(drivers, wanted, name="drivers")
    require_dims(drivers[options.temperature], ("lat", "lon"), name="drivers")
    if gpp is not None:
        step = _step(drivers[options.temperature])
        require_dims(gpp, (step, "lat", "lon"), name="gpp")
        require_units(gpp, CARBON_FLUX, name="gpp")
        require_same_grid(drivers[options.temperature], gpp, names="drivers, gpp")


def _step(values: xr.DataArray) -> str:
    """Name of the dimension of months."""
    for name in ("time", "month"):
        if name in values.dims:
            return name
    raise DimensionError("drivers: expected a dimension time or month, got neither; add it")


def _members(gpp: xr.DataArray, step: str) -> xr.DataArray:
    members = gpp if "member" in gpp.dims else gpp.expand_dims("member")
    return members.transpose("member", step, "lat", "lon")


def _judged(gpp: xr.DataArray, dims: tuple[str, ...]) -> xr.Dataset:
    """Take DI and AOA, as far as they are there."""
    found = {name: gpp[name].reset_coords(drop=True) for name in JUDGED if name in gpp.coords}
    return xr.Dataset(found).transpose(*dims, missing_dims="ignore")
