"""The figure of how skill falls away from the towers."""

import pandas as pd

from uflux_stats.reporting.remoteness import skill_gap


def test_a_line_for_each_flux_over_the_groups_it_has() -> None:
    near_and_far = pd.DataFrame(
        {"flux": ["GPP", "GPP", "LE"], "group": ["near", "far", "far"],
         "r2": [0.8, 0.6, -0.1], "months": [10, 5, 5], "towers": [2, 1, 1]}
    )  # fmt: skip
    figure = skill_gap(near_and_far, pd.DataFrame(), split="tower")
    assert "whole towers held out" in figure.get_suptitle()
    left, right = figure.axes
    drawn = {line.get_label(): line.get_xydata() for line in left.lines}
    assert drawn["GPP"].tolist() == [[0.0, 0.8], [1.0, 0.6]]
    assert drawn["LE"].tolist() == [[1.0, -0.1]]
    assert [text.get_text() for text in left.get_xticklabels()] == [
        "near\n2 towers, n = 10", "far\n1 towers, n = 5",
    ]  # fmt: skip
    assert len(right.lines) == 1
