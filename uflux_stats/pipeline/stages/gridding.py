"""Stages of the engine on the grid: upscaling, and totals of what came out."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import xarray as xr

from uflux_stats.grid.polygons import RegionSet
from uflux_stats.grid.regions import REGION_KIND, By
from uflux_stats.io.store import write_netcdf
from uflux_stats.io.zarr_store import open_store
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.calibration import calibrated
from uflux_stats.pipeline.stages.data import gridded
from uflux_stats.pipeline.stages.engine import REFINER
from uflux_stats.refinement import Refiner
from uflux_stats.refinement import upscale as write_fluxes
from uflux_stats.refinement.upscaling import UpscaleOptions, require_usable
from uflux_stats.reporting.numbers import Number, key, number
from uflux_stats.stats.iav import iav, iav_contribution
from uflux_stats.stats.totals import FLUX_TOTAL, total
from uflux_stats.stats.trend import trend_of_totals
from uflux_stats.stats.yearly import FEWEST_YEARS

FLUXES: Final = "fluxes.zarr"
STATISTICS: Final = "statistics.nc"
PARTS: Final[tuple[By, ...]] = ("continent", "pft", "tropics")
BY: Final[tuple[By, ...]] = ("globe", *PARTS)
_INTERVAL: Final = (0.05, 0.95)


def check_drivers(task: Task) -> Mapping[str, Number]:
    """Fail early if the grid lacks what the refiner needs: validation takes long."""
    require_usable(Refiner.load(task.input(REFINER)), gridded(task))
    return {}


def upscale(task: Task) -> Mapping[str, Number]:
    """Predict the grid, band by band."""
    refiner = Refiner.load(task.input(REFINER))
    told = calibrated(task) if task.settings["calibrated"] else {}
    options = UpscaleOptions(rows=task.settings["rows"], threads=task.workers, **told)
    write_fluxes(refiner, gridded(task), task.output(FLUXES), options)
    return {}


def statistics(task: Task) -> Mapping[str, Number]:
    """Totals of the fluxes by region, member by member, and how they change from year to year."""
    fluxes = open_store(task.input(FLUXES))
    summed = regional_totals(fluxes, task.settings["regions"])
    write_netcdf(
        summed,
        task.output(STATISTICS),
        title="Yearly totals of the cubes by region",
        precision="float64",
    )
    return {
        **dict(_total_numbers(summed)),
        **dict(_change_numbers(summed)),
        **dict(share_numbers(summed)),
    }


def regional_totals(fluxes: xr.Dataset, regions: RegionSet) -> xr.Dataset:
    """Sum every flux over every region.

    Parameters
    ----------
    fluxes : xr.Dataset, (member, time, lat, lon)
        Of ``upscale``.
    regions : {"geographic", "natural_earth"}

    Returns
    -------
    xr.Dataset, (member, year, region)
        GPP, RECO, NEP (learned directly), NEP_difference [PgC yr-1], LE [W m-2]; and
        NEP_reconciled where the store has it.
    """
    carbon = {
        name: fluxes[name]
        for name in ("GPP", "RECO", "LE", "GPP_reconciled", "RECO_reconciled")
        if name in fluxes
    }
    for name in ("NEE", "NEE_difference", "NEE_reconciled"):
        if name in fluxes:
            flux = fluxes[name]
            carbon[name.replace("NEE", "NEP")] = (-flux).assign_attrs(units=flux.attrs["units"])
    one_by_one = (xr.Dataset(carbon).isel(member=[m]) for m in range(fluxes.sizes["member"]))
    summed = [
        xr.Dataset({name: total(flux.load(), by=BY, regions=regions)
                    for name, flux in member.items()})
        for member in one_by_one
    ]  # fmt: skip
    return xr.concat(summed, "member", combine_attrs="override")


def _total_numbers(summed: xr.Dataset) -> Iterator[tuple[str, Number]]:
    """Yield the mean over years and members of each total, with the spread of the members."""
    years = summed.sizes["year"]
    for name, values in summed.data_vars.items():
        mean = values.mean("year")
        for region in values["region"].values[mean.notnull().any("member").values]:
            members = mean.sel(region=region)
            low, high = np.quantile(members, _INTERVAL)
            yield (
                key("totals", region_label(region), str(name)),
                number(
                    members.mean().item(),
                    values.attrs["units"],
                    interval=(low, high),
                    n=years,
                    note="mean of the years; interval: spread of the members, not the whole error",
                ),
            )


def _change_numbers(summed: xr.Dataset) -> Iterator[tuple[str, Number]]:
    """Yield trend, and inter-annual variability of the mean over members, where years suffice."""
    years = summed.sizes["year"]
    enough = years >= FEWEST_YEARS
    why = "skipped: one year" if years == 1 else f"skipped: fewer than {FEWEST_YEARS} years"
    single = summed.sizes["member"] < 2
    errors = "AR(1) errors" if single else "AR(1) errors and spread of the members"
    for name, values in summed.data_vars.items():
        yearly = values.mean("member", keep_attrs=True)
        slope = trend_of_totals(values, confidence=0.9) if enough else None
        spread = iav(yearly) if enough else None
        for region in yearly["region"].values[yearly.notnull().any("year").values]:
            at, label = {"region": region}, region_label(region)
            if slope is None or spread is None:
                yield key("trend", label, str(name)), number(None, note=why)
                yield key("iav", label, str(name)), number(None, note=why)
                continue
            ends = (slope["low"].sel(at).item(), slope["high"].sel(at).item())
            p = slope["p"].sel(at).item()
            yield (
                key("trend", label, str(name)),
                replace(
                    number(
                        slope["slope"].sel(at).item(),
                        slope["slope"].attrs["units"],
                        interval=ends,
                        n=years,
                        note=f"{errors}, p {p:.2g}",
                    ),
                    p=p if np.isfinite(p) else None,
                ),
            )
            yield (
                key("iav", label, str(name)),
                number(
                    spread["sd_detrended"].sel(at).item(),
                    values.attrs["units"],
                    n=years,
                    note="sd of yearly totals about their trend",
                ),
            )


def share_numbers(summed: xr.Dataset) -> Iterator[tuple[str, Number]]:
    """Yield how much of the variability between years each region makes, kind by kind.

    Parameters
    ----------
    summed : xr.Dataset, (member, year, region) [PgC yr-1 or W m-2]
        Of ``regional_totals``; nothing is yielded of fewer than four years.
    """
    if summed.sizes["year"] < FEWEST_YEARS:
        return
    for name, values in summed.data_vars.items():
        if values.attrs["units"] != FLUX_TOTAL:
            continue
        yearly = values.mean("member", keep_attrs=True)
        for kind in PARTS:
            shares = iav_contribution(yearly.isel(region=yearly[REGION_KIND].values == kind))
            for region in shares["region"].values[shares.notnull().values]:
                yield (
                    key("iav_share", region_label(region), str(name)),
                    number(
                        shares.sel(region=region).item(),
                        n=summed.sizes["year"],
                        note=f"share of the variability of all regions by {kind}; they sum to one",
                    ),
                )


def region_label(region: object) -> str:
    """Name a region as the keys of the numbers do."""
    return "global" if region == "globe" else str(region)
