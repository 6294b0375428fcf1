"""Emulation on the twin Earth: closed, with coherent members, on any input that is at fault."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tests.unit.emulation.conftest import QUICK
from uflux_stats.emulation import (
    EmulateOptions,
    emulate,
    emulate_to_store,
    emulate_to_stores,
    train_emulator,
)
from uflux_stats.emulation.audit import audit, member_quantiles
from uflux_stats.emulation.balance import balance_by_lag, stock_balance, stock_ways
from uflux_stats.emulation.divergence import divergence, divergence_table
from uflux_stats.emulation.emulator import train_statistics
from uflux_stats.emulation.models import mean_models, model_totals
from uflux_stats.emulation.moved import adjustment_table
from uflux_stats.errors import (
    CalendarError,
    ConfigError,
    GridError,
    MissingVariableError,
    RangeError,
    UnitsError,
)
from uflux_stats.io.zarr_store import open_store
from uflux_stats.stats.conservation import POOLS, conservation, stock_residual
from uflux_stats.stats.totals import total


@pytest.fixture(scope="module")
def carbon(emulator, drivers, fluxes):
    return emulate(emulator, drivers, fluxes)


@pytest.fixture(scope="module")
def loose(emulator, drivers, fluxes):
    return emulate(emulator, drivers, fluxes, closure="none")


def test_every_member_closes_in_every_cell_and_month(carbon):
    assert carbon["GPP"].dims == ("member", "time", "lat", "lon")
    for member in carbon["member"].values:
        one = carbon.sel(member=member)
        table = conservation(one[["GPP", "RECO", "NEP", "NPP", "Ra", "Rh"]]).to_frame()
        assert table["max_relative"].max() <= 1e-6
        parts = one["cLeaf"] + one["cWood"] + one["cRoot"]
        assert float((abs(parts - one["cVeg"]) / one["cVeg"].clip(1)).max()) <= 1e-6
    for name in ("GPP", "RECO", "Ra", "Rh", "cVeg", "cSoil", "cLitter"):
        assert float(carbon[name].min()) >= 0.0


def test_stock_change_is_the_net_flux(carbon):
    one = carbon[["NEP", "cVeg", "cLitter", "cSoil"]].mean("member", keep_attrs=True)
    found = stock_residual(one)
    open_by = total(found["residual_stock"].assign_attrs(units="gC m-2"))
    assert float(abs(open_by).max()) < 0.1
    assert carbon.attrs["raised_soil_count"] == 0
    assert float(carbon["cSoil_raised"].max()) == 0


def summed(carbon):
    names = ["NEP", *(n for n in carbon if str(n).removesuffix("_ratio") in POOLS)]
    return xr.Dataset({name: total(carbon[name], by="globe") for name in names})


def test_balance_of_stocks_by_lag(carbon):
    table = stock_balance(summed(carbon))
    now = table.query("lag == 0 and way == 'integrated'")
    assert now["year"].tolist() == [2004, 2005, 2006]
    np.testing.assert_allclose(now["stock_change"], now["NEP"], atol=0.01)
    later = table.query("lag == 2 and way == 'ratio'")
    assert later["year"].tolist() == [2005, 2006]
    flux = total(carbon["NEP"]).mean("member").values
    np.testing.assert_allclose(later["NEP"], flux[:2])
    assert set(table["lag"]) == {0, 1, 2, 3}
    by_lag = balance_by_lag(table).set_index(["way", "lag"])
    assert by_lag["n"].tolist() == [3, 3, 2, 1] * 2
    assert abs(by_lag.loc[("integrated", 0), "imbalance"]) < 0.01
    assert by_lag.loc[("integrated", 0), "r"] == pytest.approx(1.0, abs=1e-3)
    gap = now["stock_change"].to_numpy() - now["NEP"].to_numpy()
    assert by_lag.loc[("integrated", 0), "rms"] == pytest.approx((gap**2).mean() ** 0.5)
    with pytest.raises(CalendarError, match="two years or more"):
        stock_balance(summed(carbon).isel(year=[0]))
    with pytest.raises(MissingVariableError, match="totals: expected NEP and pools"):
        stock_balance(summed(carbon)[["NEP"]])


def test_integrated_and_direct_pools_stand_side_by_side(carbon):
    rows = stock_ways(summed(carbon)).set_index("pool")
    for pool in POOLS:
        direct = total(carbon[f"{pool}_ratio"]).mean("member")
        assert rows.loc[pool, "ratio"] == pytest.approx(direct.mean().item())
        # both begin in the balance of the first years
        assert rows.loc[pool, "integrated"] == pytest.approx(rows.loc[pool, "ratio"], rel=0.1)
        # a stock through time does not jump with the NPP of a year
        assert rows.loc[pool, "integrated_variability"] < rows.loc[pool, "ratio_variability"]


def test_recovers_what_the_models_know(emulator, dgvms, drivers):
    """A model's own GPP and RECO give back its own NPP, Rh and pools."""
    name = "TWIN-BIRCH"
    own = dgvms.sel(model=name)
    truth = own.assign(RECO=(own["Ra"] + own["Rh"]).assign_attrs(units="gC m-2 d-1"))
    carbon = emulate(emulator, drivers, truth[["GPP", "RECO"]].drop_vars("model"))
    mine = carbon.sel(member=name)
    area = carbon["land_area"]
    for flux in ("NPP", "Rh"):
        expected = total(own[flux], area=area).mean()
        assert total(mine[flux]).mean().item() == pytest.approx(expected.item(), rel=0.06)
    for pool in ("cVeg", "cWood", "cSoil"):
        expected = total(own[pool], area=area).mean()
        assert total(mine[pool]).mean().item() == pytest.approx(expected.item(), rel=0.12)


def test_missing_parameters_come_from_the_mean_and_are_reported(emulator):
    table = emulator.coverage().set_index(["member", "parameter"])["source"]
    # this model writes no leaf, wood or root
    assert table["TWIN-DATE", "LEAF_SHARE"] == "mean"
    assert table["TWIN-DATE", "VEG_TURNOVER"] == "own"
    # this one has its litter in the soil
    assert table["TWIN-ELM", "LITTER_TURNOVER"] == "mean"
    assert set(emulator.members) == {f"TWIN-{n}" for n in
                                     ("ALDER", "BIRCH", "CEDAR", "DATE", "ELM", "FIR")}  # fmt: skip


def test_a_pool_that_no_model_has_is_not_filled(dgvms, drivers, fluxes):
    few = dgvms.drop_vars("cLitter").sel(model=["TWIN-ALDER", "TWIN-BIRCH"])
    carbon = emulate(few, drivers, fluxes, options=QUICK)
    assert "cLitter" not in carbon
    assert carbon.attrs["not_available"] == "cLitter"


def test_without_rh_the_budget_still_closes(dgvms, drivers, fluxes):
    few = dgvms[["GPP", "NPP", "cVeg", "cSoil"]].sel(model=["TWIN-ALDER", "TWIN-BIRCH"])
    carbon = emulate(few, drivers, fluxes[["GPP", "RECO"]], options=QUICK)
    table = conservation(carbon[["GPP", "RECO", "NEP", "NPP", "Ra", "Rh"]]).to_frame()
    assert table["max_relative"].max() <= 1e-6


def test_audit_of_modes_and_models(carbon, loose, dgvms, drivers, fluxes):
    few = dgvms.isel(model=slice(3))
    paper = emulate(few, drivers, fluxes, closure="paper", options=QUICK)
    statistics = emulate(train_statistics(few, drivers, options=QUICK), drivers, fluxes,
                         closure="paper")  # fmt: skip
    assert statistics["member"].values.tolist() == ["mean", "p25", "p75"]
    modes = {"exact": carbon, "none": loose, "paper": paper, "statistics": statistics}
    table = audit(modes, dgvms)
    found = table[table["region"] == "globe"].set_index(["mode", "budget"])
    assert found.loc[("exact", "GPP"), "max_relative"] <= 1e-6
    assert found.loc[("exact", "GPP"), "open_share"] == 0
    assert abs(found.loc[("exact", "stock"), "total"]) < 0.1
    assert abs(found.loc[("none", "GPP"), "total"]) > abs(found.loc[("exact", "GPP"), "total"])
    for mode in ("paper", "statistics"):
        assert found.loc[(mode, "GPP"), "mean_relative"] > 1e-4
    # pools as ratios follow the NPP of the year, and not the balance of the fluxes
    assert found.loc[("statistics", "stock"), "open_share"] > 0.5
    assert found.loc[("exact", "stock"), "open_share"] == 0
    assert {"GPP", "stock"} <= set(table[table["mode"] == "DGVM"]["budget"])
    regions = table[(table["mode"] == "none") & (table["budget"] == "GPP")].set_index("region")
    parts = regions.drop(index="globe")
    assert parts["total"].sum() == pytest.approx(regions.loc["globe", "total"], rel=1e-6)
    assert parts["max_relative"].max() == regions.loc["globe", "max_relative"]


def test_quantiles_of_closed_members_are_open(carbon):
    quantiles = member_quantiles(carbon.isel(time=slice(-24, None), year=slice(-2, None)))
    np.testing.assert_allclose(
        quantiles["p25"]["GPP"].isel(member=0),
        carbon["GPP"].isel(time=slice(-24, None)).quantile(0.25, "member", skipna=False),
        rtol=1e-5,
    )
    assert quantiles["p75"]["NPP"].attrs["units"] == "gC m-2 d-1"
    table = audit(quantiles, by="globe").set_index(["mode", "budget"])
    for mode in ("p25", "p75"):
        assert table.loc[(mode, "GPP"), "open_share"] > 0.5


def test_adjustments_by_class_and_season(carbon, loose):
    table = adjustment_table(carbon).set_index(["flux", "region", "season"])
    flux = carbon["adjustment_Ra"]
    expected = total(flux).mean().item()
    assert table.loc[("Ra", "globe", "year"), "total"] == pytest.approx(expected, rel=1e-5)
    seasons = [table.loc[("Ra", "globe", s), "total"] for s in ("DJF", "MAM", "JJA", "SON")]
    assert sum(seasons) == pytest.approx(expected, rel=1e-5)
    classes = adjustment_table(carbon, by="pft").query("flux == 'Ra' and season == 'year'")
    assert classes["total"].sum() == pytest.approx(expected, rel=1e-5)
    assert "Africa" in table.index.get_level_values("region")
    assert table["moved"].between(0, 1).all()
    assert (table["size"] >= abs(table["mean"]) - 1e-6).all()
    with pytest.raises(MissingVariableError, match="expected adjustments, got none"):
        adjustment_table(loose)


def test_moves_follow_the_errors_of_what_is_known(emulator, drivers, fluxes):
    """Fluxes that are trusted stay; then allocation gives way."""
    trusting = replace(emulator, options=replace(QUICK, flux_error=0.0))
    doubting = replace(emulator, options=replace(QUICK, flux_error=1.0))
    size = {
        name: float(abs(emulate(one, drivers, fluxes)["adjustment_GPP"]).mean())
        for name, one in (("trusting", trusting), ("doubting", doubting))
    }
    assert size["trusting"] < 0.5 * size["doubting"]


def test_divergence_by_four_routes(loose, carbon, dgvms, drivers):
    models = mean_models(dgvms, drivers, loose)
    numbers = divergence(loose, models)

    def value(key):
        return numbers[f"divergence.{key}"]["value"]

    for region in ("global", "tropics", "Africa"):
        gap = value(f"{region}.gap.total")
        assert gap == pytest.approx(
            value(f"{region}.NEP.difference") - value(f"{region}.NEP.dgvm"), abs=1e-5
        )
        for kind, parts in (("gap", ("GPP", "Ra", "Rh")), ("step", ("Ra", "NPP", "Rh"))):
            assert sum(value(f"{region}.{kind}.{n}") for n in parts) == pytest.approx(gap, abs=1e-4)
        hybrid = value(f"{region}.NEP.hybrid")
        assert value(f"{region}.step.Ra") == pytest.approx(
            value(f"{region}.NEP.difference") - hybrid, abs=1e-5
        )
    assert value("global.NEP.direct") == pytest.approx(total(loose["NEP"]).mean().item(), rel=1e-5)
    assert numbers["divergence.tropics.trend.GPP"]["units"] == "PgC yr-2"
    assert value("tropics.trend.NEP") == pytest.approx(
        value("tropics.trend.GPP") - value("tropics.trend.RECO"), abs=1e-6
    )
    assert not any("extratropics" in key for key in numbers)
    derived = models.assign(NEP=models["NEP"].assign_attrs(comment="Rh derived"))
    notes = {key: number["note"] for key, number in divergence(loose, derived).items()}
    assert notes["divergence.global.NEP.dgvm"] == "NPP - Rh of the models; Rh derived"
    assert notes["divergence.global.gap.total"].endswith("; Rh derived")
    assert "derived" not in notes["divergence.global.NEP.direct"]
    table = divergence_table(numbers)
    assert {"region", "NEP.dgvm", "gap.Ra", "step.Rh"} <= set(table)
    with pytest.raises(ConfigError, match="carbon: expected closure 'none', got 'exact'"):
        divergence(carbon, models)
    with pytest.raises(MissingVariableError, match="models: expected"):
        divergence(loose, models.drop_vars("NEP"))


def test_one_year_has_no_trend_and_says_so(emulator, dgvms, drivers, fluxes):
    year = slice("2005-01", "2005-12")
    one = drivers.sel(time=year)
    loose = emulate(emulator, one, fluxes.sel(time=year), closure="none")
    number = divergence(loose, mean_models(dgvms, one, loose))["divergence.tropics.trend.GPP"]
    assert number["value"] is None
    assert number["note"] == "skipped: fewer than 4 years"


def test_totals_of_the_models_themselves(dgvms, drivers, loose):
    own = model_totals(mean_models(dgvms, drivers, loose), ("globe", "continent"))
    name = "TWIN-BIRCH"
    area = loose["land_area"]
    for variable in ("NPP", "cVeg"):
        expected = total(dgvms[variable].sel(model=name), area=area).mean().item()
        found = own[variable].sel(model=name, region="globe").item()
        assert found == pytest.approx(expected, rel=1e-3)
    assert own["NPP"].attrs["units"] == "PgC yr-1"
    assert own["cVeg"].attrs["units"] == "PgC"


def test_flux_members_are_taken_in_turn(emulator, drivers, fluxes):
    pair = xr.concat([fluxes, 1.1 * fluxes], "member")
    for name in pair:
        pair[name].attrs = fluxes[name].attrs
    result = emulate(emulator, drivers, pair, closure="none")
    even, odd = (total(result["GPP"].isel(member=k)).mean().item() for k in (0, 1))
    assert odd == pytest.approx(1.1 * even, rel=1e-5)


def test_store_holds_the_same(emulator, drivers, fluxes, carbon, tmp_path):
    path = emulate_to_store(emulator, drivers, fluxes, tmp_path / "stocks.zarr")
    stored = open_store(path).load()
    for name in ("NPP", "cVeg", "adjustment_GPP"):
        np.testing.assert_allclose(stored[name], carbon[name], rtol=1e-4, atol=1e-3)
    assert stored.attrs["negative_npp_count"] == carbon.attrs["negative_npp_count"]


def test_where_the_fluxes_may_be_believed_is_handed_on(emulator, drivers, fluxes, tmp_path):
    far = fluxes.GPP.transpose("lat", "time", "lon").astype("float32")
    judged = {"DI": far.assign_attrs(units="1"), "AOA": (far < 3.0).astype("float32")}
    path = emulate_to_store(emulator, drivers, fluxes.assign(judged), tmp_path / "stocks.zarr")
    with open_store(path) as store:
        for name, values in judged.items():
            assert store[name].dims == ("time", "lat", "lon")
            land = store["NPP"].isel(member=0, drop=True).notnull().values
            expected = values.transpose("time", "lat", "lon").values
            np.testing.assert_array_equal(store[name].values[land], expected[land])
        assert store["DI"].attrs["units"] == "1"


def test_gaps_and_negative_values_of_given_fluxes_are_counted(emulator, drivers, fluxes):
    land = np.argwhere(fluxes["GPP"].notnull().all("time").values)
    gap, bare, odd = (dict(zip(("lat", "lon"), place, strict=True)) for place in land[:3])
    found = fluxes.copy(deep=True)
    found["GPP"][gap | {"time": 30}] = np.nan
    found["GPP"][bare] = np.nan
    found["RECO"][odd | {"time": 5}] = -0.1
    carbon = emulate(emulator, drivers, found)
    assert carbon.attrs["cells_with_gaps_count"] == 1
    assert carbon.attrs["cells_left_out_count"] == 1
    assert carbon.attrs["negative_reco_count"] == 1
    assert carbon.attrs["negative_gpp_count"] == 0
    lost = carbon["NEP"].isel(gap).isnull().any("member").values
    assert np.flatnonzero(lost).tolist() == [30]
    flipped = fluxes.assign(RECO=-fluxes["RECO"])
    flipped["RECO"].attrs = fluxes["RECO"].attrs
    with pytest.raises(RangeError, match=r"fluxes\.RECO: expected values"):
        emulate(emulator, drivers, flipped)


def test_several_closures_at_once_are_each_their_own(emulator, drivers, fluxes, carbon, tmp_path):
    paths = {"exact": tmp_path / "exact.zarr", "none": tmp_path / "none.zarr"}
    emulate_to_stores(emulator, drivers, fluxes, paths)
    exact, none = (open_store(path) for path in paths.values())
    np.testing.assert_allclose(exact["Rh"], carbon["Rh"], rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(none["GPP"].isel(member=0), fluxes["GPP"], atol=1e-5)
    assert (exact.attrs["closure"], none.attrs["closure"]) == ("exact", "none")


def test_one_climatological_year_takes_the_ratio(emulator, drivers, fluxes):
    year = slice("2005-01", "2005-12")
    carbon = emulate(emulator, drivers.sel(time=year), fluxes.sel(time=year))
    assert carbon.sizes["year"] == 1
    assert float(carbon["cVeg"].min()) >= 0


def test_deserts_and_ice_teach_nothing(dgvms, drivers):
    bare = dgvms.copy()
    bare["GPP"] = bare["GPP"].where(bare["GPP"]["lat"] > -30, 0.0)
    bare["GPP"].attrs = dgvms["GPP"].attrs
    emulator = train_emulator(bare.isel(model=slice(2)), drivers, options=QUICK)
    rows = emulator.coverage().set_index(["member", "parameter"])["rows"]
    whole = train_emulator(dgvms.isel(model=slice(2)), drivers, options=QUICK)
    more = whole.coverage().set_index(["member", "parameter"])["rows"]
    key = ("TWIN-ALDER", "VEG_TURNOVER")
    assert rows[key] < more[key]


def test_other_grid_is_regridded(dgvms, drivers, fluxes):
    coarse = dgvms.isel(model=slice(2))[["GPP", "NPP", "cVeg"]].coarsen(lat=2, lon=2).mean()
    for name in coarse:
        coarse[name].attrs = dgvms[name].attrs
    carbon = emulate(coarse, drivers, fluxes, options=QUICK)
    assert carbon["NPP"].notnull().any()


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (lambda f: f.drop_vars("RECO"), MissingVariableError, "fluxes: expected GPP and RECO"),
        (lambda f: f.assign(GPP=f["GPP"].assign_attrs(units="g")), UnitsError, "fluxes.GPP"),
        (lambda f: f.isel(lat=slice(3)), GridError, "drivers, fluxes.GPP"),
    ],
)
def test_fluxes_that_do_not_fit(emulator, drivers, fluxes, change, error, match):
    with pytest.raises(error, match=match):
        emulate(emulator, drivers, change(fluxes))


def test_arguments_that_cannot_be_meant(emulator, dgvms, drivers, fluxes):
    with pytest.raises(ConfigError, match="closure: expected one of"):
        emulate(emulator, drivers, fluxes, closure="tight")
    with pytest.raises(CalendarError, match="January to December"):
        emulate(emulator, drivers.isel(time=slice(5)), fluxes.isel(time=slice(5)))
    with pytest.raises(ConfigError, match="models: expected some of"):
        train_emulator(dgvms, drivers, options=EmulateOptions(models=("NONE",)))
    with pytest.raises(MissingVariableError, match="expected NPP or Ra beside GPP"):
        train_emulator(dgvms[["GPP", "cVeg"]], drivers)
    with pytest.raises(ConfigError, match="stocks: expected one of"):
        EmulateOptions(stocks="guessed")
    with pytest.raises(ConfigError, match="period: expected one of"):
        EmulateOptions(period="LAST")
    with pytest.raises(
        ConfigError, match="models: expected a tuple of names, got the text 'JULES'"
    ):
        EmulateOptions(models="JULES")
    nowhere = drivers.assign(TA=drivers["TA"] * np.nan)
    nowhere["TA"].attrs = drivers["TA"].attrs
    with pytest.raises(GridError, match="expected cells with all of"):
        emulate(emulator, nowhere, fluxes)


def test_coverage_is_a_table(emulator):
    assert isinstance(emulator.coverage(), pd.DataFrame)
