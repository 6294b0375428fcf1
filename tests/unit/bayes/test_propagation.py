"""Posterior draws on a grid."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from uflux_stats.bayes.compat import group, tree_of
from uflux_stats.bayes.fitted import RespirationFit
from uflux_stats.bayes.propagation import PropagationOptions, propagate, propagate_to_store
from uflux_stats.bayes.spatial import SITE_EFFECTS, standard_deviations
from uflux_stats.errors import (
    ConfigError,
    DimensionError,
    GridError,
    MissingVariableError,
    RangeError,
)
from uflux_stats.grid import land_area
from uflux_stats.io.zarr_store import open_store
from uflux_stats.stats.totals import total


def options(**changes: object) -> PropagationOptions:
    return PropagationOptions(**{"draws": 40, **changes})  # type: ignore[arg-type]


def test_typical_site_by_hand(fit: RespirationFit, drivers: xr.Dataset) -> None:
    found = propagate(fit, drivers, options=options(site_effect="none"))
    draws = fit.draws(40)
    cell = drivers.isel(lat=1, lon=0)
    enf = fit.rows.groups.index("ENF")
    rate = draws.values["log_rate_class"][:, enf, None]
    slope = draws.values["slope_class"][:, enf, None]
    effect = fit.rows.effects[0]
    dryness = (cell.VPD.values.clip(effect.low, effect.high) - effect.mean) / effect.scale
    logarithm = rate + slope * (cell.TA.values - 10.0) / 10.0
    by_hand = np.exp(logarithm + draws.values["coefficient"] * dryness)
    assert found.RECO_mean.isel(lat=1, lon=0).values == pytest.approx(by_hand.mean(0), rel=1e-5)
    assert found.RECO_sd.isel(lat=1, lon=0).values == pytest.approx(by_hand.std(0), rel=1e-4)
    assert found.RECO_mean.attrs["units"] == "gC m-2 d-1"
    assert np.isnan(found.RECO_mean.isel(lat=0, lon=0)).all()


def test_bands_do_not_change_the_result(fit: RespirationFit, drivers: xr.Dataset) -> None:
    for kind in ("shared", "independent", "spatial"):
        whole = propagate(fit, drivers, options=options(site_effect=kind))
        banded = propagate(fit, drivers.chunk(lat=1), options=options(site_effect=kind, values=1))
        xr.testing.assert_allclose(whole, banded)


def test_totals_are_of_the_same_draws(fit: RespirationFit, drivers: xr.Dataset) -> None:
    found = propagate(fit, drivers, options=options())
    area = land_area(drivers.LANDFRAC)
    of_mean = total(found.RECO_mean, area=area)
    assert found.RECO_total.attrs["units"] == "PgC yr-1"
    ours = found.RECO_total.sel(site_effect="spatial", region="globe").mean("draw")
    assert ours.values == pytest.approx(of_mean.values, rel=1e-5)
    assert list(found.RECO_total.site_effect.values) == list(SITE_EFFECTS)
    assert (found.RECO_total.std("draw") > 0.0).all()


def test_shared_effects_do_not_cancel(fit: RespirationFit, drivers: xr.Dataset) -> None:
    totals = propagate(fit, drivers, options=options(draws=200)).RECO_total
    spread = totals.std("draw").isel(region=0, year=0).to_series()
    assert spread["spatial"] > spread["none"]
    assert spread["shared"] > spread["none"]
    assert spread["shared"] > spread["independent"]


def test_sites_that_do_not_differ_make_all_site_effects_the_same(
    fit: RespirationFit, drivers: xr.Dataset
) -> None:
    draws = group(fit.posterior, "posterior")
    none = {name: 0.0 * draws[name] for name in ("spread_rate_site", "spread_slope_site")}
    alike = replace(fit, posterior=tree_of({"posterior": draws.assign(none)}))
    totals = propagate(alike, drivers, options=options()).RECO_total
    assert (totals == totals.sel(site_effect="none")).all()
    assert (totals != propagate(fit, drivers, options=options()).RECO_total)[1:].all()


@pytest.mark.parametrize("correlation", [-0.8, 0.0, 0.8])
def test_rate_and_slope_of_a_cell_go_together(
    fit: RespirationFit, drivers: xr.Dataset, correlation: float
) -> None:
    """By hand: the mean over sites is the typical one times a half of the variance of its log."""
    warmth, rate, slope = 2.0, 0.3, 0.2
    draws, steps = (group(fit.posterior, name) for name in ("posterior", "sample_stats"))
    known = draws.assign(
        spread_rate_site=0.0 * draws.nu + rate,
        spread_slope_site=0.0 * draws.nu + slope,
        correlation_site=0.0 * draws.nu + correlation,
    )
    joint = replace(fit, posterior=tree_of({"posterior": known, "sample_stats": steps}))
    cells = {"lat": np.linspace(-80.0, 80.0, 81), "lon": np.linspace(-177.0, 177.0, 60)}
    wide = drivers.isel(lat=[1], lon=[0]).reindex(cells, method="nearest")
    warm = (0.0 * wide.TA + 10.0 + 10.0 * warmth).assign_attrs(units="degC")
    found = propagate(joint, wide.assign(TA=warm), options=options()).RECO_total.mean("draw")
    lift = found.sel(site_effect="independent") / found.sel(site_effect="none")
    variance = rate**2 + 2.0 * correlation * rate * slope * warmth + (slope * warmth) ** 2
    assert lift.item() == pytest.approx(np.exp(variance / 2.0), rel=0.01)


def test_unseen_classes_take_the_parent_and_are_wider(
    fit: RespirationFit, drivers: xr.Dataset
) -> None:
    found = propagate(fit, drivers, options=options(site_effect="none", draws=200))
    assert found.attrs["unseen_classes"] == "EBF"
    relative = (found.RECO_sd / found.RECO_mean).mean(("time", "lat"))
    assert relative[2:].min() > relative[:2].max()


def test_gpp_members_are_paired_with_draws(fit: RespirationFit, drivers: xr.Dataset) -> None:
    members = xr.DataArray([3.0, 4.0], dims="member")
    gpp = (
        (members + xr.zeros_like(drivers.TA))
        .where(drivers.TA.notnull())
        .assign_attrs(units="gC m-2 d-1")
    )
    found = propagate(fit, drivers, gpp=gpp, options=options(site_effect="none"))
    balance = found.NEP_mean + found.RECO_mean
    assert balance.isel(lat=1).values == pytest.approx(3.5, rel=1e-5)
    assert found.NEP_total.dims == found.RECO_total.dims


def test_bad_input_is_named(fit: RespirationFit, drivers: xr.Dataset) -> None:
    with pytest.raises(MissingVariableError, match="VPD"):
        propagate(fit, drivers.drop_vars("VPD"))
    shifted = drivers.TA.assign_coords(lat=drivers.lat + 1).assign_attrs(units="gC m-2 d-1")
    with pytest.raises(GridError, match="drivers, gpp"):
        propagate(fit, drivers, gpp=shifted)
    early = drivers.TA.isel(time=slice(6)).assign_attrs(units="gC m-2 d-1")
    with pytest.raises(GridError, match="drivers, gpp"):
        propagate(fit, drivers, gpp=early)
    with pytest.raises(DimensionError, match="gpp"):
        propagate(fit, drivers, gpp=early.rename(time="month"))
    with pytest.raises(ConfigError, match="site_effect"):
        options(site_effect="some")


def test_the_gate_travels_with_the_maps(fit: RespirationFit, drivers: xr.Dataset) -> None:
    failed = replace(fit, diagnosis=replace(fit.diagnosis, passed=False, rhat=1.2))
    attrs = propagate(failed, drivers, options=options()).attrs
    assert (attrs["gate"], attrs["rhat"]) == ("failed", 1.2)
    assert {"ess_bulk", "ess_tail", "divergences"} <= set(attrs)
    assert "gate not passed: R-hat 1.200" in failed.parameter_table().provenance


@pytest.mark.parametrize("name", ["TA", "VPD"])
def test_values_that_cannot_be_are_refused(
    fit: RespirationFit, drivers: xr.Dataset, name: str
) -> None:
    odd = drivers.assign({name: (drivers[name] + 273.15).assign_attrs(drivers[name].attrs)})
    with pytest.raises(RangeError, match=f"drivers.{name}: expected"):
        propagate(fit, odd, options=options())


def test_draws_held_at_the_largest_are_counted(fit: RespirationFit, drivers: xr.Dataset) -> None:
    """Of a rate that no draw can hold back every value is; of the true one none."""
    draws = group(fit.posterior, "posterior")
    fast = draws.assign(log_rate=draws.log_rate + 50.0, log_rate_class=draws.log_rate_class + 50.0)
    beyond = replace(fit, posterior=tree_of({"posterior": fast}))
    found = propagate(beyond, drivers, options=options(values=1))
    assert (found.RECO_clipped == 1.0).all()
    assert propagate(fit, drivers, options=options()).RECO_clipped.sel(site_effect="none") == 0.0


def test_smooth_fields_are_standard_and_correlated() -> None:
    place = np.zeros(3), np.array([0.0, 1.0, 90.0])
    field = standard_deviations(place, 1500, "spatial", [1], length_km=500.0)
    assert float(field.std()) == pytest.approx(1.0, abs=0.05)
    near, far = (np.corrcoef(field[0], field[other])[0, 1] for other in (1, 2))
    assert near == pytest.approx(np.exp(-0.5 * (111.2 / 500.0) ** 2), abs=0.03)
    assert far == pytest.approx(0.0, abs=0.1)


def test_a_store_holds_the_same(fit: RespirationFit, drivers: xr.Dataset, tmp_path: Path) -> None:
    gpp = xr.full_like(drivers.TA, 3.0).assign_attrs(units="gC m-2 d-1")
    chosen = options(values=1, by=("globe", "pft"))
    whole = propagate(fit, drivers, gpp=gpp, options=chosen)
    path = propagate_to_store(fit, drivers, tmp_path / "draws.zarr", gpp=gpp, options=chosen)
    stored = open_store(path).load()
    assert set(stored.data_vars) == set(whole.data_vars)
    for name in whole.data_vars:
        np.testing.assert_allclose(stored[name], whole[name], rtol=1e-6)
    parts = whole.NEP_total.sel(region=["ENF", "EBF"]).sum("region")
    assert parts.values == pytest.approx(whole.NEP_total.sel(region="globe").values)


def test_maps_say_where_they_may_be_believed(
    fit: RespirationFit, drivers: xr.Dataset, tmp_path: Path
) -> None:
    far = xr.ones_like(drivers.TA).assign_attrs(units="1", long_name="far")
    far[{"time": 3}] = 2.0
    gpp = xr.ones_like(drivers.TA).assign_attrs(units="gC m-2 d-1")
    gpp = gpp.assign_coords(DI=far, AOA=(far < 2.0).astype(float)).transpose("lat", ...)
    found = propagate(fit, drivers, gpp=gpp, options=options(values=1))
    known = found.RECO_mean.notnull()
    assert 0 < int(known.sum()) < known.size
    np.testing.assert_array_equal(found.DI, far.where(known).transpose(*found.DI.dims))
    assert found.DI.attrs["long_name"] == "far"
    assert float(found.AOA.isel(time=3).max()) == 0.0
    path = propagate_to_store(fit, drivers, tmp_path / "draws.zarr", gpp=gpp, options=options())
    stored = open_store(path)
    np.testing.assert_array_equal(stored.DI.transpose(*found.DI.dims), found.DI)


def test_months_without_a_driver_are_missing_and_add_nothing(
    fit: RespirationFit, drivers: xr.Dataset
) -> None:
    gaps = drivers.assign(VPD=drivers.VPD.where(drivers.time.dt.month > 3))
    found = propagate(fit, gaps, options=options(site_effect="none"))
    assert np.isnan(found.RECO_mean.isel(time=slice(3))).all()
    assert found.RECO_mean.isel(time=3, lat=1).notnull().all()
    short = propagate(fit, drivers.isel(time=slice(11)), options=options())
    assert np.isnan(short.RECO_total).all()


def test_a_climatology_has_no_year(fit: RespirationFit, drivers: xr.Dataset) -> None:
    dated = propagate(fit, drivers, options=options())
    monthly = drivers.rename(time="month").assign_coords(month=np.arange(1, 13))
    found = propagate(fit, monthly, options=options())
    assert found.RECO_total.dims == ("site_effect", "draw", "region")
    np.testing.assert_allclose(found.RECO_total, dated.RECO_total.isel(year=0))
