"""Sections of a report on the parameters of respiration, in Markdown."""

from typing import Final

from uflux_stats.reporting.numbers import Number, Numbers
from uflux_stats.reporting.parts import missing
from uflux_stats.reporting.places import CONTINENT_NAMES, TYPES, place_title
from uflux_stats.reporting.reading import GLOBAL, Reading
from uflux_stats.reporting.skill_sections import all_numbers
from uflux_stats.reporting.wording import (
    DASH,
    callout,
    figure_text,
    interval_text,
    plain_value,
    quantity,
    table_text,
    units_text,
)

STAGE: Final = "respiration"
FIXED: Final = "fixed Q10"
PARAMETERS: Final = ("Rref", "Q10", "E0")
ALL: Final = "all"
FORMS: Final = {
    "q10": "Q10",
    "lloyd_taylor": "Lloyd and Taylor",
    "conditioned_q10": "Q10 with drivers",
    "conditioned_lloyd_taylor": "Lloyd and Taylor with drivers",
}
"""Forms of the response to temperature; "with drivers": the rate also follows other drivers."""
SITES: Final = {
    "none": "cells typical of their class",
    "independent": "cells deviate each by itself",
    "spatial": "cells deviate by region",
    "shared": "cells deviate all alike",
}
"""What the deviation of a site means on the grid."""
CHECKS: Final = {
    "rhat": "R-hat",
    "ess_bulk": "effective draws of the bulk",
    "ess_tail": "effective draws of the tails",
    "divergences": "divergences",
    "bfmi": "BFMI",
}
_TEXT: Final = (
    "Respiration at the reference temperature of 10 °C (Rref) and how it grows with temperature "
    "(Q10, or E0 of Lloyd and Taylor), of the typical tower of a place, with 90 % intervals."
)
_FIXED: Final = "The baseline of the fluxes has a fixed Q10; its Rref is fitted to the towers:"
_POSTERIOR: Final = "Posteriors of {name} (in the numbers `{form}`):"
_TOTALS: Final = "Respiration and the sink that follow from the posteriors:"


def forms(run: Reading) -> list[str]:
    """Return the forms whose posteriors were sampled."""
    found = (name.split(".") for name in run.under(STAGE))
    return list(dict.fromkeys(parts[0] for parts in found if parts[1:2] == ["gate"]))


def respiration_section(run: Reading) -> str:
    """Tabulate the parameters of every type and continent by form, all numbers folded below."""
    found = run.under(STAGE)
    if not found:
        return missing(run, STAGE)
    fixed = _places_table(run, (), ("Rref",))
    told = [
        part
        for form in forms(run)
        for part in (
            _POSTERIOR.format(form=form, name=FORMS.get(form, form)),
            _gate(run, form),
            _places_table(run, (form,), PARAMETERS),
        )
    ]
    parts = [_TEXT, *([_FIXED, fixed] if fixed else []), *told, all_numbers(found)]
    return "\n\n".join(part for part in parts if part)


def respiration_of(run: Reading, place: str) -> str:
    """Tabulate the parameters of one type or continent, and what follows from them there."""
    if not run.has(STAGE):
        return missing(run, STAGE)
    rows = []
    for form in ("", *forms(run)):
        stem = (STAGE, form) if form else (STAGE,)
        for name in PARAMETERS:
            one = run.find(*stem, name, place)
            if one is not None:
                rows.append([f"{name}, {FORMS.get(form, form or FIXED)}", quantity(one), one.note])
    if not rows:
        return f"No parameters of respiration were fitted for {place}."
    said = [table_text(["parameter", "value and 90 % interval", "from"], rows, words=True)]
    totals = {
        f"{name}, {FORMS.get(form, form)}; {SITES.get(carried, carried)}": one
        for form in forms(run)
        for name_carried, one in run.under(STAGE, form, "total", place).items()
        for name, _, carried in (name_carried.partition("."),)
    }
    if totals:
        said += [_TOTALS, _totals_table(totals)]
    said += [_gate(run, form) for form in forms(run)]
    return "\n\n".join(part for part in said if part)


def _totals_table(totals: Numbers) -> str:
    rows = [[name, quantity(one)] for name, one in totals.items()]
    return table_text(["quantity", "mean and 90 % interval"], rows, words=True)


def _places_table(run: Reading, stem: tuple[str, ...], names: tuple[str, ...]) -> str:
    """Tabulate parameters, one row for each place that has any."""
    there = [name for name in names if run.has(STAGE, *stem, name)]
    rows = []
    for place in (*TYPES, *CONTINENT_NAMES, ALL):
        found = [run.find(STAGE, *stem, name, place) for name in there]
        known = [one for one in found if one is not None]
        if known:
            cells = [_cell(one) for one in found]
            rows.append([place_title(GLOBAL if place == ALL else place), *cells, known[0].note])
    if not rows:
        return ""
    units = [next(iter(run.under(STAGE, *stem, name).values())).units for name in there]
    heads = [f"{name} [{units_text(unit)}]" if unit != "1" else name
             for name, unit in zip(there, units, strict=True)]  # fmt: skip
    return table_text(["place", *heads, "from"], rows, words=True)


def _cell(one: Number | None) -> str:
    ends = interval_text(one)
    return plain_value(one) if ends == DASH else f"{plain_value(one)} ({ends})"


def _gate(run: Reading, form: str) -> str:
    """Warn where the sampler did not pass its checks."""
    passed = run.find(STAGE, form, "gate", "passed")
    if passed is None or passed.value:
        return ""
    faults = [
        f"{CHECKS.get(name, name)} {figure_text(one.value)} ({one.note})"
        for name, one in run.under(STAGE, form, "gate").items()
        if name != "passed"
    ]
    return callout(
        "warning",
        f"The sampling of {FORMS.get(form, form)} did not pass its checks",
        "Its numbers are shown to be looked at, not to be quoted: " + "; ".join(faults) + ".",
    )
