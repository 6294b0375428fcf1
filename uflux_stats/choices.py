"""Checks of options: a choice among names, a least number."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from uflux_stats.errors import ConfigError, UfluxError


def unknown_name(
    argument: str, got: object, known: Iterable[object], error: type[UfluxError] = ConfigError
) -> UfluxError:
    """Make the error for a name that is not known; letter case does not hide the nearest.

    Examples
    --------
    >>> unknown_name("region", "europ", ["Europe", "Asia"])
    ConfigError("region: expected one of ['Europe', 'Asia'], got 'europ'; nearest: Europe")
    """
    names = [str(name) for name in known]
    folded = {name.casefold(): name for name in names}
    near = get_close_matches(str(got).casefold(), folded, n=3, cutoff=0.4)
    advice = "nearest: " + ", ".join(folded[name] for name in near) if near else "use one of them"
    return error(f"{argument}: expected one of {names}, got {got!r}; {advice}")


def require_choice(
    got: object,
    known: Collection[object],
    *,
    name: str,
    error: type[UfluxError] = ConfigError,
) -> None:
    """Raise ``error`` unless ``got`` is among the known; the nearest are suggested."""
    if got not in known:
        raise unknown_name(name, got, known, error)


def require_options(got: Iterable[str], known: Iterable[str]) -> None:
    """Raise ``ConfigError`` unless the names of all options are known.

    Examples
    --------
    >>> require_options(["seed"], ["replicates", "seed"])
    """
    names = list(known)
    for name in got:
        require_choice(name, names, name="option")


def require_names(got: object, *, name: str) -> None:
    """Raise ``ConfigError`` if one string is given where a tuple of names is meant."""
    if isinstance(got, str):
        raise ConfigError(
            f"{name}: expected a tuple of names, got the text {got!r}; use ({got!r},)"
        )


def require_least(got: float, least: float, *, name: str) -> None:
    """Raise ``ConfigError`` unless a number is at least ``least``; NaN is not."""
    if not got >= least:
        raise ConfigError(f"{name}: expected at least {least}, got {got}; raise it")
