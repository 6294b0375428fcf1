"""Tidy tables of held-out predictions."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.reporting.skill import group_skill, pairs_table, split_skill


@pytest.fixture
def predictions() -> xr.Dataset:
    """Two towers over four years; refined is right at tower A and the mean at tower B."""
    time = pd.date_range("2001-01", periods=48, freq="MS")
    observed = np.stack([np.sin(np.arange(48.0)) + 2, np.cos(np.arange(48.0)) + 1])
    refined = observed.copy()
    refined[1] = observed[1].mean()
    values = np.stack([observed, observed + 1, refined])
    values[0, 0, 0] = np.nan
    return xr.Dataset(
        {"GPP": (("source", "site", "time"), values), "IGBP": ("site", [1.0, 12.0])},
        {"source": ["observed", "baseline", "refined"], "site": ["A", "B"], "time": time},
    )


def test_pairs_are_the_whole_rows_with_their_classes(predictions: xr.Dataset) -> None:
    pairs = pairs_table(predictions)
    assert len(pairs) == 95
    assert set(pairs["flux"]) == {"GPP"}
    assert pairs.groupby("site")["IGBP"].first().to_dict() == {"A": "ENF", "B": "CRO"}
    np.testing.assert_allclose(pairs["baseline"] - pairs["observed"], 1)


def test_group_skill_by_hand(predictions: xr.Dataset) -> None:
    skill = group_skill(pairs_table(predictions))
    refined = skill[skill["step"] == "refined"].set_index("group")
    assert refined.loc["ENF", "r2"] == 1
    assert refined.loc["CRO", "r2"] == pytest.approx(0, abs=1e-12)
    assert refined.loc["ENF", "n"] == 47
    by_season = refined[refined["grouping"] == "season"]
    assert by_season["n"].to_dict() == {"spring": 24, "summer": 24, "autumn": 24}
    assert set(skill["grouping"]) == {"IGBP", "season", "size"}


def test_split_skill_keeps_splits_apart(predictions: xr.Dataset) -> None:
    both = xr.concat([predictions, predictions], xr.Variable("split", ["random", "tower"]))
    worse = both["GPP"].where(~((both["split"] == "tower") & (both["source"] == "refined")), 0.0)
    skill = split_skill(both.assign(GPP=worse)).set_index(["split", "step"])
    assert skill.loc[("random", "refined"), "r2"] > 0.5
    assert skill.loc[("tower", "refined"), "r2"] < 0
    assert (skill["n"] == 95).all()
