"""How far to believe the fluxes: skill by dissimilarity, and which stages there are."""

import numpy as np
import pytest
import xarray as xr

from uflux_stats.config import RunConfig, build_config
from uflux_stats.pipeline.plan import plan
from uflux_stats.pipeline.stages.trust import skill_by_dissimilarity
from uflux_stats.pipeline.trust_plan import calibrated_on


def test_skill_by_dissimilarity_by_hand() -> None:
    far = xr.DataArray(np.arange(10.0).reshape(2, 5), dims=("site", "time"))
    error = far * 2.0
    held_out = xr.Dataset(
        {"GPP": (("source", "site", "time"), np.stack([0.0 * far, far, error]))},
        coords={"source": ["observed", "baseline", "refined"]},
    )
    found = skill_by_dissimilarity(held_out, far, 7.0).set_index("group")
    assert found["months"].tolist() == [2, 2, 2, 2, 2, 8, 2]
    assert found.loc["fifth 1", "rmse"] == pytest.approx(np.sqrt(2.0))
    assert found.loc["inside", "bias"] == 7.0
    assert found.loc["outside", "rmse"] == pytest.approx(np.sqrt((16.0**2 + 18.0**2) / 2.0))
    held_out["GPP"][2, 1, 3:] = np.nan
    assert "outside" not in skill_by_dissimilarity(held_out, far, 7.0)["group"].tolist()


@pytest.mark.parametrize(
    ("splits", "expected"),
    [(["random"], None), (["random", "koppen", "igbp"], "koppen"), (["igbp", "tower"], "tower")],
)
def test_intervals_come_from_towers_held_out_whole(splits: list[str], expected: str | None) -> None:
    config = build_config({"validation": {"splits": splits}})
    stages = {stage.name: stage for stage in plan(config)}
    assert calibrated_on(config) == expected
    assert ("intervals" in stages) == (expected is not None)
    assert ("intervals.json" in stages["upscale"].needs) == (expected is not None)


def test_towers_alone_have_intervals_but_no_map() -> None:
    names = {stage.name for stage in plan(build_config({"input": {"towers": "towers"}}))}
    assert {"intervals", "dissimilarity"} <= names
    assert "applicability" not in names
    assert "applicability" in {stage.name for stage in plan(RunConfig())}
