"""Errors about unknown names that suggest the nearest."""

from collections.abc import Iterable
from difflib import get_close_matches

from uflux_stats.errors import UfluxError


def unknown_name(
    argument: str, name: str, known: Iterable[str], error: type[UfluxError] = UfluxError
) -> UfluxError:
    """Make the error for a name that is not known; letter case does not hide the nearest.

    Examples
    --------
    >>> unknown_name("region", "europ", ["Europe", "Asia"])
    UfluxError("region: expected one of ['Europe', 'Asia'], got 'europ'; nearest: Europe")
    """
    names = list(known)
    folded = {entry.casefold(): entry for entry in names}
    near = get_close_matches(name.casefold(), folded, n=3, cutoff=0.4)
    hint = "; nearest: " + ", ".join(folded[entry] for entry in near) if near else ""
    return error(f"{argument}: expected one of {names}, got {name!r}{hint}")
