"""What ``engine_ablation.py`` tries: options, predictors, learners, and what is taught."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import engine_learners as learners
import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.baselines import BaselineOptions, baseline
from uflux_stats.grid.distance import great_circle
from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.refinement import RefineOptions
from uflux_stats.refinement.fitting import fit_rows
from uflux_stats.refinement.learning.folds import Learner
from uflux_stats.refinement.options import ForestOptions, KernelOptions, StackOptions
from uflux_stats.refinement.table import TrainingTable, training_table
from uflux_stats.schema import IGBP_CLASSES

HUBER_SLOPE = 2.0
HALF = 0.5
DIRECT = ("RECO", "NEE", "LE")
XGBOOST = RefineOptions(model="xgboost", direct=("RECO", "NEE"))
PLAIN_KERNEL = KernelOptions(tower=0.0, trend=False)
KERNEL = replace(XGBOOST, model="kernel", kernel=PLAIN_KERNEL)
GUIDED = replace(XGBOOST, model="kernel", kernel=KernelOptions(tower=0.02))
THREE = StackOptions(parts=("xgboost", "extra_trees", "kernel"))
BLEND = replace(XGBOOST, model="blend", stack=THREE, kernel=PLAIN_KERNEL)
SRDB_KINDS = (
    dict.fromkeys(("ENF", "EBF", "DNF", "DBF", "MF"), "Forest")
    | dict.fromkeys(("CSH", "OSH"), "Shrubland") | dict.fromkeys(("WSA", "SAV"), "Savanna")
    | {"GRA": "Grassland", "CRO": "Agriculture", "WET": "Wetland"}
)  # fmt: skip
LEAN = ForestOptions(trees=5, features=0.33)


@dataclass(frozen=True)
class Given:
    """What ideas may need beside the table: the files of the towers, and maps on (lat, lon)."""

    towers: Path
    places: xr.Dataset | None = None


@dataclass(frozen=True)
class Idea:
    """Options, and what stands in for its like in the package.

    More predictors, a learner in the place of XGBoost or of all fluxes together, another baseline,
    fluxes whose prediction is a predictor, another table to learn from (scored on the usual), or
    so many times the members.
    """

    options: RefineOptions = XGBOOST
    more: Callable[[TrainingTable, Given], np.ndarray] | None = None
    learner: Learner | None = None
    together: learners.Together | None = None
    process: BaselineOptions | None = None
    with_predicted: tuple[str, ...] = ()
    taught: Callable[[Given], TrainingTable] | None = None
    times: int = 1


def at_places(table: TrainingTable, given: Given) -> np.ndarray:
    """Values of maps at the towers."""
    if given.places is None:
        raise SystemExit("this idea needs --places: a NetCDF file of maps on (lat, lon)")
    where = {name: table.towers[name] for name in ("lat", "lon")}
    known = given.places.interpolate_na("lon", method="nearest", limit=4)
    near = known.sel(where, method="nearest")
    return np.column_stack([near[name].values[table.site] for name in given.places.data_vars])


def productivity(table: TrainingTable, _: Given) -> np.ndarray:
    """What the baseline makes of a place over the year and over the months before."""
    modelled = table.baseline_of(table.towers, fit_rows(
        table, np.ones(len(table.site), bool), RefineOptions(members=1, trees=1), [0]
    ).parameters)  # fmt: skip
    columns = []
    for name in ("GPP", "LE"):
        whole = xr.DataArray(table.put(modelled[name]), dims=("site", "time"))
        columns += [table.take(whole.rolling(time=months, min_periods=1).mean())
                    for months in (3, 12)]  # fmt: skip
        columns.append(whole.mean("time").values[table.site])
    return np.column_stack(columns)


def jpl(table: TrainingTable, _: Given) -> np.ndarray:
    """LE by PT-JPL."""
    modelled = baseline(table.towers, options=BaselineOptions(latent_heat="pt_jpl"))
    return table.take(modelled["LE"])[:, np.newaxis]


def departures(table: TrainingTable, _: Given) -> np.ndarray:
    """How far the drivers of a month are from their mean at the place; how dry the place is."""
    column = dict(zip(table.spec.names, table.predictors.T, strict=True))
    far = [column[name] - column[f"{name}_mean"] for name in ("TA", "SWIN", "VPD", "FAPAR", "RNET")]
    return np.column_stack([*far, column["P_mean"] / np.maximum(column["RNET_mean"], 10.0)])


def place(table: TrainingTable, given: Given) -> np.ndarray:
    """Leaf area, water capacity, elevation, day length, and dryness of the place."""
    sites = pd.read_csv(given.towers.parent / "fluxnet2015_sites.csv").set_index("site")
    leaves = pd.read_csv(given.towers.parent / "fluxnet2015_fapar.csv.gz", parse_dates=["time"])
    month = pd.MultiIndex.from_arrays([table.sites, pd.DatetimeIndex(table.times)])
    area = leaves.set_index(["site", "time"])[["lai", "lai_clim"]].reindex(month).values
    year = (
        leaves.groupby("site")["lai_clim"].agg(["mean", "min", "max"]).reindex(table.sites).values
    )
    of_place = sites[["whc", "elev"]].reindex(table.sites).values
    column = dict(zip(table.spec.names, table.predictors.T, strict=True))
    dry = column["P_mean"] / np.maximum(column["RNET_mean"], 10.0)
    return np.column_stack([area, year, of_place, _day_length(table), dry])


def _day_length(table: TrainingTable) -> np.ndarray:
    """Hours of day in the middle of the month."""
    day = pd.DatetimeIndex(table.times).dayofyear.values + 14.0
    tilt = np.deg2rad(-23.44) * np.cos(2.0 * np.pi * (day + 10.0) / 365.0)
    lat = np.deg2rad(table.towers["lat"].values[table.site])
    return 24.0 / np.pi * np.arccos(np.clip(-np.tan(lat) * np.tan(tilt), -1.0, 1.0))


def soil_water(table: TrainingTable, _: Given) -> np.ndarray:
    """Water in a bucket of 150 mm that rain fills and potential evaporation empties."""
    rain, energy, warmth = (table.towers[name].transpose("site", "time").values
                            for name in ("P", "RNET", "TA"))  # fmt: skip
    slope = 4098.0 * 0.6108 * np.exp(17.27 * warmth / (warmth + 237.3)) / (warmth + 237.3) ** 2
    demand = 1.26 * slope / (slope + 0.066) * np.maximum(energy, 0.0) * 86400.0 / 2.45e6
    water = np.full(len(rain), 75.0)
    kept = np.full((3, *rain.shape), np.nan)
    for month in range(rain.shape[1]):
        share = water / 150.0
        gain = 30.0 * (rain[:, month] - share * demand[:, month])
        filled = np.clip(water + gain, 0.0, 150.0)
        water = np.where(np.isfinite(filled), filled, water)
        kept[:, :, month] = water / 150.0, share * demand[:, month], demand[:, month]
    mean = np.nanmean(np.where(np.isfinite(rain), kept, np.nan), axis=2)
    return np.column_stack([*kept[:, table.site, table.time], *mean[:, table.site]])


def measured_soil_water(table: TrainingTable, given: Given) -> np.ndarray:
    """Water content of the topmost layer that towers measured [%], and its mean at the place."""
    found = []
    for path in sorted(given.towers.glob("FLX_*.csv")):
        rows = pd.read_csv(path, usecols=lambda name: name in ("TIMESTAMP", "SWC_F_MDS_1"))
        if "SWC_F_MDS_1" in rows:
            rows["site"] = path.name.split("_")[1]
            found.append(rows)
    rows = pd.concat(found)
    rows["time"] = pd.to_datetime(rows["TIMESTAMP"].astype(str), format="%Y%m")
    water = rows.set_index(["site", "time"])["SWC_F_MDS_1"].where(lambda values: values >= 0.0)
    month = pd.MultiIndex.from_arrays([table.sites, pd.DatetimeIndex(table.times)])
    mean = water.groupby("site").mean().reindex(table.sites).values
    return np.column_stack([water.reindex(month).values, mean])


def half_quality(given: Given) -> TrainingTable:
    """Learn from months too of which only half is of good quality."""
    return training_table(read_fluxnet(given.towers, qc=HALF))


def agreeing_partitionings(given: Given) -> TrainingTable:
    """Learn GPP and RECO only of months whose partitionings differ by less than 0.5 or 30 %."""
    table, other = _partitionings(given)
    observed = dict(table.observed)
    for name, second in other.items():
        own = observed[name]
        far = np.abs(own - second) > np.maximum(0.5, 0.15 * np.abs(own + second))
        observed[name] = np.where(far, np.nan, own)
    return replace(table, observed=observed)


def both_partitionings(given: Given) -> TrainingTable:
    """Learn GPP and RECO that are the mean of night-time and daytime partitioning."""
    table, other = _partitionings(given)
    means = {name: np.where(np.isfinite(second), (table.observed[name] + second) / 2.0,
                            table.observed[name]) for name, second in other.items()}  # fmt: skip
    return replace(table, observed=table.observed | means)


def _partitionings(given: Given) -> tuple[TrainingTable, dict[str, np.ndarray]]:
    """The table by night-time partitioning, and its GPP and RECO by the daytime one."""
    table, other = (training_table(read_fluxnet(given.towers, partitioning=name))
                    for name in ("NT", "DT"))  # fmt: skip
    where = {key: n for n, key in enumerate(zip(other.sites, other.times, strict=True))}
    rows = np.array([where.get(key, -1) for key in zip(table.sites, table.times, strict=True)])
    return table, {name: np.where(rows >= 0, other.observed[name][rows], np.nan)
                   for name in ("GPP", "RECO")}  # fmt: skip


def soil_respiration_nearby(table: TrainingTable, given: Given) -> np.ndarray:
    """Soil respiration measured by chambers near a place, in the same kind of vegetation first.

    Logarithm of the annual flux (SRDB; Bond-Lamberty and Thomson 2010,
    doi 10.5194/bg-7-1915-2010), averaged with bells of 500, 100 and 15 km, each drawn to the wider
    one by the weight of one measurement; how many there are.
    """
    found = pd.read_parquet(given.towers.parent / "benchmarks" / "srdb_joined_data.parquet")
    found = found[found.Rs_annual.between(20.0, 4000.0)].dropna(subset=["Latitude", "Longitude"])
    flux, kind = np.log(found.Rs_annual.values), found.Ecosystem_type.astype(str).values
    places = np.deg2rad(found[["Latitude", "Longitude"]].values.T)
    of_kind = pd.Series(flux).groupby(kind).mean()
    columns = []
    for lat, lon, cover in zip(*(table.towers[n].values for n in ("lat", "lon", "IGBP")),
                               strict=True):  # fmt: skip
        own = SRDB_KINDS.get(IGBP_CLASSES.get(int(cover), ""), "")
        apart = great_circle(*places, np.deg2rad(float(lat)), np.deg2rad(float(lon)))
        mean, near = of_kind.get(own, flux.mean()), []
        for length in (500.0, 100.0, 15.0):
            weight = np.where(kind == own, 1.0, 0.15) * np.exp(-0.5 * (apart / length) ** 2)
            mean = (weight @ flux + mean) / (weight.sum() + 1.0)
            near.append(mean)
        columns.append([*near, np.log1p(weight.sum())])
    return np.array(columns)[table.site]


IDEAS = {
    "xgboost": Idea(),
    "xgboost, three times the members": Idea(times=3),
    "root weights": Idea(replace(XGBOOST, weighting="root")),
    "tower weights": Idea(replace(XGBOOST, weighting="towers")),
    "larger leaves": Idea(replace(XGBOOST, min_weight=40.0)),
    "shallow": Idea(replace(XGBOOST, depth=4, trees=120)),
    "slow": Idea(replace(XGBOOST, trees=200, learning_rate=0.04, tree_features=0.3)),
    "half rows per tree": Idea(learner=learners.boosted(subsample=0.5, colsample_bynode=0.4)),
    "pseudo-Huber": Idea(
        learner=learners.boosted(objective="reg:pseudohubererror", huber_slope=HUBER_SLOPE)
    ),
    "monotone": Idea(replace(XGBOOST, target="direct"), learner=learners.rising),
    "all residual": Idea(replace(XGBOOST, direct=())),
    "all direct": Idea(replace(XGBOOST, target="direct")),
    "no baseline": Idea(replace(XGBOOST, target="direct", process_predictors=False)),
    "conditioned respiration": Idea(replace(XGBOOST, respiration="conditioned_q10")),
    "conditioned, RECO residual": Idea(
        replace(XGBOOST, respiration="conditioned_q10", direct=("NEE",))
    ),
    "soil and vegetation models": Idea(more=at_places),
    "productivity": Idea(more=productivity),
    "departures": Idea(more=departures),
    "PT-JPL as baseline": Idea(process=BaselineOptions(latent_heat="pt_jpl")),
    "PT-JPL as predictor": Idea(more=jpl),
    "GPP out of fold": Idea(with_predicted=("GPP",)),
    "GPP and LE out of fold": Idea(with_predicted=("GPP", "LE")),
    "cascade": Idea(replace(XGBOOST, model="cascade")),
    "random forest": Idea(replace(XGBOOST, model="random_forest")),
    "extra trees": Idea(replace(XGBOOST, model="extra_trees")),
    "extra trees, root weights": Idea(replace(XGBOOST, model="extra_trees", weighting="root")),
    "extra trees, lean": Idea(replace(XGBOOST, model="extra_trees", forest=LEAN)),
    "extra trees, root weights, lean": Idea(
        replace(XGBOOST, model="extra_trees", weighting="root", forest=LEAN)
    ),
    "lightgbm": Idea(replace(XGBOOST, model="lightgbm")),
    "catboost": Idea(replace(XGBOOST, model="catboost", trees=200)),
    "kernel": Idea(KERNEL),
    "kernel, root weights": Idea(replace(KERNEL, weighting="root")),
    "kernel, places": Idea(KERNEL, more=at_places),
    "blend": Idea(BLEND),
    "stack": Idea(replace(BLEND, model="stack")),
    "stack, ridge": Idea(
        replace(BLEND, model="stack", stack=replace(THREE, weights="ridge"))
    ),
    "default": Idea(RefineOptions()),
    "network": Idea(replace(XGBOOST, model="neural")),
    "tower effect of 0.02": Idea(learner=learners.boosted(tower=0.02)),
    "tower effect of 0.2": Idea(learner=learners.boosted(tower=0.2)),
    "much randomised": Idea(
        replace(XGBOOST, trees=160, learning_rate=0.05, min_weight=20.0, tree_features=1.0),
        learner=learners.boosted(subsample=0.5, colsample_bynode=0.2),
    ),
    "kernel, tower effect of 0.02": Idea(
        replace(KERNEL, kernel=KernelOptions(tower=0.02, trend=False))
    ),
    "kernel, tower effect of 0.2": Idea(
        replace(KERNEL, kernel=KernelOptions(tower=0.2, trend=False))
    ),
    "kernel, tower effect, trend": Idea(GUIDED),
    "kernel, tower effect, trend, LE directly": Idea(replace(GUIDED, direct=DIRECT)),
    "LE directly": Idea(replace(XGBOOST, direct=DIRECT)),
    "LE directly, monotone": Idea(replace(XGBOOST, direct=DIRECT), learner=learners.rising),
    "soil respiration nearby": Idea(more=soil_respiration_nearby),
    "months whose partitionings agree": Idea(taught=agreeing_partitionings),
    "means of towers apart": Idea(learner=learners.apart),
    "XGBoost, four fluxes together": Idea(together=learners.boosted_together),
    "extra trees, four fluxes together": Idea(
        replace(XGBOOST, weighting="root"), together=learners.extra_trees_together
    ),
    "more of the place": Idea(more=place),
    "soil water": Idea(more=soil_water),
    "measured soil water": Idea(more=measured_soil_water),
    "months of half quality": Idea(taught=half_quality),
    "mean of both partitionings": Idea(taught=both_partitionings),
}  # fmt: skip
