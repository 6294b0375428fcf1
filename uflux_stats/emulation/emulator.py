"""A fitted emulator: one set of learned parameters for each vegetation model."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.baselines import complete_drivers
from uflux_stats.emulation.closure import needs_ratios
from uflux_stats.emulation.ensemble import STATISTICS, Ensemble, prepare
from uflux_stats.emulation.options import Closure, EmulateOptions
from uflux_stats.emulation.parameters import BY_NAME, PARAMETERS, RAW, Parameter, from_scale
from uflux_stats.emulation.predictors import (
    Predictors,
    build_predictors,
    preceding_mean,
    with_gpp,
    with_monthly_gpp,
)
from uflux_stats.emulation.training import Learnt, learn, without_deep_soil
from uflux_stats.errors import ConfigError, MissingVariableError
from uflux_stats.refinement.features import FeatureSpec
from uflux_stats.refinement.learners import predict_ensemble
from uflux_stats.stats.views import html_view

MEAN: Final = "mean"
_DEFAULTS: Final = EmulateOptions()
Values = dict[str, np.ndarray]


@dataclass(frozen=True, repr=False)
class Emulator:
    """Learned parameters of every member; made by ``train_emulator``.

    Attributes
    ----------
    learnt : dict
        By member and by parameter; the member "mean" stands in where another lacks a parameter.
    spec : FeatureSpec
        Predictors of the training.
    options : EmulateOptions
    members : tuple of str
        The vegetation models, or the statistics over models.
    """

    learnt: dict[str, dict[str, Learnt]]
    spec: FeatureSpec
    options: EmulateOptions
    members: tuple[str, ...]

    def __repr__(self) -> str:
        """Say in a line which models taught it."""
        return f"<Emulator of {len(self.members)} members: {', '.join(self.members)}>"

    def _repr_html_(self) -> str:
        """Show which member learned which parameter from how much."""
        return html_view(repr(self)[1:-1], self.coverage())

    def source(self, member: str, parameter: str) -> Learnt | None:
        """Return what a member uses for a parameter: its own, that of the mean, or nothing."""
        return self.learnt[member].get(parameter) or self.learnt[MEAN].get(parameter)

    def coverage(self) -> pd.DataFrame:
        """Tabulate which member learned which parameter from how much.

        Returns
        -------
        pandas.DataFrame
            ``member``, ``parameter``, ``source`` ("own", "mean", "none"), ``rows`` learned from,
            ``masked`` rows with a value beyond the ends of the parameter.
        """
        rows = []
        for member in self.learnt:
            for parameter in PARAMETERS:
                own = self.learnt[member].get(parameter.name)
                used = self.source(member, parameter.name)
                rows.append(
                    {
                        "member": member,
                        "parameter": parameter.name,
                        "source": "own" if own else "mean" if used else "none",
                        "rows": own.rows if own else 0,
                        "masked": own.masked if own else 0,
                    }
                )
        return pd.DataFrame(rows)

    @property
    def monthly(self) -> bool:
        """Whether any parameter takes monthly predictors."""
        return any(one.monthly for learnt in self.learnt.values() for one in learnt.values())

    def predictors(self, drivers: xr.Dataset) -> Predictors:
        """Build the predictors of cells in a row, (time, site)."""
        return build_predictors(drivers, monthly=self.monthly, spec=self.spec)

    def parameters(self, member: str, predictors: Predictors, gpp: np.ndarray) -> Values:
        """Predict all parameters of one member.

        Parameters
        ----------
        member : str
        predictors : Predictors
            Of some years.
        gpp : array, (site, month) [gC m-2 d-1]
            Of the same years.

        Returns
        -------
        dict of array of float32
            (site, month) if the parameter has a season in the teaching material, else (site, year).
        """
        names = [*BY_NAME] if self._has_ratios else [p.name for p in PARAMETERS]
        sources = {name: self.source(member, name) for name in names}
        sites, years = len(gpp), len(predictors.years)
        # the year's mean GPP is that of twelve months up to December
        yearly_gpp = preceding_mean(gpp)[:, 11::12]
        flat = predictors.yearly.reshape(sites * years, -1)
        yearly = with_gpp(flat, yearly_gpp.reshape(-1))
        months = None
        if predictors.monthly is not None and any(s and s.monthly for s in sources.values()):
            months = with_monthly_gpp(predictors.monthly, gpp)
        found: Values = {}
        for name, learnt in sources.items():
            if learnt is None:
                continue
            table = months if learnt.monthly and months is not None else yearly
            scaled = predict_ensemble(learnt.ensemble, table, threads=self.options.workers)
            shape = gpp.shape if learnt.monthly else (sites, years)
            values = from_scale(scaled.mean(axis=0), BY_NAME[name]).astype(np.float32)
            found[name] = values.reshape(shape)
        return found

    @property
    def _has_ratios(self) -> bool:
        return any(p.name in learnt for learnt in self.learnt.values() for p in RAW)


def train_emulator(
    dgvms: xr.Dataset,
    drivers: xr.Dataset,
    *,
    closure: Closure = "exact",
    options: EmulateOptions = _DEFAULTS,
) -> Emulator:
    """Learn the parameters of allocation from vegetation models.

    Parameters
    ----------
    dgvms : xr.Dataset, (model, ..., lat, lon)
        Of ``read_dgvm``.
    drivers : xr.Dataset, (time, lat, lon)
        Whole years of months.
    closure : {"exact", "none", "paper"}
        "paper" also learns the unbounded ratios.
    options : EmulateOptions

    Returns
    -------
    Emulator

    Raises
    ------
    MissingVariableError
        If the models have no GPP, or no usable CUE.
    ConfigError
        If a wanted model is not there.
    """
    lessons = _Lessons.of(dgvms, drivers, options)
    wanted = [*PARAMETERS, *(RAW if needs_ratios(closure) else ())]
    learnt = {MEAN: lessons.learn(MEAN, wanted)}
    if "CUE" not in learnt[MEAN]:
        raise MissingVariableError(
            "dgvms: expected cells with GPP, NPP and drivers, got too few to learn from; "
            "are models and drivers on the same land?"
        )
    models = tuple(lessons.ensemble.models)
    learnt |= {name: lessons.learn(name, wanted) for name in models}
    return Emulator(learnt, lessons.spec, options, models)


def train_statistics(
    dgvms: xr.Dataset, drivers: xr.Dataset, *, options: EmulateOptions = _DEFAULTS
) -> Emulator:
    """Learn from the mean and the quartiles over models, variable by variable.

    This is the way of the method paper, whose members do not add up: a quartile of a sum is not the
    sum of quartiles. Pools are direct ratios.

    Parameters
    ----------
    dgvms, drivers, options
        As for ``train_emulator``.

    Returns
    -------
    Emulator
        With members "mean", "p25" and "p75", for closure "paper".

    Raises
    ------
    MissingVariableError, ConfigError
        As in ``train_emulator``.
    """
    lessons = _Lessons.of(dgvms, drivers, replace(options, stocks="ratio"))
    learnt = {str(name): lessons.learn(name, (*PARAMETERS, *RAW)) for name in STATISTICS}
    return Emulator(learnt, lessons.spec, lessons.options, STATISTICS)


@dataclass(frozen=True)
class _Lessons:
    """Teaching material of all members."""

    ensemble: Ensemble
    shared: Ensemble
    predictors: Predictors
    spec: FeatureSpec
    options: EmulateOptions

    @classmethod
    def of(cls, dgvms: xr.Dataset, drivers: xr.Dataset, options: EmulateOptions) -> "_Lessons":
        ensemble = prepare(_chosen(dgvms, options), drivers)
        taken = complete_drivers(ensemble.drivers(drivers))
        spec = FeatureSpec.of(taken.transpose("site", "time", ...))
        predictors = build_predictors(taken, monthly=ensemble.monthly is not None, spec=spec)
        shared = ensemble if options.deep_soil else without_deep_soil(ensemble)
        return cls(ensemble, shared, predictors, spec, options)

    def learn(self, name: str, wanted: Iterable[Parameter]) -> dict[str, Learnt]:
        source = self.shared if name in STATISTICS else self.ensemble
        return learn(source.member(name), self.predictors, self.options, parameters=wanted)


def _chosen(dgvms: xr.Dataset, options: EmulateOptions) -> xr.Dataset:
    if options.models is None:
        return dgvms
    there = [str(name) for name in dgvms["model"].values]
    lacking = [name for name in options.models if name not in there]
    if lacking:
        raise ConfigError(f"models: expected some of {there}, got {lacking}; choose from these")
    return dgvms.sel(model=list(options.models))
