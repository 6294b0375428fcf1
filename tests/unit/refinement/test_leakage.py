"""Nothing that was measured at a held-out tower reaches what is predicted for it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from uflux_stats.baselines import fit_reference_respiration
from uflux_stats.refinement import RefineOptions, ValidationOptions, cross_validate
from uflux_stats.refinement.fitting import fit_rows
from uflux_stats.refinement.table import training_table
from uflux_stats.schema import FLUXES

FEW = ValidationOptions(folds=4, members=1)
HELD_OUT = 4
"""A rain forest; the other one of its class and climate is the next tower."""

Spoil = Callable[[xr.Dataset, list[int]], xr.Dataset]


@pytest.fixture
def spoil() -> Spoil:
    """Change every flux of some towers beyond recognition, where there is one."""

    def change(towers: xr.Dataset, chosen: list[int]) -> xr.Dataset:
        at = xr.DataArray(np.isin(np.arange(12), chosen), dims="site")
        noise = np.random.default_rng(0).normal(size=(12, 36))
        return towers.assign(
            {
                name: towers[name].where(~at, 50.0 + 20.0 * noise).where(towers[name].notnull())
                .assign_attrs(towers[name].attrs)
                for name in FLUXES
            }
        )  # fmt: skip

    return change


def held_out(towers: xr.Dataset, split: str, options: RefineOptions) -> xr.Dataset:
    return cross_validate(training_table(towers), split, options, FEW)


@pytest.mark.parametrize("target", ["residual", "direct"])
@pytest.mark.parametrize(
    ("split", "together"),
    [("tower", [4]), ("igbp", [4, 5]), ("koppen", [4, 5]), ("blocks", [4])],
)
def test_predictions_for_a_group_ignore_its_fluxes(
    towers: xr.Dataset,
    quick: RefineOptions,
    spoil: Spoil,
    split: str,
    together: list[int],
    target: str,
) -> None:
    options = replace(quick, target=target)
    before = held_out(towers, split, options)
    after = held_out(spoil(towers, together), split, options)
    xr.testing.assert_identical(after["fold"], before["fold"])
    predictions = {"source": ["baseline", "refined"]}
    for name in (*FLUXES, "NEE_difference"):
        kept, new = (run[name].sel(predictions).isel(site=together) for run in (before, after))
        assert kept.notnull().any()
        xr.testing.assert_identical(new, kept)
    # the signal is one that others do see
    others = [site for site in range(12) if site not in together]
    assert not after["GPP"].isel(site=others).equals(before["GPP"].isel(site=others))


def test_random_split_ignores_the_fluxes_of_held_out_rows(
    towers: xr.Dataset, quick: RefineOptions
) -> None:
    before = held_out(towers, "random", quick)
    first = before["fold"] == 0
    spoilt = towers.assign(
        {name: towers[name].where(~first, 99.0).where(towers[name].notnull())
         .assign_attrs(towers[name].attrs) for name in FLUXES}
    )  # fmt: skip
    after = held_out(spoilt, "random", quick)
    for name in (*FLUXES, "NEE_difference"):
        kept, new = (
            run[name].sel(source=["baseline", "refined"]).where(first) for run in (before, after)
        )
        xr.testing.assert_identical(new, kept)


def test_drivers_of_a_held_out_tower_are_seen(towers: xr.Dataset, quick: RefineOptions) -> None:
    before = held_out(towers, "tower", quick)
    towers["FAPAR"][HELD_OUT] = 0.9
    after = held_out(towers, "tower", quick)
    refined = {"source": "refined", "site": towers["site"][HELD_OUT]}
    assert not after["GPP"].sel(refined).equals(before["GPP"].sel(refined))


def test_respiration_is_fitted_to_the_training_rows_alone(
    towers: xr.Dataset, quick: RefineOptions, spoil: Spoil
) -> None:
    table = training_table(towers)
    rows = table.site != HELD_OUT
    parameters = fit_rows(table, rows, quick, [0]).parameters
    without = table.towers.isel(site=[n for n in range(12) if n != HELD_OUT])
    assert parameters == fit_reference_respiration(without)
    spoilt = training_table(spoil(towers, [HELD_OUT]))
    assert fit_rows(spoilt, rows, quick, [0]).parameters == parameters
    assert fit_rows(spoilt, rows | True, quick, [0]).parameters != parameters


def test_trees_of_a_fold_are_those_of_towers_without_the_held_out_one(
    towers: xr.Dataset, quick: RefineOptions
) -> None:
    table = training_table(towers)
    whole = fit_rows(table, table.site != HELD_OUT, quick, [0])
    towers[list(FLUXES)] = towers[list(FLUXES)].where(towers["site"] != towers["site"][HELD_OUT])
    part = training_table(towers)
    alone = fit_rows(part, np.ones(len(part.site), bool), quick, [0])
    for name in FLUXES:
        pairs = zip(whole.ensembles[name], alone.ensembles[name], strict=True)
        assert all(one.save_raw() == other.save_raw() for one, other in pairs)


def test_no_predictor_is_a_flux_or_a_place(towers: xr.Dataset) -> None:
    names = training_table(towers).spec.names
    roots = {name.split("_")[0] for name in names}
    assert not roots & {*FLUXES, "lat", "lon", "site", "DEM"}


def test_keep_hides_the_fluxes_of_all_other_rows(towers: xr.Dataset) -> None:
    table = training_table(towers)
    kept = table.keep(table.time < 12)
    for name in FLUXES:
        assert kept[name].isel(time=slice(12, None)).isnull().all()
        xr.testing.assert_identical(
            kept[name].isel(time=slice(0, 12)), table.towers[name].isel(time=slice(0, 12))
        )
