"""The P-model against pyrealm 2.0.0; ``make_pyrealm.py`` made the numbers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from uflux_stats.baselines import gpp, thermodynamics
from uflux_stats.baselines.gpp import Climate

TABLE = pd.read_csv(Path(__file__).with_name("pyrealm.csv"))
COLUMNS = {name: TABLE[name].to_numpy() for name in TABLE}
CLIMATE = Climate(*(COLUMNS[name] for name in ("temperature", "vpd", "co2", "pressure")))
TIGHT = {"rel": 1e-8, "abs": 1e-12}


def test_the_grid_covers_both_sides_of_the_limit() -> None:
    assert len(TABLE) > 500
    assert 0 < (COLUMNS["m_j"] <= 0.41).sum() < len(TABLE) / 2


def test_physics() -> None:
    state = (COLUMNS["temperature"], COLUMNS["pressure"])
    pressure = thermodynamics.pressure_from_elevation(COLUMNS["elevation"])
    assert pressure == pytest.approx(COLUMNS["pressure"], **TIGHT)
    assert thermodynamics.gamma_star(*state) == pytest.approx(COLUMNS["gamma_star"], **TIGHT)
    assert thermodynamics.michaelis_menten(*state) == pytest.approx(COLUMNS["kmm"], **TIGHT)
    assert thermodynamics.relative_viscosity(*state) == pytest.approx(COLUMNS["ns_star"], **TIGHT)


def test_stomata() -> None:
    assert gpp.stomatal_sensitivity(CLIMATE) == pytest.approx(COLUMNS["xi"], **TIGHT)
    assert gpp.optimal_chi(CLIMATE) == pytest.approx(COLUMNS["chi"], **TIGHT)
    assert gpp.co2_limitation(CLIMATE) == pytest.approx(COLUMNS["m_j"], **TIGHT)


@pytest.mark.parametrize("limitation", ["wang17", "none"])
def test_efficiency(limitation: gpp.JmaxLimitation) -> None:
    valid = COLUMNS["m_j"] > 0.41
    c3 = gpp.lue_c3(CLIMATE, limitation=limitation)
    assert c3[valid] == pytest.approx(COLUMNS[f"c3_{limitation}"][valid], rel=1e-6, abs=1e-12)
    c4 = gpp.lue_c4(COLUMNS["temperature"], limitation=limitation)
    assert c4 == pytest.approx(COLUMNS[f"c4_{limitation}"], rel=1e-6, abs=1e-12)


def test_no_efficiency_where_pyrealm_has_none() -> None:
    below = COLUMNS["m_j"] <= 0.41
    assert (gpp.lue_c3(CLIMATE)[below] == 0.0).all()
    assert np.isnan(COLUMNS["c3_wang17"][below]).all()
