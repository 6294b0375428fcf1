"""Flux towers of the FLUXNET network as one dataset on (site, time)."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal, TypedDict, Unpack

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.errors import DataFileError, MissingVariableError
from uflux_stats.io.badm import read_badm
from uflux_stats.io.catalog import data_source
from uflux_stats.io.co2 import co2_series
from uflux_stats.io.drops import Drop, Reason, dropped_report, to_json
from uflux_stats.io.fluxnet_columns import (
    Column,
    FluxnetOptions,
    driver_columns,
    target_columns,
)
from uflux_stats.io.fluxnet_files import TowerFile, metadata_files, sources_of, tower_files
from uflux_stats.io.fluxnet_names import STEPS
from uflux_stats.io.fluxnet_table import TowerTable, read_table
from uflux_stats.io.fluxnet_twice import require_distinct
from uflux_stats.io.sites import read_fapar, read_sites
from uflux_stats.schema import MISSING_CLASS, variable

__all__ = ["FluxnetOptions", "dropped_report", "read_fapar", "read_fluxnet", "read_sites"]

CLASSES: Final = ("IGBP", "KOPPEN")
STATICS: Final = (*CLASSES, "C4", "DEM")


class MoreOptions(TypedDict, total=False):
    """Rarely needed keywords of ``read_fluxnet``; ``FluxnetOptions`` tells what they mean."""

    reference: str
    ustar: Literal["VUT", "CUT"]
    latent_heat: Literal["LE_F_MDS", "LE_CORR"]
    co2: Literal["global", "tower"]
    limits: dict[str, tuple[float, float]]


def _beside(path: Path, patterns: Iterable[str], *, name: str) -> Path | None:
    """Find the one file of a pattern in the folder of the towers, or else in its parent."""
    folder = path if path.is_dir() else path.parent
    for place in (folder, folder.resolve().parent):
        for pattern in patterns:
            found = [file for file in sorted(place.glob(pattern)) if file.is_file()]
            if len(found) > 1:
                names = [file.name for file in found]
                raise DataFileError(
                    f"{name}: expected one file like {pattern!r} in {place}, got {names}; "
                    f"say which with {name}="
                )
            if found:
                return found[0]
    return None


def _require_columns(table: pd.DataFrame, needed: Iterable[str], *, name: str) -> pd.DataFrame:
    if lacking := [column for column in needed if column not in table]:
        raise MissingVariableError(
            f"{name}: expected columns {lacking}, got {list(table)}; "
            f"give the path of the csv, or what read_{name} returns"
        )
    return table


def site_metadata(path: Path, given: str | Path | pd.DataFrame | None) -> pd.DataFrame:
    """Read the site table given or found; what it lacks comes from BADM files among the towers'.

    Parameters
    ----------
    path : Path
        Where the towers are.
    given : path or pandas.DataFrame, optional
        As ``sites`` of ``read_fluxnet``.

    Returns
    -------
    pandas.DataFrame
        As of ``read_sites``.
    """
    if isinstance(given, pd.DataFrame):
        return _require_columns(given, ("lat", "lon", *STATICS), name="sites")
    metadata = read_badm(metadata_files(path))
    file = given or _beside(path, ("fluxnet2015_sites.csv", "*sites*.csv"), name="sites")
    if file is None:
        return metadata
    table = read_sites(file)
    if metadata.empty:
        return table
    known = {name: table[name].mask(table[name] == MISSING_CLASS) for name in CLASSES}
    return table.assign(**known).combine_first(metadata)


def _fapar_table(path: Path, given: str | Path | pd.DataFrame | None) -> pd.DataFrame | None:
    if isinstance(given, pd.DataFrame):
        return _require_columns(given, ("FAPAR",), name="fapar")
    file = given or _beside(path, ("*fapar*.csv*",), name="fapar")
    return None if file is None else read_fapar(file)


def _require_somewhere(tables: list[TowerTable], columns: tuple[Column, ...]) -> None:
    """Raise unless each column and its quality is in at least one file."""
    there = frozenset[str]().union(*(table.sources for table in tables))
    wanted = {column.source for column in columns}
    wanted |= {column.quality for column in columns if column.quality is not None}
    if lacking := sorted(wanted - there):
        raise MissingVariableError(
            f"path: expected columns {lacking} in at least one file, got none of "
            f"{len(tables)}; choose another reference, ustar or partitioning, or read FULLSET"
        )


def _time_axis(tables: list[TowerTable]) -> pd.DatetimeIndex:
    """Months from the first to the last of any tower, without gaps."""
    filled = [table.values.index for table in tables if len(table.values)]
    if not filled:
        raise DataFileError("path: expected at least one usable month, got none; see the files")
    first, last = min(index[0] for index in filled), max(index[-1] for index in filled)
    return pd.date_range(first, last, freq="MS", name="time").as_unit("ns")


def _with_fapar(table: TowerTable, fapar: pd.DataFrame | None) -> TowerTable:
    """Add the column FAPAR at the months of the tower."""
    values = pd.Series(np.nan, index=table.values.index)
    if fapar is not None and table.site in fapar.index.get_level_values("site"):
        values = fapar["FAPAR"].xs(table.site, level="site").reindex(values.index)
    row = variable("FAPAR")
    outside = values.notna() & ~values.between(row.low, row.high)
    drops = (
        Drop(table.site, "FAPAR", Reason.NO_FAPAR, int(values.isna().sum())),
        Drop(table.site, "FAPAR", Reason.RANGE, int(outside.sum())),
    )
    extended = table.values.assign(FAPAR=values.mask(outside))
    return TowerTable(table.site, extended, table.sources, table.drops + drops)


def _with_co2(table: TowerTable) -> TowerTable:
    """Add the column CO2, or fill its gaps, with the global mean."""
    index = table.values.index
    months = xr.DataArray(index.to_numpy(), dims="time")
    background = pd.Series(co2_series(months, outside="missing").values, index=index)
    tower = table.values.get("CO2", pd.Series(np.nan, index=index))
    drops = tuple(drop for drop in table.drops if drop.variable != "CO2")
    unknown = int((tower.isna() & background.isna()).sum())
    drops += (Drop(table.site, "CO2", Reason.NO_CO2, unknown),)
    if "CO2" in table.values:
        replaced = int(tower.isna().sum()) - unknown
        drops += (Drop(table.site, "CO2", Reason.CO2_REPLACED, replaced),)
    filled = table.values.assign(CO2=tower.fillna(background))
    return TowerTable(table.site, filled, table.sources, drops)


def _stack(tables: list[TowerTable], names: list[str]) -> xr.Dataset:
    """Put the towers below each other on their common time axis."""
    time = _time_axis(tables)
    sites = [table.site for table in tables]
    data = {name: np.full((len(sites), len(time)), np.nan) for name in names}
    for row, table in enumerate(tables):
        where = time.get_indexer(table.values.index)
        for name in names:
            data[name][row, where] = table.values[name].to_numpy()
    variables = {
        name: (("site", "time"), values, variable(name).attrs) for name, values in data.items()
    }
    return xr.Dataset(variables, coords={"site": sites, "time": time})


def _static(rows: pd.DataFrame, name: str) -> np.ndarray:
    """Values of one static; classes are whole numbers, unknown ones ``MISSING_CLASS``."""
    if name in CLASSES:
        return rows[name].fillna(MISSING_CLASS).astype(int).to_numpy()
    return rows[name].astype(float).to_numpy()


def _with_statics(towers: xr.Dataset, sites: pd.DataFrame) -> tuple[xr.Dataset, list[Drop]]:
    """Add what does not change with time; a site without metadata keeps its fluxes."""
    names = [str(name) for name in towers["site"].values]
    rows = sites.reindex(names)
    drops = []
    for name in ("lat", "lon", *STATICS):
        unknown = rows[name].isna() | ((rows[name] == MISSING_CLASS) & (name in CLASSES))
        drops += [Drop(str(site), name, Reason.NO_STATIC, 1) for site in rows.index[unknown]]
    statics = {name: ("site", _static(rows, name), variable(name).attrs) for name in STATICS}
    places = {
        "lat": ("site", rows["lat"].to_numpy(dtype=float), {"units": "degrees_north"}),
        "lon": ("site", rows["lon"].to_numpy(dtype=float), {"units": "degrees_east"}),
    }
    return towers.assign(statics).assign_coords(places), drops


def _steps(files: list[TowerFile]) -> str:
    """Tell how many files are of which step, as in "2 daily, 14 monthly"."""
    counts = Counter(STEPS[file.step] for file in files)
    return ", ".join(f"{n} {step}" for step, n in sorted(counts.items()))


def read_fluxnet(
    path: str | Path,
    *,
    qc: float | None = 0.8,
    sites: str | Path | pd.DataFrame | None = None,
    fapar: str | Path | pd.DataFrame | None = None,
    partitioning: Literal["NT", "DT"] = "NT",
    **more: Unpack[MoreOptions],
) -> xr.Dataset:
    """Read files of the FLUXNET family, of any number of towers, as monthly means.

    FLUXNET2015, AmeriFlux FLUXNET, Warm Winter 2020, FLUXNET of 2025 and archives of ICOS, SUBSET
    or FULLSET, half-hourly to monthly; yearly files cannot be divided into months. Targets below
    ``qc`` become NaN; drivers are never filtered by quality. Negative GPP from night-time
    partitioning is a measurement and stays. A month that lies outside the possible range, is
    missing, or stands twice with different values is NaN. ``dropped_report`` counts all of this.

    Parameters
    ----------
    path : str or Path
        Folder (with sub-folders), zip archive (of csv files or of one archive per site) or csv
        file. Of several files of a site the newest release counts, and of one release the
        monthly, daily, half-hourly or weekly file, in this order. Finer steps are averaged: a month
        needs half of its steps, and its quality is the share of them that is good.
    qc : float or None
        Smallest fraction of good data, 0 to 1, of a month of a target.
    sites : path or pandas.DataFrame, optional
        Site table, see ``read_sites``. Without it, ``fluxnet2015_sites.csv`` or ``*sites*.csv``
        is looked for in the folder of ``path`` and then in its parent. What the table lacks comes
        from BADM files (``*_BIF_*``, ``*_SITEINFO_*``) among the towers'. Sites that are in
        neither keep their fluxes, with unknown statics.
    fapar : path or pandas.DataFrame, optional
        Table of fAPAR, see ``read_fapar`` (a selection of its rows by source serves too).
        Without it, ``*fapar*.csv*`` is looked for likewise; without any, FAPAR is NaN.
    partitioning : {"NT", "DT"}
        Night-time or daytime partitioning of NEE into GPP and RECO.
    **more
        reference, ustar, latent_heat, co2, limits: see ``FluxnetOptions``.

    Returns
    -------
    xr.Dataset
        On (site, time), months without gaps from the first to the last of any tower: TA, TS
        [degC], VPD [hPa], SWIN, LWIN, RNET [W m-2], P [mm d-1], PA [kPa], CO2 [ppm], FAPAR [1];
        GPP, RECO, NEE [gC m-2 d-1], LE [W m-2]. On (site,): IGBP, KOPPEN [class], C4 [1],
        DEM [m] and the coordinates lat, lon.

    Raises
    ------
    DataFileError
        If nothing that gives months is there, a file is damaged or contradicts another, or one
        tower is there under two names.
    MissingVariableError
        If no file has the columns of a target.
    ConfigError
        If an option has a value that does not exist.

    References
    ----------
    Pastorello, G. et al. (2020), The FLUXNET2015 dataset and the ONEFlux processing pipeline for
    eddy covariance data, Sci. Data 7, 225, doi 10.1038/s41597-020-0534-3.

    Examples
    --------
    >>> read_fluxnet("nowhere/")
    Traceback (most recent call last):
    uflux_stats.errors.DataFileError: path: expected a folder, zip or csv, got nowhere; ...
    """
    options = FluxnetOptions(qc=qc, partitioning=partitioning, **more)
    files, drops = tower_files(path)
    targets = target_columns(options)
    columns = (*driver_columns(options), *targets)
    tables = [read_table(file, columns, options.qc) for file in files]
    require_distinct(tables)
    _require_somewhere(tables, targets)

    greenness = _fapar_table(Path(path), fapar)
    tables = [_with_co2(_with_fapar(table, greenness)) for table in tables]
    drivers = [column.name for column in columns if column.quality is None and column.name != "CO2"]
    names = [*drivers, "CO2", "FAPAR", *(column.name for column in targets)]
    towers, unknown = _with_statics(_stack(tables, names), site_metadata(Path(path), sites))
    drops += [*unknown, *(drop for table in tables for drop in table.drops)]
    for column in targets:
        towers[column.name].attrs["source"] = column.source
    sources = [data_source(key) for key in sources_of(files)]
    return towers.assign_attrs(
        title="FLUXNET towers, monthly",
        steps=_steps(files),
        references="; ".join(source.reference for source in sources),
        license="; ".join(dict.fromkeys(source.licence for source in sources)),
        qc="none" if qc is None else qc,
        partitioning=partitioning,
        reference=f"{options.ustar}_{options.reference}",
        co2=options.co2,
        dropped=to_json(drops),
    )
