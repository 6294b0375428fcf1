"""What a run tells at its end: its stages, skill, totals, and on the twin what was recovered."""

from collections.abc import Iterator
from typing import Final

from uflux_stats.pipeline.runner import RunRecord, StageRecord
from uflux_stats.reporting.numbers import Number, Numbers, unpassed_forms
from uflux_stats.schema import FLUXES

SPLITS: Final = ("random", "tower")
EMULATOR_SPLITS: Final = ("random", "blocks")
EMULATED: Final = ("CUE", "RH_SHARE", "VEG_TURNOVER", "SOIL_TURNOVER", "cVeg", "cSoil")
TOTALS: Final = ("GPP", "RECO", "NEP", "NEP_difference", "LE")
DIVIDED: Final = {
    **{name: f"{name}_closed" for name in ("GPP", "RECO", "NEP")},
    **{name: name for name in ("NPP", "Ra", "Rh")},
    **{name: name for name in ("cVeg", "cLeaf", "cWood", "cRoot", "cLitter", "cSoil")},
}
"""Fluxes and stocks of the allocation, by the name of their total."""
ERRORS: Final = "twin.validate."
"""Pairs of errors at towers and over all land, neither the truth of the other."""
TWIN_NOTICE: Final = "GENERATED TWIN EARTH, not data: what this run recovered, beside what is true"


def summary(record: RunRecord) -> str:
    """Return plain-text tables of the stages, the skill, the totals and, on the twin, the truth.

    Examples
    --------
    >>> from pathlib import Path
    >>> print(summary(RunRecord(Path("out"), (), {"totals.global.GPP": Number(130.0, "PgC yr-1")})))
    total over the globe                   value  spread of members
    GPP [PgC yr-1]                           130
    results in out
    """
    blocks = (
        _stages(record.stages),
        _skill(record.numbers),
        _emulated(record.numbers),
        _totals(record.numbers),
        _divided(record.numbers),
        _recovered(record.numbers),
        iter([f"results in {record.folder}"]),
    )
    return "\n".join(line for block in blocks for line in block)


def _stages(stages: tuple[StageRecord, ...]) -> Iterator[str]:
    if not stages:
        return
    yield f"{'stage':14}{'seconds':>9}{'peak MiB':>10}"
    for stage in stages:
        usage, note = stage.usage, "  finished before" if stage.reused else ""
        yield f"{stage.name:14}{usage.seconds:9.1f}{usage.peak_memory_mib:10.0f}{note}"
    yield ""


def _skill(numbers: Numbers) -> Iterator[str]:
    """Show r2 and RMSE of both splits side by side: their gap is the first thing to know."""
    if f"validation.refined.{SPLITS[-1]}.GPP.r2" not in numbers:
        return
    yield f"{'r2 / RMSE at towers':26}{'baseline':>16}{'refined, tower':>18}{'refined, random':>18}"
    yield f"{'':26}{'':>16}{'held out':>18}{'rows held out':>18}"
    for flux in FLUXES:
        cells = [
            _pair(numbers, f"validation.{source}.{split}.{flux}")
            for source, split in (("baseline", "tower"), ("refined", "tower"),
                                  ("refined", "random"))
        ]  # fmt: skip
        if any(cells):
            yield f"{flux:26}{cells[0]:>16}{cells[1]:>18}{cells[2]:>18}"
    yield ""


def _pair(numbers: Numbers, stem: str) -> str:
    r2, rmse = numbers.get(f"{stem}.r2"), numbers.get(f"{stem}.rmse")
    return f"{_text(r2)} / {_text(rmse)}" if r2 and rmse else ""


def _emulated(numbers: Numbers) -> Iterator[str]:
    """Show r2 of the emulated allocation under both splits, mean over the vegetation models."""
    stems = {name: [f"emulator.{split}.mean.{name}.r2" for split in EMULATOR_SPLITS]
             for name in EMULATED}  # fmt: skip
    there = {name: keys for name, keys in stems.items() if all(key in numbers for key in keys)}
    if not there:
        return
    yield f"{'r2 of emulation, GPP given':26}{'random cells':>18}{'10-degree blocks':>18}"
    for name, keys in there.items():
        yield f"{name:26}" + "".join(f"{_text(numbers[key]):>18}" for key in keys)
    yield ""


def _totals(numbers: Numbers) -> Iterator[str]:
    found = {flux: numbers.get(f"totals.global.{flux}") for flux in TOTALS}
    if not any(found.values()):
        return
    yield f"{'total over the globe':34}{'value':>10}  spread of members"
    for flux, entry in found.items():
        if entry is not None:
            label = f"mean {flux}" if flux == "LE" else flux
            yield f"{f'{label} [{entry.units}]':34}{_text(entry):>10}  {_interval(entry)}".rstrip()
    if any(entry and entry.low is not None for entry in found.values()):
        yield ""


def _divided(numbers: Numbers) -> Iterator[str]:
    """Show the parts of the closed budget and the stocks beside the vegetation models' own."""
    found = {name: numbers.get(f"totals.global.{label}") for name, label in DIVIDED.items()}
    if not any(found.values()):
        return
    yield f"{'carbon over the globe, emulated':34}{'value':>10}  {'spread':18}models themselves"
    for name, entry in found.items():
        own = numbers.get(f"dgvm.global.{name}")
        theirs = f"{_text(own):>6}  {_interval(own)}" if own else ""
        if entry is None:
            yield f"{name:34}{'not available: no vegetation model tells of it':>10}"
        else:
            label = f"{name} [{entry.units}]"
            yield f"{label:34}{_text(entry):>10}  {_interval(entry):18}{theirs}".rstrip()
    yield ""


def _recovered(numbers: Numbers) -> Iterator[str]:
    pairs = {
        name: (entry, numbers[f"{name}.truth"])
        for name, entry in numbers.items()
        if f"{name}.truth" in numbers
    }
    if not pairs:
        return
    yield TWIN_NOTICE
    yield f"{'quantity':44}{'recovered':>10}{'true':>10}  true within the interval"
    errors = {name: pairs.pop(name) for name in list(pairs) if name.startswith(ERRORS)}
    failed = tuple(f"twin.respiration.{form}_" for form in unpassed_forms(numbers))
    for name, (found, true) in pairs.items():
        told = [_inside(found, true), "gate not passed" if name.startswith(failed) else ""]
        line = _beside(name.removeprefix("twin."), found, true)
        yield f"{line}  {'; '.join(part for part in told if part)}".rstrip()
    if errors:
        yield f"{'RMSE of the refined fluxes, by split':44}{'towers':>10}{'all land':>10}"
        yield "towers: held out, against noisy measurements; all land: against the truth"
    for name, (found, true) in errors.items():
        yield _beside(name.removeprefix(ERRORS), found, true)
    yield ""


def _beside(name: str, found: Number, true: Number) -> str:
    label = f"{name.replace('.', ': ')} [{found.units}]"
    return f"{label:44}{_text(found):>10}{_text(true):>10}"


def _inside(found: Number, true: Number) -> str:
    if found.low is None or found.high is None or not isinstance(true.value, float):
        return ""
    return "yes" if found.low <= true.value <= found.high else "no"


def _interval(entry: Number) -> str:
    return "" if entry.low is None else f"{entry.low:.4g} to {entry.high:.4g}"


def _text(entry: Number) -> str:
    value = entry.value
    return f"{value:.3g}" if isinstance(value, float) else str(value)
