"""Emulated respiration and stocks against observations that nobody has trained on."""

from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.checks import require_same_grid, require_units, require_variables
from uflux_stats.errors import MissingVariableError
from uflux_stats.grid.cells import latitude_bounds, longitude_bounds
from uflux_stats.grid.regrid import regrid
from uflux_stats.stats.metrics import score
from uflux_stats.stats.totals import total

GRAMS_PER_MEGAGRAM_HECTARE: Final = 100.0
GRAMS_PER_KILOGRAM: Final = 1000.0
RESPIRED: Final = ("Rs", "Rh")
LEFT_OUT: Final = "left_out"
"""Attribute of the pairs: by kind, measurements outside the grid and on cells without values."""


def soil_respiration_pairs(carbon: xr.Dataset, measured: pd.DataFrame) -> pd.DataFrame:
    """Pair measured soil respiration with the cell that it lies in.

    Places that share a cell are averaged, so that a well-studied forest counts once. Emulated Rh is
    compared with Rh; Rh + Ra has no counterpart in Rs, of which the roots' part is unknown, so Rs
    is compared with RECO as an upper bound.

    Parameters
    ----------
    carbon : xr.Dataset, ([member,] time, lat, lon) [gC m-2 d-1]
        Rh and RECO; the mean over members and years is taken.
    measured : pandas.DataFrame
        Of ``read_srdb``.

    Returns
    -------
    pandas.DataFrame
        One row per cell and kind: ``kind`` ("Rs" or "Rh"), ``lat``, ``lon``, ``observed``,
        ``modelled``, ``least`` (emulated Rh, which Rs should not be below) [gC m-2 yr-1], ``n``
        (measurements). ``attrs["left_out"]`` counts, by kind, measurements outside the grid and on
        cells without values.

    Raises
    ------
    MissingVariableError, UnitsError
        If a flux is missing or in another unit.
    """
    require_variables(carbon, ("Rh", "RECO"), name="carbon")
    yearly = {kind: _yearly(carbon[flux]) for kind, flux in (("Rh", "Rh"), ("Rs", "RECO"))}
    tables, left_out = [], {}
    for kind in RESPIRED:
        rows = measured[measured[kind].notna()]
        row, column = (
            _positions(rows[axis].to_numpy(float), bounds(carbon[axis]))
            for axis, bounds in (("lat", latitude_bounds), ("lon", longitude_bounds))
        )
        inside = (row >= 0) & (column >= 0)
        places = {"lat": xr.DataArray(row[inside], dims="row"),
                  "lon": xr.DataArray(column[inside], dims="row")}  # fmt: skip
        cells = yearly[kind].isel(places)
        table = pd.DataFrame(
            {
                "kind": kind,
                "lat": cells["lat"].values,
                "lon": cells["lon"].values,
                "observed": rows[kind].to_numpy()[inside],
                "modelled": cells.values,
                "least": yearly["Rh"].isel(places).values,
            }
        )
        known = table.dropna()
        left_out[kind] = {"outside the grid": int((~inside).sum()),
                          "on cells without values": len(table) - len(known)}  # fmt: skip
        grouped = known.groupby(["kind", "lat", "lon"], as_index=False)
        tables.append(
            grouped.agg(
                observed=("observed", "mean"),
                modelled=("modelled", "mean"),
                least=("least", "mean"),
                n=("observed", "size"),
            )
        )
    pairs = pd.concat(tables, ignore_index=True)
    pairs.attrs[LEFT_OUT] = left_out
    return pairs


def _positions(places: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.intp]:
    """Position of the cell that each place is in; -1 outside, the last edge being inside."""
    found: NDArray[np.intp] = np.searchsorted(edges, places, side="right") - 1
    found[places == edges[-1]] = len(edges) - 2
    found[(places < edges[0]) | (places > edges[-1])] = -1
    return found


def _yearly(flux: xr.DataArray) -> xr.DataArray:
    days = flux["time"].dt.days_in_month
    years = len(np.unique(flux["time"].dt.year))
    mean = flux.mean("member") if "member" in flux.dims else flux
    return (mean * days).sum("time", skipna=False) / years


def score_pairs(pairs: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Score each kind of measurement over cells, with the metrics of ``score``.

    Parameters
    ----------
    pairs : pandas.DataFrame
        Of ``soil_respiration_pairs``.

    Returns
    -------
    dict of dict
        By kind ("Rh", "Rs") and metric.
    """
    found = {}
    for kind, table in pairs.groupby("kind"):
        observed, modelled = (
            xr.DataArray(table[name].to_numpy(), dims="row", attrs={"units": "gC m-2 yr-1"})
            for name in ("observed", "modelled")
        )
        found[str(kind)] = _scores(score(observed, modelled))
    return found


def _scores(found: xr.Dataset) -> dict[str, float]:
    return {str(name): float(value) for name, value in found.data_vars.items()}


def compare_soil_carbon(
    stocks: xr.DataArray, observed: xr.DataArray, land_area: xr.DataArray
) -> tuple[dict[str, float], xr.Dataset]:
    """Compare soil carbon with a map.

    Parameters
    ----------
    stocks : xr.DataArray, (..., lat, lon) [gC m-2]
        The mean over other dims is taken.
    observed : xr.DataArray, (lat, lon) [gC m-2]
        Of ``read_soil_carbon``; on another grid it is regridded.
    land_area : xr.DataArray, (lat, lon) [m2]

    Returns
    -------
    scores : dict
        Metrics of ``score`` over cells where both are known, and ``total_modelled``,
        ``total_observed`` [PgC] over these.
    maps : xr.Dataset, (lat, lon) [kgC m-2]
        ``observed``, ``modelled`` and ``difference`` (modelled minus observed).

    Raises
    ------
    UnitsError
        If one is not in gC m-2.
    """
    require_units(stocks, "gC m-2", name="stocks")
    require_units(observed, "gC m-2", name="observed")
    mean = _mean(stocks)
    moved = _on(observed, mean)
    known = mean.notnull() & moved.notnull() & (land_area > 0)
    there, here = (
        field.where(known).reset_coords(drop=True).assign_attrs(units="gC m-2")
        for field in (moved, mean)
    )
    sums = [total(field, area=land_area).item() for field in (there, here)]
    found, maps = _compared(there, here, GRAMS_PER_KILOGRAM, "kgC m-2")
    return {**found, "total_observed": sums[0], "total_modelled": sums[1]}, maps


def compare_biomass(
    carbon: xr.Dataset, observed: xr.DataArray
) -> tuple[dict[str, float], xr.Dataset]:
    """Compare above-ground carbon with a map, in MgC ha-1 as foresters do.

    Parameters
    ----------
    carbon : xr.Dataset
        cAGB (..., lat, lon) [gC m-2]; the mean over other dims is taken.
    observed : xr.DataArray, (lat, lon) [gC m-2]
        Of ``read_cci_biomass``, on the same grid.

    Returns
    -------
    scores : dict
        Metrics of ``score``.
    maps : xr.Dataset, (lat, lon) [MgC ha-1]
        ``observed``, ``modelled`` and ``difference`` (modelled minus observed).

    Raises
    ------
    MissingVariableError
        If cAGB is not there.
    UnitsError, GridError
        If units or grids differ.
    """
    if "cAGB" not in carbon:
        raise MissingVariableError(
            "carbon: expected cAGB, got none; its models need leaf, wood and root carbon"
        )
    require_units(carbon["cAGB"], "gC m-2", name="carbon.cAGB")
    require_units(observed, "gC m-2", name="observed")
    require_same_grid(carbon["cAGB"], observed, names="carbon.cAGB, observed")
    modelled = _mean(carbon["cAGB"]).reset_coords(drop=True)
    return _compared(observed, modelled, GRAMS_PER_MEGAGRAM_HECTARE, "MgC ha-1")


def _mean(stocks: xr.DataArray) -> xr.DataArray:
    return stocks.mean([dim for dim in stocks.dims if dim not in ("lat", "lon")])


def _compared(
    observed: xr.DataArray, modelled: xr.DataArray, grams: float, units: str
) -> tuple[dict[str, float], xr.Dataset]:
    """Scores and maps of two fields [gC m-2], in a unit of ``grams`` gC m-2."""
    pair = {"observed": observed / grams, "modelled": modelled / grams}
    maps = xr.Dataset({**pair, "difference": pair["modelled"] - pair["observed"]})
    for name in maps.data_vars:
        maps[name].attrs = {"units": units}
    return _scores(score(maps["observed"], maps["modelled"])), maps


def compare_land_sink(nep: xr.DataArray, budget: xr.Dataset) -> pd.DataFrame:
    """Put the yearly land sink beside that of the Global Carbon Budget.

    Parameters
    ----------
    nep : xr.DataArray, ([member,] time, lat, lon) [gC m-2 d-1]
        With coordinate ``land_area``.
    budget : xr.Dataset
        Of ``read_gcb_land_sink``: S_LAND (model, year) [PgC yr-1].

    Returns
    -------
    pandas.DataFrame
        ``year``, ``NEP`` (mean over members), ``S_LAND`` (mean over models), ``S_LAND_low`` and
        ``S_LAND_high`` (5th and 95th percentile over models) [PgC yr-1]. NEP holds no fire,
        harvest or lateral flux, so it is the larger.
    """
    yearly = total(nep)
    mean = yearly.mean("member") if "member" in yearly.dims else yearly
    sink = budget["S_LAND"]
    years = np.intersect1d(mean["year"], sink["year"])
    chosen = sink.sel(year=years)
    return pd.DataFrame(
        {
            "year": years,
            "NEP": mean.sel(year=years).values,
            "S_LAND": chosen.mean("model").values,
            "S_LAND_low": chosen.quantile(0.05, "model").values,
            "S_LAND_high": chosen.quantile(0.95, "model").values,
        }
    )


def _on(observed: xr.DataArray, target: xr.DataArray) -> xr.DataArray:
    same = all(np.array_equal(observed[a], target[a]) for a in ("lat", "lon"))
    return observed if same else regrid(observed, target)
