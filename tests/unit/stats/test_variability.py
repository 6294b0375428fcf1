"""Variability, seasons and anomalies: cases by hand, closed sums, recovery of known truth."""

import cftime
import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import CalendarError, ConfigError, DimensionError, GridError
from uflux_stats.stats.iav import anomaly_correlation, detrend, extremes, iav, iav_contribution
from uflux_stats.stats.seasonality import anomalies, mean_year, seasonal_cycle
from uflux_stats.stats.spread import ensemble_spread
from uflux_stats.stats.yearly import month_matrix, yearly_means


def months(years: int = 5, cells: int = 3) -> xr.DataArray:
    random = np.random.default_rng(0)
    time = xr.date_range("2001-01", periods=12 * years, freq="MS")
    wave = np.cos(2 * np.pi * (np.arange(12 * years)[:, None] - [0, 3, 9]) / 12)[:, :cells]
    values = 4 + 2 * wave + 0.1 * random.normal(size=wave.shape)
    dims = ("time", "cell")
    return xr.DataArray(values, {"time": time}, dims, attrs={"units": "gC m-2 d-1"}, name="GPP")


def yearly(rows: object) -> xr.DataArray:
    array = np.asarray(rows, dtype=float)
    dims = ("region", "year")[-array.ndim :]
    years = 2001 + np.arange(array.shape[-1])
    return xr.DataArray(array, {"year": years}, dims, attrs={"units": "PgC yr-1"})


def test_relative_variability_is_sd_over_mean() -> None:
    values = [10.0, 12.0, 9.0, 11.0, 13.0]
    found = iav(yearly(values))
    assert found["sd"].item() == pytest.approx(np.std(values, ddof=1))
    assert found["relative"].item() == pytest.approx(np.std(values, ddof=1) / 11.0)
    assert found["sd"].attrs["units"] == "PgC yr-1"
    assert found["relative"].attrs["units"] == "1"


def test_a_trend_is_not_variability_once_detrended() -> None:
    found = iav(yearly(3.0 + 0.5 * np.arange(12)))
    assert found["sd_detrended"].item() == pytest.approx(0.0, abs=1e-12)
    assert found["sd"].item() > 1


def test_variability_of_months_is_that_of_their_years_and_lazy() -> None:
    values = months()
    lazy = iav(values.chunk(time=12, cell=1))
    assert lazy["sd"].chunks is not None
    xr.testing.assert_allclose(lazy.data.compute(), iav(yearly_means(values)).data)


@pytest.mark.parametrize("method", ["ahlstrom", "covariance"])
def test_contributions_sum_to_one(method: str) -> None:
    parts = yearly(np.random.default_rng(1).normal(size=(6, 20)) * np.arange(1, 7)[:, None])
    shares = iav_contribution(parts, method=method)
    assert shares.sum().item() == pytest.approx(1.0)
    assert shares[-1] > shares[0]
    with pytest.raises(ConfigError, match="method"):
        iav_contribution(parts, method="share")
    with pytest.raises(DimensionError, match="parts"):
        iav_contribution(parts, part="pft")
    with pytest.raises(CalendarError, match="at least 4 years"):
        iav_contribution(parts[:, :3])


def test_overlapping_regions_are_refused() -> None:
    parts = yearly(np.random.default_rng(1).normal(size=(3, 20)))
    whole = parts.sum("region")
    assert iav_contribution(parts, whole=whole).sum().item() == pytest.approx(1.0)
    overlapping = xr.concat([parts, parts[:1]], "region")
    with pytest.raises(GridError, match="must not overlap"):
        iav_contribution(overlapping, whole=whole)


def test_detrended_series_have_no_slope_and_keep_gaps() -> None:
    rows = np.random.default_rng(2).normal(size=(4, 15)).cumsum(axis=1)
    rows[1, 3] = np.nan
    left = detrend(yearly(rows))
    years = left["year"].values - left["year"].values.mean()
    for row in left.values:
        here = np.isfinite(row)
        assert np.polyfit(years[here], row[here], 1) == pytest.approx([0.0, 0.0], abs=1e-12)
    assert np.isnan(left[1, 3])


def test_extreme_years_are_found_on_both_sides() -> None:
    rows = np.zeros(20)
    rows[[4, 13]] = [3.0, -3.0]
    found = extremes(yearly(rows + 0.1 * np.arange(20)))
    assert found.extreme.values.tolist() == [0] * 4 + [1] + [0] * 8 + [-1] + [0] * 6
    assert extremes(yearly(np.ones(6))).extreme.sum() == 0


def test_anomalies_correlate_without_their_trends() -> None:
    noise = np.random.default_rng(3).normal(size=20)
    one, other = yearly(noise + np.arange(20)), yearly(2 * noise - 3 * np.arange(20))
    assert anomaly_correlation(one, other).item() == pytest.approx(1.0)
    few = other.where(other["year"] < 2004)
    assert np.isnan(anomaly_correlation(one, few))


def test_seasonal_cycle_finds_size_and_time() -> None:
    found = seasonal_cycle(months())
    np.testing.assert_allclose(found["amplitude"], 4.0, atol=0.2)
    late = (found["phase"] - [1.0, 4.0, 10.0] + 6) % 12 - 6
    np.testing.assert_allclose(late, 0.0, atol=0.05)
    assert found["month_of_maximum"].values.tolist() == [1, 4, 10]
    assert found["amplitude"].attrs["units"] == "gC m-2 d-1"
    lazy = seasonal_cycle(months().chunk(time=7))
    xr.testing.assert_allclose(lazy.data.compute(), found.data)


def test_a_month_without_data_leaves_no_cycle() -> None:
    values = months()
    values[6::12, 1] = np.nan
    found = seasonal_cycle(values)
    assert found["phase"].isnull().values.tolist() == [False, True, False]
    assert mean_year(values)[6, 1].isnull()


def test_anomalies_have_no_mean_year() -> None:
    left = anomalies(months())
    np.testing.assert_allclose(left.groupby("time.month").mean(), 0.0, atol=1e-12)
    assert left.attrs["units"] == "gC m-2 d-1"


def test_a_missing_month_makes_its_year_missing() -> None:
    values = months()
    values[14, 0] = np.nan
    found = yearly_means(values)
    assert found[:, 0].isnull().values.tolist() == [False, True, False, False, False]
    assert month_matrix(values).sizes == {"year": 5, "month": 12, "cell": 3}


def test_leap_days_count() -> None:
    time = xr.date_range("2004-01", periods=12, freq="MS")
    values = xr.DataArray(np.arange(12) == 1, {"time": time}, dims="time").astype(float)
    assert yearly_means(values).item() == pytest.approx(29 / 366)


def test_no_whole_year_is_named() -> None:
    with pytest.raises(CalendarError, match="whole calendar year"):
        yearly_means(months().isel(time=slice(2, 10)))


def test_spread_of_an_ensemble() -> None:
    members = xr.DataArray([[1.0, 2.0, 3.0, 10.0], [np.nan] * 4], dims=("year", "model"))
    found = ensemble_spread(members, member="model", confidence=0.5)
    assert found["mean"].values[0] == 4.0
    assert found["high"].values[0] == pytest.approx(4.75)
    assert found["n"].values.tolist() == [4, 0]
    lazy = ensemble_spread(members.chunk(model=2), member="model", confidence=0.5)
    xr.testing.assert_allclose(lazy.data.compute(), found.data)


def constant_months() -> xr.DataArray:
    """A constant whose yearly means differ by rounding, as months weigh their days."""
    time = xr.date_range("2001-01", periods=240, freq="MS")
    return xr.DataArray(np.full(240, 0.1), {"time": time}, ("time",), attrs={"units": "PgC yr-1"})


def test_rounding_is_not_variability() -> None:
    constant = constant_months()
    assert yearly_means(constant).std() > 0, "the case needs rounding"
    assert iav(constant).note == "0 of 1 series computed; missing: 1 constant"
    found = extremes(constant)
    assert found.note == "0 of 1 series computed; missing: 1 constant"
    assert not found.extreme.any()
    other = constant.copy(data=np.random.default_rng(0).normal(size=240))
    assert np.isnan(anomaly_correlation(constant, other).item())
    cycle = seasonal_cycle(constant)
    assert np.isnan(cycle["phase"].item())
    assert cycle.amplitude.item() == pytest.approx(0.0, abs=1e-15)


def test_a_perfect_line_has_no_extremes() -> None:
    found = extremes(yearly(0.1 * np.arange(20)))
    assert found["standardised"].isnull().all()
    assert not found.extreme.any()


def test_extremes_say_why_there_are_none() -> None:
    rows = np.random.default_rng(0).normal(size=(3, 10))
    rows[1], rows[2, 3:] = np.nan, np.nan
    found = extremes(yearly(rows))
    assert found.note == "1 of 3 series computed; missing: 1 no data, 1 too short"
    assert found["n"].values.tolist() == [10, 0, 3]


def test_anomalies_want_dates_of_one_calendar() -> None:
    dates = [cftime.DatetimeNoLeap(2001, 1 + i, 1) for i in range(4)]
    dates[2] = cftime.Datetime360Day(2001, 3, 1)
    mixed = xr.DataArray(np.arange(4.0), {"time": np.array(dates, dtype=object)}, ("time",))
    with pytest.raises(CalendarError, match="dates of one calendar"):
        anomalies(mixed)
    with pytest.raises(CalendarError, match="expected monthly dates in 'year'"):
        anomalies(yearly([1.0, 2.0]), dim="year")
    with pytest.raises(DimensionError, match="expected a dimension time"):
        anomalies(yearly([1.0, 2.0]))


@pytest.mark.parametrize("calendar", ["noleap", "360_day", "standard"])
def test_calendars_of_models_are_understood(calendar: str) -> None:
    time = xr.date_range("2001-01", periods=72, freq="MS", calendar=calendar, use_cftime=True)
    values = xr.DataArray(np.arange(72.0), {"time": time}, ("time",), attrs={"units": "PgC yr-1"})
    assert yearly_means(values)["year"].values.tolist() == list(range(2001, 2007))
    assert anomalies(values).sum().item() == pytest.approx(0.0, abs=1e-9)
    assert iav(values)["n"].item() == 6
