"""How far the fluxes can be trusted is said from the numbers, and nothing where there are none."""

from pathlib import Path

from uflux_stats.reporting.numbers import Number
from uflux_stats.reporting.reading import Reading
from uflux_stats.reporting.trust_sections import area_section, area_text, coverage_section

RUN = Reading(
    Path("out"),
    {
        "intervals.GPP.all.coverage.by_month": Number(0.904, n=5603),
        "intervals.GPP.all.coverage.by_tower": Number(0.887, n=5603),
        "intervals.GPP.all.width": Number(1.57, "gC m-2 d-1"),
        "applicability.global.inside": Number(0.89),
        "applicability.Africa.inside": Number(0.69),
        "applicability.Europe.inside": Number(0.9999),
        "applicability.Oceania.inside": Number(None, note="skipped: one tower"),
    },
    {},
)
EMPTY = Reading(Path("out"), {}, {})


def test_coverage_is_told_by_month_and_tower_with_its_size() -> None:
    text = coverage_section(RUN)
    assert "| GPP | 90 % | 89 % | 1.6 gC m⁻² d⁻¹ | 5,603 |" in text
    assert "RECO" not in text
    assert coverage_section(EMPTY) == ""


def test_each_region_that_is_known_has_its_share() -> None:
    text = area_section(RUN)
    assert "| All land | 89 % |" in text
    assert "| Africa | 69 % |" in text
    assert "Oceania" not in text
    assert area_section(EMPTY) == ""


def test_only_what_is_unlike_the_towers_is_warned_of() -> None:
    assert "In 69 % of the land and months of Africa" in area_text(RUN, "Africa")
    assert "less to lean on" in area_text(RUN, "Africa")
    assert "less to lean on" not in area_text(RUN, "Europe")
    assert area_text(RUN, "Oceania") == ""
