"""The named errors of the package: one small family under ``ValueError``.

Messages have one form: *argument*: expected X, got Y; what to do.
"""


class UfluxError(ValueError):
    """Base of all errors that this package raises about its input."""


class UnitsError(UfluxError):
    """A variable is in another unit than the one expected."""


class DimensionError(UfluxError):
    """A dimension is missing, in the wrong order of values, or duplicated."""


class GridError(UfluxError):
    """Two arrays are not on exactly the same grid, or a grid is not usable."""


class CalendarError(UfluxError):
    """A time axis is not what the computation needs."""


class RangeError(UfluxError):
    """A value lies outside the physically possible range of its variable."""


class MissingVariableError(UfluxError):
    """A variable that the computation needs is not there."""


class DataFileError(UfluxError):
    """A file or folder is missing, empty, damaged or of an unknown layout."""


class ConfigError(UfluxError):
    """A configuration key is unknown or its value is not allowed."""


class GraphError(UfluxError):
    """A causal graph has a cycle, an unknown node, or an identity that does not hold."""


class SampleError(UfluxError):
    """Too few months, a constant variable, or values that cannot carry the statistic."""


class ConvergenceError(UfluxError):
    """A posterior sample does not pass its gate, so nothing may be read from it."""


class MissingExtraError(ImportError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"{package} is not installed; it comes with: pip install 'uflux-stats[{extra}]'"
        )
