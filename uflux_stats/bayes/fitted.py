"""Fit respiration parameters to towers, with posteriors, and what a fit gives back."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.baselines import ClassParameters, DriverEffect, ParameterTable
from uflux_stats.baselines.conditioned_fitting import sensitivity_of_slope
from uflux_stats.baselines.fitting import STAND_INS
from uflux_stats.baselines.parameters import CODE_OF
from uflux_stats.bayes.compat import group, tree_of
from uflux_stats.bayes.draws import Draws, summary_of
from uflux_stats.bayes.gate import DEFAULT_GATE, Diagnosis, Gate, diagnose, require_passed
from uflux_stats.bayes.options import RespirationOptions, Sampler, SamplerOptions
from uflux_stats.bayes.rows import ModelRows, Values, model_rows
from uflux_stats.bayes.sampling import sample_posterior
from uflux_stats.choices import require_choice
from uflux_stats.errors import ConfigError
from uflux_stats.io.fingerprints import fingerprint
from uflux_stats.stats.views import html_view

SITE_STATISTICS = ("mean_site", "typical_site")


@dataclass(frozen=True, repr=False)
class RespirationFit:
    """A fitted model of respiration; made by ``fit_respiration`` or ``load_fit``.

    Attributes
    ----------
    rows : ModelRows
        What it was fitted to, with the options.
    posterior : arviz.InferenceData or xarray.DataTree
        Groups posterior (chain, draw, ...) and sample_stats.
    diagnosis : Diagnosis
    sampler : SamplerOptions
    """

    rows: ModelRows
    posterior: Any
    diagnosis: Diagnosis
    sampler: SamplerOptions

    def __repr__(self) -> str:
        """Say in a line what was fitted to how much, and whether the chains agree."""
        gate = "passed" if self.diagnosis.passed else "failed"
        return (
            f"<RespirationFit {self.rows.options.form} by {self.rows.options.level}: "
            f"{len(self.rows.sites)} towers, {len(self.rows.observed):,} site-months; "
            f"gate {gate}, R-hat {self.diagnosis.rhat:.3f}>"
        )

    def _repr_html_(self) -> str:
        """Show median and 90 % interval of every group."""
        failed = "" if self.diagnosis.passed else "the chains do not agree: nothing may be read"
        return html_view(repr(self)[1:-1], self.summary().reset_index(), failed)

    @property
    def data_hash(self) -> str:
        """SHA-256 of the rows that were fitted, with the sites and their groups."""
        rows = self.rows
        arrays = (rows.observed, rows.warmth, rows.conditions, rows.site, rows.group)
        return fingerprint(
            [*rows.sites, *rows.groups],
            *(np.ascontiguousarray(array).tobytes() for array in arrays),
        )

    def draws(self, n: int | None = None) -> Draws:
        """Return all draws, or ``n`` of them evenly spaced."""
        return Draws.of(self.posterior, n)

    def class_parameters(self) -> xr.Dataset:
        """Return rate and sensitivity of every group and of all, draw by draw.

        Returns
        -------
        xr.Dataset, (sample, group)
            ``Rref`` [gC m-2 d-1] at 10 degC and average conditions of a typical site, and ``Q10``
            [1] or ``E0`` [K]; the last group, "all", is the common distribution's centre. On
            (group,): ``n_sites``, ``n_months``.
        """
        draws, names = self.draws(), (*self.rows.groups, "all")
        rate = _with_all(draws, "log_rate", len(self.rows.groups))
        slope = _with_all(draws, "slope", len(self.rows.groups))
        q10 = self.rows.options.form == "q10"
        sensitivity = sensitivity_of_slope(slope, self.rows.options.form)
        sites, months = _counts(self.rows)
        found = xr.Dataset(
            {
                "Rref": (("sample", "group"), np.exp(rate), {"units": "gC m-2 d-1"}),
                "Q10" if q10 else "E0": (
                    ("sample", "group"), sensitivity, {"units": "1" if q10 else "K"},
                ),
                "n_sites": ("group", sites, {"units": "1"}),
                "n_months": ("group", months, {"units": "1"}),
            },
            coords={"group": list(names)},
        )  # fmt: skip
        # a pooled model has one group, which is all
        return found.isel(group=[-1]) if self.rows.options.level == "pooled" else found

    def summary(self) -> pd.DataFrame:
        """Return the table of groups: median and 90 % interval of each parameter, n of sites.

        Returns
        -------
        pd.DataFrame
            Index group; columns such as ``Rref_median``, ``Rref_low``, ``Rref_high``, in the units
            of ``class_parameters``.
        """
        found = self.class_parameters()
        columns: dict[str, Any] = {}
        for name in ("Rref", "Q10" if "Q10" in found else "E0"):
            parts = summary_of(found[name].values)
            columns |= {f"{name}_{part}": parts[part] for part in ("median", "low", "high")}
        columns |= {name: found[name].values for name in ("n_sites", "n_months")}
        index = pd.Index(found["group"].values, name="group")
        return pd.DataFrame(columns, index=index)

    def parameter_table(self, *, of: str = "mean_site", provenance: str = "") -> ParameterTable:
        """Return posterior means as the parameter table of the baseline.

        At level "site" sensitivity and effects are those within sites. The rates of sites go with
        their mean climate (warm sites respire less at 10 degC), so that for a baseline of unseen
        places the mean climate has to be among the effects, as in
        ``uflux_stats.baselines.conditions.PLACES``. ``fit_conditioned_respiration`` knows no sites:
        there months count alike, here sites do.

        Parameters
        ----------
        of : {"mean_site", "typical_site"}
            The rate of a class at 10 degC as its mean over the population of sites,
            ``exp(m + s^2 / 2)`` of the log-normal distribution, or that of the typical site, its
            median ``exp(m)``. Away from 10 degC the spread of the slopes of sites, t, and their
            correlation r with the rates change the mean over sites by
            ``exp(r s t w + (t w)^2 / 2)`` more, with w the warmth of ``ModelRows``; a table of one
            sensitivity per class cannot say so. ``propagate`` with site effects has both.
        provenance : str
            Replaces the text that names the fit.

        Returns
        -------
        ParameterTable
            Classes without towers take the parent level. Needs level "pooled", "pft" or "site".

        Raises
        ------
        ConfigError
            If ``of`` is unknown or the groups are continents.
        """
        require_choice(of, SITE_STATISTICS, name="of")
        if self.rows.options.level == "continent":
            raise ConfigError(
                "level: expected 'pooled', 'pft' or 'site' for a table of classes, got "
                "'continent'; fit at another level"
            )
        found = self.class_parameters()
        spread = self.draws().get("spread_rate_site") if of == "mean_site" else 0.0
        lift = np.exp(np.square(spread) / 2.0)
        rate = (found["Rref"].values * np.reshape(lift, (-1, 1))).mean(axis=0)
        kind = "Q10" if "Q10" in found else "E0"
        rows = {
            str(name): ClassParameters(
                float(rate[i]), float(found[kind].values[:, i].mean()),
                int(found["n_sites"][i]), int(found["n_months"][i]),
            )
            for i, name in enumerate(found["group"].values)
        }  # fmt: skip
        fallback = rows.pop("all")
        classes = {name: row for name, row in rows.items() if name in CODE_OF}
        for name, stand_in in STAND_INS.items():
            if stand_in in classes and name not in classes:
                own = classes[stand_in]
                classes[name] = ClassParameters(own.rate, own.sensitivity)
        text = provenance or (
            f"posterior means, {self.rows.options.level} level, "
            f"{len(self.rows.sites)} towers, {of.replace('_', ' ')}"
        )
        text += f"; {self.diagnosis.caveat or 'gate passed'}"
        options = self.rows.options
        return ParameterTable(
            options.form, fallback, classes, text, self.effects(), options.temperature
        )

    def effects(self) -> tuple[DriverEffect, ...]:
        """Return the driver effects with their posterior means."""
        if not self.rows.effects:
            return ()
        means = self.draws().values["coefficient"].mean(axis=0)
        return tuple(
            replace(effect, coefficient=float(mean))
            for effect, mean in zip(self.rows.effects, means, strict=True)
        )


def _with_all(draws: Draws, name: str, n: int) -> Values:
    """Values of the groups, and last of all."""
    return np.hstack([draws.of_group(name, n), draws.values[name][:, None]])


def _counts(rows: ModelRows) -> tuple[Values, Values]:
    """Sites and months of each group, and last of all."""
    sites = np.bincount(rows.group, minlength=len(rows.groups))
    months = np.bincount(rows.group[rows.site], minlength=len(rows.groups))
    return np.r_[sites, sites.sum()], np.r_[months, months.sum()]


def fit_respiration(
    towers: xr.Dataset,
    *,
    options: RespirationOptions | None = None,
    sampler: SamplerOptions | Sampler | None = None,
    gate: Gate = DEFAULT_GATE,
    **changes: Any,
) -> RespirationFit:
    """Sample the posterior of respiration parameters given tower months.

    Parameters
    ----------
    towers : xr.Dataset, (site, time)
        RECO [gC m-2 d-1], TA [degC], IGBP (site,), and the drivers of ``effects``; lat and lon for
        continents and seasons. Months with a missing value are not used; RECO at or below zero is.
    options : RespirationOptions, optional
    sampler : SamplerOptions or its field ``sampler``, optional
    gate : Gate
        What the sample has to pass.
    **changes
        Fields of ``RespirationOptions`` (form, level, effects, ...) and of ``SamplerOptions``
        (draws, seed, ...).

    Returns
    -------
    RespirationFit

    Raises
    ------
    MissingVariableError, UnitsError, RangeError
        If the towers lack a variable, or have it in another unit.
    ConfigError
        If an option is unknown.
    ConvergenceError
        If the sample does not pass the gate and ``on_failure`` is "raise".
    ImportError
        If the sampler is not installed.

    References
    ----------
    Lloyd and Taylor 1994, doi 10.2307/2389824; Betancourt and Girolami 2015, arXiv 1312.0906, on
    the parametrisation of hierarchical models.
    """
    of_sampler = {name: changes.pop(name) for name in list(changes) if hasattr(_SAMPLER, name)}
    try:
        chosen = replace(options or RespirationOptions(), **changes)
    except TypeError as error:
        raise ConfigError(
            f"options: expected fields of RespirationOptions or SamplerOptions, got {error}"
        ) from error
    named = SamplerOptions(sampler=sampler) if isinstance(sampler, str) else sampler
    how = replace(named or _SAMPLER, **of_sampler)
    rows = model_rows(towers, chosen)
    posterior = sample_posterior(rows, how)
    diagnosis = diagnose(posterior, gate)
    if chosen.on_failure == "raise":
        require_passed(diagnosis, gate)
    return RespirationFit(rows, _flagged(posterior, diagnosis), diagnosis, how)


def _flagged(posterior: Any, diagnosis: Diagnosis) -> Any:
    """Put the outcome of the gate into the attributes of the posterior, so that it travels."""
    outcome = {**diagnosis.to_dict(), **diagnosis.to_attrs()}
    draws = group(posterior, "posterior").assign_attrs(outcome)
    return tree_of({"posterior": draws, "sample_stats": group(posterior, "sample_stats")})


_SAMPLER = SamplerOptions()
