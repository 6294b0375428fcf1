"""Attribution in a run: the true effects of a twin Earth, cubes of a run, and the figures."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from uflux_stats.attribution.network import fit_network
from uflux_stats.attribution.samples import Group
from uflux_stats.attribution.store import attribution_dataset
from uflux_stats.config import build_config
from uflux_stats.io.drivers import read_drivers
from uflux_stats.io.zarr_store import open_store
from uflux_stats.pipeline.plan import plan
from uflux_stats.pipeline.stage import Stage, perform
from uflux_stats.pipeline.stages.causes import (
    TARGETS,
    effects_of_globe,
    known_effects,
    mean_fluxes,
    on_grid,
)
from uflux_stats.reporting.numbers import Numbers

SMALL = {
    "twin": {"resolution": 15.0, "years": [2003, 2010], "towers": 12, "models": 1},
    "refine": {"members": 2},
    "attribution": {"replicates": 20},
}
WANTED = ("twin", "towers", "refine", "upscale", "attribution", "known effects",
          "attribution figures")  # fmt: skip


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Numbers]]:
    """The stages of a small run that attribution needs, and their numbers."""
    out = tmp_path_factory.mktemp("causes") / "out"
    stages = {stage.name: stage for stage in plan(build_config(SMALL, {"output.out": str(out)}))}
    return out, {name: perform(stages[name], out, "mark") for name in WANTED}


@pytest.fixture(scope="module")
def cubes(done: tuple[Path, dict[str, Numbers]]) -> xr.Dataset:
    fluxes = open_store(done[0] / "fluxes.zarr")
    return on_grid(read_drivers(done[0] / "twin/drivers.nc"), mean_fluxes(fluxes), fluxes)


def test_effects_in_the_true_fluxes_have_the_sign_and_order_of_the_truth(
    done: tuple[Path, dict[str, Numbers]],
) -> None:
    numbers = done[1]["known effects"]
    for name in ("GPP_TA", "GPP_VPD", "GPP_SWIN", "GPP_CO2", "RECO_TA", "RECO_CO2",
                 "GPP_trend_warming", "RECO_trend_warming",
                 "GPP_trend_carbon_dioxide"):  # fmt: skip
        found = numbers[f"twin.attribution.{name}.on_true_fluxes"]
        true = numbers[f"twin.attribution.{name}.truth"]
        assert 1 / 3 < found.value / true.value < 3, name
        assert found.low < found.value < found.high
        assert found.units == true.units


def test_every_effect_stands_beside_its_truth(done: tuple[Path, dict[str, Numbers]]) -> None:
    numbers = done[1]["known effects"]
    for target in TARGETS:
        for name in ("TA", "VPD", "SWIN", "CO2", "P", "trend_warming", "trend_carbon_dioxide"):
            key = f"twin.attribution.{target}_{name}"
            assert numbers[key].n > 1000
            assert "monthly anomalies" in numbers[key].note
            assert np.isfinite(numbers[f"{key}.truth"].value)
    assert "twin.attribution.GPP_FAPAR.truth" not in numbers


def test_the_effect_of_the_globe_is_area_times_slope(cubes: xr.Dataset) -> None:
    land = cubes["GPP"].notnull().any("time") & (cubes["land_area"] > 0)
    weather = cubes.assign(
        GPP=(0.1 * cubes["VPD"] + 0.05 * cubes["SWIN"]).where(land),
        RECO=(0.2 * cubes["TA"]).where(land),
    )
    for name in TARGETS:
        weather[name].attrs = cubes[name].attrs
    found = effects_of_globe(weather, {"VPD": {"step": 2.0}, "TA": {"step": 1.0}})
    per_unit = float(cubes["land_area"].where(land).sum()) * 365.25 * 1e-15
    assert found["GPP_VPD"].value == pytest.approx(0.2 * per_unit, rel=0.3)
    assert found["RECO_TA"].value == pytest.approx(0.2 * per_unit, rel=0.1)
    assert abs(found["RECO_VPD"].value) < 0.02 * per_unit


def test_networks_of_the_cubes_of_a_run_by_continent(cubes: xr.Dataset) -> None:
    networks = fit_network(cubes, by="continent")
    assert {Group(), Group("Africa"), Group("Asia")} <= set(networks)
    whole = networks.select()
    assert whole.sample.pixels
    assert whole.sample.weight is not None
    assert sum(one.sample.n for group, one in networks.items() if group != Group()) <= (
        whole.sample.n
    )
    ranks = whole.rank_correlation
    assert abs(ranks.sel(node="GPP", other="RECO").item()) <= 1.0
    found = attribution_dataset(cubes, transforms=("anomaly",), replicates=20)
    assert found["n"].sel(region="Africa", pft="all").item() == networks.select("Africa").sample.n


def test_attribution_figures_are_drawn(done: tuple[Path, dict[str, Numbers]]) -> None:
    drawn = {path.stem for path in (done[0] / "attribution_figures").iterdir()}
    assert {"graph_globe", "raw_against_anomaly", "effects_by_continent", "trend_GPP",
            "shap_swarm_GPP", "shap_bars_RECO"} <= drawn  # fmt: skip


def test_short_records_are_said_and_not_guessed(tmp_path: Path) -> None:
    config = build_config(
        SMALL | {"twin": SMALL["twin"] | {"years": [2003, 2004]}},
        {"output.out": str(tmp_path / "out")},
    )
    stages = {stage.name: stage for stage in plan(config)}
    folder = tmp_path / "out"
    perform(stages["twin"], folder, "mark")
    truth = xr.load_dataset(folder / "twin/truth.nc")
    member = truth[list(TARGETS)].expand_dims(member=1)
    area = read_drivers(folder / "twin/drivers.nc")["LANDFRAC"]
    member.assign_coords(land_area=area.reset_coords(drop=True)).to_zarr(
        folder / "fluxes.zarr", consolidated=False
    )
    known = Stage("known effects", known_effects, settings={"seed": 0})
    numbers = perform(known, folder, "mark")
    assert numbers["twin.attribution"].value is None
    assert numbers["twin.attribution"].note.startswith("skipped: data: expected")
