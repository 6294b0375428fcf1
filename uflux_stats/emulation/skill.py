"""The skill of the emulation in a table and in numbers: by split, member, land cover and season."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.emulation.parameters import BY_NAME
from uflux_stats.emulation.validation import BLOCK, FOLDS, Split, emulation_metrics

Mode = Literal["quick", "full"]
MEAN: Final = "mean"
COLUMNS: Final = {
    "n": "n",
    "r2": "r2",
    "r2_pearson": "r2_pearson",
    "rmse": "rmse",
    "slope_model_on_obs": "slope",
    "intercept_model_on_obs": "intercept",
    "mean_observed": "mean",
    "mae": "mae",
    "nrmse_mean": "nrmse",
    "bias": "bias",
}
"""Metrics of ``score`` and their columns; slope and intercept are of emulated on observed."""
_GPP: Final = "climate, greenness, land cover, CO2 and GPP of the models"
_NPP: Final = f"{_GPP}; no NPP: the emulated one is used"


@dataclass(frozen=True)
class Trial:
    """One way of holding out.

    Attributes
    ----------
    name
        In tables and numbers.
    split, folds
        Of ``cross_emulate``.
    words
        What was held out.
    """

    name: str
    split: Split
    folds: int
    words: str


_ONCE: Final = "30 % of the {} held out once"
TRIALS: Final[dict[Mode, tuple[Trial, ...]]] = {
    "quick": (
        Trial("random", "random", 1, _ONCE.format("cells")),
        Trial("blocks", "blocks", 1, _ONCE.format("blocks of 10 degrees")),
    ),
    "full": (
        Trial("random_once", "random", 1, _ONCE.format("cells")),
        Trial("random", "random", FOLDS, f"cells held out in {FOLDS} folds"),
        Trial("blocks", "blocks", FOLDS, f"blocks of 10 degrees held out in {FOLDS} folds"),
        Trial("model", "model", 1, "each model emulated by the mean over the others"),
        Trial("time", "time", 1, "later years emulated from earlier ones, in the same cells"),
    ),
}
"""By mode of the validation. Random and blocks of a mode differ in nothing but what is dealt out,
so that their difference is that of the split."""


def given(variable: str) -> str:
    """Tell what the emulator is given when it emulates a parameter or product.

    Examples
    --------
    >>> given("Rh")
    'RECO of the models, climate, greenness, land cover, CO2 and GPP of the models'
    """
    if variable in BY_NAME or variable in ("NPP", "Ra"):
        return _GPP
    return f"RECO of the models, {_GPP}" if variable == "Rh" else _NPP


def skill_table(predictions: xr.Dataset, split: str) -> pd.DataFrame:
    """Score held-out cells of every member and variable, together and by land cover type.

    Parameters
    ----------
    predictions : xr.Dataset, (source, member, lat, lon)
        Of ``cross_emulate``.
    split : str
        Name of the split in the table.

    Returns
    -------
    pandas.DataFrame
        ``split``, ``member``, ``variable``, ``kind`` ("parameter" or "product"), ``units``,
        ``by`` ("all" or "pft"), ``group`` and the columns of ``COLUMNS``; ``given`` tells what the
        emulator knew. Groups without cells are left out.
    """
    parts = [_rows(emulation_metrics(predictions), by="all")]
    if "IGBP" in predictions.coords:
        parts.append(_rows(emulation_metrics(predictions, by="pft"), by="pft", group="region"))
    return _finished(pd.concat(parts), split, predictions)


def season_table(metrics: xr.Dataset, units: Mapping[str, str], split: str) -> pd.DataFrame:
    """Bring the skill by season into the columns of ``skill_table``.

    Parameters
    ----------
    metrics : xr.Dataset, (season, variable)
        Of ``seasonal_skill``.
    units : mapping of str to str
        Of each variable.
    split : str

    Returns
    -------
    pandas.DataFrame
    """
    rows = _rows(metrics.expand_dims(member=[MEAN]), by="season", group="season")
    template = xr.Dataset({name: ((), 0.0, {"units": unit}) for name, unit in units.items()})
    return _finished(rows, split, template)


def _rows(metrics: xr.Dataset, *, by: str, group: str | None = None) -> pd.DataFrame:
    frame = metrics[list(COLUMNS)].to_dataframe().reset_index()
    frame["by"] = by
    frame["group"] = "all" if group is None else frame[group]
    return frame[frame["n"] > 1]


def _finished(rows: pd.DataFrame, split: str, data: xr.Dataset) -> pd.DataFrame:
    named = rows.rename(columns=COLUMNS).assign(
        split=split,
        kind=["parameter" if name in BY_NAME else "product" for name in rows["variable"]],
        units=[data[name].attrs["units"] for name in rows["variable"]],
        given=[given(name) for name in rows["variable"]],
    )
    first = ["split", "member", "variable", "kind", "units", "by", "group"]
    return named[[*first, *COLUMNS.values(), "given"]].reset_index(drop=True)


@dataclass(frozen=True)
class Skill:
    """One number of the skill: key, value [unit], its interval over models, sample size, note."""

    key: tuple[str, ...]
    value: float
    units: str
    n: int
    note: str
    interval: tuple[float, float] | None = None


def gap_fault(grid: xr.Dataset) -> str:
    """Tell why blocks on a grid are no harder than cells; nothing where they are.

    Parameters
    ----------
    grid : xr.Dataset, (lat, lon, ...)

    Returns
    -------
    str
        A note if the cells are as wide as half a block, or wider: a block then is but a few cells.

    Examples
    --------
    >>> gap_fault(xr.Dataset(coords={"lat": [0.0, 0.5], "lon": [0.0, 0.5]}))
    ''
    """
    wide = max(float(np.abs(np.diff(grid[axis])).max()) for axis in ("lat", "lon"))
    if wide < BLOCK / 2:
        return ""
    return f"skipped: cells of {wide:g} degrees, blocks of {BLOCK:g} hold but a few of them"


def skill_numbers(
    table: pd.DataFrame, trials: tuple[Trial, ...], *, fault: str = ""
) -> Iterator[Skill]:
    """Pick the numbers that a report quotes.

    Parameters
    ----------
    table : pandas.DataFrame
        Of ``skill_table``, all splits.
    trials : tuple of Trial
    fault : str
        Of ``gap_fault``; if there is one, the gap is skipped.

    Yields
    ------
    Skill
        r2, RMSE, slope and nRMSE by split, member and variable; of "model" the median over models
        with their 5th and 95th percentile; and, first of all, the gap between the random and the
        spatial split.
    """
    whole = table[(table["by"] == "all") & table["r2"].notna()]
    words = {trial.name: trial.words for trial in trials}
    yield from _gaps(whole, fault)
    for split, of_split in whole.groupby("split", sort=False):
        for variable, rows in of_split.groupby("variable", sort=False):
            name = str(variable)
            note = f"{words[str(split)]}; given: {given(name)}"
            made = _over_models if split == "model" else _of_members
            yield from made(rows, name, note)


def _of_members(rows: pd.DataFrame, variable: str, note: str) -> Iterator[Skill]:
    for row in rows.to_dict("records"):
        stem = ("emulator", row["split"], row["member"], variable)
        for metric in ("r2", "rmse", "slope", "nrmse"):
            units = row["units"] if metric == "rmse" else "1"
            yield Skill((*stem, metric), row[metric], units, row["n"], note)


def _gaps(whole: pd.DataFrame, fault: str) -> Iterator[Skill]:
    of_mean = whole[whole["member"] == MEAN].set_index(["split", "variable"])
    for variable in whole["variable"].unique():
        pair = [(split, variable) for split in ("random", "blocks")]
        if not all(place in of_mean.index for place in pair):
            continue
        if fault:
            yield Skill(("emulator", "gap", variable, "r2"), float("nan"), "1", 0, fault)
            continue
        random, blocks = (of_mean.loc[place] for place in pair)
        note = (
            f"r2 of random cells {random['r2']:.3f} minus r2 of blocks of 10 degrees "
            f"{blocks['r2']:.3f}, mean over models"
        )
        gap = float(random["r2"] - blocks["r2"])
        yield Skill(("emulator", "gap", variable, "r2"), gap, "1", int(blocks["n"]), note)


def _over_models(rows: pd.DataFrame, variable: str, note: str) -> Iterator[Skill]:
    for metric in ("r2", "nrmse"):
        low, middle, high = np.quantile(rows[metric], [0.05, 0.5, 0.95])
        yield Skill(
            ("emulator", "model", "median", variable, metric), float(middle), "1", len(rows),
            f"median and spread over models left out; {note}", (float(low), float(high)),
        )  # fmt: skip
