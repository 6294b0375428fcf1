"""Make uflux_stats/data/respiration_fluxnet2015.json from the monthly files of FLUXNET2015.

Usage: UFLUX_DATA=/folder python scripts/fit_respiration_table.py
"""

import os
from pathlib import Path

from uflux_stats.baselines import ParameterTable, fit_reference_respiration
from uflux_stats.io.fluxnet import read_fluxnet

TARGET = Path(__file__).parents[1] / "uflux_stats" / "data" / "respiration_fluxnet2015.json"
Q10 = 1.5
QC = 0.8
MIN_SITES = 5
PROVENANCE = (
    f"Base rate at 10 degC by least squares at Q10 {Q10} per IGBP class, on FLUXNET2015 "
    "(CC-BY-4.0; Pastorello et al. 2020, doi 10.1038/s41597-020-0534-3): monthly RECO_NT_VUT_REF "
    f"on TA_F, months with NEE_VUT_REF_QC of at least {QC}; classes with fewer than {MIN_SITES} "
    "towers drawn toward all towers"
)


def fitted_table(folder: Path) -> ParameterTable:
    """Fit the table to the towers in ``folder``."""
    towers = read_fluxnet(folder / "fluxnet2015", qc=QC)
    return fit_reference_respiration(towers, q10=Q10, min_sites=MIN_SITES, provenance=PROVENANCE)


if __name__ == "__main__":
    TARGET.write_text(fitted_table(Path(os.environ["UFLUX_DATA"])).to_json(), encoding="utf-8")
