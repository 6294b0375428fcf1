"""Carry the posterior to cubes: RECO and NEP draw by draw, in bands of latitude.

One draw of the parameters is shared by all cells, because it is one statement about the world:
drawn anew for each cell, errors would cancel in a global sum. What differs between sites of one
class is another matter, and how it is correlated between cells is a choice, see ``SITE_EFFECTS``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.baselines.conditioned_fitting import temperature_covariate
from uflux_stats.baselines.conditions import inputs_of, standardised
from uflux_stats.baselines.parameters import CLASS_CODES
from uflux_stats.bayes.draws import Draws
from uflux_stats.bayes.fitted import RespirationFit
from uflux_stats.bayes.spatial import SITE_EFFECTS, SiteEffect, site_deviations
from uflux_stats.checks import require_dims, require_same_grid, require_units, require_variables
from uflux_stats.choices import require_choice, require_least
from uflux_stats.errors import ConfigError, DimensionError
from uflux_stats.grid import continents, land_area
from uflux_stats.grid.regions import By
from uflux_stats.schema import CARBON_FLUX, IGBP_CLASSES, variable
from uflux_stats.stats.totals import total

QUANTILES: Final = (0.05, 0.5, 0.95)
_LARGEST_LOG: Final = 5.0


@dataclass(frozen=True)
class PropagationOptions:
    """How a posterior is carried to a grid.

    Attributes
    ----------
    draws : int
    site_effect : {"none", "shared", "independent", "spatial"}
    length_km : float
        Distance over which a spatial site effect is correlated (to exp(-1/2)).
    by : str
        Regions of the totals, see ``uflux_stats.stats.totals.total``.
    values : int
        About how many values (draws times cells times months) are in memory at once.
    seed : int

    Raises
    ------
    ConfigError
        If a choice is unknown or a number out of range.
    """

    draws: int = 200
    site_effect: SiteEffect = "spatial"
    length_km: float = 500.0
    by: By = "globe"
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
    """Compute RECO of every posterior draw on a grid, and its mean, spread and totals.

    Parameters
    ----------
    fit : RespirationFit
        Of any level but "continent".
    drivers : xr.Dataset, (time, lat, lon) or (month, lat, lon)
        The temperature [degC], IGBP, LANDFRAC and the drivers of the effects; Dask arrays are
        loaded band by band. Classes without towers take the parent level, with its wider spread.
    gpp : xr.DataArray, ([member,] time, lat, lon) [gC m-2 d-1], optional
        Gives NEP = GPP - RECO as well; draw number i goes with member i modulo their number.
    options : PropagationOptions

    Returns
    -------
    xr.Dataset
        ``RECO_mean``, ``RECO_sd`` on the dims of the temperature, ``RECO_quantile`` with
        ``quantile`` before them [gC m-2 d-1]; ``RECO_total`` (draw, region[, year]) [PgC yr-1]; the
        same of NEP where there is GPP. ``attrs["unseen_classes"]`` names those of the parent level.

    Raises
    ------
    MissingVariableError, UnitsError
        If a driver is not there or in another unit.
    DimensionError
        If there is no grid.
    GridError
        If GPP is on another grid.
    ConfigError
        If the fit is of level "continent", has fewer draws than asked for or a season effect.
    """
    _require_gridded(fit, drivers, gpp)
    draws = fit.draws(options.draws)
    cells = _GridCells.of(fit, drivers)
    parts, sums = [], []
    for band in _bands(drivers, options):
        reco = _band_respiration(fit, draws, band.load(), options)
        fluxes = {"RECO": reco}
        if gpp is not None:
            fluxes["NEP"] = _paired(gpp.sel(lat=band["lat"]).load(), reco)
        parts.append(xr.merge([_statistics(flux, name) for name, flux in fluxes.items()]))
        sums.append({name: _band_total(flux, cells, options) for name, flux in fluxes.items()})
    merged = xr.concat(parts, "lat", data_vars="minimal", coords="minimal", compat="override")
    totals = {f"{name}_total": _added([part[name] for part in sums]) for name in sums[0]}
    return merged.assign(totals).assign_coords(cells.coords).assign_attrs(
        site_effect=options.site_effect, draws=len(draws), seed=options.seed,
        unseen_classes=", ".join(cells.unseen), posterior_sha256=fit.data_hash,
    )  # fmt: skip


@dataclass(frozen=True)
class _GridCells:
    """What is known of the cells of a grid, whatever the month."""

    landfrac: xr.DataArray
    coords: dict[str, xr.DataArray]
    unseen: tuple[str, ...]

    @classmethod
    def of(cls, fit: RespirationFit, drivers: xr.Dataset) -> "_GridCells":
        landfrac, igbp = drivers["LANDFRAC"].compute(), drivers["IGBP"].compute()
        coords = {
            "land_area": land_area(landfrac),
            "continent": continents(landfrac["lat"], landfrac["lon"]),
            "IGBP": igbp,
        }
        codes = [int(code) for code in np.unique(igbp.values) if code in IGBP_CLASSES]
        seen = set(fit.rows.groups)
        unseen = tuple(IGBP_CLASSES[code] for code in codes if IGBP_CLASSES[code] not in seen)
        pooled = fit.rows.options.level == "pooled"
        return cls(landfrac, coords, () if pooled else unseen)


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
    if not {"time", "month"} & set(drivers[options.temperature].dims):
        raise DimensionError("drivers: expected a dimension time or month, got neither; add it")
    if gpp is not None:
        require_units(gpp, CARBON_FLUX, name="gpp")
        require_same_grid(drivers[options.temperature], gpp, names="drivers, gpp")


def _bands(drivers: xr.Dataset, options: PropagationOptions) -> Iterator[xr.Dataset]:
    """Yield bands of latitude that keep all draws within memory."""
    months = drivers.sizes.get("time", drivers.sizes.get("month", 1))
    height = max(1, options.values // (options.draws * months * drivers.sizes["lon"]))
    for start in range(0, drivers.sizes["lat"], height):
        yield drivers.isel(lat=slice(start, start + height))


def _band_respiration(
    fit: RespirationFit, draws: Draws, band: xr.Dataset, options: PropagationOptions
) -> xr.DataArray:
    """RECO of every draw, (draw, month, lat, lon) [gC m-2 d-1], float32; missing over the sea."""
    model = fit.rows.options
    warm = band[model.temperature]
    warmth = temperature_covariate(warm.values.astype(float), model.form)
    covariate = warm.copy(data=warmth).drop_attrs()
    rate, slope = _band_parameters(fit, draws, band, options)
    logarithm = rate + slope * covariate
    for number, effect in enumerate(fit.rows.effects):
        coefficient = xr.DataArray(draws.values["coefficient"][:, number], dims="draw")
        logarithm = logarithm + coefficient * standardised(band, effect)
    respired: xr.DataArray = xr.apply_ufunc(np.exp, logarithm.clip(max=_LARGEST_LOG))
    order = ("draw", *(str(dim) for dim in warm.dims))
    return respired.transpose(*order).astype(np.float32).assign_attrs(units=CARBON_FLUX)


def _band_parameters(
    fit: RespirationFit, draws: Draws, band: xr.Dataset, options: PropagationOptions
) -> tuple[xr.DataArray, xr.DataArray]:
    """Log rate and slope of every draw and cell, (draw, lat, lon), site effects included."""
    igbp = band["IGBP"].transpose("lat", "lon")
    land = igbp.copy(data=_group_index(fit, igbp.values)).drop_attrs()
    found = []
    for number, name in enumerate(("rate", "slope")):
        label = "log_rate" if name == "rate" else name
        of_class = _parent_last(fit, draws, label)[:, land.values]
        deviation = site_deviations(
            band["LANDFRAC"].transpose("lat", "lon") > 0.0, draws.get(f"spread_{name}_site"),
            options.site_effect, [options.seed, number], length_km=options.length_km,
        )  # fmt: skip
        found.append(deviation.copy(data=of_class.astype(np.float32) + deviation.values))
    return found[0], found[1]


def _parent_last(fit: RespirationFit, draws: Draws, label: str) -> NDArray[np.float64]:
    """Values (draw, group); at the end a group drawn from the parent, for unseen classes."""
    known = draws.of_group(label, len(fit.rows.groups))
    spread = draws.get(f"spread_{label.removeprefix('log_')}_class")
    rng = np.random.default_rng([fit.sampler.seed, len(label)])
    unseen = draws.values[label] + spread * rng.standard_normal(len(draws))
    return np.hstack([known, unseen[:, None]])


def _group_index(fit: RespirationFit, codes: NDArray[Any]) -> NDArray[np.intp]:
    """Find the number of the group of each cell; the one after the last for unseen classes."""
    groups = {name: number for number, name in enumerate(fit.rows.groups)}
    if fit.rows.options.level == "pooled":
        return np.zeros(codes.shape, np.intp)
    table = np.full(CLASS_CODES, len(groups), np.intp)
    for code, name in IGBP_CLASSES.items():
        table[code] = groups.get(name, len(groups))
    numbers = np.nan_to_num(np.asarray(codes, dtype=float), nan=CLASS_CODES - 1.0)
    found: NDArray[np.intp] = table[np.clip(numbers, 0, CLASS_CODES - 1).astype(np.intp)]
    return found


def _paired(gpp: xr.DataArray, reco: xr.DataArray) -> xr.DataArray:
    """NEP of every draw with its member of GPP [gC m-2 d-1]."""
    if "member" in gpp.dims:
        members = np.arange(reco.sizes["draw"]) % gpp.sizes["member"]
        gpp = gpp.isel(member=xr.DataArray(members, dims="draw")).drop_vars(
            "member", errors="ignore"
        )
    nep = (gpp - reco).transpose(*reco.dims)
    return nep.assign_attrs(units=CARBON_FLUX)


def _added(parts: list[xr.DataArray]) -> xr.DataArray:
    """Sum the totals of the bands; a band without land adds nothing."""
    return xr.concat(parts, "band").sum("band", min_count=1).assign_attrs(units="PgC yr-1")


def _statistics(flux: xr.DataArray, name: str) -> xr.Dataset:
    """Mean, spread and quantiles over the draws."""
    values = flux.values
    dims = flux.dims[1:]
    ordered = np.sort(values, axis=0)
    last = len(values) - 1
    picked = ordered[[round(share * last) for share in QUANTILES]]
    attrs = dict(variable(name).attrs)
    space = {dim: flux[dim] for dim in dims if dim in flux.coords}
    return xr.Dataset(
        {
            f"{name}_mean": (dims, values.mean(axis=0, dtype=np.float64), attrs),
            f"{name}_sd": (dims, values.std(axis=0, dtype=np.float64), {"units": CARBON_FLUX}),
            f"{name}_quantile": (("quantile", *dims), picked, attrs),
        },
        coords={**space, "quantile": list(QUANTILES)},
    )


def _band_total(flux: xr.DataArray, cells: _GridCells, options: PropagationOptions) -> xr.DataArray:
    """Sum of a band for every draw [PgC yr-1]."""
    places = {name: values.sel(lat=flux["lat"]) for name, values in cells.coords.items()}
    return total(flux.assign_coords(places), by=options.by)
