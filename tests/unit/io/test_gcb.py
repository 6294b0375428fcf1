"""The land sink of the Global Carbon Budget: read whole, and its printed numbers reproduced."""

from pathlib import Path

import numpy as np
import openpyxl
import pytest

from uflux_stats.errors import DataFileError
from uflux_stats.io.gcb import MEAN_COLUMN, SPREAD_COLUMN, read_gcb_land_sink
from uflux_stats.stats.iav import iav
from uflux_stats.stats.spread import ensemble_spread
from uflux_stats.stats.trend import ensemble_trend, trend


def workbook(path: Path, header: list[object], sheet: str = "Terrestrial Sink") -> Path:
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    page.append(["Terrestrial CO2 sink"])
    page.append(header)
    page.append([1959, 1.5, None, 1.0, 2.0, None, 1.5, 0.7])
    page.append([1960, 2.5, None, None, 2.5, None, 2.5, 0.0])
    page.append(["a note"])
    book.save(path)
    return path


HEADER = ["Year", "GCB", None, "ONE ", "TWO", None, MEAN_COLUMN, SPREAD_COLUMN]


def test_models_years_and_gaps_are_read(tmp_path: Path) -> None:
    found = read_gcb_land_sink(workbook(tmp_path / "gcb.xlsx", HEADER))
    assert found["model"].values.tolist() == ["ONE", "TWO"]
    assert found["year"].values.tolist() == [1959, 1960]
    np.testing.assert_array_equal(found["S_LAND"], [[1.0, np.nan], [2.0, 2.5]])
    assert found["S_LAND"].attrs["units"] == "PgC yr-1"
    assert "essd-15-5301-2023" in found.attrs["source"]


def test_bad_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="got no file"):
        read_gcb_land_sink(tmp_path / "none.xlsx")
    damaged = tmp_path / "damaged.xlsx"
    damaged.write_bytes(b"PK not a workbook")
    with pytest.raises(DataFileError, match="expected an xlsx workbook"):
        read_gcb_land_sink(damaged)
    with pytest.raises(DataFileError, match="expected a sheet"):
        read_gcb_land_sink(workbook(tmp_path / "other.xlsx", HEADER, sheet="Ocean Sink"))
    with pytest.raises(DataFileError, match="starts with 'Year'"):
        read_gcb_land_sink(workbook(tmp_path / "headless.xlsx", ["when", *HEADER[1:]]))
    with pytest.raises(DataFileError, match="expected columns"):
        read_gcb_land_sink(workbook(tmp_path / "short.xlsx", HEADER[:-2]))


@pytest.fixture(scope="module")
def sink(real_data: Path):
    file = real_data / "gcb" / "Global_Carbon_Budget_2023v1.1.xlsx"
    if not file.is_file():
        pytest.skip(f"real data missing: {file}")
    return read_gcb_land_sink(file)


def test_printed_mean_and_spread_are_reproduced(sink) -> None:
    assert sink.sizes == {"model": 20, "year": 64}
    found = ensemble_spread(sink["S_LAND"], member="model")
    np.testing.assert_allclose(found["mean"], sink["printed_mean"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["sd"], sink["printed_sd"], rtol=0, atol=1e-12)


def test_the_budget_of_the_workbook_is_reproduced(sink, real_data: Path) -> None:
    """The land sink of the budget itself, on another sheet, is the mean over the models."""
    file = real_data / "gcb" / "Global_Carbon_Budget_2023v1.1.xlsx"
    book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    rows = list(book["Global Carbon Budget"].iter_rows(values_only=True))
    header = next(row for row in rows if row[0] == "Year")
    place = header.index("land sink")
    printed = {row[0]: row[place] for row in rows if isinstance(row[0], int | float)}
    found = ensemble_spread(sink["S_LAND"], member="model")["mean"]
    assert [int(year) for year in printed] == found["year"].values.tolist()
    np.testing.assert_allclose(found, list(printed.values()), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("first", "last", "mean", "sd"), [(2013, 2022, 3.3, 0.8), (2022, 2022, 3.8, 0.8)]
)
def test_numbers_of_the_article_are_reproduced(sink, first, last, mean, sd) -> None:
    """Friedlingstein et al. (2023), abstract: 3.3 +- 0.8 for 2013-2022, 3.8 +- 0.8 for 2022."""
    decade = sink["S_LAND"].sel(year=slice(first, last)).mean("year")
    assert round(float(decade.mean()), 1) == mean
    assert round(float(decade.std(ddof=1)), 1) == sd


def test_the_sink_grows_and_varies(sink) -> None:
    """1959-2022: every model's trend is positive; the trend of the mean is far from zero."""
    mean = sink["S_LAND"].mean("model").assign_attrs(units="PgC yr-1")
    found = trend(mean)
    assert found.slope.attrs["units"] == "PgC yr-2"
    assert 0.02 < found["low"].item() < found.slope.item() < found["high"].item() < 0.06
    together = ensemble_trend(sink["S_LAND"], member="model")
    assert together["share_rising"].item() == 1.0
    assert together.slope.item() == pytest.approx(found.slope.item())
    assert 0.6 < iav(mean)["sd_detrended"].item() < 0.9
