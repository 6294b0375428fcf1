"""Trends with honest significance: methods, ensembles, change points, field significance."""

from uflux_stats.stats.trend.api import METHODS, trend
from uflux_stats.stats.trend.change_point import change_point
from uflux_stats.stats.trend.ensemble import ensemble_trend, trend_of_totals
from uflux_stats.stats.trend.field_significance import field_significance
from uflux_stats.stats.trend.single import trend_model

__all__ = [
    "METHODS",
    "change_point",
    "ensemble_trend",
    "field_significance",
    "trend",
    "trend_model",
    "trend_of_totals",
]
