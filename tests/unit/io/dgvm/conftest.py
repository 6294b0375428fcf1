"""Small file sets of vegetation models."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from uflux_stats.io.twin import TwinOptions, make_twin

FLUX, POOL = "kg m-2 s-1", "kg m-2"
PER_SECOND = 1e-3 / 86400


@pytest.fixture(scope="session")
def twin(tmp_path_factory):
    place = tmp_path_factory.mktemp("twin") / "twin"
    return make_twin(place, TwinOptions(resolution=15, years=(2003, 2005), n_towers=6))


def globe(step=30.0):
    lat = np.arange(-90 + step / 2, 90, step)
    return {"lat": lat, "lon": np.arange(-180 + step / 2, 180, step)}


def write_field(folder: Path, name: str, value, *, axes=None, units=None, variable=None):
    """Write one two-dimensional file."""
    axes = axes or globe()
    shape = tuple(len(axis) for axis in axes.values())
    short = variable or name.split("_")[1]
    data = np.broadcast_to(np.asarray(value, dtype=np.float32), shape).copy()
    attrs = {} if units is None else {"units": units}
    path = folder / f"{name}.nc"
    xr.Dataset({short: (tuple(axes), data, attrs)}, axes).to_netcdf(path)
    return path


@pytest.fixture
def folder(tmp_path):
    """Two models with ten-year means of all that is needed."""
    for model, factor in (("ALPHA", 1.0), ("BETA", 1.2)):
        for period in ("INIT", "FINAL"):
            write_field(tmp_path, f"{model}_gpp_{period}_MEAN", factor * 3 * PER_SECOND)
            write_field(tmp_path, f"{model}_npp_{period}_MEAN", factor * 1.5 * PER_SECOND)
            write_field(tmp_path, f"{model}_cVeg_{period}_MEAN", factor * 6.0)
            write_field(tmp_path, f"{model}_cSoil_{period}_MEAN", factor * 10.0)
    return tmp_path
