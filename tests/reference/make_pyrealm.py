"""Make pyrealm.csv: light-use efficiencies by pyrealm 2.0.0 over a grid of climates.

Run it in an environment of its own: pip install pyrealm==2.0.0; python make_pyrealm.py
"""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
from pyrealm.core.pressure import calc_patm
from pyrealm.pmodel import PModel, PModelEnvironment

PHI0 = 0.081785
TEMPERATURE = (-25.0, -20.0, -13.0, -5.0, 0.0, 5.0, 12.5, 20.0, 27.5, 35.0, 45.0)
VPD = (0.0, 50.0, 500.0, 1000.0, 3000.0, 6000.0)
CO2 = (280.0, 400.0, 560.0)
ELEVATION = (0.0, 1500.0, 4000.0)


def efficiency(env: PModelEnvironment, pathway: str, limitation: str) -> np.ndarray:
    model = PModel(
        env,
        method_optchi="prentice14" if pathway == "c3" else "c4_no_gamma",
        method_jmaxlim=limitation,
        method_kphio="temperature",
        reference_kphio=PHI0,
    )
    return model.lue


def main() -> None:
    grid = np.array(list(itertools.product(TEMPERATURE, VPD, CO2, ELEVATION)))
    temperature, vpd, co2, elevation = grid.T
    pressure = calc_patm(elevation)
    env = PModelEnvironment(tc=temperature, vpd=vpd, co2=co2, patm=pressure)
    chosen = PModel(env, reference_kphio=PHI0).optchi
    table = pd.DataFrame(
        {
            "temperature": temperature,
            "vpd": vpd,
            "co2": co2,
            "elevation": elevation,
            "pressure": pressure,
            "gamma_star": env.gammastar,
            "kmm": env.kmm,
            "ns_star": env.ns_star,
            "xi": chosen.xi,
            "chi": chosen.chi,
            "m_j": chosen.mj,
        }
    )
    for pathway, limitation in itertools.product(("c3", "c4"), ("wang17", "none")):
        table[f"{pathway}_{limitation}"] = efficiency(env, pathway, limitation)
    # pyrealm leaves these elements uninitialised
    table.loc[table["m_j"] <= 0.41, "c3_wang17"] = np.nan
    table.to_csv(Path(__file__).with_name("pyrealm.csv"), index=False, float_format="%.12g")


if __name__ == "__main__":
    main()
