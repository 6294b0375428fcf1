"""Emulate allocation on a grid: in memory, or band by band into a store."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr
from tqdm import tqdm

from uflux_stats.checks import require_dims, require_same_grid, require_units, require_whole_years
from uflux_stats.emulation.applying import Applied, apply_closure, predict_cells
from uflux_stats.emulation.cells import Cells, known_cells
from uflux_stats.emulation.emulator import Emulator, train_emulator
from uflux_stats.emulation.layout import Layers, labelled, template
from uflux_stats.emulation.options import Closure, EmulateOptions, require_closure
from uflux_stats.errors import GridError, MissingVariableError, RangeError
from uflux_stats.io.zarr_store import ZarrWriter, create_store
from uflux_stats.schema import CARBON_FLUX, JUDGED

ROWS_AT_ONCE: Final = 120_000
"""Cells times months of one member that are worked on at a time."""
BUDGET_FLUXES: Final = ("GPP", "RECO", "NEE")
_DEFAULTS: Final = EmulateOptions()


def emulate(
    dgvms: xr.Dataset | Emulator,
    drivers: xr.Dataset,
    fluxes: xr.Dataset,
    *,
    closure: Closure = "exact",
    options: EmulateOptions = _DEFAULTS,
) -> xr.Dataset:
    """Turn GPP and RECO into component fluxes and carbon stocks.

    The allocation of each vegetation model is learned from climate, greenness, land cover, CO2 and
    GPP, and applied to the given fluxes. Every model is one member, whole in itself: take means
    and quantiles over ``member`` last, because quantiles of parts do not add up.

    Parameters
    ----------
    dgvms : xr.Dataset, (model, ..., lat, lon), or Emulator
        Of ``read_dgvm``, or a fitted emulator (``options`` are then its own).
    drivers : xr.Dataset, (time, lat, lon)
        Whole years of months.
    fluxes : xr.Dataset, ([member,] time, lat, lon) [gC m-2 d-1]
        GPP, RECO and, optionally, NEE as estimated directly. Member k of the result takes member k
        of the fluxes, and begins again when there are fewer of those. DI and AOA (time, lat, lon)
        [1], where the fluxes may be believed, are handed on.
    closure : {"exact", "none", "paper"}
        "exact": the nearest budget, by inverse error variances, in which NPP = GPP - Ra, RECO = Ra
        + Rh and NEP = GPP - RECO, with no negative GPP, RECO, Ra or Rh. "none": every part on its
        own. "paper": parts from unbounded ratios, whose sums stay open.
    options : EmulateOptions

    Returns
    -------
    xr.Dataset
        GPP RECO NEP NPP Ra Rh (member, time, lat, lon) [gC m-2 d-1]; cVeg cLeaf cWood cRoot cAGB
        cBGB cLitter cSoil (member, year, lat, lon) [gC m-2], those that the models tell of; where
        they are integrated through time, beside the direct ratios ``X_ratio`` and
        ``cSoil_raised`` (member, lat, lon), what the first soil was raised by. With "exact",
        means over members of how far each flux was moved (``adjustment_X``,
        ``adjustment_size_X``), its ``posterior_sd_X`` and ``chi_square`` (time, lat, lon).
        ``attrs["not_available"]`` names pools that no model tells of; they are never filled.

    Raises
    ------
    ConfigError
        If a choice is unknown.
    MissingVariableError
        If GPP or RECO, or what there is to learn from, is missing.
    UnitsError, GridError, CalendarError
        If a unit, the grids or the months do not fit.
    RangeError
        If most of GPP or RECO is negative; a few negative values count as zero.

    References
    ----------
    Sitch et al. (2024), doi 10.1029/2024GB008102 (the ensemble of vegetation models).
    """
    require_closure(closure)
    require_fitting(drivers, fluxes)
    emulator = (
        dgvms
        if isinstance(dgvms, Emulator)
        else train_emulator(dgvms, drivers, closure=closure, options=options)
    )
    return _emulated(emulator, drivers, fluxes, (closure,))[closure]


def _emulated(
    emulator: Emulator, drivers: xr.Dataset, fluxes: xr.Dataset, closures: Iterable[Closure]
) -> dict[Closure, xr.Dataset]:
    """Emulate under several closures; what is learned is predicted once."""
    cells = Cells.of(drivers)
    whole: dict[Closure, Layers] = {closure: {} for closure in closures}
    counts: dict[Closure, dict[str, int]] = {closure: {} for closure in whole}
    for chosen in _pieces(cells, drivers.sizes["time"]):
        taken = _cells_of(fluxes, chosen)
        predicted = predict_cells(emulator, chosen.take(drivers), taken)
        for closure, layers in whole.items():
            applied = apply_closure(predicted, closure)
            _fill(layers, applied, chosen)
            counts[closure] = _added(counts[closure], applied.counts)
    judged = {
        name: fluxes[name].transpose("time", "lat", "lon").variable
        for name in JUDGED
        if name in fluxes
    }
    return {
        closure: labelled(layers, drivers, emulator.members, closure)
        .assign(judged)
        .assign_attrs({f"{name}_count": n for name, n in counts[closure].items()})
        for closure, layers in whole.items()
    }


def _added(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return {name: counts.get(name, 0) + int(n) for name, n in more.items()}


def emulate_to_store(
    emulator: Emulator,
    drivers: xr.Dataset,
    fluxes: xr.Dataset,
    path: str | Path,
    *,
    closure: Closure = "exact",
) -> Path:
    """Emulate a grid band by band into a Zarr store; the cube is never in memory at once.

    Parameters
    ----------
    emulator : Emulator
        Of ``train_emulator``.
    drivers, fluxes : xr.Dataset
        As for ``emulate``; Dask arrays are loaded band by band.
    path : str or Path
        The store; it appears when it is whole.
    closure : {"exact", "none", "paper"}

    Returns
    -------
    Path
        The store, with the variables of ``emulate``.

    Raises
    ------
    ConfigError, MissingVariableError, UnitsError, GridError, CalendarError
        As in ``emulate``.
    """
    return emulate_to_stores(emulator, drivers, fluxes, {closure: path})[closure]


def emulate_to_stores(
    emulator: Emulator,
    drivers: xr.Dataset,
    fluxes: xr.Dataset,
    paths: Mapping[Closure, str | Path],
) -> dict[Closure, Path]:
    """Emulate a grid under several closures, each into its own store, predicting only once.

    Parameters
    ----------
    emulator, drivers, fluxes
        As for ``emulate_to_store``.
    paths : mapping
        The store of each closure.

    Returns
    -------
    dict of Path

    Raises
    ------
    ConfigError, MissingVariableError, UnitsError, GridError, CalendarError
        As in ``emulate``.
    """
    for closure in paths:
        require_closure(closure)
    require_fitting(drivers, fluxes)
    steps, across = drivers.sizes["time"], drivers.sizes["lon"]
    height = max(1, ROWS_AT_ONCE // (steps * across))
    bands = [slice(start, start + height) for start in range(0, drivers.sizes["lat"], height)]
    stores = {closure: _Store(path, drivers, height) for closure, path in paths.items()}
    for band in tqdm(bands, desc="emulating", disable=not emulator.options.progress):
        here = drivers.isel(lat=band).load()
        if not known_cells(here).any():
            for store in stores.values():
                store.empty.append(band)
            continue
        parts = _emulated(emulator, here, fluxes.isel(lat=band).load(), paths)
        for closure, part in parts.items():
            stores[closure].write(part)
    return {closure: store.finish() for closure, store in stores.items()}


class _Store:
    """A store of one closure, begun when the first band shows which variables there are."""

    def __init__(self, path: str | Path, drivers: xr.Dataset, height: int) -> None:
        self.path, self.drivers, self.height = path, drivers, height
        self.empty: list[slice] = []
        self._counts: dict[str, int] = {}
        self._template: xr.Dataset | None = None
        self._writer: ZarrWriter | None = None

    def write(self, part: xr.Dataset) -> None:
        if self._writer is None:
            self._template = template(part, self.drivers)
            chunks = {"member": 1, "lat": self.height}
            self._writer = create_store(
                self._template, self.path, chunks=chunks, title="Carbon allocation"
            )
        self._writer.write(part.drop_vars([n for n in part.coords if n not in part.dims]))
        here = {str(n): int(v) for n, v in part.attrs.items() if str(n).endswith("_count")}
        self._counts = _added(self._counts, here)

    def finish(self) -> Path:
        if self._writer is None or self._template is None:
            raise GridError("drivers: expected cells with all required drivers, got none")
        for band in self.empty:
            rows = self._template.isel(lat=band)
            rows = rows.drop_vars([n for n in rows.coords if n not in rows.dims])
            self._writer.write(xr.full_like(rows, np.nan).compute())
        self._writer.set_attributes(self._counts)
        return self._writer.finish()


def require_fitting(drivers: xr.Dataset, fluxes: xr.Dataset) -> None:
    """Raise unless drivers and fluxes are whole years of months on one grid."""
    require_dims(drivers, ("time", "lat", "lon"), name="drivers")
    require_whole_years(drivers["time"], name="drivers.time")
    lacking = [name for name in ("GPP", "RECO") if name not in fluxes]
    if lacking:
        raise MissingVariableError(
            f"fluxes: expected GPP and RECO, got no {lacking}; both are needed to close a budget"
        )
    for name in BUDGET_FLUXES:
        if name in fluxes:
            require_units(fluxes[name], CARBON_FLUX, name=f"fluxes.{name}")
            require_dims(fluxes[name], ("time", "lat", "lon"), name=f"fluxes.{name}")
            require_same_grid(drivers["TA"], fluxes[name], names=f"drivers, fluxes.{name}")
    for name in ("GPP", "RECO"):
        _require_sign(fluxes[name], name)


def _require_sign(flux: xr.DataArray, name: str) -> None:
    """Raise if most of the first year of the first member is negative."""
    first = {dim: slice(n) for dim, n in (("member", 1), ("time", 12)) if dim in flux.dims}
    year = flux.isel(first)
    negative = float((year < 0).sum() / year.notnull().sum().clip(1))
    if negative > 0.5:
        raise RangeError(
            f"fluxes.{name}: expected values of 0 or more, got {negative:.0%} negative ones; "
            "change the sign"
        )


def _pieces(cells: Cells, steps: int) -> Iterator[Cells]:
    size = max(1, ROWS_AT_ONCE // steps)
    for start in range(0, len(cells), size):
        part = slice(start, start + size)
        yield Cells(cells.lat, cells.lon, cells.row[part], cells.column[part])


def _cells_of(fluxes: xr.Dataset, cells: Cells) -> xr.Dataset:
    """Take the fluxes of a budget on cells in a row."""
    wanted = fluxes[[name for name in BUDGET_FLUXES if name in fluxes]]
    return cells.take(wanted.drop_vars([n for n in wanted.coords if n not in wanted.dims]))


def _fill(whole: Layers, applied: Applied, cells: Cells) -> None:
    """Lay one piece out on the grid."""
    groups = (
        (("member", "time"), applied.fluxes),
        (("member", "year"), applied.pools),
        (("member",), applied.first),
        (("time",), applied.moved),
    )
    for dims, variables in groups:
        for name, values in variables.items():
            if name not in whole:
                shape = (*values.shape[:-1], len(cells.lat), len(cells.lon))
                whole[name] = ((*dims, "lat", "lon"), np.full(shape, np.nan, np.float32))
            whole[name][1][..., cells.row, cells.column] = values
