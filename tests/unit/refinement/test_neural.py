"""The network: its loss term by term, its draws, and what stops it."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from uflux_stats.baselines import complete_drivers
from uflux_stats.errors import ConfigError, DataFileError, MissingExtraError, SampleError
from uflux_stats.explain import shap_values
from uflux_stats.io.zarr_store import open_store
from uflux_stats.refinement import RefineOptions, Refiner, refine, responses
from uflux_stats.refinement.features import BACK, features
from uflux_stats.refinement.fitting import NOT_NEGATIVE, _lessons, fit_rows, learned_rows
from uflux_stats.refinement.neural import backend, ensemble, training
from uflux_stats.refinement.neural.encoding import Encoding
from uflux_stats.refinement.neural.ensemble import Lessons, Networks, fit_networks
from uflux_stats.refinement.neural.loss import Batch, misfit, terms, total, with_slopes
from uflux_stats.refinement.neural.memory import CODE, encode, initial_memory
from uflux_stats.refinement.neural.network import (
    Design,
    Signals,
    Sizes,
    forward,
    initial_weights,
)
from uflux_stats.refinement.neural.options import NetworkOptions
from uflux_stats.refinement.neural.scaling import Scaling
from uflux_stats.refinement.responses import LIGHT, WARMTH, Direction
from uflux_stats.refinement.table import TrainingTable, table_for, training_table
from uflux_stats.refinement.upscaling import UpscaleOptions, upscale
from uflux_stats.refinement.validation import cross_validate

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra nn)")

SMALL = NetworkOptions(hidden=8, epochs=4, batch=64, device="cpu")
PENALTIES = replace(SMALL, built_in=())
QUICK = RefineOptions(model="neural", members=2, network=SMALL)


@pytest.fixture
def table(towers: xr.Dataset) -> TrainingTable:
    return training_table(towers)


def lessons_of(table: TrainingTable, options: RefineOptions = QUICK) -> Lessons:
    every = np.ones(len(table.site), bool)
    parameters = fit_rows(
        table, every, replace(options, model="xgboost", trees=1, members=1), [0]
    ).parameters
    return _lessons(table, every, parameters, options)


@pytest.fixture
def lessons(table: TrainingTable) -> Lessons:
    return lessons_of(table)


def started(lessons: Lessons, options: RefineOptions = QUICK) -> tuple[Networks, Batch]:
    """Networks that have hardly learned, with weights of all layers drawn, and their rows."""
    networks = fit_networks(
        lessons, replace(options, members=1, network=replace(options.network, epochs=1)), [0]
    )
    rng = np.random.default_rng(5)
    drawn = {name: rng.normal(0.0, 0.4, w.shape).astype(np.float32)
             for name, w in networks.weights.items()}  # fmt: skip
    return replace(networks, weights=drawn), one_member(ensemble._batch(lessons, networks))


def one_member(batch: Batch) -> Batch:
    return batch.take(np.arange(len(batch.known))[np.newaxis])


def doubled(batch: Batch) -> Batch:
    return batch.each(lambda part: part if part.dtype == torch.bool else part.double())


def tensors(networks: Networks) -> dict[str, Any]:
    return {name: torch.tensor(w, dtype=torch.float64) for name, w in networks.weights.items()}


def first_tensors(design: Design, sizes: Sizes) -> dict[str, Any]:
    drawn = initial_weights(np.random.default_rng(0), design, sizes)
    return {name: torch.tensor(w)[None] for name, w in drawn.items()}


PENALISED = replace(QUICK, network=PENALTIES)


def test_slopes_are_those_to_the_physical_driver(table: TrainingTable) -> None:
    lessons = lessons_of(table, PENALISED)
    networks, batch = started(lessons, PENALISED)
    scaling = networks.encoding.scaling
    _, slopes = with_slopes(tensors(networks), doubled(batch), networks.design)
    process = {**table.baseline(table_parameters(table)), **lessons.process}
    for direction, slope in zip(lessons.directions, slopes, strict=True):
        step = 0.01 * direction.spread
        low, high = (
            networks.predict(
                (lessons.predictors + sign * step * direction.predictors).astype(np.float32),
                {k: v + sign * step * direction.process[k] for k, v in process.items()},
            )[direction.response.flux][0].astype(float)
            for sign in (-1.0, 1.0)
        )
        scaled = scaling.inputs(lessons.predictors)[:, : len(lessons.names)]
        reach = np.abs(step * direction.predictors / scaling.spread)
        inner = (
            (scaled - reach >= scaling.lowest) & (scaled + reach <= scaling.highest)
            | (reach == 0.0)
        ).all(axis=1)
        assert inner.sum() > 100
        numeric = (high - low)[inner] / (2.0 * step)
        found = slope.detach().numpy()[0, inner]
        assert np.abs(numeric - found).max() < 0.02 * np.abs(found).max()


def table_parameters(table: TrainingTable) -> Any:
    every = np.ones(len(table.site), bool)
    return fit_rows(table, every, RefineOptions(trees=1, members=1), [0]).parameters


@pytest.mark.parametrize("term", ["misfit", "mass", "positive", "light", "temperature"])
def test_gradients_of_the_terms_are_numeric_ones(table: TrainingTable, term: str) -> None:
    options = replace(PENALTIES, positivity="penalty")
    chosen = replace(QUICK, network=options)
    networks, batch = started(lessons_of(table, chosen), chosen)
    rows = doubled(batch)
    weights = {k: v.requires_grad_() for k, v in tensors(networks).items()}

    def value(shift: float, along: dict[str, Any]) -> Any:
        moved = {k: v + shift * along[k] for k, v in weights.items()}
        return terms(moved, rows, networks.design, options)[term].sum()

    still = {k: torch.zeros_like(v) for k, v in weights.items()}
    term_here = value(0.0, still)
    assert term_here > 0.0
    gradient = torch.autograd.grad(term_here, list(weights.values()), allow_unused=True)
    steepest = {
        k: torch.zeros_like(v) if g is None else g
        for (k, v), g in zip(weights.items(), gradient, strict=True)
    }
    square = sum(float((g**2).sum()) for g in steepest.values())
    assert square > 0.0
    step = 1e-5 / np.sqrt(square)
    numeric = float((value(step, steepest) - value(-step, steepest)).detach()) / (2.0 * step)
    assert numeric == pytest.approx(square, rel=1e-3)


def test_terms_by_hand() -> None:
    design = Design(("GPP", "RECO", "NEE"), (2.0, 1.0, 4.0), "penalty")
    weights = first_tensors(design, Sizes(1, 2))
    signals = Signals(torch.zeros(1, 1, 1), torch.tensor([[[-1.0, 3.0, 0.5]]]))
    known = torch.tensor([[[True, True, False]]])
    batch = Batch(signals, torch.tensor([[[-1.0, 2.5, 99.0]]]), known, torch.ones(1, 1))
    fluxes = forward(weights, signals, design)
    assert fluxes.tolist() == [[[-2.0, 3.0, 7.0]]]
    found = terms(weights, batch, design, NetworkOptions(positivity="penalty"))
    # Huber: 0.5 * 0.5**2 for GPP and for RECO; NEE is not known
    assert found["misfit"].item() == pytest.approx(0.25)
    assert found["mass"].item() == pytest.approx(2.0 / 4.0)
    assert found["positive"].item() == pytest.approx(2.0 / 2.0)


def test_what_was_not_observed_has_no_part(lessons: Lessons) -> None:
    networks, batch = started(lessons)
    fluxes = torch.full_like(batch.observed, 2.0)
    spoilt = replace(batch, observed=torch.where(batch.known, batch.observed, torch.nan))
    assert not batch.known.all()
    assert misfit(fluxes, spoilt, networks.design) == misfit(fluxes, batch, networks.design)


def test_rows_count_what_they_weigh(lessons: Lessons) -> None:
    """A row of weight two is that row twice; weights change what is learned."""
    networks, _ = started(lessons)
    rows = ensemble._batch(lessons, networks)
    assert rows.known[0].any()
    weight = torch.ones_like(rows.weight)
    weight[0] = 2.0
    twice = one_member(replace(rows, weight=weight))
    plain = rows.take(np.array([[0, *range(len(rows.known))]]))
    fluxes = [torch.zeros_like(each.observed) for each in (twice, plain)]
    np.testing.assert_allclose(
        misfit(fluxes[0], twice, networks.design), misfit(fluxes[1], plain, networks.design),
        rtol=1e-5,
    )  # fmt: skip


def test_the_weighting_of_towers_is_heeded(table: TrainingTable) -> None:
    few = table.only((table.site > 0) | (np.arange(len(table.site)) < 5))
    found = [
        fit_networks(lessons_of(few, replace(QUICK, weighting=how)), QUICK, [0]).weights["out"]
        for how in ("months", "towers")
    ]
    assert not np.array_equal(*found)


def test_promises_hold_at_unseen_towers(towers: xr.Dataset) -> None:
    """Carbon closes, nothing is negative, responses rise; without constraints none of it."""
    table = training_table(towers)
    # the data contradict each promise, so that keeping it is not theirs
    light, warmth = (table.take(table.towers[name]) for name in ("SWIN", "TA"))
    observed = {
        **table.observed,
        "GPP": 2.0 - 0.01 * light,
        "RECO": 1.0 - 0.05 * warmth,
        "NEE": table.observed["NEE"] + 1.0,
    }
    table = replace(table, observed=observed)
    seen, unseen = table.site % 2 == 0, table.only(table.site % 2 == 1)
    learning = replace(SMALL, hidden=16, epochs=80, patience=80, rate=1e-2, mass=5.0)
    free = replace(learning, mass=0.0, built_in=(), light=0.0, temperature=0.0, positivity="none")
    kept = {}
    for name, network in (("all", learning), ("none", free)):
        options = replace(QUICK, network=network, process_predictors=False, target="direct")
        fit = fit_rows(table, seen, options, [0])
        process = unseen.baseline(fit.parameters)

        def fluxes(rows: Any, fit: Any = fit, process: Any = process,
                   options: Any = options) -> dict[str, Any]:  # fmt: skip
            return learned_rows(fit, process, rows, options)

        told = fluxes(unseen.predictors)
        falls = [
            (fluxes((unseen.predictors + step * along.predictors).astype(np.float32))[flux]
             < told[flux] - 1e-5)[:, along.reach[:, 1] >= step].mean()
            for flux, along, step in (
                ("GPP", responses.direction(unseen, fit.parameters, LIGHT), 10.0),
                ("RECO", responses.direction(unseen, fit.parameters, WARMTH), 1.0),
            )
        ]  # fmt: skip
        gap = np.median(np.abs(told["NEE"] - told["RECO"] + told["GPP"]))
        negative = np.mean([told[name] < 0.0 for name in NOT_NEGATIVE])
        kept[name] = (gap, negative, *falls)
    gap, negative, *falls = kept["all"]
    assert gap < 0.02
    assert negative == 0.0
    assert max(falls) < 0.01
    loose = kept["none"]
    assert loose[0] > 0.1
    assert loose[1] > 0.01
    assert min(loose[2:]) > 0.1


def test_first_weights_are_the_baseline() -> None:
    design = Design(("GPP",), (2.0,), "none")
    signals = Signals(torch.randn(1, 5, 3), torch.full((1, 5, 1), 1.5))
    found = forward(first_tensors(design, Sizes(3, 4)), signals, design)
    assert found.tolist() == [[[3.0]] * 5]


@pytest.mark.parametrize("positivity", ["softplus", "relu"])
def test_hard_positivity_holds_everywhere(lessons: Lessons, positivity: Any) -> None:
    options = replace(QUICK, network=replace(SMALL, positivity=positivity))
    networks, _ = started(lessons, options)
    process = {k: v - 50.0 for k, v in lessons.process.items()}
    predicted = networks.predict(lessons.predictors * 3.0, process)
    assert all((predicted[name] >= 0.0).all() for name in NOT_NEGATIVE)
    free = replace(networks, design=replace(networks.design, positivity="none"))
    assert (free.predict(lessons.predictors * 3.0, process)["GPP"] < 0.0).any()


def test_weights_of_constraints_do_what_they_say(table: TrainingTable) -> None:
    """Carbon closes and responses rise on rows that were learned, more than without."""
    learning = replace(PENALTIES, epochs=60, rate=1e-2, patience=60)
    bare = replace(learning, mass=0.0, light=0.0, temperature=0.0, positivity="none")
    gap, falling = [], []
    # the sign of light is turned, so that the data contradict the constraint
    light = table.take(table.towers["SWIN"])
    inverted = replace(table, observed={**table.observed, "GPP": 8.0 - 0.02 * light})
    for network in (bare, replace(learning, mass=5.0, light=20.0)):
        options = replace(
            QUICK, members=1, network=network, target="direct", process_predictors=False
        )
        lessons = lessons_of(inverted, options)
        networks = fit_networks(lessons, options, [1])
        fluxes = networks.predict(lessons.predictors, lessons.process)
        gap.append(np.median(np.abs(fluxes["NEE"] - fluxes["RECO"] + fluxes["GPP"])))
        asked = lessons_of(inverted, replace(options, network=learning))
        weights = {k: torch.tensor(w) for k, w in networks.weights.items()}
        found = terms(weights, one_member(ensemble._batch(asked, networks)), networks.design,
                      learning)  # fmt: skip
        falling.append(float(found["light"].detach()))
    assert gap[1] < 0.5 * gap[0]
    assert falling[1] < 0.2 * falling[0]


def test_learns_what_is_there(table: TrainingTable, lessons: Lessons) -> None:
    options = replace(QUICK, network=replace(SMALL, hidden=16, epochs=60, patience=60))
    predicted = fit_networks(lessons, options, [0]).predict(lessons.predictors, lessons.process)
    for name, observed in table.observed.items():
        known = np.isfinite(observed)
        assert np.corrcoef(predicted[name].mean(axis=0)[known], observed[known])[0, 1] > 0.9


def test_a_member_stops_at_towers_that_it_does_not_learn_from(lessons: Lessons) -> None:
    networks, _ = started(lessons)
    batch = ensemble._batch(lessons, networks)
    task = ensemble._task(lessons, networks, batch, replace(QUICK, members=3), [0])
    width = len(lessons.names)
    for number in range(3):
        learn, stop = (set(lessons.site[rows[number]]) for rows in (task.learn, task.stop))
        assert not learn & stop
        assert (len(learn), len(stop)) == (10, 2)
        unseen = (task.first["layer_0"][number] == 0.0).all(axis=1)
        assert unseen[:width].mean() == pytest.approx(0.2, abs=0.02)
    assert len({tuple(rows) for rows in task.stop}) > 1


@pytest.mark.parametrize("memory", ["none", "tcn", "lstm"])
def test_what_a_member_must_not_see_it_never_sees(towers: xr.Dataset, memory: Any) -> None:
    network = replace(PENALTIES, memory=memory)
    options = replace(QUICK, members=1, feature_fraction=0.5, network=network)
    lessons = lessons_of(table_for(towers, options), options)
    networks = fit_networks(lessons, options, [0])
    present = np.array(networks.encoding.present)
    unseen = (networks.weights["layer_0"][0] == 0.0).all(axis=1)[: len(present)]
    assert unseen.mean() == pytest.approx(0.5, abs=0.02)
    drivers = [name.partition(BACK)[0] if BACK in name else name for name in lessons.names]
    for hidden, same in ((unseen, True), (~unseen, False)):
        changed = lessons.predictors.copy()
        changed[:, np.isin(drivers, present[hidden])] *= 0.7
        before, after = (
            networks.predict(rows, lessons.process)["NEE"] for rows in (lessons.predictors, changed)
        )
        assert np.array_equal(before, after) == same


def test_training_stops_without_gain(lessons: Lessons, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = iter([3.0, 1.0, 2.0, 2.0, 2.0])
    epochs: list[int] = []
    run = training._run_epoch

    def counted(*args: Any) -> None:
        epochs.append(args[-1])
        run(*args)

    monkeypatch.setattr(training, "_run_epoch", counted)
    monkeypatch.setattr(training, "_held_out", lambda *_: np.array([next(losses)]))
    options = replace(QUICK, members=1, network=replace(SMALL, epochs=9, patience=2))
    stopped = fit_networks(lessons, options, [0]).weights
    assert epochs == [0, 1, 2, 3]
    monkeypatch.setattr(training, "_held_out", lambda *_: np.array([float(-len(epochs))]))
    epochs.clear()
    longer = fit_networks(lessons, options, [0]).weights
    assert len(epochs) == 9
    assert not np.array_equal(stopped["out"], longer["out"])


def test_same_seed_same_weights_and_members_differ(lessons: Lessons) -> None:
    first, again, other = (
        [member.tobytes() for member in fit_networks(lessons, QUICK, seed).weights["head"]]
        for seed in ([1, 2], [1, 2], [1, 3])
    )
    assert first == again
    assert len({*first, *other}) == 2 * QUICK.members


def test_a_killed_fit_goes_on(
    lessons: Lessons, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fit_networks(lessons, QUICK, [0])
    options = replace(QUICK, network=replace(SMALL, checkpoints=str(tmp_path / "kept")))
    epochs: list[int] = []
    run = training._run_epoch

    def killed(task: Any, weights: Any, adam: Any, epoch: int) -> None:
        if epoch == 2 and len(epochs) < 3:
            raise KeyboardInterrupt
        epochs.append(epoch)
        run(task, weights, adam, epoch)

    monkeypatch.setattr(training, "_run_epoch", killed)
    with pytest.raises(KeyboardInterrupt):
        fit_networks(lessons, options, [0])
    epochs.append(-1)
    resumed = fit_networks(lessons, options, [0])
    assert epochs == [0, 1, -1, 2, 3]
    for name, values in whole.weights.items():
        np.testing.assert_array_equal(resumed.weights[name], values, err_msg=name)
    fit_networks(lessons, options, [0])
    assert len(epochs) == 5
    fit_networks(lessons, options, [1])
    assert len(epochs) == 9


def test_a_damaged_checkpoint_is_begun_anew(lessons: Lessons, tmp_path: Path) -> None:
    options = replace(QUICK, members=1, network=replace(SMALL, checkpoints=str(tmp_path)))
    first = fit_networks(lessons, options, [0]).weights
    (stored,) = tmp_path.iterdir()
    stored.write_bytes(stored.read_bytes()[:-100])
    np.testing.assert_array_equal(fit_networks(lessons, options, [0]).weights["out"],
                                  first["out"])  # fmt: skip


def test_a_loss_without_value_names_the_input(table: TrainingTable) -> None:
    lessons = lessons_of(table, PENALISED)
    light, warmth = lessons.directions
    spoilt = replace(light, predictors=light.predictors.copy(), spread=np.nan)
    with pytest.raises(SampleError, match=r"terms \['light'\]"):
        fit_networks(replace(lessons, directions=(spoilt, warmth)), PENALISED, [0])
    infinite = lessons.predictors.copy()
    infinite[7, lessons.names.index("VPD")] = np.inf
    with pytest.raises(SampleError, match=r"predictors: .*\['VPD'\]"):
        fit_networks(replace(lessons, predictors=infinite), QUICK, [0])


def test_an_input_without_value_is_named(lessons: Lessons) -> None:
    networks, _ = started(lessons)
    batch = ensemble._batch(lessons, networks)
    task = ensemble._task(lessons, networks, batch, replace(QUICK, feature_fraction=1.0), [0])
    plain = batch.signals.plain.clone()
    plain[:, lessons.names.index("TS")] = torch.nan
    spoilt = replace(batch, signals=replace(batch.signals, plain=plain))
    with pytest.raises(SampleError, match=r"others in \['TS'\].*'misfit'"):
        training.train(replace(task, batch=spoilt))


def test_a_constant_driver_has_no_say(towers: xr.Dataset, caplog: pytest.LogCaptureFixture) -> None:
    towers["PA"] = xr.full_like(towers["TA"], 98.7).assign_attrs(units="kPa")
    with caplog.at_level(logging.INFO):
        refiner = refine(towers, options=QUICK)
    assert "constant in training" in caplog.text
    assert "PA" in caplog.text
    table = refiner.table
    assert table is not None
    column = table.spec.names.index("PA")
    assert not refiner.fit.networks.encoding.scaling.varies[column]
    moved = table.predictors.copy()
    moved[:, column] += 5.0
    process = table.baseline(refiner.fit.parameters)
    for name, values in learned_rows(refiner.fit, process, moved, QUICK).items():
        same = learned_rows(refiner.fit, process, table.predictors, QUICK)[name]
        np.testing.assert_array_equal(values, same)


def test_beyond_the_range_is_as_at_its_end() -> None:
    scaling = Scaling.of(np.array([[1.0, 5.0], [3.0, np.nan]], np.float32), ("TA", "P"))
    found = scaling.inputs(np.array([[9.0, np.nan], [3.0, 7.0]], np.float32))
    # TA, P (constant where known), and whether P is missing
    assert found.tolist() == [[1.0, 0.0, 1.0], [1.0, 0.0, 0.0]]


def test_without_torch_the_extra_is_named(
    towers: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(backend, "import_module", absent)
    with pytest.raises(MissingExtraError, match=r"uflux-stats\[nn\]"):
        refine(towers, options=QUICK)


def test_without_memory_on_the_gpu_the_cpu_goes_on(
    lessons: Lessons, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = training._train_on

    def full(device: str, task: Any) -> Any:
        if device == "cuda":
            raise torch.OutOfMemoryError
        return run(device, task)

    expected = fit_networks(lessons, QUICK, [0]).weights["out"]
    monkeypatch.setattr(training, "_device", lambda _: "cuda")
    monkeypatch.setattr(training, "_train_on", full)
    found = fit_networks(lessons, QUICK, [0]).weights["out"]
    np.testing.assert_array_equal(found, expected)
    assert "CPU goes on" in caplog.text


def test_round_trip_without_pickle(towers: xr.Dataset, tmp_path: Path) -> None:
    refiner = refine(towers, options=QUICK)
    saved = refiner.save(tmp_path / "refiner")
    assert sorted(path.name for path in saved.iterdir()) == [
        "networks.npz",
        "refiner.json",
        "training.npy",
    ]
    loaded = Refiner.load(saved)
    assert loaded.options == refiner.options
    xr.testing.assert_identical(loaded.predict(towers), refiner.predict(towers))
    again = loaded.save(tmp_path / "again")
    for path in saved.iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "gone": Path.unlink,
    "half": lambda path: path.write_bytes(path.read_bytes()[:-200]),
    "empty": lambda path: path.write_bytes(b""),
    "pickled": lambda path: np.savez(path, **{"scaling/centre": np.array([{}], object)}),
    "of another": lambda path: np.savez(path, offset=np.zeros(4)),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damage_is_told(
    towers: xr.Dataset, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    options = replace(QUICK, members=1, network=replace(SMALL, epochs=1))
    saved = refine(towers, options=options).save(tmp_path / "refiner")
    damage(saved / "networks.npz")
    with pytest.raises(DataFileError, match="path: expected"):
        Refiner.load(saved)


def test_serves_as_the_other_refiners_do(
    towers: xr.Dataset, as_grid: Callable[[xr.Dataset], xr.Dataset]
) -> None:
    refiner = refine(towers, options=QUICK)
    assert "GPP, RECO, NEE, LE; 2 members" in repr(refiner)
    fluxes = refiner.predict(as_grid(towers))
    assert fluxes["NEE"].dims == ("member", "time", "lat", "lon")
    assert set(fluxes) == {"GPP", "RECO", "NEE", "NEE_difference", "LE"}
    assert fluxes.to_array().notnull().all()
    metrics = refiner.validate("tower", folds=2, members=1)
    assert metrics["r2"].notnull().all()
    with pytest.raises(ConfigError, match="expected trees, got a model 'neural'"):
        shap_values(refiner)


def moved_by(direction: Direction, lessons: Lessons, step: float) -> Lessons:
    """Return the rows with more of a driver."""
    return replace(
        lessons,
        predictors=(lessons.predictors + step * direction.predictors).astype(np.float32),
        process={k: v + step * direction.process[k] for k, v in lessons.process.items()},
    )


@pytest.mark.parametrize("memory", ["none", "tcn"])
def test_built_in_responses_hold_whatever_the_weights(towers: xr.Dataset, memory: Any) -> None:
    """With drawn weights, at all rows and far from them, GPP rises with light, RECO with warmth."""
    options = replace(QUICK, network=replace(SMALL, memory=memory))
    table = table_for(towers, options)
    lessons = lessons_of(table, options)
    networks, _ = started(lessons, options)
    free = replace(networks, design=replace(networks.design, built_in=()),
                   encoding=replace(networks.encoding, built_in=()))  # fmt: skip
    falls = {"built in": 0, "free": 0}
    parts = {k: w for k, w in networks.weights.items() if "light" not in k and "temp" not in k}
    for kind, model in (("built in", networks), ("free", replace(free, weights=parts))):
        for direction in lessons_of(table, replace(options, network=PENALTIES)).directions:
            flux = direction.response.flux
            short = direction.reach[:, 1]
            for step in (0.3, 3.0, 30.0):
                low, high = (
                    model.predict(rows.predictors, rows.process)[flux][0]
                    for rows in (lessons, moved_by(direction, lessons, step))
                )
                below = short > step
                falls[kind] += int((high < low - 1e-4)[below].sum())
    assert falls["built in"] == 0
    assert falls["free"] > 0


def test_above_its_limit_light_is_free(lessons: Lessons) -> None:
    networks, _ = started(lessons)
    (light, _) = networks.encoding.orderings
    column = lessons.names.index("SWIN")
    _, rising = light.split(lessons.predictors, networks.encoding.scaling)
    bright = lessons.predictors[:, column] >= LIGHT.limit
    assert 0 < bright.sum() < len(bright)
    followers = len(light.columns)
    np.testing.assert_array_equal(rising[bright][:, :followers], 0.0)
    assert (rising[~bright][:, 0] < 0.0).all()


def test_sequences_hold_the_months_before_oldest_first(towers: xr.Dataset) -> None:
    options = replace(QUICK, network=replace(SMALL, memory="tcn"))
    table = table_for(towers, options)
    encoding = Encoding.of(table.predictors, table.spec.names, memory=True)
    signals = encoding.signals(table.predictors, np.zeros((len(table.site), 1), np.float32))
    assert encoding.remembered == table.spec.dynamic
    driver = encoding.remembered.index("VPD")
    row = int(np.flatnonzero((table.site == 3) & (table.time == 20))[0])
    scaled = signals.past[row, :, driver].numpy()
    expected = table.towers["VPD"].values[3, 9:20]
    # what is beyond the range of training is at its end
    assert np.corrcoef(scaled, expected)[0, 1] > 0.999
    start = int(np.flatnonzero((table.site == 3) & (table.time == 2))[0])
    assert (signals.past[start, :9, driver] == 0.0).all()


def test_a_memory_remembers(towers: xr.Dataset) -> None:
    """GPP that follows the rain of eight months ago is learned by a memory, hardly without one."""
    rain = towers["P"].shift(time=8)
    towers["GPP"] = (3.0 + rain - rain.mean()).assign_attrs(towers["GPP"].attrs)
    skill = {}
    for kind in ("none", "tcn"):
        network = replace(SMALL, hidden=16, epochs=50, patience=50, rate=1e-2, memory=kind)
        options = replace(QUICK, members=1, feature_fraction=1.0, target="direct", network=network)
        held_out = refine(towers.isel(site=slice(0, 9)), options=options).predict(towers)
        seen = held_out["GPP"].isel(member=0, site=slice(9, None))
        skill[kind] = float(xr.corr(seen, towers["GPP"].isel(site=slice(9, None))))
    assert skill["tcn"] > skill["none"] + 0.2


def test_the_long_memory_is_that_of_pytorch() -> None:
    drivers, months = 3, 11
    rng = np.random.default_rng(2)
    drawn = initial_memory(rng, "lstm", months, drivers, 4)
    drawn["gates_bias"] = rng.normal(size=drawn["gates_bias"].shape)
    past = torch.from_numpy(rng.normal(size=(1, 5, months, drivers)))
    found = encode({k: torch.from_numpy(w)[None] for k, w in drawn.items()}, past, "lstm")
    keep, take, give, new = np.split(np.arange(4 * CODE), 4)
    order = np.concatenate([take, keep, new, give])
    bias = drawn["gates_bias"].copy()
    bias[keep] += 1.0
    reference = torch.nn.LSTM(drivers, CODE, batch_first=True, dtype=torch.float64)
    reference.load_state_dict({
        "weight_ih_l0": torch.from_numpy(drawn["gates"][:drivers, order].T),
        "weight_hh_l0": torch.from_numpy(drawn["gates"][drivers:, order].T),
        "bias_ih_l0": torch.from_numpy(bias[order]),
        "bias_hh_l0": torch.zeros(4 * CODE),
    })  # fmt: skip
    _, (state, _) = reference(past[0])
    np.testing.assert_allclose(found[0].numpy(), state[0].detach().numpy(), rtol=1e-9)


def test_a_memory_serves_grids_and_is_kept(
    towers: xr.Dataset, as_grid: Callable[[xr.Dataset], xr.Dataset], tmp_path: Path
) -> None:
    """A grid in one piece, band by band, and as a climatology whose months wrap round."""
    options = replace(QUICK, network=replace(SMALL, memory="tcn"))
    refiner = refine(towers, options=options)
    grid = as_grid(towers)
    whole = refiner.predict(grid)
    cells = whole["GPP"].transpose("member", "lat", "lon", "time").values
    sites = refiner.predict(towers)["GPP"].transpose("member", "site", "time").values
    np.testing.assert_allclose(cells.reshape(sites.shape), sites, rtol=1e-5, atol=1e-6)
    store = open_store(upscale(refiner, grid, tmp_path / "fluxes.zarr", UpscaleOptions(rows=1)))
    # stores are rounded
    np.testing.assert_allclose(store["GPP"].values, whole["GPP"].values, rtol=2e-4, atol=1e-6)
    loaded = Refiner.load(refiner.save(tmp_path / "refiner"))
    xr.testing.assert_identical(loaded.predict(towers), refiner.predict(towers))


def test_a_climatology_wraps_round(towers: xr.Dataset) -> None:
    """The months before January of the one year are its own last ones."""
    options = replace(QUICK, network=replace(SMALL, memory="tcn"))
    spec = table_for(towers, options).spec
    year = towers.isel(time=slice(0, 12)).assign_attrs(climatology_year=2003)
    found = features(complete_drivers(year), spec).sel(feature="VPD_back3").values
    np.testing.assert_array_equal(found, np.roll(year["VPD"].values, 3, axis=1).astype(np.float32))


def test_moved_rows_stay_below_the_limit(table: TrainingTable) -> None:
    lessons = lessons_of(table, PENALISED)
    _, batch = started(lessons, PENALISED)
    for slope, direction in zip(batch.slopes, lessons.directions, strict=True):
        moved = slope.elsewhere(np.random.default_rng(0), 0.5)
        shift = moved.shift[0, :, 0].numpy()
        chosen = shift != 0.0
        assert chosen.mean() == pytest.approx(0.5, abs=0.1)
        assert (shift >= direction.reach[:, 0] - 1e-4)[chosen].all()
        assert (shift <= direction.reach[:, 1] + 1e-4)[chosen].all()
        assert moved.inside[0].numpy()[chosen].all()


def test_constraints_elsewhere_change_what_is_learned(table: TrainingTable) -> None:
    """More than the rows themselves are asked, and the same ones by the same seed."""
    lessons = lessons_of(table, PENALISED)
    there, here, again = (
        fit_networks(lessons, replace(QUICK, network=replace(PENALTIES, elsewhere=share)), [0])
        for share in (0.5, 0.0, 0.5)
    )
    np.testing.assert_array_equal(there.weights["out"], again.weights["out"])
    assert not np.array_equal(there.weights["out"], here.weights["out"])


def test_the_table_must_hold_what_a_memory_reads(table: TrainingTable) -> None:
    options = replace(QUICK, network=replace(SMALL, memory="tcn"))
    with pytest.raises(ConfigError, match=r"options.history: expected 0 .* got 11"):
        cross_validate(table, "tower", options)


def test_the_last_to_leave_puts_the_threads_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    first, second = backend.one_thread(), backend.one_thread()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert torch.get_num_threads() == 1
    second.__exit__(None, None, None)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def test_learned_weights_move_and_stay_within_a_factor(lessons: Lessons) -> None:
    found = {"misfit": torch.tensor([1.0]), "mass": torch.tensor([0.5])}
    options = NetworkOptions(mass=2.0)
    assert total(found, options).item() == pytest.approx(2.0)
    learned = torch.tensor([[-100.0, 0.0, 0.0, 0.0]])
    expected = 1.0 + 20.0 * 2.0 * 0.5 - np.log(20.0)
    assert total(found, options, 1.0, learned).item() == pytest.approx(expected, rel=1e-5)
    fixed, free = (
        fit_networks(lessons, replace(QUICK, network=replace(SMALL, learned=learned)), [0])
        for learned in (False, True)
    )
    assert set(free.weights) == set(fixed.weights)
    assert not np.array_equal(free.weights["out"], fixed.weights["out"])


def test_members_do_not_depend_on_each_other(lessons: Lessons) -> None:
    one, three = (
        fit_networks(lessons, replace(QUICK, members=n, network=replace(SMALL, batch=400)), [0])
        for n in (1, 3)
    )
    np.testing.assert_allclose(three.weights["out"][:1], one.weights["out"], atol=1e-5)


@pytest.mark.parametrize("lacking", ["GPP", "NEE", "LE"])
def test_a_flux_may_be_missing(towers: xr.Dataset, lacking: str) -> None:
    fluxes = refine(towers.drop_vars(lacking), options=QUICK).predict(towers)
    assert lacking not in fluxes
    assert fluxes.to_array().notnull().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mass": -1.0}, "mass: expected at least 0.0, got -1.0"),
        ({"light": float("nan")}, "light"),
        ({"positivity": "exp"}, "positivity: expected one of"),
        ({"device": "tpu"}, "device"),
        ({"rate": 0.0}, "rate"),
        ({"patience": 0}, "patience"),
        ({"built_in": ("rain",)}, "built_in: expected one of"),
        ({"memory": "gru"}, "memory: expected one of"),
        ({"elsewhere": 1.5}, "elsewhere: expected a share from 0 to 1, got 1.5"),
    ],
)
def test_options_that_cannot_be_meant(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        NetworkOptions(**change)
