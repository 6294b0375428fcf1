"""Make a whole twin Earth in a folder."""

import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from uflux_stats.errors import DataFileError
from uflux_stats.io.twin.dgvms import make_models, run_model
from uflux_stats.io.twin.layouts import LAYOUTS, write_model
from uflux_stats.io.twin.options import TwinOptions, TwinPaths
from uflux_stats.io.twin.planet import Axes, make_planet
from uflux_stats.io.twin.stocks import true_stocks
from uflux_stats.io.twin.summary import key_truths
from uflux_stats.io.twin.towers import build_network
from uflux_stats.io.twin.truth import Properties, settle, true_fluxes
from uflux_stats.io.twin.weather import make_weather
from uflux_stats.io.twin.write import (
    save,
    tower_truth,
    write_drivers,
    write_manifest,
    write_towers,
)


def make_twin(folder: str | Path, options: TwinOptions | None = None) -> TwinPaths:
    """Generate a small planet and write it in the layouts of real data.

    Everything follows from ``options``: equal options give equal bytes. The folder appears when
    it is whole; an older twin Earth in its place is replaced.

    Parameters
    ----------
    folder : str or Path
        Where to write; new, empty, or holding an older twin Earth.
    options : TwinOptions, optional
        Seed, resolution, years, number of towers and models.

    Returns
    -------
    TwinPaths
        Where the files are.

    Raises
    ------
    DataFileError
        If the folder holds something else.

    Examples
    --------
    >>> options = TwinOptions(resolution=15.0, years=(2003, 2004), n_towers=6, n_dgvms=1)
    >>> with tempfile.TemporaryDirectory() as place:
    ...     paths = make_twin(Path(place) / "twin", options)
    ...     print(paths.manifest.read_text().splitlines()[2])
     "generated": true,
    """
    options = options or TwinOptions()
    folder = Path(folder)
    _require_replaceable(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".twin-") as work:
        _fill(TwinPaths(Path(work) / "twin"), options)
        if folder.exists():
            shutil.rmtree(folder)
        (Path(work) / "twin").rename(folder)
    return TwinPaths(folder)


def _require_replaceable(folder: Path) -> None:
    paths = TwinPaths(folder)
    if folder.exists() and not (
        folder.is_dir() and (paths.manifest.is_file() or not any(folder.iterdir()))
    ):
        raise DataFileError(
            f"folder: expected a new or empty folder or an older twin Earth, got {folder}, which "
            "holds something else; name another folder"
        )


def _fill(paths: TwinPaths, options: TwinOptions) -> None:
    for place in (paths.folder, paths.towers, paths.dgvm):
        place.mkdir()
    axes, planet = make_planet(options)
    weather = make_weather(planet, options)
    properties = settle(planet, weather, options)
    fluxes = true_fluxes(weather, properties)
    network = build_network(planet, weather, properties, options)
    write_drivers(planet, weather, axes, paths.drivers)
    write_towers(network, paths, options)
    models = _write_models(planet, weather, fluxes["GPP"], axes, (paths, options))
    stocks = true_stocks(planet, weather, fluxes)
    grid = _truth_on_grid(planet, fluxes, stocks, properties).drop_vars(["lat", "lon"])
    save(xr.merge([axes.spread(grid), tower_truth(network), models]), paths.truth, "Truth")
    write_manifest(options, key_truths(planet, fluxes, properties, options), paths.manifest)


def _write_models(
    planet: xr.Dataset,
    weather: xr.Dataset,
    gpp: xr.DataArray,
    axes: Axes,
    place: tuple[TwinPaths, TwinOptions],
) -> xr.Dataset:
    """Run and write all models; return their known parameters (model,)."""
    paths, options = place
    models = make_models(options)
    for number, model in enumerate(models):
        output = run_model(model, planet, weather, gpp, options)
        write_model(model.name, output, axes, LAYOUTS[number % len(LAYOUTS)], paths.dgvm)
    known: list[dict[str, Any]] = [asdict(model) for model in models]
    parameters = [name for name in known[0] if name != "name"]
    columns = {name: np.array([row[name] for row in known]) for name in parameters}
    return xr.Dataset(
        {f"dgvm_{name}": ("model", columns[name], {"units": _unit(name)}) for name in parameters},
        coords={"model": [model.name for model in models]},
    )


def _unit(parameter: str) -> str:
    return {"cue_slope": "K-1"}.get(parameter, "yr" if parameter.endswith("_years") else "1")


def _truth_on_grid(
    planet: xr.Dataset, fluxes: xr.Dataset, stocks: xr.Dataset, properties: Properties
) -> xr.Dataset:
    """Put fluxes, stocks and the parameters of respiration together."""
    return xr.merge([fluxes, stocks]).assign(
        Rref=("cell", properties.rref, {"units": "gC m-2 d-1", "long_name": "true Rref"}),
        Q10=("cell", properties.q10, {"units": "1", "long_name": "true Q10"}),
        efficiency=("cell", properties.efficiency, {"units": "gC MJ-1"}),
        land_area=planet["land_area"],
    )
