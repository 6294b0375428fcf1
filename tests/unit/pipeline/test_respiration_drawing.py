"""Figures of posteriors: which of them say that the sample did not pass its gate."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from uflux_stats.bayes.gate import Diagnosis
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages import respiration_drawing


def test_every_figure_of_a_sample_that_failed_is_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = Diagnosis(1.0, 800.0, 900.0, 0, 0.9, "slope", True)
    poor = Diagnosis(1.2, 80.0, 90.0, 3, 0.9, "slope", False)
    of_form = {
        "q10": SimpleNamespace(diagnosis=poor),
        "lloyd_taylor": SimpleNamespace(diagnosis=good),
    }
    notices: dict[str, str] = {}
    replaced = {
        "fits": lambda _: of_form,
        "_of_form": lambda _task, form, _fit: {f"forest_{form}": None},
        "_maps": lambda _task, _fit: [("map_Q10", None)],
        "_sinks": lambda _: None,
        "sinks_explained": lambda *_: None,
        "save_figure": lambda _, path, notice: notices.update({path.stem: notice}),
    }
    for name, stand_in in replaced.items():
        monkeypatch.setattr(respiration_drawing, name, stand_in)
    settings = {"grid": True, "models": True, "site_effect": "spatial", "twin": True}
    respiration_drawing.figures(Task(tmp_path, tmp_path, {}, settings))
    told = "Q10: gate not passed: R-hat 1.200, ESS 80, 3 divergences"
    twin = respiration_drawing.TWIN_NOTICE
    assert notices.pop("forest_lloyd_taylor") == twin
    assert set(notices) == {"forest_q10", "map_Q10", "sinks_explained"}
    assert set(notices.values()) == {f"{told}; {twin}"}
