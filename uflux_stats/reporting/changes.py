"""Figures of how cubes change from year to year: series, continents, maps of trends."""

from typing import Final

import xarray as xr
from matplotlib.figure import Figure

from uflux_stats.grid import CONTINENTS
from uflux_stats.reporting.benchmarks import map_comparison
from uflux_stats.reporting.boxes import regional_boxes
from uflux_stats.reporting.map_panels import map_panels
from uflux_stats.reporting.yearly_series import yearly_series
from uflux_stats.stats.trend import field_significance, trend
from uflux_stats.stats.yearly import FEWEST_YEARS, yearly_means

MAPPED: Final = ("GPP", "RECO")
DRAWN: Final = ("GPP", "RECO", "NEP", "NEP_difference", "LE")
"""Totals that are drawn by year; more panels are not read."""


def change_figures(summed: xr.Dataset, fluxes: xr.Dataset) -> dict[str, Figure]:
    """Draw yearly totals, their distribution by continent, and maps of trends.

    Parameters
    ----------
    summed : xr.Dataset, (member, year, region) [PgC yr-1 or W m-2]
        Yearly totals by region, the globe and the continents among them.
    fluxes : xr.Dataset, (member, time, lat, lon)
        Of ``upscale``.

    Returns
    -------
    dict of Figure
        By name; none where there are fewer than four years.
    """
    if summed.sizes["year"] < FEWEST_YEARS:
        return {}
    summed = summed[[name for name in DRAWN if name in summed]]
    whole = summed.sel(region="globe", drop=True)
    continents = summed.sel(region=list(CONTINENTS.values()))
    slopes, sure = trend_maps(fluxes)
    return {
        "yearly_series": yearly_series({"refined": whole}),
        "continents": regional_boxes(continents),
        "trend_maps": map_panels(slopes, significant=sure),
    }


def net_flux_twice(direct: xr.DataArray, difference: xr.DataArray) -> Figure:
    """Draw the net flux that was learned directly against RECO - GPP, and where they part.

    Parameters
    ----------
    direct, difference : xr.DataArray, (lat, lon) [gC m-2 d-1]
        Means over time.

    Returns
    -------
    Figure

    Raises
    ------
    MissingVariableError
        If no cell has both.
    """
    units = {"units": direct.attrs["units"]}
    apart = (direct - difference).assign_attrs(units)
    maps = xr.Dataset({"observed": difference, "modelled": direct, "difference": apart})
    names = ("RECO - GPP", "NEE learned directly")
    return map_comparison(maps, title="The net flux told twice, mean of each cell", names=names)


def trend_maps(fluxes: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """Return trends of the mean over members, and where they hold with false discoveries kept rare.

    Parameters
    ----------
    fluxes : xr.Dataset, (member, time, lat, lon)
        Of ``upscale``.

    Returns
    -------
    (xr.Dataset, xr.Dataset), (lat, lon)
        Slopes [unit of the flux per year], and whether they are significant.
    """
    slopes, sure = {}, {}
    for name in (known for known in MAPPED if known in fluxes):
        yearly = yearly_means(fluxes[name].mean("member", keep_attrs=True)).compute()
        found = trend(yearly, shared_memory=True)
        slopes[name] = found["slope"]
        sure[name] = field_significance(found["p"])
    names = {name: f"trend of {name}" for name in slopes}
    return xr.Dataset(slopes).rename(names), xr.Dataset(sure).rename(names)
