"""A run whose learner is the network, from the twin Earth to cubes and attribution."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from uflux_stats.config import build_config
from uflux_stats.io.zarr_store import open_store
from uflux_stats.pipeline.plan import plan
from uflux_stats.pipeline.runner import run_stages
from uflux_stats.refinement import Refiner
from uflux_stats.refinement.neural.options import NetworkOptions

pytest.importorskip("torch", reason="PyTorch is not installed (extra nn)")

GIVEN = {
    "twin": {"resolution": 15.0, "years": [2003, 2004], "towers": 8, "models": 2},
    "refine": {"model": "neural", "members": 2},
    "validation": {"splits": ["tower"], "both_drivers": False},
}
WANTED = ("twin", "towers", "refine", "drivers", "validate", "intervals", "consistency", "upscale",
          "statistics", "attribution checks")  # fmt: skip


def test_the_network_is_a_learner_of_a_run(tmp_path: Path) -> None:
    stages = plan(build_config(GIVEN))
    assert "explanation" not in {stage.name for stage in stages}
    chosen = [stage for stage in stages if stage.name in WANTED]
    run_stages(chosen, tmp_path, workers=1)
    refiner = Refiner.load(tmp_path / "refiner")
    assert refiner.options.network == NetworkOptions()
    fluxes = open_store(tmp_path / "fluxes.zarr")
    assert float(fluxes["GPP"].min()) >= 0.0
    assert fluxes.sizes["member"] == 2
    held_out = xr.load_dataset(tmp_path / "validation.nc").sel(split="tower")
    assert np.isfinite(held_out["GPP"].sel(source="refined")).any()
    assert (tmp_path / "tables/attribution_agreement.csv").is_file()


def test_all_that_a_stage_reads_is_written_before() -> None:
    written: set[str] = set()
    for stage in plan(build_config(GIVEN)):
        assert set(stage.needs) <= written, stage.name
        written |= set(stage.outputs)
