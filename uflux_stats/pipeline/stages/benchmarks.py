"""Stage that holds the allocation against observations that nothing has learned from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from uflux_stats.emulation.benchmarks import (
    LEFT_OUT,
    compare_biomass,
    compare_land_sink,
    compare_soil_carbon,
    score_pairs,
    soil_respiration_pairs,
)
from uflux_stats.io.biomass import read_cci_biomass
from uflux_stats.io.gcb import read_gcb_land_sink
from uflux_stats.io.soil_carbon import read_soil_carbon
from uflux_stats.io.srdb import read_srdb
from uflux_stats.io.zarr_store import open_store
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.allocation import STOCKS, write_table
from uflux_stats.pipeline.stages.drawing import TWIN_NOTICE
from uflux_stats.reporting.benchmarks import (
    map_comparison,
    relative_maps,
    respiration_scatter,
    sink_series,
)
from uflux_stats.reporting.numbers import Number, key, number
from uflux_stats.reporting.style import save_figure

TABLE: Final = "tables/benchmarks.csv"
FIGURES: Final = "benchmark_figures"
PAIRS: Final = "tables/benchmark_respiration.csv"
SINK: Final = "tables/benchmark_land_sink.csv"
EXTRA: Final = {"srdb": PAIRS, "land_sink": SINK}
"""Tables that come with a benchmark."""
USED: Final = ("Rh", "RECO", "NEP", "cSoil", "cAGB")
METRICS: Final = ("r2", "r2_pearson", "rmse", "slope_model_on_obs", "nrmse_mean", "bias")
_OF_DATA: Final = ("rmse", "bias")
NOTES: Final = {
    "Rh": "measured Rh against emulated Rh, means of cells",
    "Rs": "measured Rs against emulated RECO, which holds all plant respiration: an upper bound",
}
_INTERVAL: Final = (0.05, 0.95)
DATED: Final = "a climatological year given that date"

Found = tuple[list[dict[str, Any]], dict[str, Figure], dict[str, Number]]
"""Rows of the table, figures and numbers of one benchmark."""


def benchmarks(task: Task) -> Mapping[str, Number]:
    """Compare what was named with the mean over members, as table, figures and numbers."""
    carbon = _mean_of_members(task)
    makers = {
        "srdb": _respiration,
        "soil_carbon": _soil_carbon,
        "biomass": _biomass,
        "land_sink": _land_sink,
    }
    rows: list[dict[str, Any]] = []
    figures: dict[str, Figure] = {}
    numbers: dict[str, Number] = {}
    for kind in (kind for kind in makers if kind in task.files):
        told, drawn, counted = makers[kind](carbon, task)
        rows += told
        figures |= drawn
        numbers |= counted
    write_table(pd.DataFrame(rows), task, TABLE)
    notice = TWIN_NOTICE if task.settings["twin"] else ""
    for name, figure in figures.items():
        save_figure(figure, task.output(f"{FIGURES}/{name}.png"), notice=notice)
    return numbers


def _mean_of_members(task: Task) -> xr.Dataset:
    carbon = open_store(task.input(STOCKS))
    there = [name for name in USED if name in carbon]
    return carbon[there].mean("member", keep_attrs=True).compute()


@dataclass(frozen=True)
class Pair:
    """What is compared with what: ``key`` in the numbers, ``note`` for the reader."""

    key: tuple[str, ...]
    benchmark: str
    variable: str
    against: str
    units: str
    note: str

    def row(self, scores: Mapping[str, float]) -> dict[str, Any]:
        """Row of the table."""
        names = ("benchmark", "variable", "against", "units")
        return {name: getattr(self, name) for name in names} | dict(scores) | {"note": self.note}

    def numbers(self, scores: Mapping[str, float]) -> Iterator[tuple[str, Number]]:
        """Scores as numbers of the run."""
        for metric in METRICS:
            units = self.units if metric in _OF_DATA else "1"
            yield (
                key("benchmark", *self.key, metric),
                number(scores[metric], units, n=scores["n"], note=self.note),
            )


def _respiration(carbon: xr.Dataset, task: Task) -> Found:
    measured = read_srdb(task.files["srdb"][0])
    pairs = soil_respiration_pairs(carbon, measured)
    write_table(pairs, task, PAIRS)
    dropped = {rule: n for rule, n in measured.attrs["dropped"].items() if n}
    units = "gC m-2 yr-1"
    rows: list[dict[str, Any]] = []
    numbers: dict[str, Number] = {}
    for kind, scores in score_pairs(pairs).items():
        pair = Pair(("srdb", kind), "soil respiration", kind, "SRDB", units, NOTES[kind])
        rows.append(pair.row(scores))
        numbers |= dict(pair.numbers(scores))
    rs = pairs[pairs["kind"] == "Rs"]
    within = (rs["observed"] >= rs["least"]) & (rs["observed"] <= rs["modelled"])
    numbers[key("benchmark", "srdb", "Rs", "within")] = number(
        within.mean(), "1", n=len(rs), note="share of cells with emulated Rh <= measured Rs <= RECO"
    )
    numbers[key("benchmark", "srdb", "left_out")] = number(
        sum(dropped.values()), note=", ".join(f"{n} {rule}" for rule, n in dropped.items())
    )
    for kind, counts in pairs.attrs[LEFT_OUT].items():
        note = "measurements " + ", ".join(f"{n} {where}" for where, n in counts.items())
        numbers[key("benchmark", "srdb", kind, LEFT_OUT)] = number(sum(counts.values()), note=note)
    return rows, {"soil_respiration": respiration_scatter(pairs)}, numbers


def _soil_carbon(carbon: xr.Dataset, task: Task) -> Found:
    rows: list[dict[str, Any]] = []
    figures: dict[str, Figure] = {}
    numbers: dict[str, Number] = {}
    for path in task.files["soil_carbon"]:
        name = path.stem.split("_")[0].replace(".", "-")
        observed = read_soil_carbon(path)
        scores, maps = compare_soil_carbon(carbon["cSoil"], observed, carbon["land_area"])
        depth = f"map: {observed.attrs['depth']}"
        pair = Pair(("soil_carbon", name), "soil carbon", "cSoil", name, "kgC m-2", depth)
        rows.append(pair.row(scores))
        numbers |= dict(pair.numbers(scores))
        for source in ("observed", "modelled"):
            numbers[key("benchmark", "soil_carbon", name, f"total_{source}")] = number(
                scores[f"total_{source}"], "PgC", n=scores["n"], note="cells that both know"
            )
        figures[f"soil_carbon_{name}"] = map_comparison(maps, title=f"Soil carbon against {name}")
    return rows, figures, numbers


def _biomass(carbon: xr.Dataset, task: Task) -> Found:
    observed = read_cci_biomass(*task.files["biomass"], like=carbon)
    scores, maps = compare_biomass(carbon, observed)
    outside = observed.attrs["pixels_outside"]
    note = f"dry matter times 0.47, mean of pixels; {outside} pixels outside the grid"
    pair = Pair(("biomass", "cAGB"), "biomass", "cAGB", "ESA CCI", "MgC ha-1", note)
    drawn = {
        "biomass": map_comparison(maps, title="Above-ground carbon against ESA CCI"),
        "biomass_relative": relative_maps(_by_statistic(task, observed, maps)),
    }
    return [pair.row(scores)], drawn, dict(pair.numbers(scores))


def _by_statistic(task: Task, observed: xr.DataArray, mean: xr.Dataset) -> dict[str, xr.Dataset]:
    """Compare quartiles of the members, with their mean between them."""
    members = open_store(task.input(STOCKS))[["cAGB"]].load().dropna("member", how="all")
    # the sea is missing in all members, which quantiles that skip what is missing warn of
    quartiles = members.quantile([0.25, 0.75], "member", keep_attrs=True, skipna=False)
    low, high = (compare_biomass(quartiles.isel(quantile=place), observed)[1] for place in range(2))
    return {"25th percentile of members": low, "mean": mean, "75th percentile": high}


def _land_sink(carbon: xr.Dataset, task: Task) -> Found:
    budget = read_gcb_land_sink(task.files["land_sink"][0])
    years = compare_land_sink(carbon["NEP"], budget)
    write_table(years, task, SINK)
    sink = budget["S_LAND"]
    whole = sink.mean("year")
    span = f"{int(sink['year'][0])}-{int(sink['year'][-1])}"
    known = whole.values[np.isfinite(whole.values)]
    numbers = {
        key("benchmark", "land_sink", "S_LAND", "all_years"): number(
            known.mean(), "PgC yr-1", interval=np.quantile(known, _INTERVAL), n=known.size,
            note=f"mean of {span}; interval: spread of the models",
        )
    }  # fmt: skip
    period = DATED if "climatology_year" in carbon.attrs else ""
    common = ", ".join(filter(None, (f"mean of years that both have ({len(years)})", period)))
    means = {name: float(years[name].mean()) for name in ("NEP", "S_LAND")}
    for name, mean in means.items():
        note = f"{common}; holds no fire, harvest or lateral flux" if name == "NEP" else common
        numbers[key("benchmark", "land_sink", name, "common_years")] = number(
            mean, "PgC yr-1", n=len(years), note=note
        )
    scores = {"n": len(years), "mean_observed": means["S_LAND"],
              "bias": means["NEP"] - means["S_LAND"]}  # fmt: skip
    pair = Pair((), "land sink", "NEP", "Global Carbon Budget S_LAND", "PgC yr-1", common)
    return [pair.row(scores)], {"land_sink": sink_series(budget, years, period=period)}, numbers
