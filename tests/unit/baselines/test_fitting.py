import importlib.util
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from uflux_stats.baselines import default_parameters, fit_reference_respiration
from uflux_stats.errors import ConfigError, MissingVariableError, UnitsError
from uflux_stats.schema import variable

SCRIPT = Path(__file__).parents[3] / "scripts" / "fit_respiration_table.py"


def towers(rates: dict[int, list[float]], noise: float = 0.0, months: int = 24) -> xr.Dataset:
    """Towers with known base rates, by IGBP code, at Q10 1.5."""
    rng = np.random.default_rng(3)
    codes = np.array([code for code, values in rates.items() for _ in values], dtype=float)
    rate = np.concatenate([np.asarray(values, dtype=float) for values in rates.values()])
    warmth = rng.uniform(-10.0, 30.0, (codes.size, months))
    reco = rate[:, None] * 1.5 ** ((warmth - 10.0) / 10.0) + rng.normal(0.0, noise, warmth.shape)
    dims = ("site", "time")
    return xr.Dataset(
        {
            "RECO": (dims, reco, variable("RECO").attrs),
            "TA": (dims, warmth, variable("TA").attrs),
            "IGBP": (dims[:1], codes, variable("IGBP").attrs),
        }
    )


def test_known_rates_come_back() -> None:
    table = fit_reference_respiration(towers({1: [3.0] * 6, 10: [1.2] * 5}))
    assert table.classes["ENF"].rate == pytest.approx(3.0)
    assert table.classes["GRA"].rate == pytest.approx(1.2)
    assert (table.fallback.n_sites, table.fallback.n_months) == (11, 264)


def test_noise_averages_out() -> None:
    table = fit_reference_respiration(towers({4: [2.5] * 30}, noise=0.5, months=120))
    assert table.classes["DBF"].rate == pytest.approx(2.5, abs=0.03)


def test_by_hand_against_a_general_solver() -> None:
    data = towers({1: [3.0, 2.0, 1.0, 2.5, 4.0]}, noise=0.3)
    data["RECO"][1, 3:9] = np.nan
    data["TA"][2, :4] = np.nan
    flat = data[["RECO", "TA"]].stack(all=("site", "time")).dropna("all")
    response = 2.0 ** ((flat["TA"].values - 10.0) / 10.0)
    expected = np.linalg.lstsq(response[:, None], flat["RECO"].values, rcond=None)[0][0]
    found = fit_reference_respiration(data, q10=2.0).classes["ENF"]
    assert found.rate == pytest.approx(expected)
    assert found.n_months == flat.sizes["all"]


def test_few_towers_are_drawn_toward_all() -> None:
    data = towers({1: [2.0] * 8, 12: [4.0] * 2})
    free, drawn = (fit_reference_respiration(data, min_sites=n) for n in (1, 5))
    assert free.classes["CRO"].rate == pytest.approx(4.0)
    expected = 0.4 * 4.0 + 0.6 * drawn.fallback.rate
    assert drawn.classes["CRO"].rate == pytest.approx(expected)


def test_bare_ground_and_ice_stand_on_open_shrubland() -> None:
    table = fit_reference_respiration(towers({1: [3.0] * 9, 7: [0.6] * 5, 15: [0.1]}))
    assert table.classes["BSV"].rate == pytest.approx(0.6)
    assert table.classes["SNO"].rate == pytest.approx(0.2 * 0.1 + 0.8 * 0.6)
    assert "BSV" not in fit_reference_respiration(towers({1: [3.0] * 9})).classes


def test_unknown_class_counts_for_the_fallback_alone() -> None:
    data = towers({1: [2.0] * 5, 2: [4.0] * 5})
    data["IGBP"] = data["IGBP"].where(data["IGBP"] == 1.0)
    table = fit_reference_respiration(data)
    assert set(table.classes) == {"ENF"}
    assert 2.0 < table.fallback.rate < 4.0


def test_a_class_without_positive_rate_takes_the_fallback() -> None:
    table = fit_reference_respiration(towers({1: [3.0] * 9, 10: [-0.5] * 5}))
    assert table.classes["GRA"].rate == table.fallback.rate


def test_towers_are_not_changed_and_their_order_does_not_matter() -> None:
    data = towers({1: [3.0, 2.0], 4: [1.0]})
    before = data.copy(deep=True)
    first = fit_reference_respiration(data)
    xr.testing.assert_identical(data, before)
    second = fit_reference_respiration(data.transpose("time", "site").isel(site=[2, 0, 1]))
    assert second.fallback.rate == pytest.approx(first.fallback.rate)


def test_bad_input() -> None:
    data = towers({1: [3.0]})
    with pytest.raises(MissingVariableError, match=r"towers: expected variables \['TA'\]"):
        fit_reference_respiration(data.drop_vars("TA"))
    with pytest.raises(MissingVariableError, match="months with both RECO and TA, got none"):
        fit_reference_respiration(
            data.assign(RECO=data["RECO"] * np.nan).assign(
                RECO=lambda d: d["RECO"].assign_attrs(units="gC m-2 d-1")
            )
        )
    kelvin = data["TA"].assign_attrs(units="K")
    with pytest.raises(UnitsError, match=r"towers\.TA: expected units 'degC', got 'K'"):
        fit_reference_respiration(data.assign(TA=kelvin))
    with pytest.raises(ConfigError, match="q10, min_sites: expected above 0 and at least 1"):
        fit_reference_respiration(data, q10=0.0)


def test_shipped_table_is_what_its_script_makes(real_data: Path) -> None:
    spec = importlib.util.spec_from_file_location("fit_respiration_table", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    made, shipped = script.fitted_table(real_data), default_parameters()
    assert made.provenance == shipped.provenance
    assert made.fallback.rate == pytest.approx(shipped.fallback.rate)
    assert {name: row.rate for name, row in made.classes.items()} == pytest.approx(
        {name: row.rate for name, row in shipped.classes.items()}
    )
