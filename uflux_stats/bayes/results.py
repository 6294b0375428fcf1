"""Posteriors on disk: one CF NetCDF with draws, units, reference temperatures and provenance."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr

from uflux_stats.baselines import DriverEffect
from uflux_stats.baselines.constants import RESPIRATION
from uflux_stats.bayes.compat import group, tree_of, versions
from uflux_stats.bayes.fitted import RespirationFit
from uflux_stats.bayes.gate import Diagnosis
from uflux_stats.bayes.options import RespirationOptions, SamplerOptions
from uflux_stats.bayes.priors import Prior, priors
from uflux_stats.bayes.rows import ModelRows
from uflux_stats.errors import DataFileError
from uflux_stats.io.plain import plain
from uflux_stats.io.store import write_netcdf

_ROWS: Final = {
    "observed": "gC m-2 d-1", "temperature": "degC", "warmth": "1", "site_index": "1",
    "season": "1", "month": "1",
}  # fmt: skip
_UNITS: Final = {"sigma0": "gC m-2 d-1"}
_MEANING: Final = {
    "log_rate": "log of respiration in gC m-2 d-1 at 10 degC and average conditions",
    "slope": "slope of log respiration on warmth, see uflux_stats.bayes.priors.SLOPES",
    "level": "log of respiration in gC m-2 d-1 at mean warmth and conditions of the site",
    "coefficient": "change of log respiration per standard deviation of a driver",
    "spread": "standard deviation about the level above",
    "correlation": "correlation of the deviations of log rate and slope",
    "sigma0": "error where nothing is respired",
    "sigma1": "error over mean respiration",
    "noise_spread": "standard deviation of the log error between sites",
    "noise_site": "log of the error over mean respiration",
    "nu": "degrees of freedom of Student's t",
    "raw_season": "deviation of a season, over its spread",
}
"""What parameters are, by how their names begin."""
_JSON: Final = ("options", "sampler", "diagnosis", "effects", "priors", "library_versions")


def save_fit(fit: RespirationFit, path: str | Path) -> Path:
    """Write a fit as NetCDF: draws, rows and what made them; see ``load_fit``.

    Returns
    -------
    Path

    Raises
    ------
    DataFileError
        If the folder does not exist.
    """
    draws = group(fit.posterior, "posterior")
    stats = group(fit.posterior, "sample_stats")[["diverging", "energy"]]
    named = {
        name: values.assign_attrs(_described(str(name))) for name, values in draws.data_vars.items()
    }
    statics = {"energy": stats["energy"].assign_attrs(units="1"),
               "diverging": stats["diverging"].astype("int8").assign_attrs(units="1")}  # fmt: skip
    whole = xr.Dataset({**named, **statics, **_row_variables(fit.rows)}).assign_coords(
        site=list(fit.rows.sites), group=list(fit.rows.groups)
    )
    return write_netcdf(
        whole.assign_attrs(_attributes(fit)), path, title="Posterior of respiration parameters",
        precision="float64",
    )  # fmt: skip


def _described(name: str) -> dict[str, str]:
    """Tell unit and meaning of a parameter, and the level that the end of its name names."""
    meaning = next(text for start, text in _MEANING.items() if name.startswith(start))
    of = next((f", of each {end}" for end in ("class", "site") if name.endswith(f"_{end}")), "")
    return {"units": _UNITS.get(name, "1"), "long_name": meaning + of}


def _row_variables(rows: ModelRows) -> dict[str, Any]:
    values = {
        "observed": rows.observed, "temperature": rows.temperature, "warmth": rows.warmth,
        "site_index": rows.site, "season": rows.season, "month": rows.month,
    }  # fmt: skip
    found: dict[str, Any] = {
        name: ("row", values[name], {"units": units}) for name, units in _ROWS.items()
    }
    found["group_index"] = ("site", rows.group, {"units": "1"})
    if rows.effects:
        found["conditions"] = (("row", "effect"), rows.conditions, {"units": "1"})
    return found


def _attributes(fit: RespirationFit) -> dict[str, Any]:
    options = fit.rows.options
    chosen = priors(options.form, options.priors, options.changed_priors)
    records = {
        "options": asdict(options),
        # how many chains ran at a time changes nothing, and must not change the file
        "sampler": {name: value for name, value in asdict(fit.sampler).items() if name != "cores"},
        "diagnosis": asdict(fit.diagnosis),
        "effects": [asdict(effect) for effect in fit.rows.effects],
        "priors": {name: asdict(prior) for name, prior in chosen.items()},
        "library_versions": versions(),
    }
    texts = {name: json.dumps(plain(record), sort_keys=True) for name, record in records.items()}
    return {
        **texts,
        "gate": "passed" if fit.diagnosis.passed else "failed",
        "data_sha256": fit.data_hash,
        "seed": fit.sampler.seed,
        "reference_temperature_degC": RESPIRATION.q10_reference,
        "T0_K": RESPIRATION.lloyd_taylor_zero,
    }


def load_fit(path: str | Path) -> RespirationFit:
    """Read a fit that ``save_fit`` wrote.

    Raises
    ------
    DataFileError
        If the file is missing or is not one.
    """
    try:
        with xr.open_dataset(path) as opened:
            whole = opened.load()
        records = {name: json.loads(whole.attrs[name]) for name in _JSON}
        rows = _rows(whole, records)
        names = [name for name in whole.data_vars if {"chain", "draw"} <= set(whole[name].dims)]
        drawn = whole[names]
        stats = drawn[["energy", "diverging"]].assign(diverging=drawn["diverging"].astype(bool))
        posterior = tree_of(
            {"posterior": drawn.drop_vars(["energy", "diverging"]), "sample_stats": stats}
        )
        diagnosis = Diagnosis(**records["diagnosis"])
        return RespirationFit(rows, posterior, diagnosis, SamplerOptions(**records["sampler"]))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DataFileError(
            f"path: expected a posterior that save_fit wrote, got {path} ({error})"
        ) from error


def _rows(whole: xr.Dataset, records: dict[str, Any]) -> ModelRows:
    changed = {name: Prior(**row) for name, row in records["options"]["changed_priors"].items()}
    options = RespirationOptions(
        **{**records["options"], "changed_priors": changed,
           "effects": tuple(records["options"]["effects"])}
    )  # fmt: skip
    effects = tuple(DriverEffect(**row) for row in records["effects"])
    n = whole.sizes["row"]
    return ModelRows(
        options=options,
        observed=whole["observed"].values,
        temperature=whole["temperature"].values,
        warmth=whole["warmth"].values,
        conditions=whole["conditions"].values if effects else np.zeros((n, 0)),
        site=whole["site_index"].values.astype(np.intp),
        season=whole["season"].values.astype(np.intp),
        month=whole["month"].values.astype(np.intp),
        group=whole["group_index"].values.astype(np.intp),
        sites=tuple(str(name) for name in whole["site"].values),
        groups=tuple(str(name) for name in whole["group"].values),
        effects=effects,
    )
