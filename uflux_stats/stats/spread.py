"""What the members of an ensemble say together, step by step."""

import xarray as xr

from uflux_stats.checks import require_dims
from uflux_stats.stats.moments import mean, quantile, variance
from uflux_stats.stats.result import Result


def ensemble_spread(
    values: xr.DataArray, *, member: str = "member", confidence: float = 0.9
) -> Result:
    """Summarise an ensemble over its members.

    Parameters
    ----------
    values : xr.DataArray, (member, ...)
        Any unit.
    member : str
        The dimension of the ensemble, such as ``member`` or ``model``.
    confidence : float
        Share of the members between ``low`` and ``high``.

    Returns
    -------
    Result, (...)
        ``mean``, ``median``, ``sd`` (n - 1), ``low``, ``high`` (quantiles), ``smallest`` and
        ``largest`` [unit of ``values``], and ``n`` members with data.

    Raises
    ------
    DimensionError
        If ``member`` is missing.

    Examples
    --------
    >>> models = xr.DataArray([1.0, 2.0, 6.0], dims="model")
    >>> summary = ensemble_spread(models, member="model")
    >>> summary["mean"].item(), summary["median"].item(), summary["largest"].item()
    (3.0, 2.0, 6.0)
    """
    require_dims(values, [member], name="values")
    tail = (1 - confidence) / 2
    data = xr.Dataset(
        {
            "mean": mean(values, member),
            "median": quantile(values, 0.5, member),
            "sd": variance(values, member) ** 0.5,
            "low": quantile(values, tail, member),
            "high": quantile(values, 1 - tail, member),
            "smallest": values.min(member),
            "largest": values.max(member),
        }
    )
    for variable in data.data_vars.values():
        variable.attrs = {"units": values.attrs.get("units", "unknown")}
    data["n"] = values.count(member).assign_attrs(units="1")
    return Result(data.assign_attrs(confidence=confidence), "Ensemble")
