"""Attribution in a run: the true effects of a twin Earth, cubes of a run, and the figures."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.attribution.network import fit_network
from uflux_stats.attribution.query import CUBES, query
from uflux_stats.attribution.samples import Group
from uflux_stats.attribution.store import attribution_dataset
from uflux_stats.config import build_config
from uflux_stats.errors import UfluxError
from uflux_stats.io.drivers import read_drivers
from uflux_stats.io.zarr_store import open_store
from uflux_stats.pipeline.plan import plan
from uflux_stats.pipeline.stage import Stage, perform
from uflux_stats.pipeline.stages.cube_causes import TARGETS, cube_attribution, mean_fluxes, on_grid
from uflux_stats.pipeline.stages.known_effects import known_effects
from uflux_stats.reporting.numbers import Numbers

SMALL = {
    "twin": {"resolution": 10.0, "years": [2003, 2020], "towers": 12, "models": 1},
    "refine": {"members": 2},
    "attribution": {"replicates": 20},
}
WANTED = ("twin", "towers", "refine", "validate", "intervals", "consistency", "upscale",
          "attribution", "cube attribution", "known effects", "explanation",
          "attribution checks", "attribution figures")  # fmt: skip


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


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("driver", ["TA", "VPD", "SWIN", "CO2", "FAPAR", "P"])
def test_lasting_effects_in_the_true_fluxes_are_the_true_ones(
    done: tuple[Path, dict[str, Numbers]], target: str, driver: str
) -> None:
    numbers = done[1]["known effects"]
    found = numbers[f"twin.attribution.{target}_{driver}.on_true_fluxes"]
    true = numbers[f"twin.attribution.{target}_{driver}.truth"]
    assert found.value == pytest.approx(true.value, rel=0.4)
    assert found.low < found.value < found.high
    assert found.units == true.units
    assert found.n > 1000


def test_what_if_is_near_what_the_twin_does_then(done: tuple[Path, dict[str, Numbers]]) -> None:
    numbers = done[1]["known effects"]
    found = numbers["twin.attribution.what_if_TA.globe.RECO.on_true_fluxes"]
    true = numbers["twin.attribution.what_if_TA.globe.RECO.truth"]
    assert found.value == pytest.approx(true.value, rel=0.4)
    regions = {name.split(".")[3] for name in numbers if ".what_if_P." in name}
    assert {"globe", "Africa", "Asia", "North America"} <= regions


def test_every_effect_stands_beside_its_truth(done: tuple[Path, dict[str, Numbers]]) -> None:
    numbers = done[1]["known effects"]
    counted = numbers["twin.attribution.intervals_with_truth.on_true_fluxes"]
    of_cubes = numbers["twin.attribution.intervals_with_truth"]
    truths = [name for name in numbers if name.endswith(".truth")]
    assert counted.n == len(truths)
    assert counted.n / 2 < counted.value <= counted.n
    assert of_cubes.n == counted.n
    assert of_cubes.value < counted.value, "a cube knows what its model has learned"


def test_cubes_are_asked_like_towers(done: tuple[Path, dict[str, Numbers]]) -> None:
    answers = query(done[0], source="cubes", target="GPP", quantity="iav_share")
    assert answers["estimate"].sum() == pytest.approx(1.0)
    assert "remainder" in set(answers["driver"])
    assert (answers["n"] > 60).all()
    assert answers["flag"].str.contains("what its model has learned").all()
    assert (
        "what its model has learned"
        in done[1]["cube attribution"]["attribution_cubes.globe.GPP.TA.total"].note
    )
    nowhere = query(done[0], source="cubes", pft="URB")
    assert (nowhere["flag"] == "").all()
    co2 = query(done[0], source="cubes", target="GPP", driver="CO2", quantity="trend_share")
    assert (co2["low"] < co2["high"]).all()
    with pytest.raises(UfluxError, match="nearest: cubes"):
        query(done[0], source="cube")


def test_one_climatological_year_is_not_attributed(
    done: tuple[Path, dict[str, Numbers]], tmp_path: Path
) -> None:
    year = open_store(done[0] / "fluxes.zarr").isel(time=slice(0, 12))
    year.drop_encoding().to_zarr(tmp_path / "fluxes.zarr", consolidated=False)
    stage = Stage("cubes", cube_attribution, outputs=(CUBES,), settings={})
    told = perform(stage, tmp_path, "mark")["attribution_cubes"]
    assert told.value is None
    assert "expected at least 5 years, got 1" in told.note
    with pytest.raises(UfluxError, match="one climatological year"):
        query(tmp_path, source="cubes")


def test_methods_are_put_side_by_side(done: tuple[Path, dict[str, Numbers]]) -> None:
    table = pd.read_csv(done[0] / "tables/attribution_agreement.csv")
    assert {"total", "backdoor", "random_cause", "placebo", "lowest", "highest", "shap",
            "partial_r2", "robustness_value", "same_sign"} <= set(table)  # fmt: skip
    warm = table[(table.region == "globe") & (table.target == "RECO") & (table.driver == "TA")]
    assert warm[["total", "backdoor", "random_cause"]].gt(0).all(axis=None)
    assert table["placebo"].abs().median() < table["total"].abs().median()
    assert (table["n"] > 0).all()
    copulas = pd.read_csv(done[0] / "tables/attribution_copulas.csv")
    assert set(copulas["best"]) <= {"normal", "clayton", "frank", "gumbel"}
    claims = pd.read_csv(done[0] / "tables/attribution_independence.csv")
    assert claims["partial"].abs().max() <= 1.0


def test_shap_of_the_refinement_is_tabled_by_group(done: tuple[Path, dict[str, Numbers]]) -> None:
    table = pd.read_csv(done[0] / "tables/shap_importance.csv")
    assert set(table["by"]) == {"all", "continent", "pft", "season"}
    shares = table.groupby(["explained", "by", "group"])["share"].sum()
    np.testing.assert_allclose(shares, 1.0, rtol=1e-4)
    pairs = pd.read_csv(done[0] / "tables/shap_interactions.csv")
    assert (pairs["interaction"] >= 0).all()
    drawn = {path.stem for path in (done[0] / "shap_figures").iterdir()}
    assert {"swarm_GPP", "bars_season_RECO", "bars_continent_NEE"} <= drawn


def test_a_reader_learns_that_trees_alone_are_explained(
    done: tuple[Path, dict[str, Numbers]],
) -> None:
    notes = {one.note for name, one in done[1]["explanation"].items() if name.startswith("shap.")}
    assert notes
    assert all("of the trees alone" in note and "(kernel)" in note for note in notes)


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
    found = attribution_dataset(cubes, transforms=("anomaly",), pool="mean", replicates=20)
    assert found["n"].sel(region="Africa", pft="all").item() <= cubes.sizes["time"]
    assert found["n_places"].sel(region="Africa", pft="all").item() > 1


def test_attribution_figures_are_drawn(done: tuple[Path, dict[str, Numbers]]) -> None:
    drawn = {path.stem for path in (done[0] / "attribution_figures").iterdir()}
    assert {"graph_globe", "raw_against_anomaly", "effects_by_continent", "trend_GPP"} <= drawn


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
    known = Stage("known effects", known_effects, settings={})
    numbers = perform(known, folder, "mark")
    assert numbers["twin.attribution"].value is None
    assert numbers["twin.attribution"].note.startswith("skipped: data: expected")
