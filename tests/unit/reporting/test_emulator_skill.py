"""Figures of the skill of the emulation say what was held out, and how many cells there are."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.emulator_maps import emulation_skill, error_maps, skill_maps
from uflux_stats.reporting.emulator_skill import (
    emulation_gap,
    emulation_scatter,
)
from uflux_stats.reporting.style import save_figure

UNITS = {"NPP": "gC m-2 d-1", "cVeg": "gC m-2"}


def pairs():
    rng = np.random.default_rng(0)
    axes = {"source": ["observed", "emulated"], "lat": np.arange(-40.0, 50, 10),
            "lon": np.arange(-150.0, 160, 20)}  # fmt: skip
    shape = tuple(len(axis) for axis in axes.values())
    return xr.Dataset(
        {n: (tuple(axes), rng.uniform(1, 2, shape), {"units": u}) for n, u in UNITS.items()}, axes
    )


def table(splits=("random", "blocks"), members=("mean", "p25", "p75")):
    return pd.DataFrame(
        {
            "split": split,
            "member": member,
            "variable": name,
            "kind": kind,
            "r2": 0.9,
            "nrmse": 0.1,
            "n": 144,
        }
        for split in splits
        for member in members
        for name, kind in (("CUE", "parameter"), ("NPP", "product"), ("cVeg", "product"))
    )


def test_scatter_tells_split_and_size(tmp_path):
    figure = emulation_scatter(pairs(), held_out="a third of the cells")
    assert "a third of the cells" in figure.get_suptitle()
    assert "GPP of the models is given" in figure.get_suptitle()
    assert figure.axes[1].get_title() == "cVeg (n = 144 cells)"
    assert save_figure(figure, tmp_path / "x.png").stat().st_size > 10_000
    with pytest.raises(MissingVariableError, match="pairs: expected some of"):
        emulation_scatter(pairs() * np.nan, held_out="")


def test_skill_has_a_panel_per_split():
    both = pd.concat([table(), table(("model",), ("ALPHA", "BETA", "GAMMA"))])
    figure = emulation_skill(both, {"random": "cells held out"})
    told = [ax.get_title().replace("\n", " ") for ax in figure.axes[:3]]
    assert told == [f"{held}, n = 144 cells" for held in ("cells held out", "blocks", "model")]
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert named[:2] == ["NPP", "cVeg"]
    assert "25th percentile of models" in named
    assert "quartiles of models" in figure.axes[2].get_xlabel()
    with pytest.raises(MissingVariableError, match="at least one product"):
        emulation_skill(table().iloc[:0], {})


def test_gap_is_written_over_the_bars():
    rows = table(members=("mean",))
    rows.loc[rows["split"] == "blocks", "r2"] = 0.65
    texts = {text.get_text() for text in emulation_gap(rows).axes[0].texts}
    assert texts == {"-0.250"}
    sizes = [one.get_text() for one in emulation_gap(rows).axes[0].get_xticklabels()]
    assert sizes == ["CUE\nn = 144", "NPP\nn = 144", "cVeg\nn = 144"]
    with pytest.raises(MissingVariableError, match=r"got no \['blocks'\]"):
        emulation_gap(table(("random",), ("mean",)))


def test_maps_of_the_error():
    figure = error_maps(pairs(), held_out="blocks")
    titles = {ax.get_title() for part in figure.subfigs for ax in part.axes}
    assert {"error of NPP", "error of cVeg"} <= titles
    assert "n = 144 cells" in figure.get_suptitle()


def test_maps_of_the_skill_of_places():
    rng = np.random.default_rng(1)
    axes = {"metric": ["r2", "nrmse"], "lat": np.arange(-40.0, 50, 10),
            "lon": np.arange(-150.0, 160, 20)}  # fmt: skip
    shape = tuple(len(axis) for axis in axes.values())
    places = xr.Dataset({"NPP": (tuple(axes), rng.uniform(-1, 1, shape), {"units": "1"})}, axes)
    figure = skill_maps(places, "months of each cell", "blocks held out")
    assert "months of each cell; blocks held out" in figure.get_suptitle()
    assert "n = 144 cells" in figure.axes[0].get_title()
    assert figure.axes[0].collections[0].get_array().min() == 0.0
    # a mean below zero has no relative error: not drawn, and not as the best
    below = int((places["NPP"].sel(metric="nrmse") < 0.0).sum())
    assert below > 0
    assert f"n = {144 - below} cells" in figure.axes[1].get_title()
    with pytest.raises(MissingVariableError, match="places: expected some of"):
        skill_maps(places * np.nan, "", "")
