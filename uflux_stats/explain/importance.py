"""How much each predictor matters: mean absolute SHAP values by group, and gain beside them."""

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.errors import ConfigError, MissingVariableError
from uflux_stats.grid import region_masks
from uflux_stats.grid.polygons import RegionSet
from uflux_stats.refinement.learners import Ensemble

SEASON_NAMES: Final = ("DJF", "MAM", "JJA", "SON")
GroupBy = Literal["continent", "pft", "koppen", "season"]


def shap_importance(
    values: xr.Dataset, flux: str, *, by: GroupBy | None = None, regions: RegionSet = "geographic"
) -> pd.DataFrame:
    """Mean absolute SHAP value of each predictor, overall or by group.

    Parameters
    ----------
    values : xr.Dataset, (row, feature)
        Of ``shap_values``.
    flux : str
    by : {"continent", "pft", "koppen", "season"}, optional
        Seasons are three months of the calendar.
    regions : {"geographic", "natural_earth"}

    Returns
    -------
    pd.DataFrame
        group, feature, importance [unit of the flux], share [1] of all predictors, n, n_sites;
        the most important first.

    Raises
    ------
    MissingVariableError
        If the flux was not explained.
    ConfigError
        If ``by`` is unknown.
    """
    if flux not in values or f"{flux}_base" not in values:
        raise MissingVariableError(f"flux: expected one of {list(values.data_vars)}, got {flux!r}")
    size = np.abs(values[flux].values.astype(np.float64))
    known = np.isfinite(size).all(axis=1)
    names = [str(name) for name in values["feature"].values]
    parts = []
    for group, members in _groups(values, by, regions).items():
        chosen = known & members
        if not chosen.any():
            continue
        mean = size[chosen].mean(axis=0)
        sites = len(np.unique(values["site"].values[chosen]))
        part = {"group": group, "feature": names, "importance": mean, "share": mean / mean.sum(),
                "n": int(chosen.sum()), "n_sites": sites}  # fmt: skip
        parts.append(pd.DataFrame(part).sort_values("importance", ascending=False))
    return pd.concat(parts, ignore_index=True)


def _groups(
    values: xr.Dataset, by: GroupBy | None, regions: RegionSet
) -> dict[str, NDArray[np.bool_]]:
    everything = {"all": np.ones(values.sizes["row"], bool)}
    if by is None:
        return everything
    if by == "season":
        season = (values["time"].dt.month.values % 12) // 3
        return {name: season == number for number, name in enumerate(SEASON_NAMES)}
    if by not in ("continent", "pft", "koppen"):
        raise ConfigError(f"by: expected continent, pft, koppen or season, got {by!r}")
    places = values.drop_vars([*values.data_vars, "feature"])
    kept = [name for name in ("lat", "lon", "IGBP", "KOPPEN") if name in places.coords]
    masks = region_masks(
        xr.Dataset(coords={name: places[name] for name in kept}), by, regions=regions
    )
    return {
        str(name): mask.values for name, mask in zip(masks["region"].values, masks, strict=True)
    }


def gain(ensemble: Ensemble, names: Sequence[str]) -> pd.Series:
    """Mean gain in loss of the splits on each predictor, relative, averaged over an ensemble.

    Gain favours predictors with many distinct values and says nothing about the sign or the place
    of an effect; it stands beside SHAP values because papers print it.

    Parameters
    ----------
    ensemble : list of xgboost.Booster
    names : sequence of str
        Predictors in the order of the columns.

    Returns
    -------
    pd.Series
        Share of the total gain [1] by predictor; 0 for one that is never used.
    """
    total = np.zeros(len(names))
    for booster in ensemble:
        scores = booster.get_score(importance_type="total_gain")
        found = np.array([float(np.sum(scores.get(f"f{i}", 0.0))) for i in range(len(names))])
        total += found / max(found.sum(), 1e-300)
    return pd.Series(total / len(ensemble), index=list(names), name="gain")
