"""The parts of a run that reports tell of, and the command that makes one which is missing."""

from dataclasses import dataclass
from typing import Final

from uflux_stats.reporting.reading import Reading
from uflux_stats.reporting.wording import callout


@dataclass(frozen=True)
class Part:
    """A part of a run: what it is, and what `uflux-stats run` must be given to make it."""

    what: str
    flags: str = ""


PARTS: Final[dict[str, Part]] = {
    "towers": Part("towers and their validation"),
    "grid": Part("maps and totals of the fluxes", "--drivers FILE"),
    "regions": Part("maps and series of the regions", "--drivers FILE"),
    "stocks": Part("component fluxes and stocks", "--drivers FILE --dgvm DIR"),
    "attribution": Part("the attribution to drivers"),
    "respiration": Part("parameters of respiration"),
}


def command(run: Reading, part: str) -> str:
    """Return the command that makes a part of a run.

    A run on the twin Earth needs no input; one on data needs those flags beside its own.
    """
    out = f"--out {run.folder}"
    flags = "" if run.generated else PARTS[part].flags
    return " ".join(word for word in ("uflux-stats run", flags, out) if word)


def missing(run: Reading, part: str) -> str:
    """Say that a part is missing, why that may be, and what makes it."""
    one = PARTS[part]
    how = (
        f"`{command(run, part)}`, beside the inputs and settings of this run, makes it."
        if run.finished
        else f"The run is not finished; the command that began it goes on: `{command(run, part)}`."
    )
    return callout("important", f"Not in this run: {one.what}", how)


def missing_line(run: Reading, part: str) -> str:
    """Say the same in one line, where a figure would stand."""
    return f"*Not in this run: {PARTS[part].what}; see* `{command(run, part)}`."


def notices(run: Reading) -> str:
    """Say first what no reader may overlook: generated data, and a run that is not finished."""
    said = ""
    if run.generated:
        said += callout(
            "warning",
            "Generated twin Earth, not data",
            "Everything on this page comes from a generated planet whose truth is known. It shows "
            "what the method recovers; it says nothing about the Earth.",
        )
    if not run.finished:
        said += callout(
            "important",
            "This run is not finished",
            "What there is so far is told. The command that began it goes on where it stopped: "
            f"`{command(run, 'towers')}`.",
        )
    return said
