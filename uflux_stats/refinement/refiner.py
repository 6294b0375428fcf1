"""The refiner: a process baseline and what an ensemble of trees has learned of its residuals."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.baselines import baseline, complete_drivers
from uflux_stats.checks import require_dims, require_ranges, require_variables
from uflux_stats.errors import CalendarError, DimensionError, MissingVariableError
from uflux_stats.grid import cell_coordinates
from uflux_stats.io.drops import Drop, Reason, to_json
from uflux_stats.refinement.features import REQUIRED, FeatureSpec, features
from uflux_stats.refinement.fitting import Fit, fit_rows, flux_attrs, predict_rows
from uflux_stats.refinement.options import RefineOptions
from uflux_stats.refinement.persistence import load_parts, save_parts
from uflux_stats.refinement.splits import Split
from uflux_stats.refinement.table import Mask, Rows, TrainingTable, training_table
from uflux_stats.refinement.validation import (
    ValidationOptions,
    cross_validate,
    validation_metrics,
)
from uflux_stats.schema import FLUXES
from uflux_stats.stats.views import html_view

MONTHS_OF_A_YEAR: Final = 12


@dataclass(repr=False)
class Refiner:
    """A fitted refinement; made by ``refine`` or ``Refiner.load``.

    Attributes
    ----------
    options : RefineOptions
    spec : FeatureSpec
        The predictors.
    fit : Fit
        Parameters and ensembles, fitted to all towers.
    table : TrainingTable or None
        What it was fitted to; a loaded refiner has none.
    validation : dict of xr.Dataset
        Held-out predictions of every split that was asked for; see ``validate``.
    """

    options: RefineOptions
    spec: FeatureSpec
    fit: Fit
    table: TrainingTable | None = None
    validation: dict[str, xr.Dataset] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Say in a line what was learned from how much."""
        towers = "loaded" if self.table is None else f"{np.unique(self.table.site).size} towers"
        rows = "" if self.table is None else f", {len(self.table.site):,} site-months"
        return (
            f"<Refiner {self.options.model}, {self.options.target}: "
            f"{', '.join(self.fit.ensembles)}; "
            f"{self.options.members} members, {len(self.spec.names)} predictors; {towers}{rows}>"
        )

    def _repr_html_(self) -> str:
        """Show the skill of every split that was asked for, baseline beside refined."""
        if not self.validation:
            classes = self.fit.parameters.to_frame()
            return html_view(repr(self)[1:-1], classes, "not validated yet: refiner.validate()")
        skill = [
            _skill(validation_metrics(held_out)).assign(split=split)
            for split, held_out in self.validation.items()
        ]
        return html_view(repr(self)[1:-1], pd.concat(skill).reset_index())

    def predict(self, drivers: xr.Dataset, *, threads: int = 1) -> xr.Dataset:
        """Predict the fluxes from drivers.

        Parameters
        ----------
        drivers : xr.Dataset, (site, time) or (time, lat, lon)
            In the units of the schema; loaded into memory. For more than fits there, see
            ``upscale``.
        threads : int

        Returns
        -------
        xr.Dataset, (member, site, time) or (member, time, lat, lon)
            GPP, RECO, NEE (learned directly), NEE_difference (RECO - GPP) [gC m-2 d-1] and
            LE [W m-2], float32; missing where a driver is that training always had; what is lost
            to which, beyond the land mask, is told in ``attrs["dropped"]``. On a grid with
            LANDFRAC they carry ``cell_coordinates``, so that ``total`` needs nothing more.

        Raises
        ------
        MissingVariableError
            If a predictor of the fit or a driver of the baseline is not there, or no month has
            all required drivers.
        DimensionError
            If there is no dimension ``time``.
        UnitsError
            If one is in another unit.
        RangeError
            If one has values that cannot be in its unit.
        CalendarError
            If months are missing or not in order, or fewer than twelve.
        """
        fluxes = predict_fluxes(self, drivers, threads=threads)
        if {"lat", "lon"} <= set(fluxes.dims) and "LANDFRAC" in drivers:
            return fluxes.assign_coords(cell_coordinates(drivers))
        return fluxes

    def validate(
        self,
        split: Split = "tower",
        *,
        towers: xr.Dataset | None = None,
        **options: Any,
    ) -> xr.Dataset:
        """Refit without held-out rows and score the predictions made for them.

        Everything is refitted in each fold, the respiration parameters too. The predictions are
        kept in ``validation[split]``.

        Parameters
        ----------
        split : {"tower", "random", "igbp", "koppen", "blocks"}
            See ``split_folds``; "random" is the method paper's, and flatters.
        towers : xr.Dataset, optional
            What to refit on; those of the fit by default.
        **options
            folds, members, workers, progress: see ``ValidationOptions``.

        Returns
        -------
        xr.Dataset, (source, variable)
            Metrics of ``uflux_stats.stats.metrics.score`` over all held-out site-months.

        Raises
        ------
        MissingVariableError
            If the refiner was loaded from disk and ``towers`` is not given.
        """
        table = self.table
        if towers is not None:
            table = training_table(towers, coordinates=self.options.coordinates)
        if table is None:
            raise MissingVariableError(
                "towers: expected the towers to refit on, since a loaded refiner has none; "
                "pass towers=read_fluxnet(...)"
            )
        how = ValidationOptions(**options)
        self.validation[split] = cross_validate(table, split, self.options, how)
        return validation_metrics(self.validation[split])

    def save(self, path: str | Path) -> Path:
        """Write the refiner to a new folder, whole or not at all; see ``Refiner.load``."""
        return save_parts(self.options, self.spec, self.fit, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> "Refiner":
        """Read a refiner that ``save`` wrote. No code is run from the file.

        Raises
        ------
        DataFileError
            If the folder is not a whole refiner, or is of a newer layout.
        """
        return cls(*load_parts(Path(path)))


def refine(towers: xr.Dataset, *, options: RefineOptions | None = None, **changes: Any) -> Refiner:
    """Learn what the process baseline misses at the towers.

    Parameters
    ----------
    towers : xr.Dataset, (site, time)
        Drivers and observed fluxes, as ``read_fluxnet`` gives them. RECO is needed whatever is to
        be learned, since the respiration parameters are fitted to it.
    options : RefineOptions, optional
    **changes
        Fields of ``RefineOptions``: model, members, target, seed, ...

    Returns
    -------
    Refiner

    Raises
    ------
    MissingVariableError, UnitsError
        If the towers lack a driver or RECO, or have a variable in another unit.
    ConfigError
        If an option is out of its range.

    References
    ----------
    Zhu et al. (2026), doi 10.1016/j.agrformet.2026.111197, eqs 8-9.

    Examples
    --------
    Four towers in two classes of forest, one year:

    >>> from uflux_stats.schema import variable
    >>> means = {"TA": 15.0, "VPD": 8.0, "SWIN": 200.0, "RNET": 90.0, "PA": 90.0, "CO2": 400.0,
    ...          "FAPAR": 0.5, "GPP": 6.0, "RECO": 4.0, "NEE": -2.0, "LE": 60.0}
    >>> rng = np.random.default_rng(0)
    >>> towers = xr.Dataset({
    ...     name: (("site", "time"), mean * rng.uniform(0.8, 1.2, (4, 12)), variable(name).attrs)
    ...     for name, mean in means.items()
    ... })
    >>> towers["IGBP"] = ("site", [1, 1, 4, 4], {"units": "class"})
    >>> towers["C4"] = ("site", [0.0, 0.0, 0.0, 0.0], {"units": "1"})
    >>> towers = towers.assign_coords(time=xr.date_range("2004-01", periods=12, freq="MS"),
    ...                               lat=("site", [50.0, 51.0, 45.0, 46.0]),
    ...                               lon=("site", [8.0, 9.0, -80.0, -81.0]))
    >>> refiner = refine(towers, members=2, trees=5)
    >>> gpp = refiner.predict(towers).GPP
    >>> gpp.dims, gpp.shape
    (('member', 'site', 'time'), (2, 4, 12))
    >>> refiner.validate("igbp").n_towers.sel(variable="GPP", source="refined").item()
    4
    """
    chosen = replace(options or RefineOptions(), **changes)
    table = training_table(towers, coordinates=chosen.coordinates)
    everything = np.ones(len(table.site), bool)
    return Refiner(chosen, table.spec, fit_rows(table, everything, chosen, [chosen.seed]), table)


def predict_fluxes(refiner: Refiner, drivers: xr.Dataset, *, threads: int = 1) -> xr.Dataset:
    """Predict as ``Refiner.predict`` does, without the coordinates of the cells."""
    _require_months(drivers)
    require_variables(drivers, REQUIRED, name="drivers")
    completed = complete_drivers(drivers).compute()
    require_variables(completed, refiner.spec.drivers, name="drivers")
    require_ranges(completed, refiner.spec.dynamic, name="drivers")
    predictors = features(completed, refiner.spec).values
    space = [dim for dim in completed["TA"].dims if dim != "time"]
    layout = xr.zeros_like(completed["TA"].transpose(*space, "time"), dtype=np.float32)
    usable, drops = _usable(completed, layout, refiner.spec)
    process = _process(refiner, completed, layout, usable)
    rows = np.ascontiguousarray(predictors[:, usable].T)
    predicted = predict_rows(refiner.fit, process, rows, refiner.options, threads=threads)
    labelled = {name: _lay_out(values, usable, layout, name)
                for name, values in predicted.items()}  # fmt: skip
    dims = ("member", *completed["TA"].dims)
    fluxes = xr.Dataset(labelled).transpose(*dims)
    return fluxes.assign_attrs(title="Refined land fluxes", dropped=to_json(drops))


def _skill(metrics: xr.Dataset) -> pd.DataFrame:
    """Put the scores of baseline and refinement side by side, one row per flux."""
    refined = metrics.sel(source="refined")
    columns = {
        "r2 baseline": metrics.r2.sel(source="baseline"), "r2 refined": refined.r2,
        "rmse refined": refined.rmse, "months": refined.n, "towers": refined.n_towers,
    }  # fmt: skip
    return pd.DataFrame({name: values.to_series() for name, values in columns.items()})


def _process(
    refiner: Refiner, drivers: xr.Dataset, layout: xr.DataArray, usable: Mask
) -> dict[str, Rows]:
    """Baseline fluxes at the usable cells and months."""
    modelled = baseline(drivers, refiner.fit.parameters).transpose(*layout.dims)
    return {name: modelled[name].values.reshape(usable.shape)[usable] for name in FLUXES}


def _require_months(drivers: xr.Dataset) -> None:
    """Raise on a climatology, or less than a year: all months tell what a place is like."""
    if "month" in drivers.dims:
        raise DimensionError(
            "drivers: expected dimension 'time', got the months of a climatology; "
            "date it first with date_climatology(drivers)"
        )
    require_dims(drivers, ["time"], name="drivers")
    if drivers.sizes["time"] < MONTHS_OF_A_YEAR:
        raise CalendarError(
            f"drivers.time: expected at least twelve months, got {drivers.sizes['time']}; the "
            "climate of a place is among the predictors: give a whole year, select months after"
        )


def _usable(
    drivers: xr.Dataset, layout: xr.DataArray, spec: FeatureSpec
) -> tuple[Mask, list[Drop]]:
    """Cells and months, (cell, time), where all that training always had is known.

    Also returned is what is lost to each driver beyond the first four, the land mask.
    """
    usable = np.ones(layout.shape, bool)
    drops = []
    for name in dict.fromkeys((*REQUIRED, *spec.required)):
        known = spec.known(drivers, name).broadcast_like(layout).transpose(*layout.dims).values
        lost = int((usable & ~known).sum())
        if lost and name not in REQUIRED:
            drops.append(Drop("", name, Reason.NOT_PREDICTED, lost))
        usable &= known
    if not usable.any():
        raise MissingVariableError(
            f"drivers: expected cells with all of {list(spec.required)}, got none; fill what is "
            "missing everywhere, or check the masks"
        )
    return usable.reshape(-1, layout.sizes["time"]), drops


def _lay_out(
    values: NDArray[np.float32], usable: Mask, layout: xr.DataArray, name: str
) -> xr.DataArray:
    """Put predictions (member, row) back on (member, *space, time)."""
    whole = np.full((len(values), *usable.shape), np.nan, np.float32)
    whole[:, usable] = values
    shaped = whole.reshape(len(values), *layout.shape)
    return xr.DataArray(
        shaped,
        dims=("member", *layout.dims),
        coords={**layout.coords, "member": np.arange(len(values))},
        attrs=flux_attrs(name),
    )
