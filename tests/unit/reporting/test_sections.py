"""Sections say what the numbers say, adapt to them, and name what is missing."""

import json
from dataclasses import asdict, replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from uflux_stats.bayes.sinks import FIXED
from uflux_stats.errors import DataFileError
from uflux_stats.reporting.allocation import sink_divergence
from uflux_stats.reporting.numbers import Number, Numbers
from uflux_stats.reporting.origin import origin_text
from uflux_stats.reporting.parts import command, missing, missing_line, notices
from uflux_stats.reporting.reading import Reading, open_run
from uflux_stats.reporting.region_sections import (
    cube_section,
    driver_table,
    driver_text,
    flux_summary,
    flux_table,
    regions_table,
    sink_section,
    stock_table,
    tower_text,
    truth_section,
)
from uflux_stats.reporting.respiration_sections import forms, respiration_of, respiration_section
from uflux_stats.reporting.showing import Picture, Remark, gallery, show, show_years
from uflux_stats.reporting.sinks import sinks_explained
from uflux_stats.reporting.skill_sections import (
    closure_section,
    emulator_section,
    gap_callout,
    group_table,
    skill_table,
    split_table,
    stage_section,
    tower_skill_table,
)
from uflux_stats.reporting.wording import figure_text, quantity, table_text, trend_text


def reading(**numbers: Number) -> Reading:
    return Reading(Path("out"), {name.replace("__", "."): one for name, one in numbers.items()}, {})


def test_a_trend_is_called_so_only_if_its_interval_excludes_zero(small_run: Path) -> None:
    text = flux_summary(open_run(small_run), "Europe")
    assert "GPP rose by 0.032 PgC yr⁻² (0.018 to 0.046) over 20 years" in text
    assert "RECO shows no change that differs from zero" in text
    table = flux_table(open_run(small_run), "Europe")
    assert "**0.032 PgC yr⁻² (0.018 to 0.046)**" in table
    assert "no trend: 0.004 PgC" in table


@pytest.mark.parametrize(
    ("low", "high", "word"), [(0.1, 0.3, "rose"), (-0.3, -0.1, "fell"), (-0.1, 0.3, "no change")]
)
def test_the_word_follows_the_interval(low: float, high: float, word: str) -> None:
    slope = Number((low + high) / 2, "PgC yr-2", low, high, 20)
    assert word in trend_text("GPP", slope)


def test_a_change_is_a_trend_by_p_where_it_is_known() -> None:
    unsure = Number(0.02, "PgC yr-2", 0.001, 0.039, 20, p=0.08)
    assert trend_text("GPP", unsure).startswith("GPP shows no change that is sure (p 0.08)")
    assert trend_text("GPP", replace(unsure, p=0.04)).startswith("GPP rose")


def test_a_falling_trend_gives_sizes_in_order() -> None:
    text = trend_text("GPP", Number(-0.2, "PgC yr-2", -0.3, -0.1, 20))
    assert text == "GPP fell by 0.20 PgC yr⁻² (0.10 to 0.30) over 20 years."


def test_disagreeing_net_fluxes_settle_nothing(small_run: Path) -> None:
    text = flux_summary(open_run(small_run), "Europe")
    assert "net sink or source is not settled: −0.38 PgC yr⁻¹" in text


@pytest.mark.parametrize(("sign", "kind"), [(1, "net sink"), (-1, "net source")])
def test_agreeing_net_fluxes_are_named(sign: int, kind: str) -> None:
    nep = Number(sign * 2.0, "PgC yr-1", *sorted((sign * 1.0, sign * 3.0)))
    run = reading(totals__Asia__NEP=nep, totals__Asia__NEP_difference=nep)
    text = flux_summary(run, "Asia")
    assert kind in text
    assert "no estimate of the land sink" in text


def test_a_region_without_towers_is_said_plainly(small_run: Path) -> None:
    run = open_run(small_run)
    assert "No tower stands in Oceania" in tower_text(run, "Oceania")
    assert tower_text(run, "Europe") == "12 towers stand in Europe."
    assert "too few tower months in Oceania" in driver_text(run, "Oceania")
    unfinished = replace(run, provenance={})
    assert "Not in this run: the attribution" in driver_text(unfinished, "Oceania")


def test_drivers_that_cannot_be_told_from_chance_are_not_effects(small_run: Path) -> None:
    text = driver_text(open_run(small_run), "Europe")
    assert (
        "responds to incoming shortwave radiation (0.28; 0.17 to 0.38); not told from chance: "
        in text
    )
    assert "**0.28 (0.17 to 0.38)**" in driver_table(open_run(small_run), "Europe")


def test_skill_shows_both_splits_and_the_gap(small_run: Path) -> None:
    run = open_run(small_run)
    assert "| 0.52 / 1.40 | 0.81 / 0.620 | 0.97 / 0.450 |" in skill_table(run)
    assert "0.16 for GPP" in gap_callout(run)
    assert "0.81 (0.78 to 0.85) | 0.97 (0.96 to 0.98)" in split_table(run)
    assert "| GPP | 0.81 (0.78 to 0.85) | – | – |" not in tower_skill_table(run)
    assert "| GPP | refined | 5 | 312 | 0.77 | 0.91 |" in group_table(run, "IGBP", "ENF")
    assert group_table(run, "IGBP", "EBF") == ""


def test_optional_stages_appear_with_their_numbers(small_run: Path) -> None:
    run = open_run(small_run)
    assert "| closed exactly | 3.2 × 10⁻⁷ (–) |" in closure_section(run)
    assert "| GPP | 0.11 gC m⁻² d⁻¹ | – | – |" in closure_section(run)
    assert closure_section(reading()) == ""
    assert "17 towers" in respiration_section(run)
    assert stage_section(run, "benchmark") == ""
    assert emulator_section(run) == ""
    assert cube_section(run, "Europe") == ""
    assert sink_section(run, "Europe") == ""
    assert truth_section(run) == ""


def test_a_route_to_the_sink_has_one_name_in_table_and_figures() -> None:
    routes = ("dgvm", "hybrid", "direct", "difference")
    run = reading(**{f"divergence__global__NEP__{route}": Number(2.0, "PgC yr-1", 1.0, 3.0)
                     for route in routes})  # fmt: skip
    rows = sink_section(run, "global").splitlines()[6:]
    in_table = [row.split("|")[1].strip() for row in rows]
    bars = sink_divergence({name: asdict(one) for name, one in run.numbers.items()})
    legend = bars.axes[0].get_legend()
    assert legend is not None
    assert in_table == [text.get_text() for text in legend.get_texts()]
    sinks = pd.DataFrame(
        [("global", route, kind, 5.0, 4.0, 6.0)
         for route, kind in [*((route, "") for route in (*routes, FIXED)), ("q10", "spatial")]],
        columns=["region", "route", "site_effect", "value", "low", "high"],
    )  # fmt: skip
    left, right = sinks_explained(sinks, "spatial").axes
    assert in_table == [label.get_text() for label in left.get_yticklabels()[:4]]
    assert {in_table[0], in_table[3]} <= {line.get_label() for line in right.lines}


def test_the_emulator_is_told_by_split() -> None:
    text = emulator_section(
        reading(
            emulator__random__mean__NPP__r2=Number(0.91),
            emulator__blocks__mean__NPP__r2=Number(-0.2),
            emulator__blocks__mean__Rh__r2=Number(0.5),
            emulator__random__p25__NPP__r2=Number(0.8),
            emulator__gap__NPP__r2=Number(0.3),
            emulator__seasons=Number(None, note="skipped"),
        )
    )
    assert "| r² | random | blocks |" in text
    assert "| NPP | 0.91 | −0.20 |" in text
    assert "| Rh | – | 0.50 |" in text
    assert 'title="All 6 numbers" collapse="true"' in text


def test_long_lists_of_numbers_are_folded() -> None:
    many = {f"shap__GPP__x{place}": Number(0.1) for place in range(31)}
    assert 'collapse="true"' in stage_section(reading(**many), "shap")


def posterior(*, passed: bool) -> Reading:
    stem = "respiration__conditioned_q10"
    return reading(
        **{
            "respiration__Rref__ENF": Number(2.98, "gC m-2 d-1", note="17 towers"),
            f"{stem}__gate__passed": Number(passed),
            f"{stem}__gate__rhat": Number(1.08, note="gate: at most 1.01"),
            f"{stem}__Q10__ENF": Number(1.776, "1", 1.735, 1.82, note="17 towers"),
            f"{stem}__Q10__Europe": Number(1.73, "1", 1.69, 1.78, note="28 towers"),
            f"{stem}__total__ENF__RECO__spatial": Number(14.4, "PgC yr-1", 12.3, 16.5),
        }
    )


def test_respiration_is_a_row_for_each_place_and_a_column_for_each_parameter() -> None:
    run = posterior(passed=True)
    assert forms(run) == ["conditioned_q10"]
    text = respiration_section(run)
    assert "| Evergreen needleleaf forest (ENF) | 2.98 | 17 towers |" in text
    assert "| Europe | 1.73 (1.69 to 1.78) | 28 towers |" in text
    assert "did not pass" not in text
    assert "All 6 numbers" in text


def test_respiration_of_a_place_tells_what_follows_from_it() -> None:
    text = respiration_of(posterior(passed=False), "ENF")
    assert "| Q10, Q10 with drivers | 1.78 (1.74 to 1.82) | 17 towers |" in text
    assert "14.4 PgC yr⁻¹ (12.3 to 16.5)" in text
    assert "did not pass its checks" in text
    assert "R-hat 1.08 (gate: at most 1.01)" in text
    assert "No parameters of respiration were fitted for EBF" in respiration_of(
        posterior(passed=True), "EBF"
    )
    assert "Not in this run: parameters of respiration" in respiration_of(reading(), "ENF")


def test_wide_tables_share_the_page_by_what_columns_hold() -> None:
    rule = table_text(["place", "value"], [["x" * 60, "1.00 (0.90 to 1.10)"]]).splitlines()[1]
    first, second = rule.strip("|").split("|")
    assert len(first) > 1.5 * len(second)
    assert len(second) == 1 + len("1.00 (0.90 to 1.10)")


def test_effects_in_cubes_stand_beside_those_at_towers() -> None:
    run = reading(attribution_cubes__globe__GPP__TA__total=Number(0.4, "1", 0.3, 0.5, 99))
    alone = cube_section(run, "globe")
    assert "| air temperature (TA) | **0.40 (0.30 to 0.50)** | – | – |" in alone
    assert "have learned at towers" in alone
    held = {"twin__attribution__intervals_with_truth": Number(12, n=52)}
    effect = {"attribution_cubes__globe__GPP__TA__total": Number(0.4, "1", 0.3, 0.5, 99)}
    assert "12 of 52 intervals" in cube_section(reading(**effect, **held), "globe")
    assert "generated planet" not in alone


def test_truth_stands_beside_what_was_recovered() -> None:
    one = Number(123.7, "PgC yr-1", 122.0, 125.3)
    true = Number(126.0, "PgC yr-1")
    text = truth_section(reading(twin__upscale__GPP=one, twin__upscale__GPP__truth=true))
    assert "| GPP | 123.7 PgC yr⁻¹ | 122.0 to 125.3 | 126 PgC yr⁻¹ | no |" in text


def test_the_error_over_all_land_is_not_called_noise_or_truth() -> None:
    at_towers, on_land = Number(4.64, "W m-2", n=5660), Number(9.53, "W m-2")
    text = truth_section(
        reading(twin__validate__LE_rmse_random=at_towers,
                twin__validate__LE_rmse_random__truth=on_land)
    )  # fmt: skip
    folded = text[text.index("callout-note") :]
    head = "| RMSE, split | at towers, held out, against noisy measurements "
    assert f"{head}| all land and months, against the truth |" in folded
    assert "| LE, random | 4.64 W m⁻² | 9.53 W m⁻² |" in folded
    assert "recovered" not in folded
    assert "beside the noise" not in text


@pytest.mark.parametrize("passed", [True, False])
def test_counted_posteriors_say_whether_they_passed_their_gate(passed: bool) -> None:
    text = truth_section(
        reading(
            respiration__conditioned_q10__gate__passed=Number(passed),
            twin__respiration__conditioned_q10_Q10_CRO=Number(1.49, "1", 1.43, 1.57),
            twin__respiration__conditioned_q10_Q10_CRO__truth=Number(1.55),
        )
    )
    caveat = " (sample did not pass its gate: Q10 with drivers)"
    title = "Respiration parameters" + ("" if passed else caveat)
    assert f"| {title} | 1 | 1 | 1 |" in text
    assert f'title="{title}"' in text


def test_regions_without_numbers_have_no_row(small_run: Path) -> None:
    table = regions_table(open_run(small_run), ("Europe", "Asia", "Oceania"))
    assert [line.split("|")[1].strip() for line in table.splitlines()[2:]] == ["Europe", "Oceania"]


def test_a_single_year_is_no_missing_input() -> None:
    one = Number(147.0, "PgC yr-1", 143.0, 150.0)
    skipped = Number(None, "PgC yr-2", note="skipped: one year")
    # long records of towers have trends whatever the cubes have
    own = Number(0.4, "1", note="towers with 10 years or more")
    run = reading(
        totals__global__GPP=one, trend__global__GPP=skipped, trend__global__RECO=skipped,
        trend__towers__GPP=own,
    )  # fmt: skip
    assert run.too_short == "one year"
    said = flux_summary(run, "global")
    assert said.endswith("not known: the run has one year.")
    assert "change per year" not in flux_table(run, "global")
    shown = show_years(run, "fluxes_asia", "regions")
    assert isinstance(shown, Remark)
    assert "four years or more" in shown.text
    assert "--drivers" not in shown.text
    known = reading(trend__global__LE=skipped, trend__global__GPP=Number(0.1, "PgC yr-2"))
    assert known.too_short == ""
    assert "--drivers" in show_years(known, "fluxes_asia", "regions").text


def test_what_is_missing_names_the_command(small_run: Path) -> None:
    run = open_run(small_run)
    assert f"uflux-stats run --drivers FILE --dgvm DIR --out {small_run}" in missing(run, "stocks")
    assert "component fluxes and stocks" in stock_table(run, "Europe")
    assert "--drivers FILE" in missing_line(run, "grid")
    (small_run / "twin").mkdir()
    assert command(run, "stocks") == f"uflux-stats run --out {small_run}"


def test_an_unfinished_run_is_read_from_its_finished_stages(small_run: Path) -> None:
    for name in ("numbers.json", "provenance.json"):
        (small_run / name).unlink()
    for stage, mark in (("validate", True), ("upscale", False)):
        home = small_run / ".stages" / stage
        home.mkdir()
        table = {f"from.{stage}": {"value": 1.0}}
        (home / "numbers.json").write_text(json.dumps(table))
        if mark:
            (home / "done.json").write_text("{}")
    run = open_run(small_run)
    assert set(run.numbers) == {"from.validate"}
    assert "not finished" in notices(run)
    assert "goes on" in missing(run, "grid")
    assert "when the run is finished" in origin_text(run)


def test_no_run_and_broken_files_are_refused(tmp_path: Path, small_run: Path) -> None:
    with pytest.raises(DataFileError, match="expected the folder of a run"):
        open_run(tmp_path)
    (small_run / "provenance.json").write_text("{")
    with pytest.raises(DataFileError, match="expected a readable"):
        open_run(small_run)


def test_twin_is_said_first_and_data_are_not_called_so(small_run: Path) -> None:
    assert notices(open_run(small_run)) == ""
    (small_run / "twin").mkdir()
    assert "Generated twin Earth, not data" in notices(open_run(small_run))


def test_figures_or_what_makes_them(small_run: Path) -> None:
    run = open_run(small_run)
    found = show(run, "map_GPP", "grid")
    assert isinstance(found, Picture)
    assert found._repr_png_().startswith(b"\x89PNG")
    lacking = show(run, "map_LE", "grid")
    assert isinstance(lacking, Remark)
    assert "--drivers FILE" in lacking._repr_markdown_()
    assert show(run, "map_LE") is None
    assert run.figure("figures/map_GPP") == run.figure("map_GPP")
    assert run.figure("regional_figures/map_GPP") is None
    assert [one.path.name for one in gallery(run, "regional_figures")] == [
        "fluxes_europe.png", "map_europe.png",
    ]  # fmt: skip
    assert len(gallery(run, "regional_figures", "map")) == 1
    assert gallery(run, "benchmark_figures") == []


def test_large_pictures_are_made_lighter_and_look_the_same(tmp_path: Path) -> None:
    waves = np.sin(np.linspace(0, 60, 700))
    colours = (127 * (1 + np.multiply.outer(waves, waves))).astype(np.uint8)
    noise = np.random.default_rng(0).integers(0, 2, colours.shape, np.uint8)
    pixels = np.dstack([colours, colours // 2 + noise, 255 - colours])
    Image.fromarray(pixels).save(tmp_path / "one.png")
    light = Picture(tmp_path / "one.png")._repr_png_()
    assert len(light) < (tmp_path / "one.png").stat().st_size
    with Image.open(BytesIO(light)) as shown:
        difference = np.abs(np.asarray(shown.convert("RGB")).astype(int) - pixels)
    assert difference.mean() < 2


def test_origin_lists_what_to_cite(small_run: Path) -> None:
    assert "Pastorello et al. 2020, doi:10.1/x (CC-BY-4.0)" in origin_text(open_run(small_run))


def test_every_number_of_the_run_is_read(small_run: Path, known_numbers: Numbers) -> None:
    assert open_run(small_run).numbers == known_numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (True, "True"), ("ok", "ok"), (0.0, "0.00"), (1234.5, "1,234"), (-3.0, "−3.00"),
     (-2e-6, "−2.0 × 10⁻⁶"), (99.96, "100")],
)  # fmt: skip
def test_values_as_text(value: object, text: str) -> None:
    assert figure_text(value) == text


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (8.663, 8.578, 8.751, "8.66 (8.58 to 8.75)"),
        (123.74, 122.0, 125.3, "123.7 (122.0 to 125.3)"),
        (-0.0004, -0.063, 0.062, "0.00 (−0.06 to 0.06)"),
        (716.2, 501.0, 1064.0, "716 (501 to 1,064)"),
        (2.0, 2.0, 2.0, "2.00 (2.00 to 2.00)"),
    ],
)
def test_values_have_the_digits_their_interval_bears(
    value: float, low: float, high: float, text: str
) -> None:
    assert quantity(Number(value, "1", low, high)) == text
