"""Trends: cases by hand, axes, units, what cannot be computed, laziness."""

import warnings

import cftime
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import special

from uflux_stats.errors import CalendarError, ConfigError, DimensionError, RangeError
from uflux_stats.stats.trend import (
    METHODS,
    change_point,
    ensemble_trend,
    field_significance,
    trend,
)
from uflux_stats.stats.trend.line import student_below

YEARLY = [name for name, method in METHODS.items() if not method.monthly]


def series(rows: object, unit: str = "PgC yr-1", first: int = 2003) -> xr.DataArray:
    array = np.asarray(rows, dtype=float)
    years = np.arange(first, first + array.shape[-1])
    dims = ("cell", "year")[-array.ndim :]
    return xr.DataArray(array, {"year": years}, dims, attrs={"units": unit})


@pytest.mark.parametrize("method", YEARLY)
@pytest.mark.parametrize(
    ("unit", "wanted"),
    [("PgC yr-1", "PgC yr-2"), ("PgC", "PgC yr-1"), ("gC m-2 d-1", "gC m-2 d-1 yr-1")],
)
def test_a_straight_line_is_found_in_its_unit(method: str, unit: str, wanted: str) -> None:
    found = trend(series(5 + 0.5 * np.arange(20), unit), method=method)
    for name in ("slope", "low", "high"):
        assert found[name].item() == pytest.approx(0.5)
        assert found[name].attrs["units"] == wanted
    assert found["n"].item() == 20
    assert found["p"].item() < 0.01
    assert found.attrs["method"] == method


@pytest.mark.parametrize("method", YEARLY)
def test_series_that_cannot_be_computed_are_missing_and_counted(method: str) -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(6, 20))
    rows[1], rows[2], rows[3, 3:] = np.nan, 7.0, np.nan
    rows[4, 5] = np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = trend(series(rows), method=method)
    assert found["slope"].isnull().values.tolist() == [False, True, True, True, False, False]
    assert found["n"].values.tolist() == [20, 0, 20, 3, 19, 20]
    assert found.note == ("3 of 6 series computed; missing: 1 no data, 1 too short, 1 constant")
    assert len(found.to_frame()) == 3


@pytest.mark.parametrize("method", YEARLY)
def test_scale_shift_and_sign(method: str) -> None:
    rows = np.random.default_rng(1).normal(size=(5, 15))
    one, other = trend(series(rows), method=method), trend(series(3 - 2 * rows), method=method)
    np.testing.assert_allclose(other.slope, -2 * one.slope, atol=1e-12)
    np.testing.assert_allclose(other.p, one.p, atol=1e-9)


@pytest.mark.parametrize("method", YEARLY)
def test_dask_is_lazy_and_equal(method: str) -> None:
    rows = np.random.default_rng(2).normal(size=(7, 20))
    rows[3, 4:9] = np.nan
    lazy = trend(series(rows).chunk(cell=2, year=5), method=method)
    assert lazy.slope.chunks is not None
    xr.testing.assert_allclose(lazy.data.compute(), trend(series(rows), method=method).data)


def test_months_become_years_weighed_by_days() -> None:
    time = xr.date_range("2001-03", periods=70, freq="MS")
    months = xr.DataArray(np.arange(70.0), {"time": time}, dims="time", attrs={"units": "PgC"})
    found = trend(months)
    assert found["n"].item() == 5
    assert found.slope.item() == pytest.approx(12.0, rel=1e-3)
    months[[20, 40]] = np.nan
    assert trend(months).note == "0 of 1 series computed; missing: 1 too short"


def test_yearly_dates_and_cftime_are_years() -> None:
    values = np.array([1.0, 2.5, 2.0, 4.0, 5.5])
    dates = pd.date_range("2001-01-01", periods=5, freq="YS")
    no_leap = [cftime.DatetimeNoLeap(2001 + i, 7, 1) for i in range(5)]
    wanted = trend(series(values, first=2001)).slope.item()
    for axis in (dates, no_leap):
        dated = xr.DataArray(values, {"time": axis}, dims="time")
        assert trend(dated).slope.item() == pytest.approx(wanted)


def test_gaps_of_years_are_kept_in_the_time_axis() -> None:
    years = [2001, 2002, 2003, 2007, 2008, 2009]
    values = xr.DataArray(0.3 * np.array(years), {"year": years}, dims="year")
    for method in YEARLY:
        assert trend(values, method=method).slope.item() == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("values", "error", "match"),
    [
        (series([1.0, 2.0, 3.0]), CalendarError, "at least 4 years, got 3"),
        (series([1.0, 2.0, 3.0, 4.0])[::-1], CalendarError, "years in rising order"),
        (xr.DataArray(np.ones(12), dims="month"), DimensionError, "one climatological year"),
        (xr.DataArray(np.ones(12), dims="cell"), DimensionError, "expected a dimension year"),
    ],
)
def test_bad_axes_are_named(values: xr.DataArray, error: type, match: str) -> None:
    with pytest.raises(error, match=match):
        trend(values)


def test_mixed_calendars_are_refused() -> None:
    dates = [cftime.DatetimeNoLeap(2001 + i, 1, 1) for i in range(4)]
    dates[2] = cftime.Datetime360Day(2003, 1, 1)
    values = xr.DataArray(np.arange(4.0), {"time": np.array(dates, dtype=object)}, dims="time")
    with pytest.raises(CalendarError, match="dates of one calendar"):
        trend(values)


def test_a_month_out_of_order_is_refused() -> None:
    time = pd.date_range("2001-01", periods=60, freq="MS").to_numpy().copy()
    time[[3, 4]] = time[[4, 3]]
    with pytest.raises(CalendarError, match="month starts in order"):
        trend(xr.DataArray(np.arange(60.0), {"time": time}, dims="time"))


def test_unknown_methods_and_options_are_named() -> None:
    values = series([1.0, 2.0, 4.0, 5.0])
    with pytest.raises(ConfigError, match="method: expected one of"):
        trend(values, method="lowess")
    with pytest.raises(ConfigError, match="options: expected"):
        trend(values, method="theil_sen", maxlags=2)
    with pytest.raises(RangeError, match="confidence"):
        trend(values, confidence=95)


def test_input_is_not_changed() -> None:
    rows = series(np.random.default_rng(0).normal(size=(3, 12)))
    before = rows.copy(deep=True)
    for method in YEARLY:
        trend(rows, method=method)
    xr.testing.assert_identical(rows, before)


def test_bootstrap_repeats_with_its_seed() -> None:
    rows = series(np.random.default_rng(0).normal(size=(3, 20)))
    one, same = (trend(rows, method="bootstrap", seed=4).data for _ in range(2))
    other = trend(rows, method="bootstrap", seed=5).data
    xr.testing.assert_identical(one, same)
    assert (one["low"] != other["low"]).all()
    assert (abs(one["low"] - other["low"]) < 0.2 * (one["high"] - one["low"])).all()


def remembering(random: np.random.Generator, shape: tuple[int, ...], lag1: float) -> np.ndarray:
    """Stationary AR(1) noise of variance one along the last axis."""
    noise = random.normal(size=shape)
    for year in range(1, shape[-1]):
        noise[..., year] *= np.sqrt(1 - lag1**2)
        noise[..., year] += lag1 * noise[..., year - 1]
    return noise


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("lag1", [0.3, 0.45, 0.6])
def test_default_interval_covers_the_truth_as_it_says(lag1: float, shared: bool) -> None:
    """Twenty years with lag-1 correlation 0.3 to 0.6; the tolerance is the bound asked for."""
    noise = remembering(np.random.default_rng(2026), (12000, 20), lag1)
    found = trend(series(noise + 0.1 * np.arange(20)), shared_memory=shared)
    inside = ((found.low <= 0.1) & (found.high >= 0.1)).mean().item()
    assert 0.90 < inside < 0.97


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("lag1", [0.0, 0.3, 0.6])
def test_false_discoveries_are_held_on_null_maps(lag1: float, smooth: bool, shared: bool) -> None:
    """Maps without any trend: the share of maps with a find is the rate, at most 5 %."""
    random = np.random.default_rng(7)
    maps, finds = 40, 0
    for _ in range(maps):
        noise = remembering(random, (15, 15, 20), lag1)
        if smooth:
            noise = sum(np.roll(noise, (i, j), (0, 1)) for i in range(3) for j in range(3)) / 3
        p = trend(series(noise.reshape(225, 20)), shared_memory=shared).p
        finds += field_significance(p).attrs["significant"] > 0
    assert finds / maps <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / maps)


def test_p_is_exact_over_all_memories_also_in_the_tail() -> None:
    """Series whose lag-1 correlation is drawn from what is taken as likely, with gaps in some."""
    random = np.random.default_rng(11)
    cells = 20000
    lags = 2 * random.beta(1.5, 1.5, cells) - 1  # a half circle
    noise = random.normal(size=(cells, 12))
    for year in range(1, 12):
        noise[:, year] = lags * noise[:, year - 1] + np.sqrt(1 - lags**2) * noise[:, year]
    noise[: cells // 2, [3, 4, 8]] = np.nan
    p = trend(series(noise)).p.values
    for share in (0.2, 0.05, 0.01, 0.001):
        error = np.sqrt(share * (1 - share) / cells)
        assert (p < share).mean() == pytest.approx(share, abs=3 * error)


@pytest.mark.parametrize("freedom", [2, 3, 4, 5, 17, 18, 61])
def test_quick_student_equals_scipy(freedom: int) -> None:
    z = np.linspace(-12, 12, 241).reshape(1, -1)
    degrees = np.full(241, float(freedom))
    np.testing.assert_allclose(
        student_below(z, degrees), special.stdtr(degrees, z), rtol=0, atol=1e-14
    )
    degrees[1] += 1
    np.testing.assert_array_equal(student_below(z, degrees), special.stdtr(degrees, z))


def test_interval_and_p_agree() -> None:
    rows = series(remembering(np.random.default_rng(1), (500, 15), 0.4) + 0.1 * np.arange(15))
    found = trend(rows, confidence=0.9)
    outside = (found.low > 0) | (found.high < 0)
    np.testing.assert_array_equal(outside, found.p < 0.1)
    assert ((found.low < found.slope) & (found.slope < found.high)).all()
    np.testing.assert_allclose(found.slope, trend(rows, method="ols").slope, rtol=1e-12)


def test_shared_memory_is_learnt_from_all_series() -> None:
    random = np.random.default_rng(4)
    rows = series(remembering(random, (400, 20), 0.0))
    alone, shared = trend(rows), trend(rows, shared_memory=True)
    assert (shared.high - shared.low).mean() < 0.9 * (alone.high - alone.low).mean()
    assert abs(shared["lag1"]).mean() < abs(alone["lag1"]).mean()
    rows[:3] = np.nan
    lazy = trend(rows.chunk(cell=37), shared_memory=True)
    assert lazy.slope.chunks is not None
    xr.testing.assert_allclose(lazy.data.compute(), trend(rows, shared_memory=True).data)
    nothing = trend(rows[:3], shared_memory=True)
    assert nothing.note == "0 of 3 series computed; missing: 3 no data"


@pytest.mark.parametrize(
    ("how", "match"),
    [
        (
            {"method": "bootstrap", "block": 0},
            "block: expected a whole number of at least 1, got 0",
        ),
        ({"method": "bootstrap", "draws": 0}, "draws: expected a whole number of at least 2"),
        ({"method": "bootstrap", "draws": 9.5}, "draws: expected a whole number"),
        ({"method": "bootstrap", "seed": -1}, "seed: expected a whole number of at least 0"),
        ({"method": "newey_west", "maxlags": -1}, "maxlags: expected a whole number of at least 0"),
        ({"method": "newey_west", "maxlags": True}, "maxlags: expected a whole number"),
    ],
)
def test_options_out_of_range_are_named(how: dict[str, object], match: str) -> None:
    with pytest.raises(RangeError, match=match):
        trend(series([1.0, 2.0, 4.0, 5.0]), **how)


def test_what_is_not_one_labelled_array_is_named() -> None:
    values = series([1.0, 2.0, 4.0, 5.0])
    with pytest.raises(DimensionError, match=r"got ndarray; name them: xr\.DataArray"):
        trend(values.values)
    with pytest.raises(DimensionError, match=r"dataset of \['GPP'\]; choose one"):
        trend(values.to_dataset(name="GPP"))
    with pytest.raises(DimensionError, match="got list"):
        ensemble_trend([1.0, 2.0])


@pytest.mark.parametrize("method", YEARLY)
def test_what_is_constant_but_for_rounding_is_constant(method: str) -> None:
    time = xr.date_range("2001-01", periods=240, freq="MS")
    months = xr.DataArray(np.full((240, 2), 0.1), {"time": time}, ("time", "site"))
    months[:, 1] = 1e5 / 3
    found = trend(months, method=method)
    assert found.note == "0 of 2 series computed; missing: 2 constant"
    assert found.slope.isnull().all()


def test_field_significance_by_hand() -> None:
    p = xr.DataArray([[0.001, 0.012, 0.035], [0.2, np.nan, 0.045]], dims=("lat", "lon"))
    found = field_significance(p)
    assert found.values.tolist() == [[True, True, False], [False, False, False]]
    assert found.attrs["tested"] == 5
    assert found.attrs["significant_locally"] == 4
    assert not field_significance(p.where(p > 1)).any()
    # 1 + 1/2 + ... + 1/5 = 2.28: 0.001 passes 0.05 / 5 / 2.28, 0.012 does not pass 0.02 / 2.28
    strict = field_significance(p, dependence="any")
    assert strict.values.tolist() == [[True, False, False], [False, False, False]]
    with pytest.raises(ConfigError, match="dependence: expected one of"):
        field_significance(p, dependence="none")
    with pytest.raises(RangeError, match="p: expected values between 0 and 1"):
        field_significance(p + 1)


def test_real_trends_survive_field_significance() -> None:
    random = np.random.default_rng(3)
    rows = random.normal(size=(400, 20))
    rows[:100] += 0.2 * np.arange(20)
    rows = series(rows)
    shared = field_significance(trend(rows, shared_memory=True).p).values
    assert shared[:100].mean() > 0.9
    assert shared[100:].sum() <= 0.1 * shared.sum()
    alone = field_significance(trend(rows).p).values
    assert 0 < alone[:100].sum() < shared[:100].sum()
    assert not alone[100:].any()


def test_change_point_finds_a_step() -> None:
    random = np.random.default_rng(1)
    rows = random.normal(size=(50, 20)) * 0.3
    rows[:, 12:] += 2.0
    rows[0, 3] = np.nan
    found = change_point(series(rows))
    assert (abs(found["year"] - 2015) <= 1).mean() > 0.9
    assert (found["p"] < 0.01).all()
    np.testing.assert_allclose(found["after"] - found["before"], 2.0, atol=0.5)


def test_change_point_equals_the_definition() -> None:
    values = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0])
    scores = [
        sum(np.sign(values[i] - values[j]) for i in range(k) for j in range(k, 8))
        for k in range(1, 8)
    ]
    found = change_point(series(values))
    largest = int(np.argmax(np.abs(scores))) + 1
    assert found["statistic"].item() == np.abs(scores).max()
    assert found["year"].item() == 2003 + largest


def test_an_ensemble_holds_its_spread_and_its_noise() -> None:
    random = np.random.default_rng(5)
    slopes = np.linspace(0.1, 0.5, 9)
    rows = slopes[:, None] * np.arange(20) + 0.2 * random.normal(size=(9, 20))
    models = series(rows).rename(cell="member")
    found = ensemble_trend(models)
    assert found.slope.item() == pytest.approx(0.3, abs=0.02)
    assert found["low"] < found["slope"] - found["between"]
    assert found["share_rising"].item() == 1.0
    assert found["n"].item() == 9
    assert found.slope.attrs["units"] == "PgC yr-2"
    assert found.note == "all 1 series computed"
    with pytest.raises(DimensionError, match="at least two members"):
        ensemble_trend(models[:1])


def test_an_ensemble_says_where_it_has_no_trend() -> None:
    cube = series(np.random.default_rng(0).normal(size=(12, 10)))
    cube = cube.values.reshape(3, 4, 10)
    cube[:, 1], cube[1:, 2], cube[:, 3, 2:] = np.nan, 7.0, np.nan
    dims = ("member", "cell", "year")
    found = ensemble_trend(xr.DataArray(cube, {"year": np.arange(2001, 2011)}, dims))
    assert found["status"].values.tolist() == [0, 1, 4, 2]
    assert found["n"].values.tolist() == [3, 0, 1, 0]
    assert found.slope.isnull().values.tolist() == [False, True, True, True]
    wanted = "1 of 4 series computed; missing: 1 no data, 1 too short, 1 too few members"
    assert found.note == wanted


def test_seasonal_test_ignores_the_seasons() -> None:
    time = xr.date_range("2001-01", periods=120, freq="MS")
    cycle = 5 * np.sin(2 * np.pi * np.arange(120) / 12) + 0.2 / 12 * np.arange(120)
    noise = 0.05 * np.random.default_rng(0).normal(size=120)
    months = xr.DataArray(cycle + noise, {"time": time}, dims="time", attrs={"units": "PgC yr-1"})
    found = trend(months.chunk(time=30), method="seasonal_mann_kendall").compute()
    assert found.slope.item() == pytest.approx(0.2, abs=0.01)
    assert found["p"].item() < 1e-6
    with pytest.raises(CalendarError, match="monthly dates"):
        trend(series([1.0, 2.0, 3.0, 4.0]), method="seasonal_mann_kendall")
