"""Edges: perfect lines, absent parts, gaps, options out of place, what has no mean or no wave."""

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import CalendarError, ConfigError, RangeError
from uflux_stats.stats.cells import STATUS
from uflux_stats.stats.conservation import stock_change
from uflux_stats.stats.iav import iav, iav_contribution
from uflux_stats.stats.seasonality import seasonal_cycle
from uflux_stats.stats.taylor import triple_collocation
from uflux_stats.stats.trend import ensemble_trend, trend, trend_model, trend_of_totals


def test_a_perfect_line_is_a_trend_after_prewhitening_too() -> None:
    line = xr.DataArray(np.arange(20.0), {"year": np.arange(2001, 2021)}, ("year",))
    found = trend(line, method="theil_sen", prewhiten=True)
    assert found["slope"].item() == 1.0
    assert found["p"].item() < 1e-6


def test_an_absent_part_takes_no_share_from_the_others() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, 20))
    values[1] = np.nan
    axes = {"region": ["a", "b", "c"], "year": np.arange(2001, 2021)}
    shares = iav_contribution(xr.DataArray(values, axes, ("region", "year")))
    assert shares.sum().item() == pytest.approx(1.0)
    assert np.isnan(shares.sel(region="b").item())
    assert shares.attrs["absent_parts"] == 1


def pools(**axes: object) -> xr.Dataset:
    ((dim, labels),) = axes.items()
    values = xr.DataArray(100.0 + 12.0 * np.arange(len(labels)), {dim: labels}, (dim,))
    stock = values.assign_attrs(units="gC m-2")
    return xr.Dataset(dict.fromkeys(("cVeg", "cLitter", "cSoil"), stock))


def test_no_change_is_told_over_a_gap_of_years() -> None:
    change = stock_change(pools(year=[2001, 2002, 2003, 2007, 2008]))
    assert change.sel(year=2002).item() == 36.0
    assert np.isnan(change.sel(year=2007).item())


def test_of_monthly_stocks_december_counts() -> None:
    months = xr.date_range("2001-01", periods=36, freq="MS")
    change = stock_change(pools(time=months))
    assert change["year"].values.tolist() == [2002, 2003]
    np.testing.assert_allclose(change, 3 * 12 * 12.0)


def years(values: object, unit: str = "PgC yr-1") -> xr.DataArray:
    """Yearly series, alone or as members."""
    array = np.asarray(values)
    dims = ("member", "year")[-array.ndim :]
    return xr.DataArray(
        array, {"year": 2001 + np.arange(array.shape[-1])}, dims, attrs={"units": unit}
    )


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("ols_ar1", {"shared_memory": True}),
        ("theil_sen", {"prewhiten": np.True_}),
        ("bootstrap", {"block": None, "draws": 9}),
    ],
)
def test_results_are_stored_with_their_options(method: str, options: dict[str, object]) -> None:
    rows = years(np.random.default_rng(0).normal(size=(3, 10)))
    found = trend(rows, method=method, **options).data
    assert found.to_netcdf()
    for name, value in options.items():
        assert found.attrs.get(name) == value


@pytest.mark.parametrize(
    ("method", "switch"), [("ols_ar1", "shared_memory"), ("theil_sen", "prewhiten")]
)
@pytest.mark.parametrize("value", ["no", 1, None])
def test_switches_are_true_or_false(method: str, switch: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"{switch}: expected True or False"):
        trend(years([1.0, 2.0, 4.0, 5.0]), method=method, **{switch: value})


def test_blocks_and_lags_need_a_series_longer_than_they_are() -> None:
    rows = years(np.random.default_rng(0).normal(size=(2, 10)))
    with pytest.raises(ConfigError, match="block: expected at most 5 for a series of 10"):
        trend(rows, method="bootstrap", block=6)
    with pytest.raises(ConfigError, match="maxlags: expected at most 9 for a series of 10"):
        trend(rows, method="newey_west", maxlags=10)
    with pytest.raises(RangeError, match="maxlags: expected fewer than the 10 years"):
        trend_model(rows[0], model="newey_west", maxlags=10)
    rows[1, 4] = np.nan
    for how in ({"method": "bootstrap", "block": 5}, {"method": "newey_west", "maxlags": 9}):
        found = trend(rows, **how)
        assert found.note == "1 of 2 series computed; missing: 1 too short"
        assert (found["high"] > found["low"]).values.tolist() == [True, False]


def test_text_is_not_a_series() -> None:
    with pytest.raises(RangeError, match="values: expected numbers, got <U1"):
        trend(years(list("abcd")))


def test_a_unit_with_a_slash_is_put_in_brackets() -> None:
    found = trend(years([1.0, 2.0, 4.0, 5.0], "PgC/yr"))
    assert found["slope"].attrs["units"] == "(PgC/yr) yr-1"


def test_members_that_are_one_perfect_line_have_no_doubt() -> None:
    found = ensemble_trend(years([np.arange(10.0)] * 3), method="ols")
    assert [found[name].item() for name in ("slope", "low", "high", "p")] == [1.0, 1.0, 1.0, 0.0]


def test_p_of_an_ensemble_does_not_change_with_its_interval() -> None:
    rows = years(0.05 * np.arange(12) + np.random.default_rng(1).normal(size=(4, 12)))
    wide, usual = (ensemble_trend(rows, confidence=level) for level in (0.9, 0.95))
    assert wide["p"].item() == usual["p"].item()
    assert wide["low"].item() > usual["low"].item()
    xr.testing.assert_identical(trend_of_totals(rows).data, usual.data)
    xr.testing.assert_identical(trend_of_totals(rows[:1]).data, trend(rows[0]).data)


def test_variability_relative_to_nothing_is_missing_with_its_reason() -> None:
    found = iav(years([-1.0, 1.0, -1.0, 1.0]))
    assert found["relative"].isnull()
    assert found["sd"] > 1
    assert found.note == "0 of 1 series computed; missing: 1 zero mean"


@pytest.mark.parametrize("months", [range(1, 7), range(12), [1] * 12])
def test_a_mean_year_has_the_months_1_to_12(months: list[int]) -> None:
    labels = list(months)
    with pytest.raises(CalendarError, match=r"values\.month: expected the months 1 to 12"):
        seasonal_cycle(xr.DataArray(np.arange(float(len(labels))), {"month": labels}, ("month",)))


def test_a_cycle_says_what_it_lacks_whatever_the_order_of_months() -> None:
    angle = 2 * np.pi * np.arange(12) / 12
    rows = np.array([np.cos(angle), np.full(12, 0.1), np.cos(2 * angle), np.cos(angle)])
    rows[3, 2] = np.nan
    axes = {"month": np.arange(1, 13)}
    found = seasonal_cycle(xr.DataArray(rows, axes, ("cell", "month"))[:, ::-1])
    reasons = [STATUS[code] for code in found["status"].values]
    assert reasons == ["computed", "constant", "no_yearly_wave", "too_short"]
    np.testing.assert_allclose(found["harmonic_amplitude"], [1, 0, 0, np.nan], atol=1e-12)
    assert found["harmonic_amplitude"].values[1:3].tolist() == [0.0, 0.0]
    assert found["phase"].isnull().values.tolist() == [False, True, True, True]
    assert found["month_of_maximum"].values[0] == 1
    assert found.note.startswith("1 of 4 series computed")


def test_collocation_says_why_it_has_no_answer() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=(4, 200))
    noisy = {name: truth + 0.3 * random.normal(size=truth.shape) for name in "abc"}
    for values in noisy.values():
        values[1], values[2, 3:] = np.nan, np.nan
    noisy["c"][3] = 7.0
    sources = xr.Dataset({name: (("cell", "time"), values) for name, values in noisy.items()})
    found = triple_collocation(sources, dim=["time"])
    reasons = [STATUS[code] for code in found["status"].sel(source="a").values]
    assert reasons == ["computed", "no_data", "too_short", "constant"]
    assert found["error_variance"].sel(source="a").isnull().values.tolist() == [
        False,
        True,
        True,
        True,
    ]
    assert found.note.startswith("3 of 12 series computed")
