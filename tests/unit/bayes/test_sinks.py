"""What draws and form explain of the gap between sinks, by hand."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.bayes.sinks import explained_gap, sink_routes
from uflux_stats.errors import MissingVariableError

SINKS = {"dgvm": 4.0, "hybrid": 16.0, "direct": 26.0, "difference": 24.0}


@pytest.fixture
def routes() -> pd.DataFrame:
    known = {
        f"divergence.global.NEP.{route}": {"value": value, "low": value - 1.0, "high": value + 1.0}
        for route, value in SINKS.items()
    }
    draws = np.linspace(8.0, 18.0, 101)
    dims = ("form", "site_effect", "draw", "region", "year")
    totals = xr.Dataset(
        {
            "NEP": (dims, draws.reshape(1, 1, -1, 1, 1)),
            "NEP_fixed_q10": (("region", "year"), [[20.0]]),
        },
        {"form": ["q10"], "site_effect": ["none"], "region": ["globe"], "year": [2006]},
    )
    return sink_routes(known, totals)


def test_routes_of_models_and_of_draws_stand_in_one_table(routes: pd.DataFrame) -> None:
    assert routes["route"].tolist() == [*SINKS, "fixed_q10", "q10"]
    assert routes.iloc[-1][["value", "low", "high"]].tolist() == pytest.approx([13.0, 8.5, 17.5])


def test_the_gap_is_shared_out(routes: pd.DataFrame) -> None:
    found = explained_gap(routes).iloc[0]
    assert found["gap"] == 20.0
    assert found["form"] == pytest.approx((20.0 - 4.0) - (13.0 - 4.0))
    assert found["draws_share"] == pytest.approx(9.0 / 20.0)
    assert not found["reaches"]
    wide = routes.assign(low=np.where(routes["route"] == "q10", 3.0, routes["low"]))
    assert explained_gap(wide).iloc[0]["reaches"]


def test_a_form_that_goes_astray_explains_less_than_nothing(routes: pd.DataFrame) -> None:
    astray = routes.assign(value=np.where(routes["route"] == "q10", 30.0, routes["value"]))
    assert explained_gap(astray).iloc[0]["form_share"] == pytest.approx(-0.5)


def test_regions_must_be_of_the_same_run() -> None:
    totals = xr.Dataset(coords={"region": ["Asia"]})
    with pytest.raises(MissingVariableError, match="from the same run"):
        sink_routes({"divergence.global.NEP.dgvm": {"value": 1.0}}, totals)
