"""The table of skill: its rows, the gap between splits, and what was given."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tests.unit.emulation.conftest import QUICK
from uflux_stats.emulation.seasons import cross_emulate_months, seasonal_skill
from uflux_stats.emulation.skill import (
    COLUMNS,
    TRIALS,
    gap_fault,
    season_table,
    skill_numbers,
    skill_table,
)
from uflux_stats.emulation.validation import cross_emulate, emulation_metrics
from uflux_stats.schema import IGBP_CLASSES


@pytest.fixture(scope="module")
def table(dgvms, drivers):
    found = {
        split: cross_emulate(dgvms, drivers, split=split, folds=1, options=QUICK)
        for split in ("random", "blocks")
    }
    return pd.concat([skill_table(data, split) for split, data in found.items()])


def test_rows_by_split_member_and_land_cover(table):
    assert set(table["split"]) == {"random", "blocks"}
    assert set(table["member"]) == {"mean", "p25", "p75"}
    assert set(table["kind"]) == {"parameter", "product"}
    assert set(COLUMNS.values()) <= set(table)
    pft = table[(table["by"] == "pft") & (table["variable"] == "NPP") & (table["member"] == "mean")]
    whole = table[(table["by"] == "all") & (table["variable"] == "NPP")]
    whole = whole[whole["member"] == "mean"].set_index("split")["n"]
    # a class of one cell has no skill and no row
    lone = whole - pft.groupby("split")["n"].sum()
    assert lone.between(0, len(IGBP_CLASSES)).all()
    assert (pft["n"] > 1).all()
    assert "no NPP" in table[table["variable"] == "cVeg"]["given"].iloc[0]
    assert table[table["variable"] == "Rh"]["given"].iloc[0].startswith("RECO of the models")


def test_gap_is_the_difference_of_two_rows(table):
    numbers = {skill.key: skill for skill in skill_numbers(table, TRIALS["quick"])}
    rows = table[(table["by"] == "all") & (table["member"] == "mean")]
    r2 = rows[rows["variable"] == "cVeg"].set_index("split")["r2"]
    gap = numbers["emulator", "gap", "cVeg", "r2"]
    assert gap.value == pytest.approx(r2["random"] - r2["blocks"])
    assert numbers["emulator", "blocks", "p25", "cVeg", "rmse"].units == "gC m-2"
    assert "30 % of the blocks" in numbers["emulator", "blocks", "mean", "NPP", "r2"].note


def test_no_gap_is_told_where_blocks_are_cells(table, drivers):
    """Cells of the twin are 10 degrees wide, as the blocks are."""
    numbers = {s.key: s for s in skill_numbers(table, TRIALS["quick"], fault=gap_fault(drivers))}
    gap = numbers["emulator", "gap", "cVeg", "r2"]
    assert np.isnan(gap.value)
    assert gap.note.startswith("skipped: cells of 10 degrees")
    fine = {"lat": np.arange(0, 9.0, 4), "lon": np.arange(0, 9.0, 4)}
    assert gap_fault(xr.Dataset(coords=fine)) == ""


def test_models_left_out_are_told_by_their_median(dgvms, drivers):
    few = dgvms.isel(model=slice(4))
    found = cross_emulate(few, drivers, split="model", options=QUICK)
    table = skill_table(found, "model")
    numbers = {skill.key: skill for skill in skill_numbers(table, TRIALS["full"])}
    median = numbers["emulator", "model", "median", "NPP", "r2"]
    r2 = emulation_metrics(found)["r2"].sel(variable="NPP")
    assert median.value == pytest.approx(float(np.median(r2)))
    assert median.interval[0] <= median.value <= median.interval[1]
    assert median.n == 4


def test_seasons_share_the_columns(dgvms, drivers, table):
    months = cross_emulate_months(dgvms, drivers, folds=2, options=QUICK)
    units = {name: months[name].attrs["units"] for name in months.data_vars}
    seasons = season_table(seasonal_skill(months), units, "blocks, by month")
    assert list(seasons) == list(table)
    assert set(seasons["group"]) == {"DJF", "MAM", "JJA", "SON"}
    assert {"CUE", "RH_SHARE", "NPP", "Ra", "Rh"} == set(seasons["variable"])
