import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.errors import CalendarError, DataFileError
from uflux_stats.io.co2 import co2_series, read_noaa_co2


def months(*texts: str) -> xr.DataArray:
    time = pd.to_datetime(list(texts))
    return xr.DataArray(time, coords={"time": time}, dims="time")


def test_published_values_with_unit_and_coordinate() -> None:
    co2 = co2_series(months("1958-03-01", "1978-12-01", "1979-01-01", "2014-12-01"))
    assert co2.attrs["units"] == "ppm"
    assert co2.values[[0, 2]].tolist() == [315.71, 336.56]
    assert co2["time"].dt.year.values.tolist() == [1958, 1978, 1979, 2014]


def test_series_has_no_gap_and_rises() -> None:
    time = pd.date_range("1958-03-01", "2026-04-01", freq="MS")
    co2 = co2_series(xr.DataArray(time, coords={"time": time}, dims="time"))
    assert not co2.isnull().any()
    assert (co2.groupby("time.year").mean().sel(year=slice(1959, 2025)).diff("year") > 0).all()


def test_months_may_repeat_and_lie_within() -> None:
    assert np.ptp(co2_series(months("2006-07-15", "2006-07-01")).values) == 0


@pytest.mark.parametrize("outside", ["1958-02-01", "2026-05-01"])
def test_months_outside_the_table(outside: str) -> None:
    with pytest.raises(CalendarError, match=r"time: expected months from 1958-03 to 2026-04"):
        co2_series(months(outside))
    assert co2_series(months(outside), outside="missing").isnull().all()


def test_month_numbers_are_not_dates() -> None:
    with pytest.raises(CalendarError, match="decode the time axis"):
        co2_series(xr.DataArray([1, 2], dims="time"))


def test_real_series_agrees(real_data) -> None:
    published = pd.read_csv(
        real_data / "co2" / "co2-mm-gl.csv",
        skiprows=1,
        names=["month", "decimal", "average", "sd", "trend", "trend_sd"],
    )
    co2 = co2_series(months(*published["month"]))
    np.testing.assert_array_equal(co2.values, published["average"])


@pytest.mark.parametrize(
    "head",
    ["year,month,decimal,average,average_unc", "Year, Month, Decimal Date, Average, Trend"],
)
def test_tables_of_noaa(tmp_path, head: str) -> None:
    path = tmp_path / "co2_mm_gl.csv"
    path.write_text(f"# comment\n{head}\n1979,1,1979.042,336.56,0.1\n1979,2,1979.125,-9.99,0.1\n")
    series = read_noaa_co2(path)
    assert series.values.tolist() == [336.56]
    assert series.attrs["units"] == "ppm"


def test_real_tables_of_noaa(real_data) -> None:
    series = read_noaa_co2(real_data / "co2" / "co2-mm-gl.csv")
    np.testing.assert_allclose(series.sel(time="1979-01-01"), 336.56)
    assert series.size > 500


def test_other_tables_are_not_of_noaa(tmp_path) -> None:
    (tmp_path / "co2_mm_gl.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataFileError, match="take the monthly csv of NOAA"):
        read_noaa_co2(tmp_path / "co2_mm_gl.csv")
