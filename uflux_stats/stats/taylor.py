"""Taylor statistics, and error variances when there is no truth."""

from collections.abc import Hashable, Iterable
from typing import Final

import xarray as xr

from uflux_stats.checks import require_same_grid
from uflux_stats.errors import UnitsError
from uflux_stats.stats.cells import ROUNDING, status_of
from uflux_stats.stats.moments import mean, ratio
from uflux_stats.stats.result import Result

TURNS: Final = ((0, 1, 2), (1, 0, 2), (2, 0, 1))
"""Each source once first, with the two others."""
FEWEST: Final = 4
"""Three sources fit three values without any error left to see."""


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
    ref_off, mod_off = ref - mean(ref, dims), mod - mean(mod, dims)
    sd_ref, sd_mod = mean(ref_off**2, dims) ** 0.5, mean(mod_off**2, dims) ** 0.5
    correlation = ratio(mean(ref_off * mod_off, dims), sd_ref * sd_mod)
    relative, inverse = ratio(sd_mod, sd_ref), ratio(sd_ref, sd_mod)
    score = 2 * (1 + correlation) / (relative + inverse) ** 2
    data = xr.Dataset(
        {
            "sd_reference": sd_ref,
            "sd_model": sd_mod,
            "centred_rmse": mean((mod_off - ref_off) ** 2, dims) ** 0.5,
            "correlation": correlation,
            "sd_ratio": relative,
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
        ``error_variance`` [unit squared], ``correlation`` with the truth [1], ``n`` and ``status``.
        A negative variance is left as it comes out: the sample is too small or the errors are not
        independent. Missing with fewer than four values or a constant source; ``status`` says
        which, and ``note`` counts them.

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
    >>> truth = xr.DataArray([1.0, 1.0, -1.0, -1.0] * 4, dims="time")
    >>> noise = xr.DataArray([0.5, -0.5] * 8, dims="time")
    >>> sources = xr.Dataset({"a": truth + noise, "b": truth, "c": 2 * truth})
    >>> abs(triple_collocation(sources).error_variance).round(3).values.tolist()
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
    off = stacked.where(present) - mean(stacked.where(present), dims)
    n = present.sum(dims)
    estimate = _collocated if scaled else _hat
    variance, share = estimate([off.isel(source=i) for i in range(3)], dims, n)
    enough = n >= FEWEST
    reach = abs(off).max(dims)
    varies = (reach > ROUNDING * abs(stacked).max(dims)).all("source")
    status = status_of(
        ("no_data", n == 0), ("too_short", ~enough), ("constant", ~varies),
        ("negative_variance", (variance < 0) | share.isnull()),
    )  # fmt: skip
    found = xr.Dataset({"error_variance": variance, "correlation": share}).where(enough & varies)
    data = found.assign(n=n, status=status).assign_coords(source=names)
    data["error_variance"].attrs = {"units": f"({units.pop()})2"}
    data["correlation"].attrs = data["n"].attrs = {"units": "1"}
    method = "triple collocation" if scaled else "three-cornered hat"
    return Result(data.assign_attrs(method=method), "Error variance without truth")


def _collocated(
    off: list[xr.DataArray], dims: list[Hashable], n: xr.DataArray
) -> tuple[xr.DataArray, xr.DataArray]:
    def cov(i: int, j: int) -> xr.DataArray:
        return (off[i] * off[j]).sum(dims) / (n - 1).where(n > 1)

    signals = [ratio(cov(i, j) * cov(i, k), cov(j, k)) for i, j, k in TURNS]
    return _errors_and_correlations(signals, [cov(i, i) for i in range(3)])


def _hat(
    off: list[xr.DataArray], dims: list[Hashable], n: xr.DataArray
) -> tuple[xr.DataArray, xr.DataArray]:
    def spread(i: int, j: int) -> xr.DataArray:
        return ((off[i] - off[j]) ** 2).sum(dims) / (n - 1).where(n > 1)

    totals = [(values**2).sum(dims) / (n - 1).where(n > 1) for values in off]
    errors = [(spread(i, j) + spread(i, k) - spread(j, k)) / 2 for i, j, k in TURNS]
    signals = [total - error for total, error in zip(totals, errors, strict=True)]
    return _errors_and_correlations(signals, totals)


def _errors_and_correlations(
    signals: list[xr.DataArray], totals: list[xr.DataArray]
) -> tuple[xr.DataArray, xr.DataArray]:
    """Split each variance into error and signal; their share gives the correlation with truth."""
    signal, whole = xr.concat(signals, "source"), xr.concat(totals, "source")
    share = ratio(signal, whole)
    return whole - signal, share.where((share >= 0) & (share <= 1)) ** 0.5
