"""Held-out predictions as the tidy tables that figures and reports draw from."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.schema import FLUXES, IGBP_CLASSES, KOPPEN_CLASSES, variable
from uflux_stats.stats.metrics import LONG_NAMES, score

STEPS: Final = ("baseline", "refined")
SIZES: Final = {"gC m-2 d-1": 5.0, "W m-2": 50.0}
"""Where large fluxes begin, in either direction, by unit."""
MIN_MONTHS: Final = 24
"""Months that a group needs to be scored."""
MIN_TOWER_MONTHS: Final = 12


def pairs_table(predictions: xr.Dataset) -> pd.DataFrame:
    """List observed and modelled fluxes of one split, one row per flux, tower and month.

    Parameters
    ----------
    predictions : xr.Dataset, (source, site, time)
        Fluxes of the sources observed, baseline and refined, as ``cross_validate`` gives them;
        IGBP and KOPPEN (site,) where known.

    Returns
    -------
    pd.DataFrame
        Columns flux, site, time, observed, baseline, refined and those classes, as names; rows
        where all three are known.
    """
    return pd.concat([_pairs(predictions, flux) for flux in _fluxes(predictions)])


def group_skill(pairs: pd.DataFrame) -> pd.DataFrame:
    """Score baseline and refined fluxes by land cover, climate, season and size of the flux.

    Seasons are three months of the calendar; "size" is below and from 5 gC m-2 d-1 (50 W m-2) on of
    what was observed, in either direction. Groups with fewer than ``MIN_MONTHS`` months are left
    out.

    Parameters
    ----------
    pairs : pd.DataFrame
        From ``pairs_table``.

    Returns
    -------
    pd.DataFrame
        Columns flux, grouping, group, step, n_towers and the metrics of ``score``.
    """
    return pd.DataFrame(
        [row for flux, rows in pairs.groupby("flux", sort=False) for row in _by_group(flux, rows)],
        columns=["flux", "grouping", "group", "step", "n_towers", *LONG_NAMES],
    )


def tower_skill(pairs: pd.DataFrame) -> pd.DataFrame:
    """Score every tower by itself, and give quartiles over the towers.

    Towers with fewer than ``MIN_TOWER_MONTHS`` months are left out.

    Parameters
    ----------
    pairs : pd.DataFrame
        From ``pairs_table``.

    Returns
    -------
    pd.DataFrame
        Columns flux, step, quantile (0.25, 0.5, 0.75), n_towers and the metrics of ``score``.
    """
    parts = []
    for flux, rows in pairs.groupby("flux", sort=False):
        towers = [site for _, site in rows.groupby("site") if len(site) >= MIN_TOWER_MONTHS]
        scored = pd.DataFrame([row for site in towers for row in _steps(site)])
        for step in STEPS if towers else ():
            chosen = scored[scored["step"] == step].drop(columns=["step", "n_towers"])
            quartiles = chosen.quantile([0.25, 0.5, 0.75]).rename_axis("quantile").reset_index()
            parts.append(quartiles.assign(flux=flux, step=step, n_towers=len(towers)))
    columns = ["flux", "step", "quantile", "n_towers", *LONG_NAMES]
    return pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)


def split_skill(predictions: xr.Dataset) -> pd.DataFrame:
    """Score baseline and refined fluxes under every split.

    Parameters
    ----------
    predictions : xr.Dataset, (split, source, site, time)
        Held-out predictions of all splits.

    Returns
    -------
    pd.DataFrame
        Columns flux, split, step, n_towers and the metrics of ``score``.
    """
    parts = []
    for split in predictions["split"].values:
        pairs = pairs_table(predictions.sel(split=split))
        for flux, rows in pairs.groupby("flux", sort=False):
            parts += [{"flux": flux, "split": str(split), **row} for row in _steps(rows)]
    return pd.DataFrame(parts)


def _fluxes(predictions: xr.Dataset) -> list[str]:
    return [flux for flux in FLUXES if flux in predictions]


def _pairs(predictions: xr.Dataset, flux: str) -> pd.DataFrame:
    wide = predictions[flux].reset_coords(drop=True).to_series().unstack("source")
    rows = wide.dropna().reset_index()
    for name, classes in (("IGBP", IGBP_CLASSES), ("KOPPEN", KOPPEN_CLASSES)):
        if name in predictions:
            codes = predictions[name].reset_coords(drop=True).to_series()
            rows[name] = rows["site"].map(codes).map(classes)
    return rows.assign(flux=flux)


def _by_group(flux: object, rows: pd.DataFrame) -> Iterator[dict[str, object]]:
    limit = SIZES[variable(str(flux)).units]
    small, large = f"below {limit:g}", f"from {limit:g} on"
    size = np.where(rows["observed"].abs() < limit, small, large)
    groupings = {
        "IGBP": (rows.get("IGBP"), IGBP_CLASSES.values()),
        "Koppen": (rows.get("KOPPEN"), KOPPEN_CLASSES.values()),
        "season": (_season(rows["time"]), ("DJF", "MAM", "JJA", "SON")),
        "size": (pd.Series(size, rows.index), (small, large)),
    }
    for grouping, (labels, groups) in groupings.items():
        for group in groups if labels is not None else ():
            chosen: pd.DataFrame = rows[np.asarray(labels == group)]
            if len(chosen) >= MIN_MONTHS:
                for row in _steps(chosen):
                    yield {"flux": flux, "grouping": grouping, "group": group, **row}


def _season(time: "pd.Series[pd.Timestamp]") -> "pd.Series[str]":
    names = np.array(["DJF", "MAM", "JJA", "SON"])
    return pd.Series(names[(time.dt.month.to_numpy() % 12) // 3], time.index)


def _steps(rows: pd.DataFrame) -> Iterator[dict[str, object]]:
    observed = xr.DataArray(rows["observed"].to_numpy(float), dims="pair")
    for step in STEPS:
        skill = score(observed, observed.copy(data=rows[step].to_numpy(float)))
        metrics = {str(name): float(value) for name, value in skill.items()}
        yield {"step": step, "n_towers": rows["site"].nunique(), **metrics, "n": int(skill["n"])}
