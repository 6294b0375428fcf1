"""Read the output of many vegetation models onto one grid."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr

from uflux_stats.choices import require_choice, require_names
from uflux_stats.errors import DataFileError
from uflux_stats.grid.regrid import regrid
from uflux_stats.io.dgvm.faults import Fault, faults_to_json
from uflux_stats.io.dgvm.fields import Years, try_field
from uflux_stats.io.dgvm.files import CHANGE, PERIODS, ModelFile, find_files
from uflux_stats.io.dgvm.registry import REGISTRY, model_entry
from uflux_stats.io.dgvm.steps import Fields, one_step
from uflux_stats.io.fingerprints import fingerprint
from uflux_stats.io.store import write_netcdf

RESOLUTION: Final = 0.5
"""Of the grid that models on different grids are brought to [degree]."""
READER_VERSION: Final = 2
"""Raised whenever equal files no longer give equal results, so that old caches are not used."""


@dataclass(frozen=True)
class DgvmOptions:
    """What to read of a folder of vegetation models.

    Attributes
    ----------
    scenario : str, optional
        Such as "S3"; needed where the folder holds several.
    years : tuple of int, optional
        First and last year to keep of files with a time axis; full runs since 1700 are large.
    models : tuple of str, optional
        Only these, by the names in the files.
    cache : Path, optional
        Folder where the result is kept for the next time; it is recognised by the names, sizes and
        dates of the files and by these options.

    Raises
    ------
    ConfigError
        If ``models`` is one string.
    """

    scenario: str | None = None
    years: Years | None = None
    models: tuple[str, ...] | None = None
    cache: Path | None = None

    def __post_init__(self) -> None:
        """Refuse one name where several are meant."""
        require_names(self.models, name="models")


_DEFAULTS: Final = DgvmOptions()


def read_dgvm(
    path: str | Path,
    *,
    like: xr.Dataset | xr.DataArray | None = None,
    options: DgvmOptions = _DEFAULTS,
) -> xr.Dataset:
    """Read the output of vegetation models, in the names, units and layout of the package.

    Files are named ``MODEL_SCENARIO_VARIABLE.nc`` (TRENDY), ``VARIABLE_Lmon_MODEL_...nc`` (CMIP),
    or ``MODEL_VARIABLE_INIT_MEAN.nc``, ``_FINAL_MEAN.nc`` and ``_CHANGE.nc`` (means over the first
    and last ten years). Any usual grid, order and unit is taken. What is wrong with one file leaves
    that file out, not the others, and is listed by ``fault_table``.

    Parameters
    ----------
    path : str or Path
        Folder with the files, also in folders below it.
    like : xr.Dataset or xr.DataArray, optional
        Grid (``lat``, ``lon``) of the result; by default the models' own if they share one, else
        one of 0.5 degree. Regridding is conservative.
    options : DgvmOptions

    Returns
    -------
    xr.Dataset, (model, time or year or period, lat, lon)
        GPP NPP Ra Rh NBP [gC m-2 d-1], monthly along ``time`` or yearly along ``year``;
        cVeg cLeaf cWood cRoot cLitter cSoil [gC m-2] along ``year``, or ``time`` if monthly. Means
        over ten years are along ``period`` (INIT, FINAL), with ``cVeg_change`` and so on
        (model, lat, lon) [gC m-2 yr-1]. Missing where a model has no data or lacks the variable.

    Raises
    ------
    DataFileError
        If there is no usable file, a wanted model is not there, or there are several scenarios and
        none is chosen.
    """
    files = find_files(path, scenario=options.scenario)
    if options.models is not None:
        files = _of_models(files, options.models)
    kept = _cache_path(files, like, options)
    if kept is not None and kept.is_file():
        with xr.open_dataset(kept, decode_timedelta=False) as stored:
            return stored.load()
    dgvms = _read_all(files, like, options)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_netcdf(dgvms, kept, title="Vegetation models on one grid")
    return dgvms


def _of_models(files: list[ModelFile], wanted: tuple[str, ...]) -> list[ModelFile]:
    there = {file.model for file in files}
    for name in wanted:
        require_choice(name, sorted(there), name="models", error=DataFileError)
    return [file for file in files if file.model in wanted]


def _cache_path(
    files: list[ModelFile], like: xr.Dataset | xr.DataArray | None, options: DgvmOptions
) -> Path | None:
    if options.cache is None:
        return None
    stats = [(file.path.name, file.path.stat()) for file in files]
    seen = [[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats]
    grid = None if like is None else [like["lat"].values.tolist(), like["lon"].values.tolist()]
    wanted = {**asdict(options), "cache": None}
    name = fingerprint([READER_VERSION, seen, grid, wanted])[:20]
    return Path(options.cache) / f"dgvm-{name}.nc"


def _read_all(
    files: list[ModelFile], like: xr.Dataset | xr.DataArray | None, options: DgvmOptions
) -> xr.Dataset:
    faults: list[Fault] = []
    target = like if like is not None else _common_grid(files, options)
    models: dict[str, tuple[Fields, str]] = {}
    for model, of_model in groupby(files, key=lambda file: file.model):
        fields, grid = _read_model([*of_model], target, options, faults)
        if not fields:
            faults.append(Fault(model, "all", "", "no usable file; model left out"))
        elif (twin := _twin_of(fields, models)) is not None:
            kept, left = sorted((twin, model), key=_strangeness)
            faults.append(Fault(left, "all", "", f"same values as {kept}; model left out"))
            if kept == model:
                del models[twin]
                models[model] = (fields, grid)
        else:
            models[model] = (fields, grid)
    if not models:
        raise DataFileError(
            f"path: expected at least one usable model, got none of {len(files)} files; first "
            f"fault: {faults[0].what}"
        )
    data = _together(one_step({name: fields for name, (fields, _) in models.items()}), target)
    native = [grid for _, grid in models.values()]
    return data.assign_coords(native_grid=("model", native)).assign_attrs(
        faults=faults_to_json(faults), scenario=files[0].scenario
    )


def _common_grid(files: list[ModelFile], options: DgvmOptions) -> xr.Dataset:
    """Find the grid of all models if it is one, else the default one; judged on a file of each."""
    grids = []
    for _, of_model in groupby(files, key=lambda file: file.model):
        fields = (try_field(file, options.years)[0] for file in of_model)
        first = next((field for field in fields if field is not None), None)
        if first is not None:
            grids.append(_grid_of(first))
    if grids and all(grid.equals(grids[0]) for grid in grids):
        return grids[0]
    half = RESOLUTION / 2
    return xr.Dataset(
        coords={
            "lat": np.arange(-90 + half, 90, RESOLUTION),
            "lon": np.arange(-180 + half, 180, RESOLUTION),
        }
    )


def _grid_of(field: xr.DataArray) -> xr.Dataset:
    axes = {name: field[name].values for name in ("lat", "lon")}
    return xr.Dataset(coords=axes)


def _read_model(
    files: list[ModelFile],
    target: xr.Dataset | xr.DataArray,
    options: DgvmOptions,
    faults: list[Fault],
) -> tuple[Fields, str]:
    """Read all variables of one model onto the target grid."""
    fields: dict[str, list[xr.DataArray]] = {}
    grid = ""
    first = min(file.run for file in files)
    for file in files:
        if file.run != first:
            what = f"left out: realisation {file.realisation}, the first one is taken"
            faults.append(Fault(file.model, file.variable, file.period, what))
            continue
        field, found = try_field(file, options.years)
        faults.extend(found)
        if field is None:
            continue
        grid = f"{field.sizes['lat']} x {field.sizes['lon']}"
        moved = _onto(field, target)
        if file.period in PERIODS:
            moved = moved.expand_dims(period=[file.period])
        name = f"{file.variable}_change" if file.period == CHANGE else file.variable
        parts = fields.setdefault(name, [])
        new, repeated = _new_steps(moved, parts)
        if repeated:
            what = f"left out: steps of {file.path.name} that another file has as well"
            faults.append(Fault(file.model, file.variable, file.period, what, repeated))
        if new is not None:
            parts.append(new)
    return {name: _joined(parts) for name, parts in fields.items()}, grid


def _onto(field: xr.DataArray, target: xr.Dataset | xr.DataArray) -> xr.DataArray:
    same = all(np.array_equal(field[axis].values, target[axis].values) for axis in ("lat", "lon"))
    return field if same else regrid(field, target).astype(np.float32)


def _new_steps(field: xr.DataArray, parts: list[xr.DataArray]) -> tuple[xr.DataArray | None, int]:
    """Keep the steps that no part has yet; also count the others."""
    if not parts:
        return field, 0
    along = str(field.dims[0])
    if field.ndim == 2 or along not in parts[0].dims:
        return None, 1 if field.ndim == 2 else field.sizes[along]
    there = np.concatenate([part[along].values for part in parts])
    new = ~np.isin(field[along].values, there)
    return (field.isel({along: new}) if new.any() else None), int((~new).sum())


def _joined(parts: list[xr.DataArray]) -> xr.DataArray:
    """Join parts of a variable along its leading dimension."""
    if len(parts) == 1:
        return parts[0]
    along = str(parts[0].dims[0])
    whole = xr.concat(parts, along, coords="minimal", compat="override", join="override")
    return whole.sortby(along) if along != "period" else whole


def _twin_of(fields: Fields, models: dict[str, tuple[Fields, str]]) -> str | None:
    """Name of a model with exactly the same first variables, as a copy under another name has."""
    names = sorted(fields)[:2]
    for other, (theirs, _) in models.items():
        if all(name in theirs and fields[name].equals(theirs[name]) for name in names):
            return other
    return None


def _strangeness(model: str) -> int:
    """0 for a name of the registry, 1 for an alias, 2 for another name."""
    if model in REGISTRY:
        return 0
    return 2 if model_entry(model) is None else 1


def _together(models: dict[str, Fields], target: xr.Dataset | xr.DataArray) -> xr.Dataset:
    """Put the models side by side, missing where one lacks a variable or a step."""
    variables = dict(_layouts(models.values()))
    lat, lon = target["lat"].values, target["lon"].values
    data = {}
    for name, (dim, steps, attrs) in variables.items():
        shape = (len(models), *([len(steps)] if dim else []), len(lat), len(lon))
        whole = np.full(shape, np.nan, np.float32)
        for row, fields in zip(whole, models.values(), strict=True):
            if name in fields:
                place = np.searchsorted(steps, fields[name][dim].values) if dim else ...
                row[place] = fields[name].values
        dims = ("model", *([dim] if dim else []), "lat", "lon")
        coords = {dim: steps} if dim else {}
        data[name] = xr.DataArray(
            whole, {"model": [*models], **coords, "lat": lat, "lon": lon}, dims, attrs=attrs
        )
    merged = xr.Dataset(data)
    return merged.sel(period=list(PERIODS)) if "period" in merged.dims else merged


def _layouts(
    models: Iterable[Fields],
) -> Iterator[tuple[str, tuple[str, np.ndarray, dict[str, str]]]]:
    """Leading dimension, its union of steps and the attributes of every variable."""
    found: dict[str, list[xr.DataArray]] = {}
    for fields in models:
        for name, field in fields.items():
            found.setdefault(name, []).append(field)
    for name, fields_of in sorted(found.items()):
        dim = str(fields_of[0].dims[0]) if fields_of[0].ndim == 3 else ""
        steps = [field[dim].values for field in fields_of] if dim else []
        union = np.unique(np.concatenate(steps)) if dim else np.array([])
        attrs = {str(key): str(value) for key, value in fields_of[0].attrs.items()}
        yield name, (dim, union, attrs)
