"""Figure of calibration, from a posterior made by hand."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.bayes.compat import tree_of
from uflux_stats.bayes.fitted import RespirationFit
from uflux_stats.bayes.gate import Diagnosis
from uflux_stats.bayes.options import RespirationOptions, SamplerOptions
from uflux_stats.bayes.rows import ModelRows
from uflux_stats.reporting.respiration_checks import calibration_figure


@pytest.fixture
def fit() -> RespirationFit:
    """Of months that are exactly as likely as the model says: quantiles of its normal errors."""
    rng = np.random.default_rng(0)
    months = 400
    warmth = rng.normal(0.0, 0.5, months)
    mean = 2.0 * np.exp(0.6 * warmth)
    rows = ModelRows(
        options=RespirationOptions(level="pooled", likelihood="normal"),
        observed=mean + 0.3 * rng.standard_normal(months), temperature=10.0 + 10.0 * warmth,
        warmth=warmth, conditions=np.zeros((months, 0)), site=np.zeros(months, int),
        season=np.zeros(months, int), month=np.arange(months), group=np.array([0]),
        sites=("A",), groups=("all",), effects=(),
    )  # fmt: skip
    values = {"log_rate": np.log(2.0), "slope": 0.6, "sigma0": 0.3, "sigma1": 1e-9}
    draws = xr.Dataset({k: (("chain", "draw"), np.full((1, 5), v)) for k, v in values.items()})
    diagnosis = Diagnosis(1.0, 500, 500, 0, 1.0, "slope", passed=True)
    return RespirationFit(rows, tree_of({"posterior": draws}), diagnosis, SamplerOptions())


def test_histograms_are_flat_and_intervals_are_counted(fit: RespirationFit) -> None:
    sites = pd.DataFrame(
        {
            "observed": [1.0, 2.0, 9.0, 3.0],
            "low": [0.5, 1.0, 2.0, 1.0],
            "median": [1.0, 2.0, 3.0, 4.0],
            "high": [2.0, 4.0, 6.0, 8.0],
            "covered": [True, True, False, True],
            "integral": [0.5, 0.5, 1.0, 0.3],
        },
        index=["A", "B", "C", "D"],
    )
    months, means, intervals = calibration_figure(fit, sites).axes
    heights = [bar.get_height() for bar in months.patches]
    assert sum(heights) == pytest.approx(1.0)
    assert max(heights) < 0.15
    assert sorted(bar.get_height() for bar in means.patches if bar.get_height() in (0.25, 0.5)) == [
        0.25, 0.25, 0.5,
    ]  # fmt: skip
    assert "75%" in intervals.get_title()
    outside = next(line for line in intervals.lines if line.get_label() == "outside")
    assert np.asarray(outside.get_ydata()).tolist() == [9.0]
