"""Sections on how far the fluxes can be trusted: coverage of intervals, likeness to the towers."""

from typing import Final

from uflux_stats.reporting.numbers import Number
from uflux_stats.reporting.places import CONTINENT_NAMES, TYPES, place_name, place_title
from uflux_stats.reporting.reading import GLOBAL, Reading
from uflux_stats.reporting.wording import DASH, figure_text, flux_name, table_text, units_text

FLUXES: Final = ("GPP", "RECO", "NEE", "NEE_difference", "LE")
_COVERAGE: Final = (
    "A monthly value comes with an interval that should hold 90 % of what a tower nobody has seen "
    "would measure. How many it does hold, at towers that were neither learned from nor used to "
    "set its width:"
)
_AREA: Final = (
    "Models are asked about places that may be unlike any tower. A place counts as like the towers "
    "(inside the area of applicability) in months whose predictors are no further from those of "
    "the towers than held-out towers are from the others. Share of land and months for which that "
    "holds:"
)


def coverage_section(run: Reading) -> str:
    """Tabulate how many held-out months the 90 % intervals hold; nothing where none was made."""
    rows = []
    for flux in FLUXES:
        stem = ("intervals", flux, "all")
        share, towers = (run.find(*stem, "coverage", by) for by in ("by_month", "by_tower"))
        width = run.find(*stem, "width")
        if share is not None:
            rows.append([flux_name(flux), _percent(share), _percent(towers), _with_unit(width),
                         figure_text(share.n)])  # fmt: skip
    if not rows:
        return ""
    heads = ["flux", "of all months", "mean of the towers", "width", "months"]
    return f"### Intervals {{#sec-intervals}}\n\n{_COVERAGE}\n\n{table_text(heads, rows)}"


def area_section(run: Reading) -> str:
    """Tabulate how much of each region is like the towers; nothing where that is not known."""
    rows = [
        [place_title(place), _percent(one)]
        for place in (GLOBAL, *CONTINENT_NAMES, *TYPES)
        if (one := run.find("applicability", place, "inside")) is not None
    ]
    if not rows:
        return ""
    table = table_text(["region", "like the towers"], rows)
    return f"### Places unlike the towers {{#sec-unlike}}\n\n{_AREA}\n\n{table}"


def area_text(run: Reading, region: str) -> str:
    """Say how much of a region is like the towers."""
    one = run.find("applicability", region, "inside")
    if one is None:
        return ""
    told = (
        f"In {_percent(one)} of the land and months of {place_name(region)} the predictors are as "
        "near to those of the towers as held-out towers are to the others"
    )
    whole = _percent(one) == _percent(Number(1.0))
    return f"{told}." if whole else f"{told}; elsewhere the models have less to lean on."


def _percent(one: Number | None) -> str:
    if one is None or not isinstance(one.value, float):
        return DASH
    return f"{100 * one.value:.0f} %"


def _with_unit(one: Number | None) -> str:
    return DASH if one is None else f"{figure_text(one.value, 2)} {units_text(one.units)}"
