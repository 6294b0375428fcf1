"""Sections of a report on one region, or on several side by side, in Markdown."""

from collections.abc import Sequence
from typing import Final

from uflux_stats.reporting.numbers import Number, unpassed_forms
from uflux_stats.reporting.parts import missing, missing_line
from uflux_stats.reporting.places import driver_name, driver_words, place_name, place_title
from uflux_stats.reporting.reading import Reading
from uflux_stats.reporting.respiration_sections import FORMS, STAGE
from uflux_stats.reporting.wording import (
    DASH,
    ROUTES,
    figure_text,
    flux_name,
    interval_text,
    is_trend,
    listed,
    plain_value,
    quantity,
    significant,
    table_text,
    trend_text,
    units_text,
    value_text,
)

FLUXES: Final = {
    "GPP": "Gross primary production",
    "RECO": "Ecosystem respiration",
    "NEP": "Net ecosystem production, learned directly",
    "NEP_difference": "The same, as GPP − RECO",
    "LE": "Latent heat",
}
STOCKS: Final = {
    "NPP": "Net primary production",
    "Ra": "Autotrophic respiration",
    "Rh": "Heterotrophic respiration",
    "NEP_closed": "Net ecosystem production, closed budget",
    "cVeg": "Carbon in vegetation",
    "cLeaf": "– leaves",
    "cWood": "– wood",
    "cRoot": "– roots",
    "cLitter": "Carbon in litter",
    "cSoil": "Carbon in soil",
}
WAYS: Final = {"NEP": ROUTES["direct"], "NEP_difference": "as GPP − RECO"}
_NO_LAND_SINK: Final = (
    "That is photosynthesis less respiration, without fire, harvest and what rivers carry away, "
    "learned from towers in growing vegetation: no estimate of the land sink."
)
_SINKS: Final = "The net flux by four routes, before any budget is closed:"
_EFFECTS: Final = (
    "An effect is what one standard deviation of a driver's monthly anomaly does to the anomaly of "
    "the flux, in standard deviations, over all paths of the causal graph together, with its 90 % "
    "interval; in bold where that lies on one side of zero."
)
_CUBES: Final = (
    "The same effects in the upscaled cubes instead of at towers. Cubes have all places, but know "
    "of drivers only what the models have learned at towers."
)
_TRUTH: Final = (
    "The planet of this run is generated, so its truth is known. The interval of a recovered value "
    "is its own; where the truth lies outside, it is too narrow."
)
TARGETS: Final = ("GPP", "RECO", "NEP")
STAGES: Final = {
    "attribution": "Effects of drivers",
    "emulate": "Allocation and stocks",
    "respiration": "Respiration parameters",
    "upscale": "Upscaled fluxes",
    "validate": "Errors of the refined fluxes, at towers and over all land",
}
"""Where a recovered quantity comes from."""
ERRORS: Final = "validate"
"""The stage whose pairs are two errors, neither the truth of the other."""
_ERROR_HEADS: Final = [
    "RMSE, split",
    "at towers, held out, against noisy measurements",
    "all land and months, against the truth",
]


def flux_summary(run: Reading, region: str) -> str:
    """Say in sentences what a region takes up and how that changed."""
    if not run.has("totals", region):
        return missing(run, "grid")
    said = [_uptake(run, region), _net(run, region)]
    if run.too_short:
        said.append(
            f"How that changes from year to year is not known: the run has {run.too_short}."
        )
    else:
        said += [
            trend_text(name, run.numbers.get(f"trend.{region}.{name}")) for name in ("GPP", "RECO")
        ]
    spread = run.find("iav", region, "GPP")
    if spread is not None:
        said.append(
            f"Yearly GPP varies by {value_text(spread)} (one standard deviation) about its trend."
        )
    return " ".join(one for one in said if one)


def flux_table(run: Reading, region: str) -> str:
    """Tabulate mean, trend and inter-annual variability of every flux of a region."""
    if not run.has("totals", region):
        return missing(run, "grid")
    rows = [
        [
            f"{long} ({name})" if not name.endswith("_difference") else long,
            value_text(total),
            interval_text(total),
            _trend_cell(run.numbers.get(f"trend.{region}.{name}")),
            value_text(run.find("iav", region, name)),
        ]
        for name, long in FLUXES.items()
        if (total := run.find("totals", region, name)) is not None
    ]
    heads = ["flux", "mean", "90 % of members", "change per year", "varies by"]
    shown = len(heads) - 2 if run.too_short else len(heads)
    return table_text(heads[:shown], [row[:shown] for row in rows])


def regions_table(run: Reading, regions: Sequence[str]) -> str:
    """Tabulate mean fluxes of several regions, one row for each region that has any."""
    there = [region for region in regions if run.has("totals", region)]
    if not there:
        return missing_line(run, "grid")
    names = [name for name in FLUXES if run.find("totals", there[0], name)]
    heads = [_with_units(flux_name(name), run.find("totals", there[0], name)) for name in names]
    rows = [
        [place_title(region)] + [plain_value(run.find("totals", region, name)) for name in names]
        for region in there
    ]
    return table_text(["region", *heads], rows)


def stock_table(run: Reading, region: str) -> str:
    """Tabulate component fluxes and stocks of a region, with the spread of the models."""
    found = {name: run.find("totals", region, name) for name in STOCKS}
    rows = [
        [long, value_text(found[name]), interval_text(found[name])]
        for name, long in STOCKS.items()
        if found[name] is not None
    ]
    if not rows:
        return missing(run, "stocks")
    return table_text(["flux or stock", "mean", "90 % of models"], rows)


def sink_section(run: Reading, region: str) -> str:
    """Tabulate the net flux of a region by four routes; nothing where they were not compared."""
    found = run.under("divergence", region, "NEP")
    rows = [
        [name, value_text(found[route]), interval_text(found[route])]
        for route, name in ROUTES.items()
        if route in found and found[route].value is not None
    ]
    if not rows:
        return ""
    table = table_text(["net ecosystem production", "mean", "90 % of members"], rows)
    return f"### Where the sinks diverge\n\n{_SINKS}\n\n{table}"


def tower_text(run: Reading, region: str) -> str:
    """Say how many towers stand in a region; where there is none, what that means."""
    one = run.find("places", region, "towers")
    if one is None:
        return ""
    name = place_name(region)
    if not one.value:
        return (
            f"**No tower stands in {name}.** All that is said of its fluxes is carried over from "
            "towers elsewhere, and nothing here has been checked against a measurement inside it."
        )
    if one.value == 1:
        return f"One tower stands in {name}."
    return f"{figure_text(one.value)} towers stand in {name}."


def driver_text(run: Reading, region: str) -> str:
    """Say in sentences which drivers the fluxes of a region follow."""
    told = run.has("attribution", region)
    if not told and not (run.finished and run.has("attribution")):
        return missing(run, "attribution")
    if not told:
        place = "this run" if region == "globe" else place_name(region)
        return f"There are too few tower months in {place} to say what drives its fluxes."
    return "\n\n".join([_EFFECTS, *(_driven(run, region, target) for target in TARGETS)])


def driver_table(run: Reading, region: str, *, source: str = "attribution") -> str:
    """Tabulate the total effects of drivers on each flux; those that differ from zero in bold."""
    found = run.under(source, region)
    drivers = dict.fromkeys(name.split(".")[1] for name in found if name.endswith(".total"))
    if not drivers:
        return ""
    rows = [
        [
            driver_name(driver),
            *(_effect(found.get(f"{target}.{driver}.total")) for target in TARGETS),
        ]
        for driver in drivers
    ]
    return table_text(["driver", *TARGETS], rows)


def cube_section(run: Reading, region: str) -> str:
    """Tabulate the same effects as the cubes have them; nothing where they were not asked."""
    table = driver_table(run, region, source="attribution_cubes")
    held = run.find("twin", "attribution", "intervals_with_truth")
    known = "" if held is None else (
        f" On this generated planet {figure_text(held.value)} of {figure_text(held.n)} intervals "
        "of effects in the cubes hold the truth."
    )  # fmt: skip
    return f"### In the cubes\n\n{_CUBES}{known}\n\n{table}" if table else ""


def truth_section(run: Reading) -> str:
    """Tell how often what was recovered holds the truth, every quantity folded below by stage."""
    rows: dict[str, list[list[str]]] = {}
    for name, one in run.under("twin").items():
        true = run.find("twin", name, "truth")
        if true is not None and one.value is not None:
            stage, _, rest = name.partition(".")
            label = rest.replace(".", ": ").replace("_", " ")
            rows.setdefault(stage, []).append(
                [label, value_text(one), interval_text(one), value_text(true), _within(one, true)]
            )
    if not rows:
        return ""
    titles = {stage: STAGES.get(stage, stage) for stage in rows}
    failed = [FORMS.get(form, form) for form in unpassed_forms(run.numbers)]
    if failed and STAGE in titles:
        titles[STAGE] += f" (sample did not pass its gate: {listed(failed)})"
    counted = [[titles[stage], *_hits(own)] for stage, own in rows.items()]
    heads = ["what", "quantities", "with an interval", "truth inside"]
    folded = [_folded(titles[stage], own, errors=stage == ERRORS) for stage, own in rows.items()]
    return "\n\n".join(
        ["## What is true {#sec-truth}", _TRUTH, table_text(heads, counted), *folded]
    )


def _hits(rows: list[list[str]]) -> list[str]:
    answers = [row[-1] for row in rows]
    asked = len(answers) - answers.count(DASH)
    return [figure_text(len(rows)), figure_text(asked),
            figure_text(answers.count("yes")) if asked else DASH]  # fmt: skip


def _folded(title: str, rows: list[list[str]], *, errors: bool) -> str:
    if errors:
        pairs = [[label.replace(" rmse", ","), found, true] for label, found, _, true, _ in rows]
        table = table_text(_ERROR_HEADS, pairs)
    else:
        table = table_text(["quantity", "recovered", "interval", "true", "true inside"], rows)
    return f'\n::: {{.callout-note title="{title}" collapse="true"}}\n{table}\n:::\n'


def _uptake(run: Reading, region: str) -> str:
    gpp, reco = (run.find("totals", region, name) for name in ("GPP", "RECO"))
    if gpp is None:
        return ""
    given = f" and gives back {quantity(reco)} by respiration (RECO)" if reco else ""
    return (
        f"Each year {place_name(region)} takes up {quantity(gpp)} by photosynthesis (GPP){given}."
    )


def _net(run: Reading, region: str) -> str:
    """Say whether the region is a sink, if the two ways of computing it agree that it is."""
    ways = {
        how: one
        for name, how in WAYS.items()
        if (one := run.find("totals", region, name)) is not None
    }
    if not ways:
        return ""
    told = listed([f"{quantity(one)} {how}" for how, one in ways.items()])
    signs = {float(one.value or 0.0) > 0 for one in ways.values()}
    if len(signs) > 1 or not all(significant(one) for one in ways.values()):
        return f"Whether it is a net sink or source is not settled: {told}."
    kind = "sink" if signs == {True} else "source"
    return f"In this estimate it is a net {kind}: {told}. {_NO_LAND_SINK}"


def _trend_cell(one: Number | None) -> str:
    if one is None or one.value is None:
        return one.note if one is not None else DASH
    text = quantity(one)
    if is_trend(one):
        return f"**{text}**"
    chance = f" (p {one.p:.2f})" if one.p is not None else ""
    return f"no trend{chance}: {text}"


def _driven(run: Reading, region: str, target: str) -> str:
    effects = {
        name.split(".")[0]: one
        for name, one in run.under("attribution", region, target).items()
        if name.endswith(".total") and one.value is not None
    }
    if not effects:
        return f"**{target}**: no effect could be estimated."
    sure = sorted((name for name, one in effects.items() if significant(one)),
                  key=lambda name: -abs(float(effects[name].value or 0.0)))  # fmt: skip
    rest = [driver_words(name) for name in sorted(effects.keys() - set(sure))]
    n = next(iter(effects.values())).n
    months = f" ({figure_text(n)} tower months)" if n else ""
    told = listed([f"{driver_words(name)} ({_effect_text(effects[name], '; ')})" for name in sure])
    first = f"responds to {told}" if sure else "responds to no driver that can be told from chance"
    others = f"; not told from chance: {listed(rest)}" if sure and rest else ""
    return f"**{target}**{months} {first}{others}."


def _effect(one: Number | None) -> str:
    if one is None or one.value is None:
        return DASH
    text = f"{_effect_text(one, ' (')})"
    return f"**{text}**" if significant(one) else text


def _effect_text(one: Number, between: str) -> str:
    """Return an effect, as exact as its interval allows, and the interval."""
    return f"{plain_value(one, 2)}{between}{interval_text(one, 2)}"


def _within(one: Number, true: Number) -> str:
    if one.low is None or one.high is None or not isinstance(true.value, float):
        return DASH
    return "yes" if one.low <= true.value <= one.high else "no"


def _with_units(name: str, one: Number | None) -> str:
    return name if one is None else f"{name} [{units_text(one.units)}]"
