"""Taylor statistics, and error variances when there is no truth."""

from collections.abc import Hashable, Iterable

import numpy as np
import xarray as xr

from uflux_stats.checks import require_same_grid
from uflux_stats.errors import UnitsError
from uflux_stats.stats.result import Result


def taylor(
    reference: xr.DataArray, model: xr.DataArray, *, dim: Iterable[Hashable] | None = None
) -> xr.Dataset:
    """Give the statistics of a Taylor diagram, over pairs in which both are there.

    Parameters
    ----------
    reference, model : xr.DataArray, any dims
        In one unit, on exactly the same coordinates.
    dim : names, optional
        Dimensions to compare over; all by default.

    Returns
    -------
    xr.Dataset, remaining dims
        ``sd_reference``, ``sd_model``, ``centred_rmse`` [unit of the data]; ``correlation``,
        ``sd_ratio`` and ``score`` = 2 (1 + r)/(s + 1/s)^2 with s the ratio [1].

    Raises
    ------
    GridError
        If the coordinates differ.

    References
    ----------
    Taylor, K. E. (2001), J. Geophys. Res. 106, 7183-7192, doi 10.1029/2000JD900719; eq. 4 with R0
    = 1.

    Examples
    --------
    >>> values = xr.DataArray([1.0, 2.0, 4.0], dims="cell")
    >>> round(taylor(values, 2 * values).score.item(), 3)
    0.64
    """
    require_same_grid(reference, model, names="reference, model")
    dims = list(reference.dims if dim is None else dim)
    both = reference.notnull() & model.notnull()
    ref, mod = reference.where(both), model.where(both)
    ref_off, mod_off = ref - ref.mean(dims), mod - mod.mean(dims)
    sd_ref, sd_mod = (ref_off**2).mean(dims) ** 0.5, (mod_off**2).mean(dims) ** 0.5
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = (ref_off * mod_off).mean(dims) / (sd_ref * sd_mod)
        ratio = sd_mod / sd_ref
        score = 2 * (1 + correlation) / (ratio + 1 / ratio) ** 2
    data = xr.Dataset(
        {
            "sd_reference": sd_ref,
            "sd_model": sd_mod,
            "centred_rmse": ((mod_off - ref_off) ** 2).mean(dims) ** 0.5,
            "correlation": correlation,
            "sd_ratio": ratio,
            "score": score,
        }
    )
    unit = reference.attrs.get("units", "unknown")
    for name, variable in data.data_vars.items():
        own = name in {"sd_reference", "sd_model", "centred_rmse"}
        variable.attrs["units"] = unit if own else "1"
    return data


def triple_collocation(
    sources: xr.Dataset, *, dim: Iterable[Hashable] | None = None, scaled: bool = True
) -> Result:
    """Estimate the error variance of three sources of one quantity, none of them the truth.

    Needs errors that are independent of each other and of the truth. With ``scaled`` each source
    may be a linear function of the truth (triple collocation [1]_, with the correlation to the
    truth [2]_); without, all must have the scale of the truth (three-cornered hat [3]_).

    Parameters
    ----------
    sources : xr.Dataset
        Three variables in one unit, on the same coordinates; values count where all three are.
    dim : names, optional
        Dimensions that hold the sample; all by default.
    scaled : bool
        Triple collocation (True) or three-cornered hat (False).

    Returns
    -------
    Result, (source, ...)
        ``error_variance`` [unit squared], ``correlation`` with the truth [1], ``n``. A negative
        variance is left as it comes out: the sample is too small or the errors are not independent.

    Raises
    ------
    UnitsError
        If the units differ, or there are not three sources.

    References
    ----------
    .. [1] Stoffelen, A. (1998), J. Geophys. Res. 103, 7755-7766, doi 10.1029/97JC03180.
    .. [2] McColl, K. A. et al. (2014), Geophys. Res. Lett. 41, 6229-6236, doi 10.1002/2014GL061322.
    .. [3] Gray, J. E. and Allan, D. W. (1974), Proc. 28th Frequency Control Symp., 243-246,
       doi 10.1109/FREQ.1974.200027.

    Examples
    --------
    >>> truth = np.tile([1.0, 1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0], 2)
    >>> noise = np.tile([0.5, -0.5], 8)
    >>> sources = xr.Dataset({"a": ("time", truth + noise), "b": ("time", truth),
    ...                       "c": ("time", 2 * truth)})
    >>> triple_collocation(sources).error_variance.round(3).values.tolist()
    [0.267, 0.0, 0.0]
    """
    names = [str(name) for name in sources.data_vars]
    units = {sources[name].attrs.get("units", "unknown") for name in names}
    if len(names) != 3 or len(units) != 1:
        raise UnitsError(
            f"sources: expected three variables in one unit, got {names} in {sorted(units)}; "
            "select three and convert them (uflux_stats.units.convert)"
        )
    stacked = sources.to_dataarray("source")
    dims = [d for d in stacked.dims if d != "source"] if dim is None else list(dim)
    present = stacked.notnull().all("source")
    off = stacked.where(present) - stacked.where(present).mean(dims)
    n = present.sum(dims)
    estimate = _collocated if scaled else _hat
    variance, share = estimate([off.isel(source=i) for i in range(3)], dims, n)
    data = xr.Dataset({"error_variance": variance, "correlation": share, "n": n})
    data = data.assign_coords(source=names)
    data["error_variance"].attrs = {"units": f"({units.pop()})2"}
    data["correlation"].attrs = data["n"].attrs = {"units": "1"}
    method = "triple collocation" if scaled else "three-cornered hat"
    return Result(data.assign_attrs(method=method), "Error variance without truth")


def _collocated(
    off: list[xr.DataArray], dims: list[Hashable], n: xr.DataArray
) -> tuple[xr.DataArray, xr.DataArray]:
    def cov(i: int, j: int) -> xr.DataArray:
        return (off[i] * off[j]).sum(dims) / (n - 1)

    variances, shares = [], []
    with np.errstate(divide="ignore", invalid="ignore"):
        for i, j, k in ((0, 1, 2), (1, 0, 2), (2, 0, 1)):
            signal = cov(i, j) * cov(i, k) / cov(j, k)
            variances.append(cov(i, i) - signal)
            ratio = signal / cov(i, i)
            shares.append(ratio.where((ratio >= 0) & (ratio <= 1)) ** 0.5)
    return xr.concat(variances, "source"), xr.concat(shares, "source")


def _hat(
    off: list[xr.DataArray], dims: list[Hashable], n: xr.DataArray
) -> tuple[xr.DataArray, xr.DataArray]:
    def spread(i: int, j: int) -> xr.DataArray:
        return ((off[i] - off[j]) ** 2).sum(dims) / (n - 1)

    variances, shares = [], []
    with np.errstate(divide="ignore", invalid="ignore"):
        for i, j, k in ((0, 1, 2), (1, 0, 2), (2, 0, 1)):
            error = (spread(i, j) + spread(i, k) - spread(j, k)) / 2
            ratio = 1 - error / ((off[i] ** 2).sum(dims) / (n - 1))
            variances.append(error)
            shares.append(ratio.where((ratio >= 0) & (ratio <= 1)) ** 0.5)
    return xr.concat(variances, "source"), xr.concat(shares, "source")
