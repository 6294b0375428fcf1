"""What is told of posteriors that are refitted without groups of towers."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr

from uflux_stats.bayes import RespirationOptions, SamplerOptions
from uflux_stats.bayes.leave_out import LEVELS
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages import respiration_checks, respiration_sites
from uflux_stats.pipeline.stages.respiration_checks import driver_sets
from uflux_stats.pipeline.stages.respiration_sites import unseen_sites, unseen_sites_told

SITES = ["A", "B", "C"]


def pretended(
    towers: xr.Dataset, options: RespirationOptions, *, folds: int, sampler: SamplerOptions
) -> xr.Dataset:
    """Refit nothing: intervals hold one site of three, or all where the model has sites."""
    assert folds == 3  # no more groups than there are sites
    assert sampler.seed == 7
    assert int(towers["RECO"].notnull().sum("time").max()) <= 12
    held = np.array([True, options.level == "site", options.level == "site"])
    values = {"observed": np.ones(3), "low": np.zeros(3), "median": np.ones(3),
              "high": np.full(3, 2.0), "covered": held, "covered_expected": ~held,
              "integral": np.full(3, 0.5)}  # fmt: skip
    density = np.array([-1.0, -2.0, -3.0]) * (2.0 if options.form == "q10" else 1.0)
    found = xr.Dataset({k: ("site", v) for k, v in {**values, "elpd": density}.items()})
    return found.assign_coords(site=SITES).assign_attrs(rhat=1.05, ess_bulk=90.0, divergences=0)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    months = xr.date_range("2003-01", periods=30, freq="MS")
    reco = xr.DataArray(np.ones((3, 30)), {"site": SITES, "time": months})
    monkeypatch.setattr(respiration_sites, "leave_sites_out", pretended)
    monkeypatch.setattr(
        respiration_sites, "fitted_towers", lambda *_, **__: xr.Dataset({"RECO": reco})
    )
    fits: Any = {
        form: SimpleNamespace(rows=SimpleNamespace(options=RespirationOptions(form), sites=SITES))
        for form in ("lloyd_taylor", "q10")
    }
    settings = {"folds": 5, "level": "site", "seed": 7}
    task = Task(tmp_path, tmp_path, {}, settings)
    return dict(unseen_sites_told(unseen_sites(task, fits), task.settings))


def test_levels_stand_beside_each_other_for_the_first_form(told: dict[str, Any]) -> None:
    stem = "respiration.lloyd_taylor.leave_site_out"
    covered = {level: told[f"{stem}.{level}.coverage90"].value for level in LEVELS}
    assert covered == pytest.approx({"pooled": 1 / 3, "pft": 1 / 3, "site": 1.0})
    assert told["respiration.coverage90.leave_site_out"] == told[f"{stem}.site.coverage90"]
    assert "R-hat up to 1.050" in told[f"{stem}.pft.coverage90"].note
    assert not any(".q10.leave_site_out.p" in name for name in told)
    assert told[f"{stem}.site.width"].value == 2.0
    assert told[f"{stem}.pft.coverage90_expected"].value == pytest.approx(2 / 3)


def test_forms_are_weighed_by_what_they_say_of_unseen_sites(told: dict[str, Any]) -> None:
    better, worse = (told[f"respiration.stacking.sites.{form}"] for form in ("lloyd_taylor", "q10"))
    assert better.value > 0.95
    assert better.value + worse.value == pytest.approx(1.0)
    assert "-6 +- 1.7 to the best" in worse.note


def test_towers_without_gpp_are_not_compared_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reco = xr.DataArray(np.ones((3, 2)), dims=("site", "time"), attrs={"units": "gC m-2 d-1"})
    monkeypatch.setattr(
        respiration_checks, "fitted_towers", lambda *_, **__: xr.Dataset({"RECO": reco})
    )
    task = Task(tmp_path, tmp_path, {}, {"tower_split": False, "seed": 0})
    table, told = driver_sets(task)
    assert table.empty
    skipped = told["respiration.drivers.drivers.r2"]
    assert skipped.value is None
    assert "expected variables" in skipped.note
    assert "GPP" in skipped.note
