"""What the baselines do whatever the weather."""

import numpy as np
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from uflux_stats.baselines import BaselineOptions, ClassParameters, ParameterTable, baseline
from uflux_stats.schema import FLUXES, variable

TABLE = ParameterTable("q10", ClassParameters(2.0, 1.5))
RANGES = {
    "TA": (-75.0, 55.0), "VPD": (0.0, 100.0), "SWIN": (0.0, 500.0), "RNET": (-200.0, 350.0),
    "PA": (40.0, 110.0), "CO2": (250.0, 700.0), "FAPAR": (0.0, 1.0), "C4": (0.0, 1.0),
    "NDVI": (-1.0, 1.0),
}  # fmt: skip
WEATHER = st.fixed_dictionaries({name: st.floats(*ends) for name, ends in RANGES.items()})
FACTOR = st.floats(0.1, 1.0)


def drivers(weather: dict[str, float], **series: np.ndarray) -> xr.Dataset:
    """Drivers on (site, time), where series replace values along time."""
    values = {**{name: np.array([value]) for name, value in weather.items()}, **series}
    length = max(value.size for value in values.values())
    data = {
        name: (("site", "time"), np.resize(value, (1, length)), variable(name).attrs)
        for name, value in values.items()
    }
    return xr.Dataset({**data, "IGBP": ("site", [1.0], variable("IGBP").attrs)})


@given(WEATHER)
def test_all_is_finite_and_signs_hold(weather: dict[str, float]) -> None:
    fluxes = baseline(drivers(weather), TABLE)
    for name in FLUXES:
        assert np.isfinite(fluxes[name].item())
    assert fluxes["GPP"].item() >= 0.0
    assert fluxes["RECO"].item() > 0.0
    assert fluxes["LE"].item() >= 0.0
    assert fluxes["NEE"].item() == fluxes["RECO"].item() - fluxes["GPP"].item()


@given(WEATHER, FACTOR)
def test_gpp_is_linear_in_light_and_in_what_absorbs_it(
    weather: dict[str, float], factor: float
) -> None:
    whole = baseline(drivers(weather), TABLE).GPP.item()
    for name in ("FAPAR", "SWIN"):
        part = baseline(drivers({**weather, name: factor * weather[name]}), TABLE).GPP.item()
        np.testing.assert_allclose(part, factor * whole, rtol=1e-9, atol=1e-12)


@given(WEATHER)
def test_dry_air_lowers_and_co2_raises_gpp(weather: dict[str, float]) -> None:
    vpd = baseline(drivers(weather, VPD=np.linspace(0.0, 100.0, 15)), TABLE).GPP
    assert (vpd.diff("time") <= 1e-12).all()
    co2 = baseline(drivers(weather, CO2=np.linspace(250.0, 700.0, 15)), TABLE).GPP
    assert (co2.diff("time") >= -1e-12).all()


@given(WEATHER)
def test_the_cost_of_electron_transport_only_lowers_gpp(weather: dict[str, float]) -> None:
    free = BaselineOptions(jmax_limitation="none", jmax_limitation_c4="none")
    data = drivers(weather)
    assert baseline(data, TABLE).GPP.item() <= baseline(data, TABLE, options=free).GPP.item()


@given(WEATHER, st.sampled_from(["q10", "lloyd_taylor"]))
def test_respiration_rises_with_warmth(weather: dict[str, float], form: str) -> None:
    table = ParameterTable(form, ClassParameters(2.0, 1.5 if form == "q10" else 200.0))
    reco = baseline(drivers(weather, TA=np.linspace(-75.0, 55.0, 27)), table).RECO
    assert (reco.diff("time") >= 0.0).all()


@given(WEATHER)
def test_evaporation_rises_with_energy_and_greenness(weather: dict[str, float]) -> None:
    for name in ("RNET", "NDVI"):
        heat = baseline(drivers(weather, **{name: np.linspace(*RANGES[name], 15)}), TABLE).LE
        assert (heat.diff("time") >= 0.0).all()
        assert (heat <= 1.26 * max(RANGES["RNET"])).all()
