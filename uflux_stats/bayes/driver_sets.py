"""What drivers add to temperature at towers that were not seen, by penalised least squares.

GPP of the same tower and month is among them as a warning. Night-time partitioning extrapolates
RECO to the day and takes GPP as what is missing to the measured NEE (Reichstein et al. 2005, doi
10.1111/j.1365-2486.2005.001002.x): an error of RECO is an error of GPP of the same sign and size,
and a GPP driver "predicts" it.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.baselines import fit_conditioned_respiration
from uflux_stats.baselines.conditions import SATELLITE, inputs_of
from uflux_stats.baselines.fluxes import respiration_by_table
from uflux_stats.baselines.respiration import Form
from uflux_stats.bayes.comparison import common_months
from uflux_stats.bayes.leave_out import folds_of_sites
from uflux_stats.checks import require_variables
from uflux_stats.stats.metrics import score

FOLDS: Final = 20
SETS: Final[dict[str, str]] = {
    "temperature": "temperature and class alone",
    "drivers": "and greenness, light and dryness",
    "predicted_gpp": "and GPP predicted by an engine that has not seen the tower",
    "other_years_gpp": "and GPP of the tower, mean of the same month in its other years",
    "tower_gpp": "and GPP of the tower in the same month, out of the same partitioning as RECO",
}
"""What each set of drivers has beyond the one before, the last three each in place of the other."""


def compare_driver_sets(
    towers: xr.Dataset,
    predicted_gpp: xr.DataArray | None = None,
    *,
    form: Form = "q10",
    folds: int = FOLDS,
    seed: int = 0,
) -> pd.DataFrame:
    """Score respiration by sets of drivers at towers that it was not fitted to.

    Parameters
    ----------
    towers : xr.Dataset, (site, time)
        RECO, GPP [gC m-2 d-1], TA, IGBP and the drivers of ``SATELLITE``.
    predicted_gpp : xr.DataArray, (site, time) [gC m-2 d-1], optional
        Of an engine that has not seen the tower; without it that set is left out.
    form : {"q10", "lloyd_taylor"}
    folds : int
        Groups of towers held out; at most one for each tower.
    seed : int

    Returns
    -------
    pd.DataFrame
        Index of ``SETS``; ``r2`` [1] and ``rmse`` [gC m-2 d-1] of held-out RECO, on the months that
        all sets have; ``sensitivity``, the Q10 [1] or E0 [K] common to all classes of a fit to all
        towers; ``n`` months and ``towers``.

    Raises
    ------
    ConfigError
        If there are fewer than two towers or folds, or a driver does not vary.
    MissingVariableError
        If the towers lack a variable or no month has all.
    """
    require_variables(towers, ("RECO", "GPP", *inputs_of(SATELLITE)), name="towers")
    gpp = {"predicted_gpp": predicted_gpp, "other_years_gpp": _of_other_years(towers["GPP"]),
           "tower_gpp": towers["GPP"]}  # fmt: skip
    with_gpp = {name: towers.assign(GPP=values.reindex_like(towers["GPP"]).assign_attrs(
        towers["GPP"].attrs)) for name, values in gpp.items() if values is not None}  # fmt: skip
    known = common_months(towers, SATELLITE)["RECO"]
    for data in with_gpp.values():
        known = known.where(common_months(data, ("GPP",))["RECO"].notnull())
    known = known.assign_attrs(towers["RECO"].attrs)
    present = known.notnull().any("time").values
    effects = {"temperature": (), "drivers": SATELLITE}
    rows = {}
    for name in SETS:
        if name in effects or name in with_gpp:
            data = with_gpp.get(name, towers).assign(RECO=known).isel(site=present)
            rows[name] = _scored(data, effects.get(name, (*SATELLITE, "GPP")), form, folds, seed)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("drivers")


def _scored(
    towers: xr.Dataset, effects: tuple[str, ...], form: Form, folds: int, seed: int
) -> Mapping[str, float]:
    fold = folds_of_sites(towers.sizes["site"], min(folds, towers.sizes["site"]), seed)
    parts = []
    for number in range(int(fold.max()) + 1):
        table = fit_conditioned_respiration(
            towers.isel(site=fold != number), form=form, effects=effects
        )
        parts.append(respiration_by_table(towers.isel(site=fold == number), table))
    held_out = xr.concat(parts, "site").sel(site=towers["site"]).transpose("site", "time")
    found = score(towers["RECO"].transpose("site", "time"), held_out)
    whole = fit_conditioned_respiration(towers, form=form, effects=effects)
    return {
        "r2": float(found["r2"]),
        "rmse": float(found["rmse"]),
        "sensitivity": whole.fallback.sensitivity,
        "n": int(found["n"]),
        "towers": towers.sizes["site"],
    }


def _of_other_years(gpp: xr.DataArray) -> xr.DataArray:
    """Mean of the same month of the year in all other years of a tower."""
    months = gpp.groupby("time.month")
    summed, count = months.sum("time"), months.count("time")
    month = gpp["time"].dt.month
    others = summed.sel(month=month) - gpp
    number = count.sel(month=month) - 1
    return (others / number.where(number > 0)).where(np.isfinite(gpp)).drop_vars("month")
