import json

import dask.array as da
import numpy as np
import pytest
import xarray as xr

from uflux_stats.baselines import ClassParameters, ParameterTable, default_parameters
from uflux_stats.errors import ConfigError, DataFileError

TABLE = ParameterTable(
    "q10",
    ClassParameters(2.0, 1.5),
    {"ENF": ClassParameters(3.0, 1.4, 7, 80), "BSV": ClassParameters(0.5, 1.3)},
    "made up",
)


def test_look_up_on_a_map_with_unknown_classes() -> None:
    igbp = xr.DataArray([[1.0, 16.0, 5.0], [255.0, np.nan, -9.0]], dims=("lat", "lon"))
    assert TABLE.rate(igbp).values.tolist() == [[3.0, 0.5, 2.0], [2.0, 2.0, 2.0]]
    assert TABLE.sensitivity(igbp).values.tolist() == [[1.4, 1.3, 1.5], [1.5, 1.5, 1.5]]


def test_look_up_keeps_whole_number_maps_and_coordinates() -> None:
    igbp = xr.DataArray(np.array([1, 255], dtype="uint8"), {"site": ["a", "b"]}, dims="site")
    rate = TABLE.rate(igbp)
    assert rate.values.tolist() == [3.0, 2.0]
    assert rate["site"].values.tolist() == ["a", "b"]
    assert rate.attrs["units"] == "gC m-2 d-1"


def test_look_up_is_lazy() -> None:
    igbp = xr.DataArray(np.arange(17.0), dims="site")
    lazy = TABLE.rate(igbp.chunk(site=5))
    assert isinstance(lazy.data, da.Array)
    xr.testing.assert_equal(lazy.compute(), TABLE.rate(igbp))


def test_json_round_trip() -> None:
    assert ParameterTable.from_json(TABLE.to_json()) == TABLE
    assert json.loads(TABLE.to_json())["classes"]["ENF"]["n_sites"] == 7


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"form": "q10", "fallback": {"rat": 1}}'])
def test_damaged_json(text: str) -> None:
    with pytest.raises(DataFileError, match="text: expected JSON with form, fallback, classes"):
        ParameterTable.from_json(text)


def test_unknown_class_and_form() -> None:
    good = ClassParameters(1.0, 1.5)
    with pytest.raises(ConfigError, match=r"classes: expected IGBP names .*, got \['Forest'\]"):
        ParameterTable("q10", good, {"Forest": good})
    with pytest.raises(ConfigError, match="form: expected one of"):
        ParameterTable("Q10", good)


@pytest.mark.parametrize(("rate", "sensitivity"), [(-1.0, 1.5), (1.0, 0.0), (np.nan, 1.5)])
def test_parameters_are_positive(rate: float, sensitivity: float) -> None:
    with pytest.raises(ConfigError, match=r"expected a positive number"):
        ClassParameters(rate, sensitivity)


def test_shipped_table_names_its_source() -> None:
    table = default_parameters()
    assert "10.1038/s41597-020-0534-3" in table.provenance
    assert "CC-BY" in table.provenance
    assert {"ENF", "DBF", "GRA", "CRO", "BSV"} <= set(table.classes)
