"""Save and load a fitted refinement as plain files: JSON and XGBoost's own format, no pickle."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import xgboost as xgb

from uflux_stats.baselines import ParameterTable
from uflux_stats.errors import DataFileError
from uflux_stats.refinement.dissimilarity import Domain
from uflux_stats.refinement.features import FeatureSpec
from uflux_stats.refinement.fitting import PROCESS_PREDICTORS, Fit
from uflux_stats.refinement.learners import Ensemble
from uflux_stats.refinement.options import RefineOptions

LAYOUT: Final = 2
_HEAD: Final = "refiner.json"
_ROWS: Final = "training.npy"


def save_parts(
    options: RefineOptions, spec: FeatureSpec, fit: Fit, domain: Domain | None, path: Path
) -> Path:
    """Write the parts of a refiner to a new folder; a half-written folder never has its name.

    Raises
    ------
    DataFileError
        If something is there already that is not a refiner.
    """
    if path.exists() and not (path / _HEAD).is_file():
        raise DataFileError(
            f"path: expected a new folder or an older refiner, got {path}; choose another place"
        )
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for flux, ensemble in fit.ensembles.items():
        for number, booster in enumerate(ensemble):
            booster.save_model(partial / f"{flux}-{number:03d}.ubj")
    head = {
        "layout": LAYOUT,
        "options": asdict(options),
        "features": asdict(spec),
        "parameters": json.loads(fit.parameters.to_json()),
        "members": {flux: len(ensemble) for flux, ensemble in fit.ensembles.items()},
    }
    if domain is not None:
        np.save(partial / _ROWS, domain.rows, allow_pickle=False)
        head["domain"] = {
            "centre": domain.centre.tolist(),
            "weight": domain.weight.tolist(),
            "mean_distance": domain.mean_distance,
            "threshold": domain.threshold,
        }
    (partial / _HEAD).write_text(json.dumps(head, indent=2) + "\n")
    if path.exists():
        shutil.rmtree(path)
    return partial.rename(path)


def load_parts(path: Path) -> tuple[RefineOptions, FeatureSpec, Fit, Domain | None]:
    """Read the parts that ``save_parts`` wrote.

    Raises
    ------
    DataFileError
        If the folder is not a whole refiner, or its layout is not known.
    """
    head = _read_head(path)
    try:
        spec = FeatureSpec(
            dynamic=tuple(head["features"]["dynamic"]),
            classes=tuple((name, tuple(codes)) for name, codes in head["features"]["classes"]),
            coordinates=head["features"]["coordinates"],
            required=tuple(head["features"]["required"]),
        )
        ensembles = {
            flux: [xgb.Booster(model_file=path / f"{flux}-{n:03d}.ubj") for n in range(members)]
            for flux, members in head["members"].items()
        }
        parameters = ParameterTable.from_json(json.dumps(head["parameters"]))
        chosen = {**head["options"], "direct": tuple(head["options"]["direct"])}
        options = RefineOptions(**chosen)
        _require_width(ensembles, spec, options)
        return options, spec, Fit(parameters, ensembles), _read_domain(path, head.get("domain"))
    except (KeyError, TypeError, OSError, ValueError) as error:  # XGBoost's is a ValueError
        raise DataFileError(
            f"path: expected a whole refiner, got a damaged one in {path} ({error}); fit it again"
        ) from error


def _read_domain(path: Path, head: dict[str, Any] | None) -> Domain | None:
    if head is None:
        return None
    centre, weight = (np.array(head[name], dtype=float) for name in ("centre", "weight"))
    rows = np.load(path / _ROWS, allow_pickle=False)
    if rows.ndim != 2 or not rows.shape[1] == len(centre) == len(weight):
        raise ValueError(f"training rows of shape {rows.shape} for {len(centre)} predictors")
    return Domain(centre, weight, rows, head["mean_distance"], head["threshold"])


def _require_width(
    ensembles: dict[str, Ensemble], spec: FeatureSpec, options: RefineOptions
) -> None:
    """Raise ``ValueError`` unless all trees were grown on as many predictors as there are."""
    width = len(spec.names) + len(PROCESS_PREDICTORS) * options.process_predictors
    found = {booster.num_features() for ensemble in ensembles.values() for booster in ensemble}
    if found != {width}:
        raise ValueError(f"trees for {sorted(found)} predictors, where the head names {width}")


def _read_head(path: Path) -> dict[str, Any]:
    """Read the head file and check its layout."""
    try:
        head = json.loads((path / _HEAD).read_text())
    except (OSError, ValueError) as error:
        raise DataFileError(
            f"path: expected a folder written by Refiner.save, got {path} ({error})"
        ) from error
    layout = head.get("layout") if isinstance(head, dict) else None
    if layout != LAYOUT:
        raise DataFileError(
            f"path: expected a refiner of layout {LAYOUT}, got {layout}; "
            "it was written by another version of the package: fit it again"
        )
    return dict(head)
