"""Save and load a fitted refinement as plain files without pickle."""

import json
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np

from uflux_stats.baselines import ParameterTable
from uflux_stats.errors import DataFileError
from uflux_stats.refinement.dissimilarity import Domain
from uflux_stats.refinement.features import FeatureSpec
from uflux_stats.refinement.fitting import Fit, process_names
from uflux_stats.refinement.learning.registry import load_model
from uflux_stats.refinement.neural.encoding import present_columns
from uflux_stats.refinement.neural.ensemble import Networks
from uflux_stats.refinement.options import NEURAL, RefineOptions
from uflux_stats.refinement.surroundings import Surroundings

LAYOUT: Final = 5
_HEAD: Final = "refiner.json"
_NETWORKS: Final = "networks.npz"
_SURROUNDINGS: Final = "surroundings.npz"
_ROWS: Final = "training.npy"


@dataclass(frozen=True)
class Parts:
    """What a refiner is made of, see ``Refiner``."""

    options: RefineOptions
    spec: FeatureSpec
    fit: Fit
    domain: Domain | None
    sites: tuple[str, ...]


def save_parts(parts: Parts, path: Path) -> Path:
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
    partial, old = (path.with_name(f".{path.name}.{state}") for state in ("partial", "old"))
    for left in (partial, old):
        shutil.rmtree(left, ignore_errors=True)
    partial.mkdir(parents=True)
    spec, fit, domain = parts.spec, parts.fit, parts.domain
    if fit.networks is not None:
        fit.networks.save(partial / _NETWORKS)
    head = {
        "layout": LAYOUT,
        "options": asdict(parts.options),
        "features": _plain(spec),
        "sites": list(parts.sites),
        "parameters": json.loads(fit.parameters.to_json()),
        "models": {flux: model.save(partial, flux) for flux, model in fit.models.items()},
        "shares": fit.shares,
    }
    if spec.surroundings is not None:
        spec.surroundings.save(partial / _SURROUNDINGS)
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
        # an older one loses its name before it is deleted: none is seen in part
        path.rename(old)
    partial.rename(path)
    shutil.rmtree(old, ignore_errors=True)
    return path


def load_parts(path: Path) -> Parts:
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
            history=head["features"].get("history", 0),
            surroundings=_surroundings(path, head["features"]),
        )
        models = {flux: load_model(path, model) for flux, model in head["models"].items()}
        parameters = ParameterTable.from_json(json.dumps(head["parameters"]))
        options = RefineOptions.from_dict(head["options"])
        domain = _read_domain(path, head.get("domain"))
        sites = tuple(map(str, head["sites"]))
        names = (*spec.names, *process_names(options))
        networks = None
        if options.model == NEURAL or options.fused:
            networks = Networks.load(path / _NETWORKS)
            _require_width({len(networks.encoding.names)}, len(names))
        if options.model != NEURAL:
            _require_width({model.width for model in models.values()}, len(present_columns(names)))
        shares = {flux: float(share) for flux, share in head.get("shares", {}).items()}
        fit = Fit(parameters, models, networks, shares)
        return Parts(options, spec, fit, domain, sites)
    # XGBoost's own error is a ValueError
    except (KeyError, TypeError, ValueError, OSError, EOFError, BadZipFile) as error:
        raise DataFileError(
            f"path: expected a whole refiner, got a damaged one in {path} ({error}); fit it again"
        ) from error


def _plain(spec: FeatureSpec) -> dict[str, Any]:
    """Turn the predictors into plain values: of the surroundings, whether there are any."""
    known = spec.surroundings is not None
    return asdict(replace(spec, surroundings=None)) | {"surroundings": known}


def _surroundings(path: Path, head: dict[str, Any]) -> Surroundings | None:
    return Surroundings.load(path / _SURROUNDINGS) if head.get("surroundings") else None


def _read_domain(path: Path, head: dict[str, Any] | None) -> Domain | None:
    if head is None:
        return None
    centre, weight = (np.array(head[name], dtype=float) for name in ("centre", "weight"))
    rows = np.load(path / _ROWS, allow_pickle=False)
    if rows.ndim != 2 or not rows.shape[1] == len(centre) == len(weight):
        raise ValueError(f"training rows of shape {rows.shape} for {len(centre)} predictors")
    return Domain(centre, weight, rows, head["mean_distance"], head["threshold"])


def _require_width(found: set[int], width: int) -> None:
    """Raise ``ValueError`` unless all models were made for as many predictors as there are."""
    if found != {width}:
        raise ValueError(f"models for {sorted(found)} predictors, where the head names {width}")


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
