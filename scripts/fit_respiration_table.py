"""Make uflux_stats/data/respiration_fluxnet2015.json from the monthly files of FLUXNET2015.

Usage: UFLUX_DATA=/folder python scripts/fit_respiration_table.py
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.baselines import fit_reference_respiration
from uflux_stats.schema import IGBP_CLASSES, MISSING_CLASS, variable

TARGET = Path(__file__).parents[1] / "uflux_stats" / "data" / "respiration_fluxnet2015.json"
GOOD = 0.8
PROVENANCE = (
    "Base rate by least squares at Q10 1.5 per IGBP class on FLUXNET2015 (CC-BY-4.0; Pastorello et "
    "al. 2020, doi 10.1038/s41597-020-0534-3): monthly RECO_NT_VUT_REF on TA_F, months with "
    f"NEE_VUT_REF_QC >= {GOOD}; classes with fewer than 5 towers drawn toward all towers"
)


def read_site(path: Path) -> pd.DataFrame:
    """Air temperature and respiration of one tower by month."""
    columns = ["TIMESTAMP", "TA_F", "RECO_NT_VUT_REF", "NEE_VUT_REF_QC"]
    months = pd.read_csv(path, usecols=columns, na_values=[-9999])
    months = months[months["NEE_VUT_REF_QC"] >= GOOD]
    return months.assign(site=path.name.split("_")[1]).set_index(["site", "TIMESTAMP"])


def towers(folder: Path) -> xr.Dataset:
    """All towers as (site, time)."""
    table = pd.concat(read_site(path) for path in sorted(folder.glob("fluxnet2015/FLX_*_MM_*.csv")))
    data = table.to_xarray().rename(TA_F="TA", RECO_NT_VUT_REF="RECO", TIMESTAMP="time")
    code = {name: number for number, name in IGBP_CLASSES.items()}
    named = pd.read_csv(folder / "fluxnet2015_sites.csv", index_col="site")["igbp"]
    igbp = named.map(code).fillna(MISSING_CLASS).reindex(data["site"].to_index())
    data["IGBP"] = ("site", igbp.to_numpy(dtype=float))
    for name in ("TA", "RECO", "IGBP"):
        data[name] = data[name].assign_attrs(variable(name).attrs)
    return data


if __name__ == "__main__":
    table = fit_reference_respiration(towers(Path(os.environ["UFLUX_DATA"])), provenance=PROVENANCE)
    assert np.isfinite(table.fallback.rate)
    TARGET.write_text(table.to_json(), encoding="utf-8")
