"""The network: its loss term by term, its draws, and what stops it."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import ConfigError, DataFileError, MissingExtraError, SampleError
from uflux_stats.explain import shap_values
from uflux_stats.refinement import RefineOptions, Refiner, refine
from uflux_stats.refinement.fitting import NOT_NEGATIVE, _lessons, fit_rows, learned_rows
from uflux_stats.refinement.neural import backend, ensemble, training
from uflux_stats.refinement.neural.ensemble import Lessons, Networks, fit_networks
from uflux_stats.refinement.neural.loss import Batch, misfit, terms, with_slopes
from uflux_stats.refinement.neural.network import Design, forward, initial_weights
from uflux_stats.refinement.neural.options import NetworkOptions
from uflux_stats.refinement.neural.scaling import Scaling
from uflux_stats.refinement.table import TrainingTable, training_table

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra nn)")

SMALL = NetworkOptions(hidden=8, epochs=4, batch=64, device="cpu")
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
             for name, w in networks.members[0].items()}  # fmt: skip
    return replace(networks, members=(drawn,)), ensemble._batch(lessons, networks)


def doubled(batch: Batch) -> Batch:
    return batch._each(lambda part: part if part.dtype == torch.bool else part.double())


def tensors(networks: Networks) -> dict[str, Any]:
    return {name: torch.tensor(w, dtype=torch.float64) for name, w in networks.members[0].items()}


def test_slopes_are_those_to_the_physical_driver(table: TrainingTable, lessons: Lessons) -> None:
    networks, batch = started(lessons)
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
        scaled = networks.scaling.inputs(lessons.predictors)[:, : len(lessons.names)]
        reach = np.abs(step * direction.predictors / networks.scaling.spread)
        inner = (
            (scaled - reach >= networks.scaling.lowest)
            & (scaled + reach <= networks.scaling.highest)
            | (reach == 0.0)
        ).all(axis=1)
        assert inner.sum() > 100
        numeric = (high - low)[inner] / (2.0 * step)
        found = slope.detach().numpy()[inner]
        assert np.abs(numeric - found).max() < 0.02 * np.abs(found).max()


def table_parameters(table: TrainingTable) -> Any:
    every = np.ones(len(table.site), bool)
    return fit_rows(table, every, RefineOptions(trees=1, members=1), [0]).parameters


@pytest.mark.parametrize("term", ["misfit", "mass", "positive", "light", "temperature"])
def test_gradients_of_the_terms_are_numeric_ones(lessons: Lessons, term: str) -> None:
    options = replace(SMALL, positivity="penalty")
    networks, batch = started(lessons, replace(QUICK, network=options))
    rows = doubled(batch)
    weights = {k: v.requires_grad_() for k, v in tensors(networks).items()}

    def value(shift: float, along: dict[str, Any]) -> Any:
        moved = {k: v + shift * along[k] for k, v in weights.items()}
        return terms(moved, rows, networks.design, options)[term]

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
    weights = {k: torch.tensor(v) for k, v in
               initial_weights(np.random.default_rng(0), 1, 2, 3).items()}  # fmt: skip
    base = torch.tensor([[-1.0, 3.0, 0.5]])
    known = torch.tensor([[True, True, False]])
    batch = Batch(torch.zeros(1, 1), base, torch.tensor([[-1.0, 2.5, 99.0]]), known)
    fluxes = forward(weights, batch.inputs, base, design)
    assert fluxes.tolist() == [[-2.0, 3.0, 7.0]]
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


def test_first_weights_are_the_baseline() -> None:
    design = Design(("GPP",), (2.0,), "none")
    weights = {k: torch.tensor(v) for k, v in
               initial_weights(np.random.default_rng(0), 3, 4, 1).items()}  # fmt: skip
    found = forward(weights, torch.randn(5, 3), torch.full((5, 1), 1.5), design)
    assert found.tolist() == [[3.0]] * 5


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
    learning = replace(SMALL, epochs=60, rate=1e-2, patience=60)
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
        weights = {k: torch.tensor(w) for k, w in networks.members[0].items()}
        found = terms(weights, ensemble._batch(asked, networks), networks.design, learning)
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
    networks, batch = started(lessons)
    tasks = [ensemble._task(lessons, networks, batch, QUICK, [0, n]) for n in range(3)]
    for task in tasks:
        learn, stop = (set(lessons.site[rows]) for rows in (task.learn, task.stop))
        assert not learn & stop
        assert (len(learn), len(stop)) == (10, 2)
        unseen = (task.first["layer_0"] == 0.0).all(axis=1)
        assert unseen[: len(lessons.names)].mean() == pytest.approx(0.2, abs=0.02)
        assert not task.batch.inputs.numpy()[:, unseen].any()
    assert len({tuple(task.stop) for task in tasks}) > 1


def test_training_stops_without_gain(lessons: Lessons, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = iter([3.0, 1.0, 2.0, 2.0, 2.0])
    epochs: list[int] = []
    run = training._run_epoch

    def counted(*args: Any) -> None:
        epochs.append(args[-1])
        run(*args)

    monkeypatch.setattr(training, "_run_epoch", counted)
    monkeypatch.setattr(training, "_held_out", lambda *_: next(losses))
    options = replace(QUICK, members=1, network=replace(SMALL, epochs=9, patience=2))
    stopped = fit_networks(lessons, options, [0]).members[0]
    assert epochs == [0, 1, 2, 3]
    monkeypatch.setattr(training, "_held_out", lambda *_: float(-len(epochs)))
    epochs.clear()
    longer = fit_networks(lessons, options, [0]).members[0]
    assert len(epochs) == 9
    assert not np.array_equal(stopped["out"], longer["out"])


def test_same_seed_same_weights_and_members_differ(lessons: Lessons) -> None:
    first, again, other = (
        [member["head"].tobytes() for member in fit_networks(lessons, QUICK, seed).members]
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
    assert epochs == [0, 1, -1, 2, 3, 0, 1, 2, 3]
    for one, two in zip(whole.members, resumed.members, strict=True):
        for name, values in one.items():
            np.testing.assert_array_equal(two[name], values, err_msg=name)
    fit_networks(lessons, options, [0])
    assert len(epochs) == 9
    fit_networks(lessons, options, [1])
    assert len(epochs) == 17


def test_a_damaged_checkpoint_is_begun_anew(lessons: Lessons, tmp_path: Path) -> None:
    options = replace(QUICK, members=1, network=replace(SMALL, checkpoints=str(tmp_path)))
    first = fit_networks(lessons, options, [0]).members[0]
    (stored,) = tmp_path.iterdir()
    stored.write_bytes(stored.read_bytes()[:-100])
    np.testing.assert_array_equal(fit_networks(lessons, options, [0]).members[0]["out"],
                                  first["out"])  # fmt: skip


def test_a_loss_without_value_names_the_input(lessons: Lessons) -> None:
    light, warmth = lessons.directions
    spoilt = replace(light, predictors=light.predictors.copy(), spread=np.nan)
    with pytest.raises(SampleError, match=r"terms \['light'\]"):
        fit_networks(replace(lessons, directions=(spoilt, warmth)), QUICK, [0])
    infinite = lessons.predictors.copy()
    infinite[7, lessons.names.index("VPD")] = np.inf
    with pytest.raises(SampleError, match=r"predictors: .*\['VPD'\]"):
        fit_networks(replace(lessons, predictors=infinite), QUICK, [0])


def test_an_input_without_value_is_named(lessons: Lessons) -> None:
    networks, batch = started(lessons)
    task = ensemble._task(lessons, networks, batch, replace(QUICK, feature_fraction=1.0), [0])
    inputs = batch.inputs.clone()
    inputs[:, lessons.names.index("TS")] = torch.nan
    with pytest.raises(SampleError, match=r"others in \['TS'\].*'misfit'"):
        training.train(replace(task, batch=replace(batch, inputs=inputs)))


def test_a_constant_driver_has_no_say(towers: xr.Dataset, caplog: pytest.LogCaptureFixture) -> None:
    towers["PA"] = xr.full_like(towers["TA"], 98.7).assign_attrs(units="kPa")
    with caplog.at_level(logging.INFO):
        refiner = refine(towers, options=QUICK)
    assert "constant in training" in caplog.text
    assert "PA" in caplog.text
    table = refiner.table
    assert table is not None
    column = table.spec.names.index("PA")
    assert not refiner.fit.networks.scaling.varies[column]
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

    expected = fit_networks(lessons, QUICK, [0]).members[0]["out"]
    monkeypatch.setattr(training, "_device", lambda _: "cuda")
    monkeypatch.setattr(training, "_train_on", full)
    found = fit_networks(lessons, QUICK, [0]).members[0]["out"]
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
    with pytest.raises(ConfigError, match="expected boosted trees"):
        shap_values(refiner)


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
    ],
)
def test_options_that_cannot_be_meant(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        NetworkOptions(**change)
