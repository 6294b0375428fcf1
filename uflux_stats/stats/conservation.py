"""Do fluxes and stocks add up? Residuals of the carbon budget, per cell and in total.

The budget is NEP = GPP - RECO, RECO = Ra + Rh, NPP = GPP - Ra, and the change of all stocks against
NEP (without fire, harvest and change of land use). A residual is left side minus right side.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.checks import require_same_grid, require_variables
from uflux_stats.choices import require_choice
from uflux_stats.errors import MissingVariableError
from uflux_stats.grid.regions import By, region_masks
from uflux_stats.stats.result import Result
from uflux_stats.stats.totals import total
from uflux_stats.stats.yearly import month_matrix, yearly_means

FLUX_FLOOR: Final = 0.01
"""Smallest scale of a relative residual of fluxes [gC m-2 d-1]."""
STOCK_FLOOR: Final = 1.0
"""Smallest scale of a relative residual of yearly stock changes [gC m-2]."""
CLOSED: Final = 1e-6
"""Relative residual up to which a budget counts as closed: what single precision holds."""
STOCK_CLOSED: Final = 1e-2
"""The same for the change of stocks, a small difference of large numbers in single precision."""
_DECEMBER: Final = 12
POOLS: Final = ("cVeg", "cLitter", "cSoil")
"""The pools that together hold all carbon of an ecosystem; others are parts of them."""


@dataclass(frozen=True)
class Budget:
    """One closed sum: ``left`` equals the signed sum of ``right``."""

    left: str
    right: tuple[tuple[str, int], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Every variable of the budget."""
        return (self.left, *(name for name, _ in self.right))


BUDGETS: Final[dict[str, Budget]] = {
    "NEP": Budget("NEP", (("GPP", 1), ("RECO", -1))),
    "RECO": Budget("RECO", (("Ra", 1), ("Rh", 1))),
    "GPP": Budget("NPP", (("GPP", 1), ("Ra", -1))),
}
"""Eqs 25 to 27, each under the flux that it splits."""


def residual(data: xr.Dataset, budget: str) -> xr.DataArray:
    """Left side minus right side of one budget.

    Parameters
    ----------
    data : xr.Dataset, any dims [gC m-2 d-1]
        With the variables of the budget.
    budget : {"NEP", "RECO", "GPP"}
        NEP - (GPP - RECO), RECO - (Ra + Rh) or NPP - (GPP - Ra).

    Returns
    -------
    xr.DataArray, same dims [gC m-2 d-1]

    Raises
    ------
    MissingVariableError, UnitsError
        If a variable is missing or in another unit.
    ConfigError
        If the budget is unknown.

    Examples
    --------
    >>> flux = {"units": "gC m-2 d-1"}
    >>> data = xr.Dataset({"RECO": ((), 5.0, flux), "Ra": ((), 3.0, flux), "Rh": ((), 1.5, flux)})
    >>> residual(data, "RECO").item()
    0.5
    """
    require_choice(budget, BUDGETS, name="budget")
    terms = BUDGETS[budget]
    require_variables(data, terms.names, name="data")
    (first, _), (second, sign) = terms.right
    right = data[first] + sign * data[second]
    return (data[terms.left] - right).rename(f"residual_{budget}").assign_attrs(units="gC m-2 d-1")


def relative(
    residuals: xr.DataArray, terms: Iterable[xr.DataArray], *, floor: float
) -> xr.DataArray:
    """Size of a residual against the largest term of its budget.

    Parameters
    ----------
    residuals : xr.DataArray, any dims
        In the unit of the terms.
    terms : iterable of xr.DataArray
        The terms of the budget.
    floor : float
        Smallest scale, so that a residual of nothing in a desert is not a large one.

    Returns
    -------
    xr.DataArray, same dims [1]
        Never negative.
    """
    scale = reduce(_larger, map(abs, terms)).clip(min=floor)
    return (abs(residuals) / scale).assign_attrs(units="1")


def stock_change(data: xr.Dataset, *, pools: Iterable[str] = POOLS) -> xr.DataArray:
    """Change of the summed pools from one year to the next.

    Parameters
    ----------
    data : xr.Dataset, (year, ...) [gC m-2]
        With the ``pools``, each the stock at the end of its year; of months, December counts.
    pools : iterable of str
        Pools that together hold all carbon and do not overlap.

    Returns
    -------
    xr.DataArray, (year, ...) [gC m-2 yr-1]
        Labelled by the later year; the first year is not there, and a change over a gap of years
        is missing.

    Raises
    ------
    MissingVariableError, UnitsError
        If a pool is missing or in another unit.
    """
    names = list(pools)
    require_variables(data, names, name="data")
    stocks = _year_end(sum((data[name] for name in names[1:]), start=data[names[0]]))
    step = stocks["year"].diff("year")
    change = stocks.diff("year").where(step == 1)
    return change.rename("stock_change").assign_attrs(units="gC m-2 yr-1")


def _year_end(stocks: xr.DataArray) -> xr.DataArray:
    """Stocks at the end of each year: those of a year, or of its December."""
    if "time" not in stocks.dims:
        return stocks
    december = stocks.isel(time=stocks["time"].dt.month.values == _DECEMBER)
    years = stocks["time"].dt.year.values
    if december.sizes["time"] == 0 or years.size == np.unique(years).size:
        return yearly_means(stocks)
    dated = december.assign_coords(year=("time", december["time"].dt.year.values))
    return dated.swap_dims(time="year").drop_vars("time")


def yearly_sum(flux: xr.DataArray) -> xr.DataArray:
    """Sum a monthly flux over each calendar year, per square metre.

    Parameters
    ----------
    flux : xr.DataArray, (time, ...) [gC m-2 d-1]
        Months that are not in whole years are left out.

    Returns
    -------
    xr.DataArray, (year, ...) [gC m-2 yr-1]
        Missing where a month is.
    """
    days = month_matrix(flux["time"].dt.days_in_month.astype(float), "time")
    summed = (month_matrix(flux, "time") * days).sum("month", skipna=False)
    return summed.rename(flux.name).assign_attrs(units="gC m-2 yr-1")


def stock_residual(data: xr.Dataset, *, lag: int = 0, pools: Iterable[str] = POOLS) -> xr.Dataset:
    """Compare the yearly change of stocks with the NEP of the year, or of some years before.

    Parameters
    ----------
    data : xr.Dataset
        NEP (time, ...) [gC m-2 d-1] and the ``pools`` (year, ...) [gC m-2], end of year.
    lag : int
        Years by which the stocks follow NEP; the change of year y is compared with NEP of y - lag.
    pools : iterable of str
        As in ``stock_change``.

    Returns
    -------
    xr.Dataset, (year, ...) [gC m-2 yr-1]
        ``stock_change``, ``NEP`` and ``residual_stock`` (change minus NEP), over the common years.

    Raises
    ------
    MissingVariableError, UnitsError
        If a variable is missing or in another unit.
    """
    require_variables(data, ["NEP"], name="data")
    change, nep = stock_change(data, pools=pools), yearly_sum(data["NEP"])
    nep = nep.assign_coords(year=nep["year"] + lag)
    common = [year for year in change["year"].values if year in set(nep["year"].values)]
    change, nep = change.sel(year=common), nep.sel(year=common)
    require_same_grid(change, nep, names="pools, NEP")
    difference = (change - nep).assign_attrs(units="gC m-2 yr-1")
    return xr.Dataset({"stock_change": change, "NEP": nep, "residual_stock": difference})


@dataclass(frozen=True, eq=False, repr=False)
class Conservation(Result):
    """Fields of all budgets; as a table, one row per budget and region."""

    def to_frame(self, *, by: By | Sequence[By] | None = None) -> pd.DataFrame:
        """Give one row per budget and region: how far it is open in its cells, and in total.

        Parameters
        ----------
        by : str or sequence of str, optional
            Kinds of regions, as in ``total``; by default all land.

        Returns
        -------
        pd.DataFrame
            ``budget``, ``region``; of cells and steps ``max_relative`` and ``mean_relative`` [1]
            and ``open_share``, the share with a relative residual above 1e-6 (stocks: 0.01, what
            single precision leaves of their change) [1]; ``total`` [PgC yr-1] (mean over years;
            missing without coordinate ``land_area``).
        """
        rows = [
            row
            for name in (*BUDGETS, "stock")
            if f"residual_{name}" in self.data
            for row in self._rows(name, by)
        ]
        frame = pd.DataFrame(rows)
        sizes = {"max_relative": "1", "mean_relative": "1", "open_share": "1"}
        frame.attrs = {"units": {**sizes, "total": "PgC yr-1"}, **self.data.attrs}
        return frame

    def _rows(self, name: str, by: By | Sequence[By] | None) -> list[dict[str, float | str]]:
        sizes, residuals = self.data[f"relative_{name}"], self.data[f"residual_{name}"]
        most = STOCK_CLOSED if name == "stock" else CLOSED
        everywhere = xr.DataArray([True], {"region": ["all"]}, ("region",))
        if "land_area" not in residuals.coords or not {"lat", "lon"} <= set(residuals.dims):
            cells = _cell_statistics(sizes, everywhere, most)
            return [{"budget": name, "region": "all", **cells["all"], "total": float("nan")}]
        if name == "stock":
            residuals = residuals.assign_attrs(units="gC m-2")
        kinds: Sequence[By] = ("globe",) if by is None else (by,) if isinstance(by, str) else by
        masks = xr.concat([region_masks(sizes, kind) for kind in kinds], "region")
        cells = _cell_statistics(sizes, masks, most)
        summed = total(residuals, by=kinds)
        means = summed.mean([d for d in summed.dims if d != "region"])
        pairs = zip(means["region"].values, means.values, strict=True)
        return [{"budget": name, "region": r, **cells[r], "total": float(t)} for r, t in pairs]


def _cell_statistics(
    sizes: xr.DataArray, masks: xr.DataArray, most: float
) -> dict[str, dict[str, float]]:
    """Sum relative residuals up over the cells and steps of each region."""
    space = [dim for dim in ("lat", "lon") if dim in masks.dims]
    steps = [dim for dim in sizes.dims if dim not in space]
    # double precision: sums in single precision depend on where arrays lie in memory
    whole = sizes.reset_coords(drop=True).astype(np.float64)
    largest, known = whole.max(steps), whole.notnull().sum(steps)
    summed, opened = whole.sum(steps), (whole > most).sum(steps)
    return {
        str(region): _region_statistics(
            masks.sel(region=region, drop=True), largest, (known, summed, opened)
        )
        for region in masks["region"].values
    }


def _region_statistics(
    inside: xr.DataArray, largest: xr.DataArray, sums: tuple[xr.DataArray, ...]
) -> dict[str, float]:
    count, summed, opened = (float(field.where(inside, 0).sum()) for field in sums)
    return {
        "max_relative": float(largest.where(inside).max()),
        "mean_relative": summed / count if count else float("nan"),
        "open_share": opened / count if count else float("nan"),
    }


def conservation(data: xr.Dataset, *, lag: int = 0, pools: Iterable[str] = POOLS) -> Conservation:
    """Measure every budget that the variables allow, as fields and as one table.

    Parameters
    ----------
    data : xr.Dataset
        Fluxes (time, ...) [gC m-2 d-1] and stocks (year, ...) [gC m-2]; any of the budgets.
    lag : int
        Years by which stocks follow NEP.
    pools : iterable of str
        Pools that together hold all carbon and do not overlap.

    Returns
    -------
    Conservation
        Per budget (``NEP``, ``RECO``, ``GPP``, ``stock``) the fields ``residual_X`` [gC m-2 d-1;
        stock: gC m-2 yr-1] and ``relative_X`` [1]; ``to_frame()`` sums them up in one table.

    Raises
    ------
    MissingVariableError
        If no budget has all its variables.
    UnitsError
        If a variable is in another unit.

    Examples
    --------
    >>> flux = {"units": "gC m-2 d-1"}
    >>> data = xr.Dataset({"RECO": ((), 5.0, flux), "Ra": ((), 3.0, flux), "Rh": ((), 1.5, flux)})
    >>> conservation(data)["relative_RECO"].item()
    0.1
    """
    fields: dict[str, xr.DataArray] = {}
    for name, budget in BUDGETS.items():
        if all(term in data for term in budget.names):
            found, terms = residual(data, name), [data[term] for term in budget.names]
            fields[f"residual_{name}"] = found
            fields[f"relative_{name}"] = relative(found, terms, floor=FLUX_FLOOR)
    if "NEP" in data and all(pool in data for pool in pools):
        stocks = stock_residual(data, lag=lag, pools=pools)
        fields["residual_stock"] = stocks["residual_stock"]
        terms = [stocks["stock_change"], stocks["NEP"]]
        fields["relative_stock"] = relative(stocks["residual_stock"], terms, floor=STOCK_FLOOR)
    if not fields:
        raise MissingVariableError(
            f"data: expected all variables of a budget {[b.names for b in BUDGETS.values()]}, "
            f"got {sorted(map(str, data.data_vars))}; add the missing ones"
        )
    return Conservation(xr.Dataset(fields, attrs={"lag": lag}), "Conservation of carbon")


def _larger(first: xr.DataArray, second: xr.DataArray) -> xr.DataArray:
    larger: xr.DataArray = xr.apply_ufunc(np.maximum, first, second, dask="allowed")
    return larger
