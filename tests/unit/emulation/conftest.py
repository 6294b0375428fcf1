"""One quick twin Earth with its models, and an emulator fitted to it."""

from dataclasses import replace

import pytest
import xarray as xr

from uflux_stats.emulation import EmulateOptions, train_emulator
from uflux_stats.emulation.options import LEARNER
from uflux_stats.io.dgvm import read_dgvm
from uflux_stats.io.drivers import read_drivers
from uflux_stats.io.twin import TwinOptions, make_twin

QUICK = EmulateOptions(learner=replace(LEARNER, trees=20, depth=5), rows=3000)


@pytest.fixture(scope="session")
def twin(tmp_path_factory):
    place = tmp_path_factory.mktemp("emulation") / "twin"
    options = TwinOptions(resolution=10, years=(2003, 2006), n_towers=6, n_dgvms=6)
    return make_twin(place, options)


@pytest.fixture(scope="session")
def drivers(twin):
    return read_drivers(twin.drivers)


@pytest.fixture(scope="session")
def dgvms(twin):
    return read_dgvm(twin.dgvm)


@pytest.fixture(scope="session")
def fluxes(twin):
    with xr.open_dataset(twin.truth) as truth:
        return truth[["GPP", "RECO", "NEE"]].load()


@pytest.fixture(scope="session")
def emulator(dgvms, drivers):
    return train_emulator(dgvms, drivers, options=QUICK)
