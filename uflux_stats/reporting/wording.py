"""Numbers as words: quantities with units and intervals, trends that are called so if they are."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from uflux_stats.reporting.numbers import Number

DASH: Final = "–"
ROUTES: Final = {
    "dgvm": "vegetation models",
    "hybrid": "hybrid: models' allocation of upscaled fluxes",
    "direct": "learned directly",
    "difference": "upscaled GPP − RECO",
}
"""Ways to the net flux, by their names in the numbers; the same in tables and figures."""
LEVEL: Final = 0.05
"""A change with p below this is called a trend."""
_PANDOC_COLUMNS: Final = 72
_WIDEST: Final = 36
_STEPS: Final = 7.0
"""The last digit that is told is between a seventh and a seventieth of the interval's width."""
_FINEST: Final = 1e-4
"""Narrower intervals say nothing about the digits of a value."""
NAMES: Final = {
    "NEP_difference": "NEP from GPP − RECO",
    "NEE_difference": "NEE from RECO − GPP",
    "NEP_closed": "NEP, closed budget",
    "GPP_reconciled": "GPP, reconciled",
    "RECO_reconciled": "RECO, reconciled",
    "NEE_reconciled": "NEE, reconciled",
}
_POWERS: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def units_text(units: str) -> str:
    """Return a unit with its powers raised; nothing for a plain ratio.

    Examples
    --------
    >>> units_text("PgC yr-1"), units_text("1")
    ('PgC yr⁻¹', '')
    """
    words = []
    for word in units.split():
        letters = word.rstrip("-0123456789")
        words.append(letters + word[len(letters) :].translate(_POWERS))
    return "" if units == "1" else " ".join(words)


def figure_text(value: object, digits: int = 3) -> str:
    """Return a value with so many significant digits, a true minus sign, and no exponent.

    Examples
    --------
    >>> figure_text(-0.04621), figure_text(12345.6), figure_text(80)
    ('−0.0462', '12,346', '80')
    """
    if value is None:
        return DASH
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or abs(value) >= 10**digits:
        return f"{value:,.0f}".replace("-", "−")
    if value and abs(value) < 1e-4:
        # parts in a million and less are faults of closure, of which only the size matters
        mantissa, power = f"{value:.1e}".split("e")
        return f"{mantissa} × 10{str(int(power)).translate(_POWERS)}".replace("-", "−")
    text = f"{value:#.{digits}g}".rstrip(".")
    return text.replace("-", "−")


def value_text(one: Number | None, digits: int = 3) -> str:
    """Return a value with its unit, as exact as its interval allows.

    Examples
    --------
    >>> value_text(Number(-0.0324, "PgC yr-1", -0.31, 0.25)), value_text(Number(31.9, "PgC yr-1"))
    ('−0.03 PgC yr⁻¹', '31.9 PgC yr⁻¹')
    """
    if one is None:
        return DASH
    return f"{plain_value(one, digits)} {units_text(one.units)}".strip()


def plain_value(one: Number | None, digits: int = 3) -> str:
    """Return a value without its unit, as exact as its interval allows."""
    return DASH if one is None else _rounded(one.value, _decimals(one), digits)


def interval_text(one: Number | None, digits: int = 3) -> str:
    """Return the ends of an interval, or a dash."""
    if one is None or one.low is None or one.high is None:
        return DASH
    decimals = _decimals(one)
    ends = (_rounded(end, decimals, digits) for end in (one.low, one.high))
    return " to ".join(ends)


def quantity(one: Number | None, digits: int = 3) -> str:
    """Return a value with its unit and its interval in brackets.

    Examples
    --------
    >>> quantity(Number(8.663, "PgC yr-1", 8.578, 8.751))
    '8.66 PgC yr⁻¹ (8.58 to 8.75)'
    """
    text = value_text(one, digits)
    ends = interval_text(one, digits)
    return text if ends == DASH else f"{text} ({ends})"


def interval_decimals(low: float, high: float) -> int | None:
    """Return the decimals that an interval bears, None if it has no width.

    The last of them is between a seventh and a seventieth of its width.

    Examples
    --------
    >>> interval_decimals(0.018, 0.046), interval_decimals(122.0, 125.3)
    (3, 1)
    """
    width = high - low
    if not (math.isfinite(width) and width >= _FINEST):
        return None
    return max(0, -math.floor(math.log10(width / _STEPS)))


def _decimals(one: Number) -> int | None:
    return None if one.low is None or one.high is None else interval_decimals(one.low, one.high)


def _rounded(value: object, decimals: int | None, digits: int) -> str:
    if decimals is None or isinstance(value, bool) or not isinstance(value, int | float):
        return figure_text(value, digits)
    text = f"{value:,.{decimals}f}"
    return text.replace("-", "−") if float(text.replace(",", "")) else text.removeprefix("-")


def significant(one: Number | None) -> bool:
    """Whether a number's interval lies wholly on one side of zero.

    Examples
    --------
    >>> significant(Number(0.02, "PgC yr-2", -0.01, 0.05)), significant(Number(2.0, "1", 1.0, 3.0))
    (False, True)
    """
    return one is not None and one.low is not None and one.high is not None and (
        one.low > 0 or one.high < 0
    )  # fmt: skip


def is_trend(one: Number | None) -> bool:
    """Whether a change is called a trend: p below 0.05, or an interval off zero if p is not known.

    Examples
    --------
    >>> is_trend(Number(0.02, "PgC yr-2", 0.001, 0.039, p=0.08))
    False
    """
    if one is None or one.p is None:
        return significant(one)
    return one.p < LEVEL


def trend_text(what: str, one: Number | None) -> str:
    """Say how something changed; only what is significant is called a trend.

    Parameters
    ----------
    what : str
        What changed, as a sentence begins.
    one : Number or None
        Slope with its 90 % interval, p and number of years; without value its note says why.

    Examples
    --------
    >>> trend_text("GPP", Number(0.032, "PgC yr-2", 0.018, 0.046, 20))
    'GPP rose by 0.032 PgC yr⁻² (0.018 to 0.046) over 20 years.'
    >>> trend_text("NEP", Number(0.02, "PgC yr-2", -0.01, 0.05, 20)).split(":")[0]
    'NEP shows no change that differs from zero over 20 years'
    >>> trend_text("GPP", Number(None, note="skipped: one year"))
    'The change of GPP is not known (skipped: one year).'
    """
    if one is None or one.value is None:
        why = f" ({one.note})" if one is not None and one.note else ""
        return f"The change of {what} is not known{why}."
    years = f" over {one.n} years" if one.n else ""
    if not is_trend(one):
        doubt = f"is sure (p {one.p:.2g})" if significant(one) else "differs from zero"
        return f"{what} shows no change that {doubt}{years}: {quantity(one)}."
    slope = float(one.value)
    low, high = sorted((abs(one.low or 0.0), abs(one.high or 0.0)))
    size = replace(one, value=abs(slope), low=low, high=high)
    verb = "rose" if slope > 0 else "fell"
    return f"{what} {verb} by {quantity(size)}{years}."


def listed(words: Sequence[str]) -> str:
    """Join words as a sentence does.

    Examples
    --------
    >>> listed(["GPP", "RECO", "LE"])
    'GPP, RECO and LE'
    """
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def table_text(header: Sequence[str], rows: Iterable[Sequence[str]], *, words: bool = False) -> str:
    """Return a table in Markdown; the first column is text, the others numbers unless ``words``.

    Of tables too wide for their text to stay on a line, pandoc shares out the page as the rule
    under the header is shared out: here by what the columns hold.

    Examples
    --------
    >>> print(table_text(["flux", "r2"], [["GPP", "0.80"]]))
    | flux | r2 |
    |:---|---:|
    | GPP | 0.80 |
    """
    lines = [[_cell(cell) for cell in line] for line in (header, *rows)]
    body = ["| " + " | ".join(line) + " |" for line in lines]
    long = max(len(line) for line in body) > _PANDOC_COLUMNS
    widths = [_width(*column) if long else 3 for column in zip(*lines, strict=True)]
    dashes = ["-" * max(width, 3) for width in widths]
    others = [f":{rule}|" if words else f"{rule}:|" for rule in dashes[1:]]
    rule = f"|:{dashes[0]}|" + "".join(others)
    return "\n".join([body[0], rule, *body[1:]])


def _width(head: str, *cells: str) -> int:
    """Width of a column by its longest cell; its head may take two lines."""
    return min(max((len(head) + 1) // 2, *map(len, cells)), _WIDEST)


def flux_name(name: str) -> str:
    """Return the short name of a flux as a reader sees it.

    Examples
    --------
    >>> flux_name("NEE_difference"), flux_name("GPP")
    ('NEE from RECO − GPP', 'GPP')
    """
    return NAMES.get(name, name)


def callout(kind: str, title: str, text: str) -> str:
    """Return a Quarto callout: note, tip, important, warning or caution."""
    return f'\n::: {{.callout-{kind} title="{title}"}}\n{text}\n:::\n'


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("_", "\\_")
