"""What a tower's instruments and gap-filling make of the truth: FLUXNET2015 monthly tables."""

from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.io.twin.options import TwinOptions
from uflux_stats.io.twin.towers import Network

Floats = NDArray[np.float64]

GAP: Final = -9999
GOOD_MONTHS: Final = 0.025
"""Mean over good towers of the share of bad half-hours; poor towers have six times as much."""


def tower_table(network: Network, position: int, options: TwinOptions) -> pd.DataFrame:
    """Measure one tower.

    Parameters
    ----------
    network : Network
        All towers.
    position : int
        Which one, from zero.
    options : TwinOptions
        For time and seed.

    Returns
    -------
    pandas.DataFrame
        Columns of a FLUXNET2015 SUBSET MM file in their order and units, ``-9999`` where missing;
        only months of the record.
    """
    site = network.sites.isel(cell=position)
    record = slice(int(site["first"]), int(site["last"]) + 1)
    rng = options.rng(f"tower {position}")
    air = network.weather.isel(cell=position, time=record)
    flux = network.fluxes.isel(cell=position, time=record)
    weather, truth = _arrays(air), _arrays(flux)
    table = pd.DataFrame({"TIMESTAMP": air["time"].dt.strftime("%Y%m").values})
    meteorology = _meteorology(rng, weather)
    energy = _energy(rng, weather, truth, float(site["closure"]))
    carbon = _carbon(rng, truth)
    table = pd.concat([table, pd.DataFrame(meteorology | energy | carbon)], axis=1)
    return _with_gaps(rng, table)


def _arrays(data: xr.Dataset) -> dict[str, Floats]:
    return {str(name): np.asarray(values, np.float64) for name, values in data.data_vars.items()}


def _quality(rng: np.random.Generator, n: int) -> Floats:
    """Fraction of good half-hours in each month (n,), worse in some stretches."""
    bad = GOOD_MONTHS * np.exp(rng.uniform(0, 2.0))
    stretch = np.repeat(rng.gamma(1.1, 1.0, n // 3 + 1), 3)[:n]
    return np.asarray(np.clip(1 - bad * stretch * rng.gamma(2.0, 1.0, n), 0, 1))


def _meteorology(rng: np.random.Generator, weather: dict[str, Floats]) -> dict[str, Floats]:
    n = weather["TA"].size
    co2 = weather["CO2"] + rng.normal(0, 6) + 3 * rng.standard_normal(n)
    if rng.uniform() < 0.12:
        broken = rng.uniform(size=n) < 0.2
        co2 = np.where(broken, rng.choice([0.0, 540.0, 980.0]), co2)
    good = np.ones(n)
    return {
        "TA_F": weather["TA"] + 0.1 * rng.standard_normal(n), "TA_F_QC": _quality(rng, n),
        "SW_IN_F": np.maximum(weather["SWIN"] + 1.5 * rng.standard_normal(n), 0),
        "SW_IN_F_QC": _quality(rng, n),
        "LW_IN_F": weather["LWIN"] + 3 * rng.standard_normal(n), "LW_IN_F_QC": _quality(rng, n),
        "VPD_F": np.maximum(weather["VPD"] * (1 + 0.04 * rng.standard_normal(n)), 0.01),
        "VPD_F_QC": _quality(rng, n), "PA_F": weather["PA"], "PA_F_QC": good,
        "P_F": weather["P"] * (1 + 0.05 * rng.standard_normal(n)), "P_F_QC": _quality(rng, n),
        "NETRAD": weather["RNET"] + 3 * rng.standard_normal(n), "NETRAD_QC": _quality(rng, n),
        "CO2_F_MDS": co2, "CO2_F_MDS_QC": _quality(rng, n),
        "TS_F_MDS_1": weather["TS"] + 0.3 * rng.standard_normal(n),
        "TS_F_MDS_1_QC": _quality(rng, n),
    }  # fmt: skip


def _energy(
    rng: np.random.Generator, weather: dict[str, Floats], truth: dict[str, Floats], closure: float
) -> dict[str, Floats]:
    """Heat fluxes; the measured sum falls short of the available energy by ``closure``."""
    n = truth["LE"].size
    ground = 0.05 * weather["RNET"]
    error = 1.5 + 0.04 * np.abs(truth["LE"])
    latent = closure * truth["LE"] + error * rng.standard_normal(n)
    sensible = weather["RNET"] - ground - truth["LE"]
    return {
        "G_F_MDS": ground + rng.standard_normal(n),
        "G_F_MDS_QC": rng.integers(0, 4, n).astype(np.float64),
        "LE_F_MDS": latent, "LE_F_MDS_QC": _quality(rng, n),
        "LE_CORR": latent / closure, "LE_RANDUNC": error,
        "H_F_MDS": closure * sensible + error * rng.standard_normal(n),
        "H_F_MDS_QC": _quality(rng, n), "H_CORR": sensible, "H_RANDUNC": error,
    }  # fmt: skip


def _carbon(rng: np.random.Generator, truth: dict[str, Floats]) -> dict[str, Floats]:
    """Carbon fluxes; noise grows with the flux and with the share of filled half-hours.

    Each partitioning has its own error, so that RECO - GPP is not quite NEE.
    """
    n = truth["GPP"].size
    quality = _quality(rng, n)
    fuzz = 1 + 1.5 * (1 - quality)
    error = (0.025 + 0.06 * (truth["GPP"] + truth["RECO"]) / 2) * fuzz
    nee = truth["NEE"] + error * rng.standard_normal(n)
    split = error * rng.standard_normal(n)
    apart = np.clip(0.02 * rng.standard_t(1.5, n), -3, 3)
    reco = np.maximum(truth["RECO"] + split, 0.0)
    gpp = reco - nee + apart
    bias = rng.normal(1.0, 0.05)
    columns = {
        "NEE_VUT_REF": nee, "NEE_VUT_REF_QC": quality, "NEE_VUT_REF_RANDUNC": error,
        "NEE_VUT_25": nee - 0.5 * error, "NEE_VUT_50": nee, "NEE_VUT_75": nee + 0.5 * error,
        "NEE_VUT_25_QC": quality, "NEE_VUT_50_QC": quality, "NEE_VUT_75_QC": quality,
    }  # fmt: skip
    columns |= _spread("RECO_NT", reco, error) | _spread("GPP_NT", gpp, error)
    day_reco = np.maximum(bias * truth["RECO"] + error * rng.standard_normal(n), 0)
    day_gpp = np.maximum(day_reco - nee + apart, 0)
    return columns | _spread("RECO_DT", day_reco, error) | _spread("GPP_DT", day_gpp, error)


def _spread(name: str, flux: Floats, error: Floats) -> dict[str, Floats]:
    return {
        f"{name}_VUT_REF": flux,
        f"{name}_VUT_25": flux - 0.5 * error,
        f"{name}_VUT_50": flux,
        f"{name}_VUT_75": flux + 0.5 * error,
    }


def _with_gaps(rng: np.random.Generator, table: pd.DataFrame) -> pd.DataFrame:
    """Take out months, and at some towers whole instruments."""
    table = table.round(6)
    columns = list(map(str, table))
    carbon = [name for name in columns if name.startswith(("NEE", "RECO", "GPP"))]
    heat = [name for name in columns if name.startswith(("LE_CORR", "H_CORR", "G_F"))]
    for names, share in ((carbon, 0.04), (heat, 0.08)):
        table.loc[rng.uniform(size=len(table)) < share, names] = GAP
    for name in ("NETRAD", "TS_F_MDS_1"):
        if rng.uniform() < 0.04:
            table = table.drop(columns=[name, f"{name}_QC"])
    if rng.uniform() < 0.04:
        table.loc[rng.integers(len(table)), "SW_IN_F"] = 401.5
    return table
