"""Speed of networks against py-banshee, of resampling, and of TreeSHAP against XGBoost's own."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb

from uflux_stats.attribution import banshee
from uflux_stats.attribution.attribute import attribute, replicate_tables
from uflux_stats.attribution.bootstrap import BootstrapOptions
from uflux_stats.attribution.inference import condition
from uflux_stats.attribution.network import Network, fit_network
from uflux_stats.attribution.presets import PAPER
from uflux_stats.explain import explain_rows
from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.refinement import RefineOptions
from uflux_stats.refinement.learners import fit_ensemble


def best_of(times: int, work: Callable[[], object]) -> float:
    """Least wall time [s] of some runs."""
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return min(spent)


def table(rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    mixed = rng.normal(size=(rows, 9)) @ rng.normal(size=(9, 9))
    return pd.DataFrame(np.exp(mixed / 6), columns=PAPER.nodes)


def fitted(rows: int, engine: str = "uflux") -> Network:
    return fit_network(table(rows), "paper", transform="raw", engine=engine).select()


def told(text: str) -> None:
    sys.stdout.write(f"\n{text} (load {os.getloadavg()[0]:.1f})\n")


def test_fit_of_a_million_rows() -> None:
    data = table(1_000_000)
    ours = best_of(2, lambda: fit_network(data, "paper", transform="raw"))
    sample = fit_network(data, "paper", transform="raw").select().sample
    theirs = best_of(1, lambda: banshee.rank_correlation(sample, PAPER))
    told(
        f"fit of 1 M rows x 9 nodes: {ours:.2f} s, py-banshee {theirs:.1f} s, x {theirs / ours:.0f}"
    )
    assert ours < 3.0


@pytest.mark.parametrize("rows", [240, 20_000])
def test_fit_against_banshee(rows: int) -> None:
    network = fitted(rows)
    data = table(rows)
    ours = best_of(5, lambda: fit_network(data, "paper", transform="raw"))
    theirs = best_of(3, lambda: banshee.rank_correlation(network.sample, PAPER))
    told(f"fit of {rows} rows: {ours * 1e3:.1f} ms, py-banshee {theirs * 1e3:.0f} ms, "
         f"x {theirs / ours:.0f}")  # fmt: skip
    assert theirs > 20 * ours


def test_inference_at_20_000_rows() -> None:
    ours, theirs = fitted(20_000), fitted(20_000, "pybanshee")
    evidence = table(20_000)[["SWIN", "TA", "VPD", "P"]]
    fast = best_of(3, lambda: condition(ours, evidence))
    part = evidence.iloc[:100]
    slow = best_of(1, lambda: condition(theirs, part)) * len(evidence) / len(part)
    told(f"inference at 20,000 rows: {fast:.3f} s, py-banshee {slow:.0f} s (from 100), "
         f"x {slow / fast:.0f}")  # fmt: skip
    assert slow > 500 * fast


def test_refit_per_replicate() -> None:
    network = fitted(240)
    options = BootstrapOptions(replicates=500)
    spent = best_of(3, lambda: replicate_tables(network, options, "places")) / 500
    told(f"full refit per replicate at n = 240, 9 nodes: {spent * 1e3:.2f} ms")
    assert spent < 2e-3


def test_all_continents_and_types(real_data: Path) -> None:
    towers = read_fluxnet(
        real_data / "fluxnet2015",
        sites=real_data / "fluxnet2015_sites.csv",
        fapar=real_data / "fluxnet2015_fapar.csv.gz",
    )
    start = time.perf_counter()
    networks = fit_network(towers, by=("continent", "pft"))
    attribute(networks, replicates=500)
    spent = time.perf_counter() - start
    told(f"{len(networks)} continents x PFTs, three targets, 500 replicates: {spent:.1f} s")
    assert spent < 180


def test_tree_shap_of_100_000_rows() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(100_000, 18)).astype(np.float32)
    target = rows[:, 0] * rows[:, 1] + rows[:, 2] ** 2
    options = RefineOptions(members=1, trees=100)
    ensemble = fit_ensemble(rows[:20_000], target[:20_000].astype(float), options, [0])

    def own() -> None:
        ensemble[0].set_param({"nthread": 2})
        ensemble[0].predict(xgb.DMatrix(rows, nthread=2), pred_contribs=True)

    ours = best_of(2, lambda: explain_rows(ensemble, rows, threads=2))
    theirs = best_of(2, own)
    told(f"TreeSHAP of 100,000 x 18: {ours:.2f} s, XGBoost {theirs:.2f} s, x {ours / theirs:.2f}")
    assert ours < 1.2 * theirs
