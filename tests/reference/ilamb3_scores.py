"""Make ilamb3_scores.json: scores by ilamb3 on generated fields.

ilamb3 needs an environment of its own (pip install ilamb3).
Run: python tests/reference/ilamb3_scores.py
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

SEEDS = (1, 2, 3)
LAT, LON = np.arange(-50.0, 60.0, 20.0), np.arange(-170.0, 180.0, 40.0)


def fields(seed: int) -> tuple[xr.DataArray, xr.DataArray]:
    """A reference and a model: seasons, trends, noise, and an ocean where both are missing."""
    random = np.random.default_rng(seed)
    time = pd.date_range("2001-01-01", periods=60, freq="MS")
    shape = (len(time), len(LAT), len(LON))
    month = np.arange(60)[:, None, None]
    peak = random.uniform(0, 12, shape[1:])
    level, wave = random.uniform(2, 8, shape[1:]), random.uniform(0.5, 2, shape[1:])
    first = level + wave * np.cos(2 * np.pi * (month - peak) / 12) + 0.3 * random.normal(size=shape)
    late = peak + random.normal(scale=1.5, size=shape[1:])
    second = 0.9 * level + 1.2 * wave * np.cos(2 * np.pi * (month - late) / 12)
    second = second + 0.4 * random.normal(size=shape) + 0.003 * month
    ocean = random.random(shape[1:]) < 0.3
    coords = {"time": time, "lat": LAT, "lon": LON}
    made = [
        xr.DataArray(np.where(ocean, np.nan, values), coords, tuple(coords), name="gpp")
        for values in (first, second)
    ]
    return made[0].assign_attrs(units="g m-2 d-1"), made[1].assign_attrs(units="g m-2 d-1")


def with_bounds(field: xr.DataArray) -> xr.Dataset:
    start = pd.DatetimeIndex(field["time"].values)
    edges = np.stack([start, start + pd.offsets.MonthBegin(1)], axis=1).astype("datetime64[ns]")
    middle = start + (edges[:, 1] - edges[:, 0]) / 2
    data = field.assign_coords(time=middle.astype("datetime64[ns]")).to_dataset()
    data["time"].attrs["bounds"] = "time_bnds"
    return data.assign(time_bnds=(("time", "nb"), edges))


def scores(seed: int) -> dict[str, float]:
    from ilamb3.analysis import bias_analysis, cycle_analysis, rmse_analysis
    from ilamb3.analysis.spatial_distribution import spatial_distribution_analysis

    found = {}
    for kind in (bias_analysis, rmse_analysis, cycle_analysis, spatial_distribution_analysis):
        reference, model = map(with_bounds, fields(seed))
        table = kind("gpp")(reference, model)[0]
        rows = table[table["source"] == "Comparison"]
        found |= dict(zip(rows["name"], rows["value"].astype(float), strict=True))
    return found


if __name__ == "__main__":
    made = {"ilamb3": version("ilamb3"), "cases": {seed: scores(seed) for seed in SEEDS}}
    Path(__file__).with_suffix(".json").write_text(json.dumps(made, indent=1) + "\n")
