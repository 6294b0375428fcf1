"""Trends equal those of statsmodels, pymannkendall and SciPy, with gaps and ties."""

from functools import cache

import numpy as np
import pymannkendall
import pytest
import statsmodels.api as sm
import xarray as xr
from scipy import stats

import uflux_stats.stats.trend as trends

YEARS = np.arange(2003, 2023)
CELLS = 40


def random_series(kind: str) -> np.ndarray:
    random = np.random.default_rng(11)
    noise = random.normal(size=(CELLS, len(YEARS))).cumsum(axis=1) * 0.3
    series = noise + 0.05 * np.arange(len(YEARS))
    if kind in {"ties", "ties and gaps"}:
        series = np.round(series * 2) / 2
    if kind in {"gaps", "ties and gaps"}:
        series[random.random(series.shape) < 0.3] = np.nan
    return series


@cache
def real_series(folder: str) -> np.ndarray:
    import openpyxl

    book = openpyxl.load_workbook(
        f"{folder}/gcb/Global_Carbon_Budget_2023v1.1.xlsx", read_only=True, data_only=True
    )
    rows = book["Terrestrial Sink"].iter_rows(min_row=29, max_row=92, min_col=4, max_col=23)
    return np.array([[cell.value for cell in row] for row in rows], dtype=float).T[:, -20:]


@pytest.fixture(params=["plain", "gaps", "ties", "ties and gaps", "real", "real and gaps"])
def series(request: pytest.FixtureRequest) -> np.ndarray:
    if not request.param.startswith("real"):
        return random_series(request.param)
    found = real_series(str(request.getfixturevalue("real_data"))).copy()
    if request.param == "real and gaps":
        found[np.random.default_rng(5).random(found.shape) < 0.2] = np.nan
    return found


def fit(series: np.ndarray, **how: object) -> xr.Dataset:
    labelled = xr.DataArray(series, {"year": YEARS}, dims=("cell", "year"))
    return trends.trend(labelled, **how).data


def least_squares(row: np.ndarray, **how: object):
    return sm.OLS(row, sm.add_constant(YEARS.astype(float)), missing="drop").fit(**how)


def close(found: xr.DataArray, wanted: list[float]) -> None:
    np.testing.assert_allclose(found.values, wanted, rtol=1e-10, atol=1e-10)


def test_ols_equals_statsmodels(series: np.ndarray) -> None:
    found = fit(series, method="ols")
    wanted = [least_squares(row) for row in series]
    close(found["slope"], [w.params[1] for w in wanted])
    close(found["stderr"], [w.bse[1] for w in wanted])
    close(found["p"], [w.pvalues[1] for w in wanted])
    close(found["low"], [w.conf_int()[1, 0] for w in wanted])
    close(found["high"], [w.conf_int()[1, 1] for w in wanted])
    np.testing.assert_allclose(found["intercept"], [w.params[0] for w in wanted], rtol=1e-9)


@pytest.mark.parametrize("maxlags", [0, 1, 2, 5])
def test_newey_west_equals_statsmodels(series: np.ndarray, maxlags: int) -> None:
    found = fit(series, method="newey_west", maxlags=maxlags)
    how = {"maxlags": maxlags, "use_correction": True}
    wanted = [least_squares(row, cov_type="HAC", cov_kwds=how, use_t=True) for row in series]
    close(found["slope"], [w.params[1] for w in wanted])
    close(found["stderr"], [w.bse[1] for w in wanted])
    close(found["p"], [w.pvalues[1] for w in wanted])
    close(found["high"], [w.conf_int()[1, 1] for w in wanted])


def test_mann_kendall_equals_pymannkendall(series: np.ndarray) -> None:
    found = fit(series, method="theil_sen")
    wanted = [pymannkendall.original_test(row) for row in series]
    close(found["slope"], [w.slope for w in wanted])
    close(found["z"], [w.z for w in wanted])
    close(found["p"], [w.p for w in wanted])
    close(found["tau"], [w.Tau for w in wanted])


def test_theil_sen_equals_scipy(series: np.ndarray) -> None:
    found = fit(series, method="theil_sen", confidence=0.9)
    present = [np.isfinite(row) for row in series]
    wanted = [
        stats.theilslopes(row[here], YEARS[here], 0.9)
        for row, here in zip(series, present, strict=True)
    ]
    close(found["slope"], [w.slope for w in wanted])
    close(found["low"], [w.low_slope for w in wanted])
    close(found["high"], [w.high_slope for w in wanted])
    np.testing.assert_allclose(found["intercept"], [w.intercept for w in wanted], rtol=1e-9)


def test_tau_equals_scipy_where_nothing_is_tied() -> None:
    series = random_series("plain")
    wanted = [stats.kendalltau(YEARS, row).statistic for row in series]
    close(fit(series, method="theil_sen")["tau"], wanted)


@pytest.mark.parametrize("kind", ["plain", "ties"])
def test_prewhitened_test_equals_pymannkendall(kind: str) -> None:
    series = random_series(kind)
    found = fit(series, method="theil_sen", prewhiten=True)
    wanted = [pymannkendall.trend_free_pre_whitening_modification_test(row) for row in series]
    close(found["slope"], [w.slope for w in wanted])
    close(found["z"], [w.z for w in wanted])
    close(found["p"], [w.p for w in wanted])


@pytest.mark.parametrize("kind", ["plain", "gaps", "ties"])
def test_seasonal_test_equals_pymannkendall(kind: str) -> None:
    random = np.random.default_rng(3)
    months = random.normal(size=(6, 96)).cumsum(axis=1) + np.tile(np.arange(12.0), 8)
    if kind == "ties":
        months = np.round(months)
    if kind == "gaps":
        months[random.random(months.shape) < 0.2] = np.nan
    time = xr.date_range("2001-01", periods=96, freq="MS")
    labelled = xr.DataArray(months, {"time": time}, dims=("cell", "time"))
    found = trends.trend(labelled, method="seasonal_mann_kendall")
    wanted = [pymannkendall.seasonal_test(row, period=12) for row in months]
    close(found["slope"], [w.slope for w in wanted])
    close(found["z"], [w.z for w in wanted])
    close(found["p"], [w.p for w in wanted])
    close(found["tau"], [w.Tau for w in wanted])
