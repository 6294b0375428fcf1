"""The nearest closed carbon budget: fluxes moved as little as their variances allow.

With ``x`` the fluxes, ``S`` the covariance of their errors and ``A x = 0`` the budget, the closed
budget minimises ``(x' - x) S^-1 (x' - x)``, which gives ``x' = x - S A^T (A S A^T)^-1 A x``. ``S``
is a diagonal of independent errors plus, where one source of error moves several fluxes, what they
share. Fluxes that cannot be negative and would be are held at zero; among all such sets the one
that satisfies the conditions of Karush, Kuhn and Tucker is the exact solution.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Final, TypeAlias

import numpy as np
import xarray as xr

from uflux_stats.checks import require_dims, require_same_grid, require_variables
from uflux_stats.errors import MissingVariableError, RangeError
from uflux_stats.stats.cells import Floats
from uflux_stats.stats.conservation import BUDGETS, Budget

NON_NEGATIVE: Final = ("GPP", "RECO", "Ra", "Rh")
FLOOR: Final = 1e-6
"""Smallest independent variance, as a share of the largest variance of the cell; a variance of zero
would forbid any adjustment."""
TOLERANCE: Final = 1e-10
"""Share of the largest flux, or force, of a cell that counts as zero: double precision leaves about
1e-16 / FLOOR where fluxes share nearly all their errors."""
TINY: Final = float(np.finfo(np.float64).tiny)
CELLS_AT_ONCE: Final = 65536

Rows: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Reconciled:
    """A closed budget and how it was reached.

    Attributes
    ----------
    adjusted, adjustment : xr.Dataset [gC m-2 d-1]
        The closed fluxes, and closed minus given.
    posterior_variance : xr.Dataset [(gC m-2 d-1)2]
        Variances given that the budget is closed; 0 where a flux is held at zero.
    chi_square : xr.DataArray [1]
        Size of the adjustment in standard deviations, squared and summed; a large value says that
        the sources disagree by more than their variances admit.
    freedom : int
        Degrees of freedom of ``chi_square``: the number of budgets. Fewer where fluxes share all
        their errors and a budget cannot but hold.
    held : xr.DataArray
        How many fluxes are held at zero.
    """

    adjusted: xr.Dataset
    adjustment: xr.Dataset
    posterior_variance: xr.Dataset
    chi_square: xr.DataArray
    freedom: int
    held: xr.DataArray


def reconcile(
    fluxes: xr.Dataset,
    variances: xr.Dataset,
    *,
    shared: xr.DataArray | None = None,
    non_negative: Iterable[str] = NON_NEGATIVE,
) -> Reconciled:
    """Close the carbon budget of every cell and month.

    Budgets are NEP = GPP - RECO, RECO = Ra + Rh and NPP = GPP - Ra, as far as all their fluxes are
    there.

    Parameters
    ----------
    fluxes : xr.Dataset, any dims [gC m-2 d-1]
        Some of GPP, RECO, NEP, NPP, Ra, Rh; a cell that misses one stays missing.
    variances : xr.Dataset, same dims or fewer [(gC m-2 d-1)2]
        Variance of the independent error of each flux.
    shared : xr.DataArray, same dims or fewer and (flux, source), optional [gC m-2 d-1]
        Errors that fluxes have in common: how far one standard deviation of each source, the
        sources being independent, moves each flux; the names of the fluxes are the coordinate
        ``flux``.
    non_negative : iterable of str
        Fluxes that cannot be negative; those not in ``fluxes`` are ignored.

    Returns
    -------
    Reconciled
        Dask arrays stay lazy.

    Raises
    ------
    MissingVariableError
        If no budget has all its fluxes, or a variance or the shared error of a flux is missing.
    UnitsError, GridError
        If a flux is in another unit, or the coordinates differ.
    RangeError
        If a variance is negative (checked in memory only).

    Examples
    --------
    >>> flux = {"units": "gC m-2 d-1"}
    >>> given = {"RECO": 5.0, "Ra": 3.0, "Rh": 1.4}
    >>> fluxes = xr.Dataset({name: ((), value, flux) for name, value in given.items()})
    >>> closed = reconcile(fluxes, xr.ones_like(fluxes)).adjusted
    >>> [round(closed[name].item(), 2) for name in given]
    [4.8, 3.2, 1.6]
    """
    budgets = [budget for budget in BUDGETS.values() if all(n in fluxes for n in budget.names)]
    if not budgets:
        raise MissingVariableError(
            f"fluxes: expected all variables of a budget {[b.names for b in BUDGETS.values()]}, "
            f"got {sorted(map(str, fluxes.data_vars))}; add the missing ones"
        )
    names = list(dict.fromkeys(name for budget in budgets for name in budget.names))
    require_variables(fluxes, names, name="fluxes")
    _require_variances(fluxes, variances, names)
    values = _stack(fluxes, names)
    spread = _stack(variances, names).broadcast_like(values)
    common = _shared(shared, names)
    free = tuple(i for i, name in enumerate(names) if name in set(non_negative))
    constraints = constraint_matrix(budgets, names)
    solved = xr.apply_ufunc(
        lambda x, s, c: _solve_all(x, s, c, constraints, free),
        values,
        spread,
        common,
        input_core_dims=[["flux"], ["flux"], ["flux", "source"]],
        output_core_dims=[["answer"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"answer": 2 * len(names) + 2}},
    )
    return _unpack(solved, fluxes, names, len(budgets))


def constraint_matrix(budgets: list[Budget], names: list[str]) -> Floats:
    """Write budgets as rows of ``A`` with ``A x = 0``, (budgets, fluxes)."""
    rows = np.zeros((len(budgets), len(names)))
    for row, budget in zip(rows, budgets, strict=True):
        row[names.index(budget.left)] = 1.0
        for name, sign in budget.right:
            row[names.index(name)] = -sign
    return rows


def solve(x: Floats, covariance: Floats, constraints: Floats, non_negative: Rows) -> Floats:
    """Close the budget of many cells.

    Parameters
    ----------
    x : array, (cells, fluxes)
        Finite.
    covariance : array, (cells, fluxes, fluxes)
        Of the errors; positive definite.
    constraints : array, (budgets, fluxes)
        Rows of ``A x = 0``.
    non_negative : tuple of int
        Fluxes that cannot be negative.

    Returns
    -------
    array, (cells, 2 * fluxes + 2)
        Closed fluxes, posterior variances, chi-square, number of fluxes held at zero.
    """
    fluxes = x.shape[1]
    out = np.full((len(x), 2 * fluxes + 2), np.nan)
    open_cells = np.arange(len(x))
    for held in _candidate_sets(constraints, non_negative):
        if not len(open_cells):
            break
        rows = np.vstack([constraints, np.eye(fluxes)[list(held)]])
        given = x[open_cells]
        closed, posterior, force = _project(given, covariance[open_cells], rows)
        closed[:, list(held)] = 0.0
        slack = TOLERANCE * (np.abs(given).max(axis=1, keepdims=True) + TINY)
        feasible = (closed[:, list(non_negative)] >= -slack).all(axis=1)
        # a flux is held rightly where letting it go would make it negative
        give = TOLERANCE * np.abs(force).max(axis=1, keepdims=True)
        done = feasible & (force[:, len(constraints) :] <= give).all(axis=1)
        chosen = open_cells[done]
        chi_square = (force * (given @ rows.T))[done].sum(axis=1)
        tidy = closed[done]
        tidy[:, list(non_negative)] = np.maximum(tidy[:, list(non_negative)], 0.0)
        counts = np.full(len(chosen), float(len(held)))
        out[chosen] = np.column_stack([tidy, posterior[done], chi_square, counts])
        open_cells = open_cells[~done]
    return out


def _project(x: Floats, covariance: Floats, rows: Floats) -> tuple[Floats, Floats, Floats]:
    """Project on ``rows x = 0``: closed fluxes, posterior variances, Lagrange multipliers."""
    weighted = np.tensordot(covariance, rows, axes=(2, 1)).transpose(0, 2, 1)
    gram = weighted @ rows.T
    gain = np.linalg.solve(gram, weighted)
    force = np.linalg.solve(gram, (x @ rows.T)[:, :, None])[:, :, 0].astype(np.float64)
    closed: Floats = x - np.einsum("crf,cr->cf", weighted, force)
    before = np.diagonal(covariance, axis1=1, axis2=2)
    posterior: Floats = before - np.einsum("crf,crf->cf", weighted, gain)
    return closed, np.maximum(posterior, 0.0), force


def _candidate_sets(constraints: Floats, non_negative: Rows) -> list[Rows]:
    """List the sets of fluxes that can be held at zero, none following from the others."""
    fluxes = constraints.shape[1]
    sets = [
        held for size in range(len(non_negative) + 1) for held in combinations(non_negative, size)
    ]
    return [
        held
        for held in sets
        if np.linalg.matrix_rank(np.vstack([constraints, np.eye(fluxes)[list(held)]]))
        == len(constraints) + len(held)
    ]


def _solve_all(
    x: Floats, variance: Floats, shared: Floats, constraints: Floats, non_negative: Rows
) -> Floats:
    shape, fluxes = x.shape[:-1], x.shape[-1]
    given = x.reshape(-1, fluxes).astype(np.float64)
    spread = variance.reshape(given.shape).astype(np.float64)
    common = np.broadcast_to(shared, (*shape, *shared.shape[-2:]))
    common = common.reshape(len(given), *shared.shape[-2:]).astype(np.float64)
    known = (np.isfinite(part).reshape(len(given), -1).all(axis=1)
             for part in (given, spread, common))  # fmt: skip
    present = np.flatnonzero(np.logical_and.reduce([*known]))
    out = np.full((len(given), 2 * fluxes + 2), np.nan)
    for start in range(0, len(present), CELLS_AT_ONCE):
        rows = present[start : start + CELLS_AT_ONCE]
        covariance = _covariance(spread[rows], common[rows])
        out[rows] = solve(given[rows], covariance, constraints, non_negative)
    return out.reshape(*shape, -1)


def _covariance(independent: Floats, shared: Floats) -> Floats:
    """Sum the independent and the shared errors, (cells, fluxes, fluxes), and lift the smallest."""
    whole: Floats = shared @ shared.transpose(0, 2, 1)
    own = np.arange(independent.shape[1])
    largest = (independent + whole[:, own, own]).max(axis=1, keepdims=True)
    whole[:, own, own] += np.where(largest > 0, np.maximum(independent, FLOOR * largest), 1.0)
    return whole


def _shared(shared: xr.DataArray | None, names: list[str]) -> xr.DataArray:
    """Put the shared errors in the order of the fluxes; one source of nothing if there are none."""
    if shared is None:
        return xr.DataArray(np.zeros((len(names), 1)), dims=("flux", "source"))
    require_dims(shared, ("flux", "source"), name="shared")
    there = [str(name) for name in shared["flux"].values]
    lacking = [name for name in names if name not in there]
    if lacking:
        raise MissingVariableError(
            f"shared: expected {names} along 'flux', got no {lacking}; give 0 where none is shared"
        )
    return shared.sel(flux=names).drop_vars("flux")


def _stack(data: xr.Dataset, names: list[str]) -> xr.DataArray:
    parts = [data[name] for name in names]
    stacked = xr.concat(parts, "flux", coords="minimal", compat="override")
    return stacked if stacked.chunks is None else stacked.chunk(flux=-1)


def _require_variances(fluxes: xr.Dataset, variances: xr.Dataset, names: list[str]) -> None:
    lacking = [name for name in names if name not in variances]
    if lacking:
        raise MissingVariableError(
            f"variances: expected {names}, got no {lacking}; give a variance for each flux"
        )
    for name in names:
        require_same_grid(fluxes[name], variances[name], names=f"fluxes, variances ({name})")
        if variances[name].chunks is None and (variances[name] < 0).any():
            raise RangeError(
                f"variances.{name}: expected no negative value, got "
                f"{float(variances[name].min()):.4g}; give variances, not errors"
            )


def _unpack(solved: xr.DataArray, fluxes: xr.Dataset, names: list[str], budgets: int) -> Reconciled:
    unit = {"units": "gC m-2 d-1"}
    closed = {n: solved.isel(answer=i).assign_attrs(fluxes[n].attrs) for i, n in enumerate(names)}
    moved = {n: (closed[n] - fluxes[n]).assign_attrs(unit) for n in names}
    posterior = {
        n: solved.isel(answer=len(names) + i).assign_attrs(units="(gC m-2 d-1)2")
        for i, n in enumerate(names)
    }
    return Reconciled(
        adjusted=xr.Dataset(closed),
        adjustment=xr.Dataset(moved),
        posterior_variance=xr.Dataset(posterior),
        chi_square=solved.isel(answer=-2).rename("chi_square").assign_attrs(units="1"),
        freedom=budgets,
        held=solved.isel(answer=-1).rename("held").assign_attrs(units="1"),
    )
