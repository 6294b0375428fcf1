"""Files of the twin Earth other than those of the pretend vegetation models."""

import gzip
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.io.twin.measure import tower_table
from uflux_stats.io.twin.options import NOTICE, TWIN_VERSION, TwinOptions, TwinPaths
from uflux_stats.io.twin.planet import Axes
from uflux_stats.io.twin.towers import Network
from uflux_stats.schema import IGBP_CLASSES, KOPPEN_CLASSES, variable

STATIC: Final = ("IGBP", "KOPPEN", "C4", "DEM", "LANDFRAC")


def write_drivers(planet: xr.Dataset, weather: xr.Dataset, axes: Axes, path: Path) -> None:
    """Write all drivers (time, lat, lon) with static ones (lat, lon) in canonical units."""
    static = planet[list(STATIC)].drop_vars(["lat", "lon"])
    cells = xr.merge([weather.drop_vars(["lat", "lon"]), static], join="exact")
    for name in cells.data_vars:
        cells[name].attrs = variable(str(name)).attrs
    grid = axes.spread(cells)
    grid["LANDFRAC"] = grid["LANDFRAC"].fillna(0.0)
    save(grid, path, "Drivers")


def write_towers(network: Network, paths: TwinPaths, options: TwinOptions) -> None:
    """Write one monthly table per tower, the table of sites and that of FAPAR."""
    names = [str(name) for name in network.sites["site"].values]
    for position, name in enumerate(names):
        table = tower_table(network, position, options)
        first, last = table["TIMESTAMP"].iloc[0][:4], table["TIMESTAMP"].iloc[-1][:4]
        file = f"TWIN_{name}_FLUXNET2015_SUBSET_MM_{first}-{last}_1-4.csv"
        _write_csv(table, paths.towers / file)
    _write_csv(_site_table(network), paths.sites)
    text = _fapar_table(network, options).to_csv(index=False, lineterminator="\n")
    paths.fapar.write_bytes(gzip.compress(text.encode(), mtime=0))


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, lineterminator="\n", float_format="%.6g")


def _site_table(network: Network) -> pd.DataFrame:
    """Columns of the real table of sites; unknown ones stay empty."""
    sites, weather = network.sites, network.weather
    c4 = sites["C4"].values
    main = [KOPPEN_CLASSES[int(code)] for code in sites["KOPPEN"].values]
    return pd.DataFrame(
        {
            "site": sites["site"].values,
            "lat": sites["lat"].values.round(4),
            "lon": sites["lon"].values.round(4),
            "igbp": [IGBP_CLASSES[int(code)] for code in sites["IGBP"].values],
            "koppen": sites["koppen_code"].values,
            "koppen_main": main,
            "koppen_falge": "",
            "elev": sites["DEM"].values.round(0),
            "c4_site": np.select([c4 < 0.3, c4 > 0.6], ["C3", "C4"], "mix"),
            "c4_percent": (100 * c4).round(2),
            "utc_offset": (sites["lon"].values / 15).round(0),
            "mat": weather["TA"].mean("time").values.round(1),
            "map": (365.25 * weather["P"].mean("time").values).round(0),
            "whc": 150.0,
        }
    )


def _fapar_table(network: Network, options: TwinOptions) -> pd.DataFrame:
    """Columns of the real table of FAPAR, for the months of each record; a few are missing."""
    rng = options.rng("fapar")
    fapar, tables = network.weather["FAPAR"].values, []
    for position, name in enumerate(network.sites["site"].values):
        first, last = (int(network.sites[end].values[position]) for end in ("first", "last"))
        true = fapar[first : last + 1, position]
        seen = np.clip(true + 0.015 * rng.standard_normal(true.size), 0, 1).round(4)
        seen[rng.uniform(size=true.size) < 0.025] = np.nan
        leaves = (-np.log(1 - np.minimum(true, 0.95)) / 0.5).round(2)
        tables.append(
            pd.DataFrame(
                {
                    "site": name,
                    "time": options.time[first : last + 1].strftime("%Y-%m"),
                    "fapar": seen,
                    "fapar_src": "twin",
                    "lai": leaves,
                    "lai_clim": leaves.mean().round(4),
                    "co2_glob": network.weather["CO2"].values[first : last + 1].round(2),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def tower_truth(network: Network) -> xr.Dataset:
    """Noise-free fluxes (site, time) and parameters (site,) under names that begin with tower."""
    fluxes = network.fluxes.drop_vars(["lat", "lon"]).rename(cell="site").transpose("site", "time")
    parameters = {"tower_Rref": "rref", "tower_Q10": "q10", "tower_closure": "closure"}
    units = {"tower_Rref": "gC m-2 d-1", "tower_Q10": "1", "tower_closure": "1"}
    truth = fluxes.rename({name: f"tower_{name}" for name in fluxes.data_vars})
    for name, source in parameters.items():
        truth[name] = ("site", network.sites[source].values, {"units": units[name]})
    apparent = _apparent_q10(network)
    truth["tower_Q10_apparent"] = (
        "site",
        apparent,
        {"units": "1", "comment": "from a straight line of ln RECO on TA, free of noise"},
    )
    return truth.assign_coords(site=("site", network.sites["site"].values.astype(str)))


def _apparent_q10(network: Network) -> NDArray[np.float64]:
    """Q10 that temperature alone would suggest at each tower, moisture and substrate unseen."""
    air = network.weather["TA"] - network.weather["TA"].mean("time")
    logs = np.log(network.fluxes["RECO"].clip(1e-4))
    return np.asarray(np.exp(10 * ((air * logs).sum("time") / (air**2).sum("time")).values))


def save(data: xr.Dataset, path: Path, title: str) -> None:
    """Write a NetCDF file whose bytes depend on ``data`` alone."""
    data = data.assign_attrs(Conventions="CF-1.11", title=f"{title}. {NOTICE}")
    encoding: dict[str, dict[str, Any]] = {}
    for name, values in data.data_vars.items():
        if values.dtype.kind == "f":
            kind = np.float32 if "time" in values.dims else np.float64
            encoding[str(name)] = {"dtype": kind, "zlib": values.ndim > 1, "complevel": 1}
    # Characters, because HDF5 strings of any length do not give the same bytes every time
    encoding |= {str(name): {"dtype": "S1"} for name in data.coords if data[name].dtype.kind == "U"}
    if "time" in data.coords:
        encoding["time"] = {"units": "days since 1900-01-01", "calendar": "standard"}
    data.to_netcdf(path, engine="netcdf4", encoding=encoding)


def write_manifest(options: TwinOptions, truths: dict[str, Any], path: Path) -> None:
    """Say what this is, from which options, and what is true."""
    content = {
        "NOTICE": NOTICE,
        "generated": True,
        "version": TWIN_VERSION,
        "options": asdict(options),
        "truth": truths,
    }
    path.write_text(json.dumps(content, indent=1) + "\n")
