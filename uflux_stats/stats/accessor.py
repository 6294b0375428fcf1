"""``array.uflux``: the statistics as methods of xarray objects.

Registered when the package is imported; the statistics themselves are loaded on first use.
"""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import xarray as xr

Class = TypeVar("Class", bound=type[Any])
Register: TypeAlias = Callable[[str], Callable[[Class], Class]]

_on_arrays: Register[Any] = xr.register_dataarray_accessor
_on_datasets: Register[Any] = xr.register_dataset_accessor


@_on_arrays("uflux")
class ArrayStatistics:
    """Statistics of one variable; each method is the function of the same name.

    Parameters
    ----------
    values : xr.DataArray
        With ``attrs["units"]``.

    Examples
    --------
    >>> sink = xr.DataArray([1.0, 2.0, 3.0, 4.0], {"year": range(2001, 2005)}, dims="year")
    >>> sink.uflux.trend(method="theil_sen").slope.item()
    1.0
    """

    def __init__(self, values: xr.DataArray) -> None:
        self._values = values

    def trend(self, **how: Any) -> Any:
        """Estimate the linear trend: ``uflux_stats.stats.trend.trend``."""
        from uflux_stats.stats.trend import trend

        return trend(self._values, **how)

    def ensemble_trend(self, **how: Any) -> Any:
        """Give the trends of an ensemble: ``uflux_stats.stats.trend.ensemble_trend``."""
        from uflux_stats.stats.trend import ensemble_trend

        return ensemble_trend(self._values, **how)

    def change_point(self, **how: Any) -> Any:
        """Find a change of level: ``uflux_stats.stats.trend.change_point``."""
        from uflux_stats.stats.trend import change_point

        return change_point(self._values, **how)

    def field_significance(self, **how: Any) -> xr.DataArray:
        """Find significant cells of p values: ``uflux_stats.stats.trend.field_significance``."""
        from uflux_stats.stats.trend import field_significance

        return field_significance(self._values, **how)

    def iav(self, **how: Any) -> Any:
        """Measure the variability between years: ``uflux_stats.stats.iav.iav``."""
        from uflux_stats.stats.iav import iav

        return iav(self._values, **how)

    def extremes(self, **how: Any) -> Any:
        """Find extreme years: ``uflux_stats.stats.iav.extremes``."""
        from uflux_stats.stats.iav import extremes

        return extremes(self._values, **how)

    def iav_contribution(self, **how: Any) -> xr.DataArray:
        """Share the variability among parts: ``uflux_stats.stats.iav.iav_contribution``."""
        from uflux_stats.stats.iav import iav_contribution

        return iav_contribution(self._values, **how)

    def anomaly_correlation(self, modelled: xr.DataArray, **how: Any) -> xr.DataArray:
        """Correlate anomalies with another's: ``uflux_stats.stats.iav.anomaly_correlation``."""
        from uflux_stats.stats.iav import anomaly_correlation

        return anomaly_correlation(self._values, modelled, **how)

    def seasonal_cycle(self, **how: Any) -> Any:
        """Measure the mean year: ``uflux_stats.stats.seasonality.seasonal_cycle``."""
        from uflux_stats.stats.seasonality import seasonal_cycle

        return seasonal_cycle(self._values, **how)

    def anomalies(self, **how: Any) -> xr.DataArray:
        """Take out the mean year: ``uflux_stats.stats.seasonality.anomalies``."""
        from uflux_stats.stats.seasonality import anomalies

        return anomalies(self._values, **how)

    def total(self, **how: Any) -> xr.DataArray:
        """Sum over land and years: ``uflux_stats.stats.totals.total``."""
        from uflux_stats.stats.totals import total

        return total(self._values, **how)

    def area_mean(self, **how: Any) -> xr.DataArray:
        """Average over land: ``uflux_stats.stats.totals.area_mean``."""
        from uflux_stats.stats.totals import area_mean

        return area_mean(self._values, **how)


@_on_datasets("uflux")
class BudgetStatistics:
    """Statistics that need several variables at once.

    Parameters
    ----------
    data : xr.Dataset
        Fluxes and stocks under the names of the schema.
    """

    def __init__(self, data: xr.Dataset) -> None:
        self._data = data

    def conservation(self, **how: Any) -> Any:
        """Measure every budget: ``uflux_stats.stats.conservation.conservation``."""
        from uflux_stats.stats.conservation import conservation

        return conservation(self._data, **how)
