"""From towers to rows, and everything that is wrong with some towers."""

import numpy as np
import pytest
import xarray as xr

from uflux_stats.bayes.geometry import centring
from uflux_stats.bayes.options import RespirationOptions, SamplerOptions
from uflux_stats.bayes.priors import Prior, priors
from uflux_stats.bayes.rows import model_rows
from uflux_stats.errors import ConfigError, MissingVariableError, RangeError, UnitsError

PLAIN = RespirationOptions()


def test_site_means_and_groups(towers: xr.Dataset) -> None:
    rows = model_rows(towers, PLAIN)
    assert rows.groups == ("DBF", "ENF", "GRA")
    assert rows.site_mean(rows.temperature) == pytest.approx(towers.TA.mean("time").values)
    assert rows.warmth == pytest.approx((rows.temperature - 10.0) / 10.0)


def test_respiration_at_or_below_zero_is_data(towers: xr.Dataset) -> None:
    odd = towers.assign(RECO=towers.RECO.copy())
    odd.RECO[0, :3] = [-0.2, 0.0, np.nan]
    rows = model_rows(odd, PLAIN)
    assert len(rows.observed) == towers.RECO.size - 1
    assert rows.observed.min() == -0.2


def test_sites_are_centred_by_what_their_months_tell(towers: xr.Dataset) -> None:
    """By hand: 24 months with errors of .5 against a spread of .5, and slopes with no range."""
    short = towers.assign(RECO=towers.RECO.copy())
    short.RECO[0, 2:] = np.nan
    short.TA[1] = 7.0
    rows = model_rows(short, PLAIN)
    found = centring(rows, priors("q10"))
    ratio = 24 * 0.5**2 / 0.5**2
    assert found["rate"][1:] == pytest.approx(ratio / (1.0 + ratio))
    assert found["rate"][0] < found["rate"][1]
    assert found["slope"][1] == pytest.approx(0.0, abs=1e-12)
    assert found["noise"][1:] == pytest.approx(6.0 / 7.0)
    told = 0.25 * 4 * ratio / (1.0 + ratio)
    assert found["rate_class"][0] == pytest.approx(told / (1.0 + told))
    for geometry, share in (("centred", 1.0), ("noncentred", 0.0)):
        plain = model_rows(towers, RespirationOptions(geometry=geometry))  # type: ignore[arg-type]
        fixed = centring(plain, priors("q10"))
        assert {name: set(values) for name, values in fixed.items()} == {
            "rate": {share}, "slope": {share}, "noise": {share},
            "rate_class": {0.0}, "slope_class": {0.0},
        }  # fmt: skip


def test_seasons_turn_round_in_the_south(towers: xr.Dataset) -> None:
    south = towers.assign_coords(lat=-towers.lat)
    north, turned = (model_rows(data, RespirationOptions(season=True)) for data in (towers, south))
    assert ((north.season + 2) % 4 == turned.season).all()


def test_continents_are_groups(towers: xr.Dataset) -> None:
    assert model_rows(towers, RespirationOptions(level="continent")).groups == ("Europe",)


def test_unknown_class_is_a_group_of_its_own(towers: xr.Dataset) -> None:
    odd = towers.assign(IGBP=towers.IGBP.where(towers.site != "S00", 255))
    assert "unknown" in model_rows(odd, PLAIN).groups


def test_kelvin_is_refused(towers: xr.Dataset) -> None:
    kelvin = towers.assign(TA=(towers.TA + 273.15).assign_attrs(units="K"))
    with pytest.raises(UnitsError, match=r"towers.TA: expected units 'degC'"):
        model_rows(kelvin, PLAIN)
    unnoticed = towers.assign(TA=(towers.TA + 273.15).assign_attrs(units="degC"))
    with pytest.raises(RangeError, match="TA"):
        model_rows(unnoticed, PLAIN)


def test_missing_drivers_are_named(towers: xr.Dataset) -> None:
    with pytest.raises(MissingVariableError, match="FAPAR"):
        model_rows(towers, RespirationOptions(effects=("APAR",)))
    with pytest.raises(MissingVariableError, match="expected months with RECO"):
        model_rows(towers.assign(RECO=xr.full_like(towers.RECO, np.nan)), PLAIN)


def test_effects_are_measured_on_training_towers_alone(towers: xr.Dataset) -> None:
    options, others = RespirationOptions(effects=("VPD",)), [f"S{n:02d}" for n in range(1, 12)]
    moved = towers.assign(
        VPD=towers.VPD.where(towers.site != "S00", 40.0).assign_attrs(units="hPa")
    )
    kept, changed = (model_rows(data, options, measured=others) for data in (towers, moved))
    assert kept.effects == changed.effects
    assert kept.effects == model_rows(towers.sel(site=others), options).effects
    assert len(kept.observed) == towers.RECO.size


def test_places_that_cannot_be_told_are_named(towers: xr.Dataset) -> None:
    with pytest.raises(MissingVariableError, match=r"coordinates \['lat'\] for level"):
        model_rows(towers.drop_vars("lat"), RespirationOptions(level="continent"))
    unclassed = towers.assign(IGBP=towers.IGBP.where(towers.site != "S03"))
    with pytest.raises(MissingVariableError, match=r"got none for \['S03'\]"):
        model_rows(unclassed, PLAIN)


def test_a_driver_that_does_not_vary_is_refused(towers: xr.Dataset) -> None:
    still = towers.assign(VPD=xr.full_like(towers.VPD, 5.0))
    with pytest.raises(ConfigError, match="that vary, got VPD"):
        model_rows(still, RespirationOptions(effects=("VPD",)))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"form": "exponential"}, "form: expected one of"),
        ({"level": "biome"}, "level: expected one of"),
        ({"effects": ("moon",)}, "effects: expected different names"),
        ({"effects": ("VPD", "VPD")}, "effects: expected different names"),
        ({"season": True, "level": "pft"}, "season: expected level 'site'"),
    ],
)
def test_options_that_do_not_exist(change: dict[str, object], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        RespirationOptions(**change)  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [{"draws": 0}, {"sampler": "gibbs"}, {"target_accept": 1.0}])
def test_sampler_options_that_do_not_exist(change: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        SamplerOptions(**change)  # type: ignore[arg-type]


def test_priors_are_wide_and_can_be_replaced() -> None:
    found = priors("q10", changes={"nu": Prior("gamma", 2.0, 0.5)})
    assert found["nu"].second == 0.5
    assert priors("q10", "wide")["log_rate"].second == 1.0
    with pytest.raises(ConfigError, match="priors: expected one of"):
        priors("q10", "flat")
    with pytest.raises(ConfigError, match="expected names of"):
        priors("q10", changes={"alpha": Prior("halfnormal", 1.0)})
    with pytest.raises(ConfigError, match="expected positive scales"):
        Prior("normal", 0.0, -1.0)


def test_prior_draws_have_the_moments_of_their_family() -> None:
    rng = np.random.default_rng(0)
    assert Prior("gamma", 2.0, 0.1).draw(rng, 20_000).mean() == pytest.approx(20.0, rel=0.03)
    assert Prior("halfnormal", 1.0).draw(rng, 20_000).mean() == pytest.approx(0.798, rel=0.03)
    assert Prior("gamma", 2.0, 0.1).widened(2.0).draw(rng, 20_000).mean() == pytest.approx(
        20, rel=0.05
    )


def test_tilt_is_the_slope_on_warmth_within_a_site(towers: xr.Dataset) -> None:
    still = towers.assign(TA=towers.TA.where(towers.site != "S01", 12.0).assign_attrs(units="degC"))
    rows = model_rows(still, PLAIN)
    column = 2.0 * rows.warmth + np.arange(12.0)[rows.site]
    tilt = rows.site_tilt(np.stack([column, np.ones_like(column)], axis=1))
    expected = np.zeros((12, 2))
    expected[:, 0] = 2.0
    expected[1] = 0.0
    assert tilt == pytest.approx(expected)
