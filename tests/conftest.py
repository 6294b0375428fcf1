"""Shared fixtures: where the real data are, and small cubes."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# a loaded machine is no failure
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data, or a skip that names what is missing."""
    named = os.environ.get("UFLUX_DATA")
    if not named:
        pytest.skip("real data missing: set UFLUX_DATA to the folder that holds them")
    folder = Path(named)
    if not folder.is_dir():
        pytest.skip(f"real data missing: UFLUX_DATA names {folder}, which is not a folder")
    return folder
