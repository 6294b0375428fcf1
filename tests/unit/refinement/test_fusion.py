"""The network as one of several learners: weights from unseen towers, one model to all others."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import ConfigError, DataFileError
from uflux_stats.explain import shap_values
from uflux_stats.io.zarr_store import open_store
from uflux_stats.refinement import RefineOptions, Refiner, StackOptions, fusion, refine
from uflux_stats.refinement.features import BACK
from uflux_stats.refinement.fitting import fit_rows, learned_rows, predict_rows
from uflux_stats.refinement.fusion import network_out_of_fold
from uflux_stats.refinement.neural.ensemble import Lessons
from uflux_stats.refinement.neural.options import NetworkOptions
from uflux_stats.refinement.table import table_for
from uflux_stats.refinement.upscaling import UpscaleOptions, upscale

pytest.importorskip("torch", reason="PyTorch is not installed (extra nn)")

SMALL = NetworkOptions(hidden=8, epochs=6, batch=64, device="cpu", memory="tcn")
PARTS = ("xgboost", "kernel", "neural")
FUSED = RefineOptions(
    model="stack", members=2, trees=10, min_weight=2.0, network=SMALL,
    stack=StackOptions(parts=PARTS, folds=3),
)  # fmt: skip


@pytest.fixture
def refiner(towers: xr.Dataset) -> Refiner:
    return refine(towers, options=FUSED)


def test_the_sum_is_that_of_its_parts(refiner: Refiner) -> None:
    table, fit = refiner.table, refiner.fit
    assert table is not None
    process = table.baseline(fit.parameters)
    whole = learned_rows(fit, process, table.predictors, FUSED)
    alone = learned_rows(replace(fit, models={}), process, table.predictors, FUSED)
    others = learned_rows(replace(fit, networks=None, shares={}), process,
                          without_memory(refiner), FUSED)  # fmt: skip
    for name, share in fit.shares.items():
        base = process[name] if FUSED.is_residual(name) else 0.0
        expected = others[name] + share * (alone[name] - base)
        np.testing.assert_allclose(whole[name], expected, rtol=1e-4, atol=1e-4)
        assert sum(fit.models[name].weights) + share == pytest.approx(1.0)


def without_memory(refiner: Refiner) -> np.ndarray:
    assert refiner.table is not None
    return refiner.table.predictors[:, [BACK not in name for name in refiner.spec.names]]


def test_only_the_network_reads_the_months_before(refiner: Refiner) -> None:
    names = refiner.spec.names
    assert any(BACK in name for name in names)
    width = sum(BACK not in name for name in names) + 3
    assert {model.width for model in refiner.fit.models.values()} == {width}
    assert set(names) < set(refiner.fit.networks.encoding.names)


def test_weights_come_from_unseen_towers(
    towers: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that knows the truth of towers out of fold gets all, one of noise nothing."""
    for truth in (True, False):

        def told(lessons: Lessons, *_: object, truth: bool = truth) -> dict[str, np.ndarray]:
            noise = np.random.default_rng(0).normal(0.0, 50.0, len(lessons.site))
            return {k: np.nan_to_num(v) if truth else noise for k, v in lessons.observed.items()}

        monkeypatch.setattr("uflux_stats.refinement.fitting.network_out_of_fold", told)
        table = table_for(towers, FUSED)
        shares = fit_rows(table, np.ones(len(table.site), bool), FUSED, [0]).shares
        assert all(share > 0.9 if truth else share < 0.1 for share in shares.values())


def test_out_of_fold_a_tower_is_not_learned_from(
    towers: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[set[int]] = []
    fit = fusion.fit_networks

    def watched(lessons: Lessons, *rest: object) -> object:
        learned.append(set(lessons.site.tolist()))
        return fit(lessons, *rest)

    monkeypatch.setattr(fusion, "fit_networks", watched)
    table = table_for(towers, FUSED)
    rows = table.site < 9
    fit_rows(table, rows, FUSED, [0])
    assert len(learned) == 3
    assert set.intersection(*learned) == set()
    assert set.union(*learned) == set(range(9))


def test_a_blend_shares_alike(towers: xr.Dataset) -> None:
    options = replace(FUSED, model="blend")
    fit = refine(towers, options=options).fit
    assert all(share == pytest.approx(1.0 / 3.0) for share in fit.shares.values())
    assert (
        network_out_of_fold(Lessons((), *[np.zeros(0)] * 2, {}, {}, np.zeros(0)), options, [0])
        == {}
    )


def test_it_is_one_model_to_all_others(
    refiner: Refiner,
    towers: xr.Dataset,
    as_grid: Callable[[xr.Dataset], xr.Dataset],
    tmp_path: Path,
) -> None:
    saved = refiner.save(tmp_path / "refiner")
    loaded = Refiner.load(saved)
    xr.testing.assert_identical(loaded.predict(towers), refiner.predict(towers))
    grid = as_grid(towers)
    whole = refiner.predict(grid)
    store = open_store(upscale(loaded, grid, tmp_path / "fluxes.zarr", UpscaleOptions(rows=1)))
    np.testing.assert_allclose(store["GPP"].values, whole["GPP"].values, rtol=2e-4, atol=1e-5)
    assert float(whole["GPP"].min()) >= 0.0
    assert refiner.applicability(towers)["DI"].notnull().all()
    metrics = refiner.validate("tower", folds=2, members=1)
    assert metrics["r2"].notnull().all()
    (saved / "networks.npz").unlink()
    with pytest.raises(DataFileError, match="path: expected a whole refiner"):
        Refiner.load(saved)


def test_its_trees_are_explained(towers: xr.Dataset) -> None:
    values = shap_values(refine(towers, options=replace(FUSED, model="blend")), held_out=False)
    memory = [BACK in str(name) for name in values["feature"].values]
    known = values["GPP"].dropna("row", how="all")
    assert any(memory)
    assert known.sizes["row"] > 0
    assert float(np.abs(known.values[:, memory]).max()) == 0.0
    assert float(np.abs(known).max()) > 0.0


def test_a_flux_may_be_missing(towers: xr.Dataset) -> None:
    fluxes = refine(towers.drop_vars("GPP"), options=FUSED).predict(towers)
    assert "GPP" not in fluxes
    assert fluxes.to_array().notnull().all()


@pytest.mark.parametrize("parts", [("neural",), ("neural", "xgboost", "neural")])
def test_a_network_needs_others_beside_it(parts: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match=r"stack.parts: expected 'neural' once and another"):
        StackOptions(parts=parts)


def test_promises_are_cut_not_learned(refiner: Refiner) -> None:
    """Trees may fall below zero; what is told does not."""
    table = refiner.table
    assert table is not None
    process = {k: v - 30.0 for k, v in table.baseline(refiner.fit.parameters).items()}
    told = predict_rows(refiner.fit, process, table.predictors, FUSED)
    learned = learned_rows(refiner.fit, process, table.predictors, FUSED)
    assert float(learned["GPP"].min()) < 0.0
    assert float(told["GPP"].min()) == 0.0
