"""Figures: whole PNG files, the same bytes each time, numbers that come from the input."""

from pathlib import Path

import matplotlib as mpl
import matplotlib.image
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.text import Text

from uflux_stats.errors import MissingVariableError, UnitsError
from uflux_stats.reporting.figures import skill_bars, split_gap, validation_scatter
from uflux_stats.reporting.map_panels import flux_map
from uflux_stats.reporting.style import save_figure
from uflux_stats.schema import FLUXES

PNG = b"\x89PNG\r\n\x1a\n"


def texts(figure: Figure) -> str:
    return "\n".join(found.get_text() for found in figure.findobj(Text))


@pytest.fixture
def pairs() -> pd.DataFrame:
    """Baseline 2 x observed, refined observed + 0.5, in each flux; one row is not whole."""
    observed = np.arange(1.0, 13.0)
    frames = [
        pd.DataFrame(
            {"flux": flux, "site": ["A"] * 6 + ["B"] * 6, "observed": observed,
             "baseline": 2 * observed, "refined": observed + 0.5}
        )
        for flux in FLUXES
    ]  # fmt: skip
    table = pd.concat(frames, ignore_index=True)
    table.loc[0, "refined"] = np.nan
    return table


@pytest.fixture
def skill() -> pd.DataFrame:
    rows = [
        {"flux": flux, "grouping": grouping, "group": group, "split": split, "step": step, "n": 40,
         "r2": 0.31 if step == "baseline" else {"random": 0.87, "tower": 0.64}[split]}
        for flux in FLUXES
        for grouping, group in (("IGBP", "ENF"), ("IGBP", "CRO"), ("season", "JJA"))
        for split in ("random", "tower")
        for step in ("baseline", "refined")
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture
def field() -> xr.DataArray:
    lat, lon = np.arange(-58.0, 84, 4), np.arange(-178.0, 180, 4)
    values = np.cos(np.deg2rad(lat))[:, None] * np.ones(lon.size)
    return xr.DataArray(
        values, {"lat": lat, "lon": lon}, ("lat", "lon"), "GPP", {"units": "gC m-2 d-1"}
    )


def test_scatter_tells_the_statistics_of_its_input(pairs: pd.DataFrame) -> None:
    figure = validation_scatter(pairs, split="tower")
    told = texts(figure)
    assert "GPP (n = 11 months, 2 towers)" in told
    assert "RECO (n = 12 months, 2 towers)" in told
    assert "whole towers held out" in told
    assert "slope of model on obs. 2.00" in told
    assert "RMSE 0.50" in told
    assert told.count("observed [W m$^{-2}$]") == 1
    assert len(figure.axes) == 4


def test_scatter_draws_only_the_fluxes_that_are_there(pairs: pd.DataFrame) -> None:
    figure = validation_scatter(pairs[pairs["flux"] == "LE"], split="random")
    assert [ax.get_visible() for ax in figure.axes] == [True, False]


def test_bars_show_the_values_given(skill: pd.DataFrame) -> None:
    figure = skill_bars(skill[skill["split"] == "tower"], split="tower")
    told = texts(figure)
    assert {"0.31", "0.64"} <= set(told.split())
    assert "0.87" not in told
    assert "GPP by IGBP" in told
    assert "ENF (40)" in told
    lengths = {round(bar.get_width(), 6) for ax in figure.axes for bar in ax.patches}
    assert lengths == {0.31, 0.64}
    assert figure.axes[0].yaxis_inverted(), "the first group is on top"


def test_gap_has_a_bar_for_each_split(skill: pd.DataFrame) -> None:
    figure = split_gap(skill)
    told = texts(figure)
    assert {"0.87", "0.64"} <= set(told.splitlines())
    assert "random site-months held out" in told
    assert "baseline" in told
    assert "GPP (n = 40)" in told


def test_map_profile_is_the_mean_over_longitude(field: xr.DataArray) -> None:
    figure = flux_map(field, title="GPP of 2006")
    profile = figure.axes[1].lines[0]
    np.testing.assert_allclose(profile.get_xdata(), np.cos(np.deg2rad(field["lat"])))
    assert figure.axes[1].get_xlabel() == "GPP\n[gC m$^{-2}$ d$^{-1}$]"
    assert "[gC m$^{-2}$ d$^{-1}$]" in figure.axes[2].get_ylabel()


def test_a_map_of_both_signs_is_centred_on_zero(field: xr.DataArray) -> None:
    signed = (field - 0.4).assign_attrs(field.attrs)
    mesh = flux_map(signed, title="NEE").axes[0].collections[0]
    assert mesh.norm.vmin == -mesh.norm.vmax


def test_files_are_png_and_reproducible_and_settings_stay(
    pairs: pd.DataFrame, skill: pd.DataFrame, field: xr.DataArray, tmp_path: Path
) -> None:
    before = dict(mpl.rcParams)
    for name, draw in {
        "scatter": lambda: validation_scatter(pairs, split="tower"),
        "bars": lambda: skill_bars(skill, split="tower"),
        "gap": lambda: split_gap(skill),
        "map": lambda: flux_map(field, title="GPP"),
    }.items():
        first, second = (
            save_figure(draw(), tmp_path / f"{name}{copy}.png").read_bytes() for copy in (1, 2)
        )
        assert first.startswith(PNG)
        assert len(first) > 5000
        assert first == second
    assert dict(mpl.rcParams) == before


def test_a_notice_stands_below_the_figure(field: xr.DataArray, tmp_path: Path) -> None:
    plain = mpl.image.imread(save_figure(flux_map(field, title="GPP"), tmp_path / "plain.png"))
    told = mpl.image.imread(
        save_figure(flux_map(field, title="GPP"), tmp_path / "told.png", notice="twin")
    )
    below = len(told) - len(plain)
    assert below > 0
    np.testing.assert_array_equal(told[:-below], plain)
    assert (told[-below:] < 1).any()


def test_unusable_input_is_named(pairs: pd.DataFrame, field: xr.DataArray) -> None:
    with pytest.raises(MissingVariableError, match=r"pairs: expected columns \['refined'\]"):
        validation_scatter(pairs.drop(columns="refined"), split="tower")
    with pytest.raises(MissingVariableError, match="without missing values"):
        validation_scatter(pairs.assign(observed=np.nan), split="tower")
    with pytest.raises(UnitsError, match="field: expected attrs"):
        flux_map(field.drop_attrs(), title="GPP")
    with pytest.raises(MissingVariableError, match="expected a value"):
        flux_map(field.where(False), title="GPP")
