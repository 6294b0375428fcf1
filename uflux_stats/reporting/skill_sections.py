"""Sections of a report on validation: skill by split, by tower and by group, in Markdown."""

from typing import Final

from uflux_stats.reporting.numbers import Number, Numbers
from uflux_stats.reporting.parts import missing
from uflux_stats.reporting.reading import GLOBAL, Reading
from uflux_stats.reporting.wording import (
    DASH,
    callout,
    figure_text,
    flux_name,
    interval_text,
    listed,
    table_text,
    units_text,
    value_text,
)

FLUXES: Final = ("GPP", "RECO", "NEE", "NEE_difference", "LE")
SECTIONS: Final = {
    "benchmark": (
        "Against independent measurements",
        "Emulated carbon beside what was measured or estimated elsewhere, and never learned from.",
    ),
    "meteorology": (
        "Gridded drivers at the towers",
        "Gridded drivers beside what the towers measured.",
    ),
    "shap": (
        "What the refinement has learned",
        "Shares of the predictors in what the trees predict. Where trees are averaged with another "
        "learner, the notes name it: its part of the flux is not explained.",
    ),
}
"""Stages whose numbers are shown as they stand: title and what they are."""
FEW: Final = 16
"""Longer tables are folded."""
_EMULATED: Final = (
    "How well the allocation learned from vegetation models gives their fluxes and stocks back "
    "where it has not seen them: r² of the mean over the models, by what was held out."
)
PARAMETER_NAMES: Final = {
    "CUE": "carbon use efficiency (NPP / GPP)",
    "RH_SHARE": "heterotrophic share (Rh / RECO)",
    "VEG_TURNOVER": "turnover of vegetation",
    "LITTER_TURNOVER": "turnover of litter",
    "SOIL_TURNOVER": "turnover of soil",
    "LEAF_SHARE": "share of leaves",
    "WOOD_SHARE": "share of wood",
}
MODES: Final = {
    "none": "not closed",
    "exact": "closed exactly",
    "exact p25": "closed, 25th percentile of each quantity",
    "exact p75": "closed, 75th percentile of each quantity",
    "paper": "closed as in the paper",
    "paper statistics": "closed as in the paper, mean and percentiles",
    "DGVM": "vegetation models",
}
_CLOSURE: Final = (
    "Residuals of every budget: the largest of all cells, steps and members relative to the flux, "
    "and in brackets the sum over all land [PgC yr⁻¹]. The vegetation models' own budgets stand "
    "beside them."
)
_MOVED: Final = (
    "Closing moves the fluxes that came in: how far in a cell and month, how often, and what that "
    "adds to the total."
)
SPLITS: Final = {
    "tower": "whole towers",
    "blocks": "whole regions",
    "koppen": "whole climates",
    "igbp": "whole land cover types",
    "random": "random rows",
}


def skill_table(run: Reading) -> str:
    """Tabulate baseline and refined skill with whole towers held out, random rows beside them."""
    columns = (("baseline", "tower"), ("refined", "tower"), ("refined", "random"))
    rows = []
    for flux in FLUXES:
        cells = [_pair(run, step, split, flux) for step, split in columns]
        if any(cell != DASH for cell in cells):
            units = run.find("validation", "refined", "tower", flux, "rmse")
            label = f"{flux_name(flux)} [{units_text(units.units)}]" if units else flux_name(flux)
            rows.append([label, *cells])
    if not rows:
        return missing(run, "towers")
    heads = ["r² / RMSE", "baseline, towers held out", "refined, towers held out",
             "refined, random rows"]  # fmt: skip
    return table_text(heads, rows)


def split_table(run: Reading) -> str:
    """Tabulate the r² of the refined fluxes under every split that was computed."""
    there = [split for split in SPLITS if run.has("validation", "refined", split)]
    if not there:
        return missing(run, "towers")
    rows = [
        [
            flux_name(flux),
            *(_skill(run.find("validation", "refined", split, flux, "r2")) for split in there),
        ]
        for flux in FLUXES
        if any(run.find("validation", "refined", split, flux, "r2") for split in there)
    ]
    return table_text(["r² with interval", *(SPLITS[split] for split in there)], rows)


def gap_callout(run: Reading) -> str:
    """Say how much of the skill under random rows is not there where no tower has been seen."""
    found = {flux_name(flux): run.find("validation", "gap", flux, "r2") for flux in FLUXES}
    gaps = {name: one.value for name, one in found.items() if one and float(one.value or 0.0) > 0}
    if not gaps:
        return ""
    told = listed([f"{_two(gap)} for {name}" for name, gap in gaps.items()])
    text = (
        "Held-out rows of a tower whose other months were seen look better than towers never seen, "
        f"by an r² of {told}. That part of the skill does not travel to places without a tower."
    )
    return callout("important", "What random rows hide", text)


def tower_skill_table(run: Reading) -> str:
    """Tabulate skill at single towers and of departures from the seasonal cycle."""
    rows = []
    for flux in FLUXES:
        stem = ("validation", "refined", "tower", flux)
        own, anomaly = run.find(*stem, "r2_tower_median"), run.find(*stem, "r2_anomaly")
        if own is not None or anomaly is not None:
            rows.append(
                [flux_name(flux), _skill(run.find(*stem, "r2")), _skill(own), _skill(anomaly)]
            )
    heads = ["r²", "all months together", "median over towers (quartiles)",
             "departures from the seasonal cycle"]  # fmt: skip
    return table_text(heads, rows) if rows else ""


def group_table(run: Reading, grouping: str, group: str) -> str:
    """Tabulate the skill in one group of towers, with whole towers held out."""
    rows = [
        [row["flux"], row["step"], figure_text(int(float(row["n_towers"]))),
         figure_text(int(float(row["n"]))), _plain(row["r2"]), _plain(row["rmse"]),
         _plain(row["bias"])]
        for row in run.table("validation_groups")
        if (row["split"], row["grouping"], row["group"]) == ("tower", grouping, group)
    ]  # fmt: skip
    return table_text(["flux", "step", "towers", "months", "r²", "RMSE", "bias"], rows) if rows \
        else ""  # fmt: skip


def number_table(found: Numbers) -> str:
    """Tabulate any numbers as they stand: name, value, interval, sample size and note."""
    rows = [
        [
            name.replace(".", ": ").replace("_", " "),
            value_text(one),
            interval_text(one),
            figure_text(one.n),
            one.note,
        ]
        for name, one in found.items()
    ]
    heads = ["quantity", "value", "interval", "n", "note"]
    return table_text(heads, rows, words=True) if rows else ""


def stage_section(run: Reading, stage: str) -> str:
    """Tabulate all numbers of a stage under a heading; nothing where it has none."""
    title, text = SECTIONS[stage]
    found = run.under(stage)
    if not found:
        return ""
    return f"## {title} {{#sec-{stage}}}\n\n{text}\n\n{_folded(found)}"


def emulator_section(run: Reading) -> str:
    """Tabulate the skill of the emulator by split, all its numbers folded below."""
    found = run.under("emulator")
    if not found:
        return ""
    places = [name.split(".") for name in found if name.endswith(".r2")]
    kept = [(split, product) for split, *middle, product, _ in places if middle == ["mean"]]
    splits = list(dict.fromkeys(split for split, _ in kept))
    products = dict.fromkeys(product for _, product in kept)
    rows = [
        [PARAMETER_NAMES.get(product, product)]
        + [_two_of(run.find("emulator", split, "mean", product, "r2")) for split in splits]
        for product in products
    ]
    table = table_text(["r²", *splits], rows) if rows else ""
    return (
        f"## Skill of the allocation {{#sec-emulator}}\n\n{_EMULATED}\n\n{table}\n\n"
        f"{all_numbers(found)}"
    )


def _folded(found: Numbers) -> str:
    return number_table(found) if len(found) <= FEW else all_numbers(found)


def all_numbers(found: Numbers) -> str:
    """Tabulate numbers as they stand, folded."""
    title = f"All {len(found)} numbers"
    return f'\n::: {{.callout-note title="{title}" collapse="true"}}\n{number_table(found)}\n:::\n'


def _two_of(one: Number | None) -> str:
    return DASH if one is None else _two(one.value)


def closure_section(run: Reading) -> str:
    """Tabulate how well every budget closes in every mode; nothing where none was audited."""
    places = [name.split(".") for name in run.under("closure") if name.endswith(".max_relative")]
    modes = dict.fromkeys(mode for mode, *_ in places)
    names = dict.fromkeys(name for _, name, _ in places)
    if not modes:
        return ""
    rows = [[MODES.get(mode, mode), *(_residual(run, mode, name) for name in names)]
            for mode in modes]  # fmt: skip
    said = [_CLOSURE, table_text(["", *names], rows), _moved(run)]
    gap = run.find("closure", "stocks", "imbalance")
    if gap is not None:
        said.append(f"The yearly change of all pools minus NEP is {value_text(gap)}.")
    return "## Do the budgets close? {#sec-closure}\n\n" + "\n\n".join(said)


def _moved(run: Reading) -> str:
    """Tabulate how far closing moved each flux; nothing where nothing was moved."""
    stem = ("closure", "moved", GLOBAL)
    fluxes = dict.fromkeys(name.split(".")[0] for name in run.under(*stem))
    columns = {"size": "mean size", "often": "share moved", "total": "of the total"}
    rows = [
        [flux, *(value_text(run.find(*stem, flux, name), 2) for name in columns)] for flux in fluxes
    ]
    if not rows:
        return ""
    notes = {run.numbers[".".join((*stem, flux, "often"))].note for flux in fluxes
             if run.find(*stem, flux, "often")}  # fmt: skip
    plain = "gC m-2 d-1"
    said = listed(sorted(notes)).replace(plain, units_text(plain))
    told = f" Share moved: {said}." if notes else ""
    return f"{_MOVED}{told}\n\n{table_text(['closing moved', *columns.values()], rows)}"


def _residual(run: Reading, mode: str, name: str) -> str:
    largest = run.find("closure", mode, name, "max_relative")
    if largest is None:
        return DASH
    total = run.find("closure", mode, name, "total")
    return f"{figure_text(largest.value, 2)} ({figure_text(_value(total), 2)})"


def _value(one: Number | None) -> object:
    return None if one is None else one.value


def _pair(run: Reading, step: str, split: str, flux: str) -> str:
    r2, rmse = (run.find("validation", step, split, flux, name) for name in ("r2", "rmse"))
    if r2 is None or rmse is None:
        return DASH
    return f"{_two(r2.value)} / {figure_text(rmse.value)}"


def _skill(one: Number | None) -> str:
    if one is None:
        return DASH
    if one.low is None or one.high is None:
        return _two(one.value)
    return f"{_two(one.value)} ({_two(one.low)} to {_two(one.high)})"


def _two(value: object) -> str:
    """Return an r² to two decimals: more would claim more than there is."""
    return f"{value:.2f}".replace("-", "−") if isinstance(value, int | float) else DASH


def _plain(text: str) -> str:
    return figure_text(float(text), 2) if text else DASH
