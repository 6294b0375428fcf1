"""How predictors follow a driver of the month: against the predictors of a changed month."""

import numpy as np
import pytest
import xarray as xr

from uflux_stats.baselines import fit_reference_respiration
from uflux_stats.refinement.features import CLIMATE
from uflux_stats.refinement.responses import LIGHT, WARMTH, Response, direction
from uflux_stats.refinement.table import training_table

MONTH, CHANGE = 20, 0.5


@pytest.mark.parametrize("response", [LIGHT, WARMTH], ids=["light", "warmth"])
def test_follows_a_change_of_one_month(towers: xr.Dataset, response: Response) -> None:
    table = training_table(towers)
    parameters = fit_reference_respiration(towers)
    found = direction(table, parameters, response)
    changed = towers.copy(deep=True)
    changed[response.driver][:, MONTH] += CHANGE
    after = training_table(changed)
    rows = table.time == MONTH
    climate = [
        any(
            name.startswith(f"{one}_{kind}") for one in CLIMATE for kind in ("mean", "range", "max")
        )
        for name in table.spec.names
    ]
    moved = (after.predictors - table.predictors)[rows] / CHANGE
    expected = np.where(climate, 0.0, moved)
    np.testing.assert_allclose(found.predictors[rows], expected, atol=1e-3)
    assert (found.predictors[rows] != 0.0).any(axis=0).sum() >= 4
    before, later = (each.baseline(parameters) for each in (table, after))
    for name in ("GPP", "RECO", "LE"):
        np.testing.assert_allclose(
            found.process[name][rows], (later[name] - before[name])[rows] / CHANGE, atol=2e-2
        )
    assert (found.process[response.flux][rows] > 0.0).any()


def test_the_limit_is_that_of_the_driver(towers: xr.Dataset) -> None:
    table = training_table(towers)
    found = direction(table, fit_reference_respiration(towers), LIGHT)
    light = table.take(table.towers["SWIN"])
    np.testing.assert_array_equal(found.inside, light < 200.0)
    assert 0 < found.inside.sum() < len(light)
    assert found.spread == pytest.approx(light.std())
