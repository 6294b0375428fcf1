"""A whole run on a tiny twin Earth: what it leaves behind, and that it is reproducible."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

from uflux_stats.config import RunConfig, build_config
from uflux_stats.errors import UfluxError
from uflux_stats.grid import CONTINENTS
from uflux_stats.io.fingerprints import fingerprint
from uflux_stats.pipeline.plan import plan
from uflux_stats.pipeline.provenance import provenance
from uflux_stats.pipeline.run import run
from uflux_stats.reporting.numbers import read_numbers
from uflux_stats.reporting.reports import report
from uflux_stats.reporting.wording import quantity

TINY = {
    "twin": {"resolution": 15.0, "years": [2003, 2004], "towers": 8, "models": 2},
    "refine": {"members": 1},
    "emulate": {"trees": 10, "depth": 3, "rows": 1000},
    "validation": {"splits": ["tower"], "both_drivers": True},
    "respiration": {"draws": 60, "tune": 60, "carried": 40},
}


def tiny(out: Path, workers: int = 1) -> RunConfig:
    return build_config(TINY, {"output.out": str(out), "run.workers": workers})


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same run twice, with one worker and with two."""
    places = (tmp_path_factory.mktemp("a") / "out", tmp_path_factory.mktemp("b") / "out")
    for workers, place in enumerate(places, start=1):
        run(tiny(place, workers))
    return places


def test_the_folder_has_what_was_promised(folders: tuple[Path, Path]) -> None:
    out = folders[0]
    wanted = ("towers.nc", "validation.nc", "fluxes.zarr", "statistics.nc", "numbers.json",
              "runtime.json", "refiner", "tables/validation_groups.csv",
              "tables/meteorology.csv", "meteorology_figures/meteorology.png")  # fmt: skip
    for name in wanted:
        assert (out / name).exists()
    drawn = {found.name for found in (out / "figures").iterdir()}
    assert {"validation_scatter.png", "validation_splits.png", "map_GPP.png"} <= drawn
    numbers = json.loads((out / "numbers.json").read_text())
    assert numbers["validation.refined.tower.GPP.rmse"]["units"] == "gC m-2 d-1"
    assert numbers["validation.baseline.tower.LE.n_towers"]["value"] <= 8
    drivers = ("measured", "grid", "transfer")
    kinds = [numbers[f"validation.drivers.{kind}.GPP.r2"] for kind in drivers]
    assert len({kind["n"] for kind in kinds}) == 1
    assert len({kind["value"] for kind in kinds}) == 3
    assert numbers["meteorology.TA.bias"]["units"] == "degC"


def test_totals_add_up(folders: tuple[Path, Path]) -> None:
    numbers = json.loads((folders[0] / "numbers.json").read_text())
    whole = numbers["totals.global.GPP"]
    zones = ("southern extratropics", "tropics", "northern extratropics")
    parts = sum(numbers[f"totals.{zone}.GPP"]["value"] for zone in zones)
    assert whole["low"] <= whole["value"] <= whole["high"]
    assert parts == pytest.approx(whole["value"], rel=1e-6)
    sink = numbers["totals.global.RECO"]["value"] - whole["value"]
    assert numbers["totals.global.NEP_difference"]["value"] == pytest.approx(-sink, rel=1e-4)


def test_too_few_years_are_said_and_not_guessed(folders: tuple[Path, Path]) -> None:
    numbers = json.loads((folders[0] / "numbers.json").read_text())
    for key in ("trend.global.GPP", "iav.tropics.RECO"):
        assert numbers[key]["value"] is None
        assert numbers[key]["note"] == "skipped: fewer than 4 years"


def test_long_records_of_towers_are_looked_for(folders: tuple[Path, Path]) -> None:
    numbers = json.loads((folders[0] / "numbers.json").read_text())
    assert numbers["trend.towers.GPP"]["note"] == "skipped: no tower with 10 years"
    assert (folders[0] / "tables/tower_trends_by_type.csv").is_file()


def test_recovered_stands_beside_true(folders: tuple[Path, Path]) -> None:
    numbers = json.loads((folders[0] / "numbers.json").read_text())
    manifest = json.loads((folders[0] / "twin/TWIN.json").read_text())
    true = numbers["twin.upscale.GPP_total.truth"]["value"]
    assert true == manifest["truth"]["totals"]["GPP"]["value"]
    assert numbers["twin.upscale.GPP_total"]["value"] == pytest.approx(
        numbers["totals.global.GPP"]["value"], rel=1e-9
    )


def test_carbon_closes_and_is_told_region_by_region(folders: tuple[Path, Path]) -> None:
    numbers = json.loads((folders[0] / "numbers.json").read_text())
    for budget in ("GPP", "RECO", "NEP"):
        assert numbers[f"closure.exact.{budget}.max_relative"]["value"] <= 1e-6
        assert numbers[f"closure.exact.{budget}.open_share"]["value"] == 0
    for mode in ("none", "exact p25", "paper statistics"):
        assert numbers[f"closure.{mode}.NEP.open_share"]["value"] > 0.1
    assert abs(numbers["closure.stocks.imbalance"]["value"]) < 1e-3
    assert abs(numbers["closure.stocks.ratio.imbalance"]["value"]) > 0.01
    assert numbers["closure.chi_square"]["value"] > 0
    for region in ("global", "Africa"):
        assert numbers[f"closure.moved.{region}.Ra.size"]["value"] > 0
    names = ("NPP", "Ra", "Rh", "NEP_closed", "cVeg", "cLeaf", "cWood", "cRoot", "cLitter", "cSoil")
    for name in names:
        whole = numbers[f"totals.global.{name}"]
        assert whole["low"] <= whole["value"] <= whole["high"]
        assert f"totals.Africa.{name}" in numbers
    npp, ra, gpp = (numbers[f"totals.global.{n}"]["value"] for n in ("NPP", "Ra", "GPP_closed"))
    assert npp + ra == pytest.approx(gpp, rel=1e-6)
    assert "divergence.tropics.NEP.hybrid" in numbers


def test_allocation_leaves_tables_figures_and_truth(folders: tuple[Path, Path]) -> None:
    out = folders[0]
    numbers = json.loads((out / "numbers.json").read_text())
    for name in ("NPP", "Ra", "Rh", "cVeg", "cSoil"):
        assert numbers[f"twin.emulate.{name}_total"]["value"] > 0
        assert numbers[f"twin.emulate.{name}_total.truth"]["value"] > 0
    manifest = json.loads((out / "twin/TWIN.json").read_text())
    assert numbers["twin.emulate.NPP_total.truth"]["value"] == pytest.approx(
        manifest["truth"]["totals"]["NPP"]["value"], rel=1e-4
    )
    for name in ("dgvm_check", "budget", "divergence", "stock_balance", "stock_ways", "emulator"):
        assert (out / f"tables/{name}.csv").stat().st_size > 0
    drawn = {found.name for found in (out / "allocation_figures").iterdir()}
    assert {"sink_divergence.png", "stock_change.png", "map_cVeg.png"} <= drawn


def test_respiration_is_told_with_its_gate_and_its_spread(folders: tuple[Path, Path]) -> None:
    out = folders[0]
    numbers = json.loads((out / "numbers.json").read_text())
    stem = "respiration.conditioned_q10"
    assert numbers[f"{stem}.gate.passed"]["value"] is False
    assert numbers[f"{stem}.gate.rhat"]["note"] == "gate: at most 1.01"
    q10 = [entry for name, entry in numbers.items() if name.startswith(f"{stem}.Q10.")]
    assert all(entry["low"] < entry["value"] < entry["high"] for entry in q10)
    for kind in ("none", "shared", "independent", "spatial"):
        reco, nep = (numbers[f"{stem}.total.global.{name}.{kind}"] for name in ("RECO", "NEP"))
        assert reco["low"] < reco["value"] < reco["high"]
        assert nep["n"] == 40
        told = numbers[f"respiration.divergence.global.NEP.conditioned_q10.{kind}"]
        assert told["value"] == pytest.approx(nep["value"])
    totals = xr.load_dataset(out / "posterior_totals.nc").sel(region="globe").isel(form=0)
    produced = numbers["totals.global.GPP"]["value"]
    assert (totals.RECO + totals.NEP).mean().item() == pytest.approx(produced, rel=1e-3)
    drawn = {found.name for found in (out / "respiration_figures").iterdir()}
    assert {"sinks_explained.png", "map_Q10.png", "forest_conditioned_q10.png"} <= drawn
    classes = pd.read_csv(out / "tables/respiration_pft.csv", index_col="group")
    assert classes.loc["all", "n_sites"] == 8
    true = numbers["twin.respiration.conditioned_q10_Q10_ENF.truth"]["value"]
    manifest = json.loads((out / "twin/TWIN.json").read_text())["truth"]["respiration"]
    assert true == pytest.approx(manifest["ENF"]["Q10"])


def test_posteriors_are_judged_at_unseen_sites_and_by_their_priors(
    folders: tuple[Path, Path],
) -> None:
    out = folders[0]
    numbers = json.loads((out / "numbers.json").read_text())
    stem = "respiration.conditioned_q10"
    told = numbers["respiration.coverage90.leave_site_out"]
    assert told == numbers[f"{stem}.leave_site_out.site.coverage90"]
    assert told["n"] == 8
    assert "validation.mode full refits" in told["note"]
    sites = pd.read_csv(out / "tables/respiration_unseen_sites.csv")
    assert told["value"] == pytest.approx(sites["covered"].mean())
    assert 0.0 <= numbers[f"{stem}.loo.unreliable"]["value"] <= 1.0
    apart = numbers[f"{stem}.residual_correlation"]
    assert apart["value"] is None
    assert apart["note"] == "skipped: no two successive months of a tower were fitted"
    assert numbers[f"{stem}.prior_sensitivity.spread_rate_site"]["value"] >= 0.0
    r2 = {
        name: numbers[f"respiration.drivers.{name}.r2"] for name in ("predicted_gpp", "tower_gpp")
    }
    assert "not seen" in r2["predicted_gpp"]["note"]
    assert "same partitioning" in r2["tower_gpp"]["note"]
    assert (out / "respiration_figures/calibration_conditioned_q10.png").is_file()


def test_posteriors_are_refitted_without_sites_by_choice() -> None:
    def folds(*parts: dict[str, object]) -> object:
        given = {name: value for part in parts for name, value in part.items()}
        stages = {stage.name: stage for stage in plan(build_config(given))}
        return stages["respiration checks"].settings["folds"]

    full: dict[str, object] = {"validation": {"mode": "full"}}
    assert (folds(), folds(full)) == (0, 5)
    assert folds(full, {"respiration": {"folds": 3}}) == 3


def test_posteriors_are_left_out_or_flagged_by_choice(tmp_path: Path) -> None:
    given = {"input": {"towers": str(tmp_path), "drivers": [str(tmp_path / "drivers.nc")]}}
    stages = {stage.name: stage for stage in plan(build_config(given))}
    assert stages["posterior"].settings["gate"] == "raise"
    assert stages["posterior"].outputs[:2] == ("posterior.nc", "posterior_q10.nc")
    assert "sinks" not in stages
    chosen = given | {"respiration": {"gate": "flag", "forms": ["lloyd_taylor"]}}
    stages = {stage.name: stage for stage in plan(build_config(chosen))}
    assert stages["posterior"].settings["gate"] == "flag"
    assert stages["propagation"].needs[0] == "posterior.nc"
    names = {stage.name for stage in plan(build_config({"respiration": {"posterior": False}}))}
    assert not names & {"posterior", "propagation", "sinks", "respiration figures",
                        "respiration checks"}  # fmt: skip


def test_regions_have_their_figures_and_reports_render(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    out = shutil.copytree(folders[0], tmp_path / "out")
    numbers = json.loads((out / "numbers.json").read_text())
    counted = {key: one["value"] for key, one in numbers.items() if key.startswith("places.")}
    continents = [counted[f"places.{name}.towers"] for name in CONTINENTS.values()]
    assert sum(continents) == 8
    assert (out / "regional_figures/map_asia.png").stat().st_size > 0
    with xr.open_dataset(out / "maps.nc") as maps:
        assert {"GPP", "NEE", "cVeg"} <= set(maps.data_vars)
        assert set(maps["GPP"].dims) == {"lat", "lon"}
    done = report(out, continent="Asia", engine="embedded")
    page = done.pages[0].read_text(encoding="utf-8")
    assert quantity(read_numbers(out / "numbers.json")["totals.Asia.GPP"]) in page
    assert "the run has fewer than 4 years." in page


def test_models_without_a_grid_are_not_emulated(tmp_path: Path) -> None:
    given = {"towers": str(tmp_path), "dgvm": str(tmp_path)}
    assert "emulate" not in {stage.name for stage in plan(build_config({"input": given}))}
    grid = given | {"drivers": [str(tmp_path / "drivers.nc")]}
    stages = {stage.name: stage for stage in plan(build_config({"input": grid}))}
    assert stages["dgvm"].files["dgvm"] == (tmp_path,)
    assert stages["emulate"].settings["trees"] == 150
    assert "allocation recovery" not in stages


def test_same_configuration_same_bytes(folders: tuple[Path, Path]) -> None:
    varying = {"runtime.json", "provenance.json"}
    first, second = (
        {
            path.relative_to(out).as_posix(): fingerprint(path)
            for path in out.rglob("*")
            if path.is_file() and path.name not in varying
        }
        for out in folders
    )
    assert first == second
    tables = [json.loads((out / "provenance.json").read_text()) for out in folders]
    for table in tables:
        del table["dates"]
    assert tables[0] == tables[1]


def test_a_second_run_reuses_everything(folders: tuple[Path, Path]) -> None:
    record = run(tiny(folders[0]))
    assert all(stage.reused for stage in record.stages)
    assert (folders[0] / "provenance.json").exists()


def test_real_towers_leave_out_the_twin(tmp_path: Path) -> None:
    (tmp_path / "towers").mkdir()
    (tmp_path / "my_sites.csv").touch()
    given = {"input": {"towers": str(tmp_path / "towers")}}
    stages = plan(build_config(given))
    assert stages[0].name == "towers"
    assert stages[0].files["beside"] == (tmp_path / "my_sites.csv",)


def test_stages_read_only_what_earlier_ones_write() -> None:
    written: set[str] = set()
    for stage in plan(RunConfig()):
        assert set(stage.needs) <= written, stage.name
        written |= set(stage.outputs)


def test_provenance_knows_inputs_and_package(tmp_path: Path) -> None:
    file = tmp_path / "AMF_AA-One_FLUXNET_SUBSET_MM_2001-2001_3-5.csv"
    found = tmp_path / "my_sites.csv"
    for path in (file, found):
        path.write_text(path.name)
    config = build_config({"input": {"towers": str(file)}})
    table = provenance(config, started=datetime.now(UTC))
    assert table["data"] == "observed"
    assert table["inputs"] == {str(path): fingerprint(path) for path in (file, found)}
    assert "out" not in table["configuration"]["output"]
    assert table["libraries"]["numpy"]
    cited = {entry["key"] for entry in table["citations"]}
    assert cited == {"ameriflux", "noaa_co2", "natural_earth"}


def test_missing_input_stops_before_any_work(tmp_path: Path) -> None:
    config = build_config({"input": {"towers": "/no/such"}}, {"output.out": str(tmp_path / "out")})
    with pytest.raises(UfluxError, match="does not exist"):
        run(config)
    assert not (tmp_path / "out").exists()
