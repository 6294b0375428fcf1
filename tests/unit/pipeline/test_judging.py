"""The allocation is judged in a run: held-out emulation, and observations that were named."""

import json
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.config import build_config, check
from uflux_stats.emulation.skill_maps import OVER
from uflux_stats.errors import ConfigError
from uflux_stats.io.catalog import data_source
from uflux_stats.pipeline.plan import plan
from uflux_stats.pipeline.provenance import input_paths, sources
from uflux_stats.pipeline.runner import RunRecord, run_stages
from uflux_stats.pipeline.stages.emulator_skill import SPLIT, _placed
from uflux_stats.pipeline.summary import summary
from uflux_stats.reporting.numbers import number

TINY = {
    "twin": {"resolution": 15.0, "years": [2003, 2004], "towers": 8, "models": 3},
    "refine": {"members": 1},
    "emulate": {"trees": 10, "depth": 3, "rows": 1000},
}
NEEDED = ("twin", "towers", "refine", "validate", "intervals", "consistency", "upscale",
          "dgvm", "emulate", "emulator validation", "emulator figures", "benchmarks")  # fmt: skip


def write_srdb(folder):
    rng = np.random.default_rng(0)
    lat, lon = rng.uniform(-50, 60, 60), rng.uniform(-180, 180, 60)
    rows = {"Latitude": lat, "Longitude": lon, "Rs_annual": 900.0 + lat, "Rh_annual": 450.0 + lat,
            "Year": 2003, "Study_number": np.arange(60)}  # fmt: skip
    pd.DataFrame(rows).to_csv(folder / "srdb.csv", index=False)
    return folder / "srdb.csv"


def write_map(path, name, low, high, step=5.0):
    lat, lon = np.arange(90 - step / 2, -90, -step), np.arange(-180 + step / 2, 180, step)
    values = np.linspace(low, high, lat.size * lon.size).reshape(lat.size, lon.size)
    xr.Dataset({name: (("lat", "lon"), values)}, {"lat": lat, "lon": lon}).to_netcdf(path)
    return path


def write_budget(path):
    book = openpyxl.Workbook()
    book.active.title = "Terrestrial Sink"
    mean, spread = "Multi-model mean", "Model Spread (sd)"
    book.active.append(["Year", "GCB", "ONE", "TWO", None, mean, spread])
    for year in (2002, 2003, 2004):
        book.active.append([year, 2.0, 1.5, 2.5, None, 2.0, 0.7])
    book.save(path)
    return path


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    place = tmp_path_factory.mktemp("judged")
    (place / "tiles").mkdir()
    write_map(place / "tiles" / "agb.nc", "agb", 0.0, 300.0, step=2.5)
    named = {
        "srdb": str(write_srdb(place)),
        "soil_carbon": [str(write_map(place / "HWSD_soilc.nc", "soilc", 2.0, 30.0))],
        "biomass": [str(place / "tiles")],
        "land_sink": str(write_budget(place / "gcb.xlsx")),
    }
    stages = [stage for stage in plan(configured(named)) if stage.name in NEEDED]
    run_stages(stages, place / "out")
    return place / "out"


def configured(benchmarks):
    return build_config({**TINY, "benchmarks": benchmarks})


def test_skill_is_told_as_table_numbers_and_figures(out):
    table = pd.read_csv(out / "tables/emulator_skill.csv")
    assert {"random", "blocks", "blocks, by month"} == set(table["split"])
    assert {"all", "pft", "season"} == set(table["by"])
    numbers = json.loads((out / "numbers.json").read_text())
    gap = numbers["emulator.gap.cVeg.r2"]
    assert gap["value"] is None
    assert gap["note"].startswith("skipped: cells of")
    assert "emulator.seasons" not in numbers
    drawn = {found.name for found in (out / "emulator_figures").iterdir()}
    wanted = {"scatter_random", "scatter_blocks", "skill", "skill_maps", "error_maps"}
    assert {f"{name}.png" for name in wanted} == drawn


def test_each_benchmark_leaves_rows_numbers_and_a_figure(out):
    table = pd.read_csv(out / "tables/benchmarks.csv")
    assert table["against"].tolist() == [
        "SRDB", "SRDB", "HWSD", "ESA CCI", "Global Carbon Budget S_LAND",
    ]  # fmt: skip
    numbers = json.loads((out / "numbers.json").read_text())
    assert numbers["benchmark.srdb.Rh.rmse"]["units"] == "gC m-2 yr-1"
    assert 0 <= numbers["benchmark.srdb.Rs.within"]["value"] <= 1
    assert numbers["benchmark.biomass.cAGB.slope_model_on_obs"]["units"] == "1"
    assert numbers["benchmark.soil_carbon.HWSD.total_observed"]["units"] == "PgC"
    assert numbers["benchmark.land_sink.S_LAND.common_years"]["value"] == pytest.approx(2.0)
    sink = pd.read_csv(out / "tables/benchmark_land_sink.csv")
    assert sink["year"].tolist() == [2003, 2004]
    drawn = {found.name for found in (out / "benchmark_figures").iterdir()}
    wanted = {"soil_respiration", "soil_carbon_HWSD", "biomass", "biomass_relative",
              "land_sink"}  # fmt: skip
    assert {f"{name}.png" for name in wanted} == drawn


def test_summary_sets_both_splits_side_by_side():
    numbers = {f"emulator.{split}.mean.cVeg.r2": number(value)
               for split, value in (("random", 0.98), ("blocks", 0.91))}  # fmt: skip
    told = summary(RunRecord(Path("out"), (), numbers))
    assert ["cVeg", "0.98", "0.91"] in [line.split() for line in told.splitlines()]
    assert "emulation" not in summary(RunRecord(Path("out"), (), {}))


def test_what_is_named_is_cited_and_recorded(tmp_path):
    tiles = [tmp_path / "a.tif", tmp_path / "b.tif"]
    named = {"biomass": [str(tile) for tile in tiles], "land_sink": str(tmp_path / "gcb.xlsx")}
    config = configured(named)
    assert {"cci_biomass", "gcb2023"} <= set(sources(config))
    assert not {"srdb", "hwsd"} & set(sources(config))
    maps = [tmp_path / name for name in ("HWSD_soilc.nc", "NCSCDV22_soilc.nc", "own.nc")]
    cited = sources(configured({"soil_carbon": [str(path) for path in maps]}))
    assert [name for name in cited if name in {"hwsd", "ncscd"}] == ["hwsd", "ncscd"]
    assert {data_source(name).doi for name in cited} >= {"10.5194/essd-5-393-2013"}
    assert {*tiles, tmp_path / "gcb.xlsx"} == set(input_paths(config))


def test_benchmarks_are_run_only_when_named():
    names = {stage.name for stage in plan(build_config({}))}
    assert {"emulator validation", "emulator figures"} <= names
    assert "benchmarks" not in names


def test_benchmarks_that_cannot_be_used_are_refused(tmp_path):
    missing = build_config({"benchmarks": {"srdb": str(tmp_path / "none.csv")}})
    with pytest.raises(ConfigError, match=r"benchmarks.srdb: expected data"):
        check(missing)
    towers = {"towers": str(write_srdb(tmp_path).parent)}
    alone = build_config({"input": towers, "benchmarks": {"srdb": str(tmp_path / "srdb.csv")}})
    with pytest.raises(ConfigError, match="benchmarks: expected drivers and dgvm"):
        check(alone)


def test_places_with_few_pairs_are_not_drawn_and_the_split_is_told():
    axes = {"metric": ["r2", "nrmse"], "lat": np.arange(-60.0, 90, 30), "lon": [-90.0, 0.0, 90.0]}
    places = xr.Dataset({"NPP": (tuple(axes), np.full((2, 5, 3), 0.5))}, axes)
    places = places.assign_attrs({OVER: "cells", SPLIT: "random"})
    ((name, figure),) = _placed(places, {"random": "cells held out"})
    assert name == "skill_maps"
    assert figure.get_suptitle().endswith("cells held out")
    assert not list(_placed(places.where(False), {}))
