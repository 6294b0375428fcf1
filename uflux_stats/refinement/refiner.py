"""The refiner: a process baseline and what ensembles have learned beyond it."""

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.choices import require_options
from uflux_stats.errors import ConfigError, MissingVariableError
from uflux_stats.grid import cell_coordinates
from uflux_stats.refinement.adaptation import Adaptation, fit_adaptation
from uflux_stats.refinement.dissimilarity import Domain
from uflux_stats.refinement.features import FeatureSpec
from uflux_stats.refinement.fitting import Fit, domain_of, fit_rows
from uflux_stats.refinement.options import RefineOptions
from uflux_stats.refinement.persistence import Parts, load_parts, save_parts
from uflux_stats.refinement.predicting import judge, predict_fluxes, prepare
from uflux_stats.refinement.splits import WHOLE_TOWERS, Split
from uflux_stats.refinement.surroundings import Surroundings
from uflux_stats.refinement.table import TrainingTable, table_for
from uflux_stats.refinement.validation import (
    ValidationOptions,
    cross_validate,
    validation_metrics,
)
from uflux_stats.stats.views import html_view


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
    domain : Domain or None
        Where the towers lie among the predictors; None if that cannot be measured.
    sites : tuple of str
        Names of the towers that it has learned from, kept when saved.
    table : TrainingTable or None
        What it was fitted to; a loaded refiner has none.
    validation : dict of xr.Dataset
        Held-out predictions of every split that was asked for; see ``validate``.
    """

    options: RefineOptions
    spec: FeatureSpec
    fit: Fit
    domain: Domain | None = None
    sites: tuple[str, ...] = ()
    table: TrainingTable | None = None
    validation: dict[str, xr.Dataset] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Say in a line what was learned from how much."""
        rows = "" if self.table is None else f", {len(self.table.site):,} site-months"
        return (
            f"<Refiner {self.options.model}, {self.options.target}: "
            f"{', '.join(self.fit.fluxes)}; "
            f"{self.options.members} members, {len(self.spec.names)} predictors; "
            f"{len(self.sites)} towers{rows}>"
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
        prepared = prepare(drivers, self.spec, self.fit)
        fluxes = predict_fluxes(prepared, self.fit, self.options, threads=threads)
        if {"lat", "lon"} <= set(fluxes.dims) and "LANDFRAC" in drivers:
            return fluxes.assign_coords(cell_coordinates(drivers))
        return fluxes

    def applicability(self, drivers: xr.Dataset, *, threads: int = 1) -> xr.Dataset:
        """Tell how unlike the towers each cell and month is, and where that is too far.

        Parameters
        ----------
        drivers : xr.Dataset, (site, time) or (time, lat, lon)
            As for ``predict``.
        threads : int

        Returns
        -------
        xr.Dataset, (site, time) or (time, lat, lon) [1]
            DI, the dissimilarity index: distance to the nearest training month among the weighted
            predictors, over the mean distance of training; and AOA, the area of applicability: 1
            where DI is within that of held-out towers (``AOA.attrs["threshold"]``), else 0. Missing
            where nothing is predicted.

        Raises
        ------
        MissingVariableError
            If the refiner was fitted to one tower alone, or as in ``predict``.
        DimensionError, UnitsError, RangeError, CalendarError
            As in ``predict``.

        References
        ----------
        Meyer and Pebesma (2021), doi 10.1111/2041-210X.13650.
        """
        prepared = prepare(drivers, self.spec, self.fit)
        return judge(prepared, self.domain, self.options, threads=threads)

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
            table = table_for(towers, self.options, self.spec.surroundings)
        if table is None:
            raise MissingVariableError(
                "towers: expected the towers to refit on, since a loaded refiner has none; "
                "pass towers=read_fluxnet(...)"
            )
        how = ValidationOptions(**options)
        self.validation[split] = cross_validate(table, split, self.options, how)
        return validation_metrics(self.validation[split])

    def adapt(self, tower: xr.Dataset, adaptation: Adaptation | None = None) -> xr.Dataset:
        """Fill the gaps of a tower by predictions that its own months have calibrated.

        Parameters
        ----------
        tower : xr.Dataset, (site, time)
            Of ``read_fluxnet``; drivers of twelve months or more and observed fluxes of a tower (or
            several, each by itself) that the refiner has not learned from.
        adaptation : Adaptation, optional
            What held-out towers tell of the errors at a new one; by default it is learned from
            ``validation``, under the first split that keeps towers whole.

        Returns
        -------
        xr.Dataset, (site, time)
            See ``Adaptation.fill``: fluxes without gaps, intervals and flags. Months that lack a
            driver stay missing.

        Raises
        ------
        ConfigError
            If the refiner has learned from the tower.
        MissingVariableError
            If neither ``adaptation`` nor a validation by towers is there, the tower has no flux
            that is predicted, or as in ``predict``.
        DimensionError, UnitsError, RangeError, CalendarError
            As in ``predict``.
        """
        self._require_new(tower)
        if adaptation is None:
            held_out = next(
                (self.validation[split] for split in WHOLE_TOWERS if split in self.validation), None
            )
            if held_out is None:
                raise MissingVariableError(
                    "adaptation: expected what held-out towers tell, got neither that nor a "
                    "validation; call validate(split='tower', folds=20) first, with towers=... if "
                    "the refiner was loaded, or give Adaptation.from_json(...) of a run"
                )
            adaptation = fit_adaptation(held_out)
        return adaptation.fill(self.predict(tower).mean("member"), tower)

    def _require_new(self, tower: xr.Dataset) -> None:
        if not isinstance(tower, xr.Dataset):
            raise ConfigError(
                f"tower: expected a dataset of read_fluxnet, got {type(tower).__name__}; read it "
                "first"
            )
        known = sorted(set(self.sites) & set(np.atleast_1d(tower["site"].values).tolist()))
        if known:
            raise ConfigError(
                f"tower: expected towers that the refiner has not learned from, got {known}; its "
                "errors there are no guide: refine without them"
            )

    def save(self, path: str | Path) -> Path:
        """Write the refiner to a new folder, whole or not at all; see ``Refiner.load``."""
        parts = Parts(self.options, self.spec, self.fit, self.domain, self.sites)
        return save_parts(parts, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> "Refiner":
        """Read a refiner that ``save`` wrote. No code is run from the file.

        Raises
        ------
        DataFileError
            If the folder is not a whole refiner, or is of a newer layout.
        """
        parts = load_parts(Path(path))
        return cls(parts.options, parts.spec, parts.fit, parts.domain, parts.sites)


def refine(
    towers: xr.Dataset,
    *,
    options: RefineOptions | None = None,
    surroundings: Surroundings | None = None,
    **changes: Any,
) -> Refiner:
    """Learn what the process baseline misses at the towers.

    Parameters
    ----------
    towers : xr.Dataset, (site, time)
        Drivers and observed fluxes, as ``read_fluxnet`` gives them. RECO is needed whatever is to
        be learned, since the respiration parameters are fitted to it.
    options : RefineOptions, optional
    surroundings : Surroundings, optional
        What the land around a place is like (``fit_surroundings``), as more predictors of all
        learners; kept with the refiner.
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
        If an option is unknown (the nearest are suggested) or out of its range.

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
    require_options(changes, [option.name for option in fields(RefineOptions)])
    chosen = replace(options or RefineOptions(), **changes)
    table = table_for(towers, chosen, surroundings)
    everything = np.ones(len(table.site), bool)
    fit = fit_rows(table, everything, chosen, [chosen.seed])
    sites = tuple(np.unique(table.sites).tolist())
    return Refiner(chosen, table.spec, fit, domain_of(table, fit, chosen), sites, table)


def _skill(metrics: xr.Dataset) -> pd.DataFrame:
    """Put the scores of baseline and refinement side by side, one row per flux."""
    refined = metrics.sel(source="refined")
    columns = {
        "r2 baseline": metrics.r2.sel(source="baseline"), "r2 refined": refined.r2,
        "rmse refined": refined.rmse, "months": refined.n, "towers": refined.n_towers,
    }  # fmt: skip
    return pd.DataFrame({name: values.to_series() for name, values in columns.items()})
