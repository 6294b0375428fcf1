"""Fields of the configuration."""

from dataclasses import field
from typing import Any


def setting(default: Any, *, low: float | None = None, high: float | None = None) -> Any:
    """Declare a field with its default and, for numbers, the allowed range (both ends allowed)."""
    return field(default=default, metadata={"low": low, "high": high})
