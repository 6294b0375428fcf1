"""Totals of every draw over regions and years, added up band by band."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.bayes.land import Floats, LandCells
from uflux_stats.bayes.spatial import SITE_EFFECTS, SiteEffect
from uflux_stats.grid.polygons import RegionSet
from uflux_stats.grid.regions import By, region_masks
from uflux_stats.stats.totals import FLUX_TOTAL, month_lengths
from uflux_stats.units import PG_PER_G

_MONTHS: Final = 12
_AXES: Final = ("site_effect", "year", "region", "draw")


@dataclass(frozen=True)
class DrawTotals:
    """Running sums of RECO and, where it is given, of GPP; made by ``of``.

    As ``uflux_stats.stats.totals.total`` sums: a month weighs its days and a cell its land; a year
    with a month missing is missing, and so is a region without a cell.

    Attributes
    ----------
    reco : array, (site effect, year, region, draw) [PgC yr-1]
    clipped : array of int, (site effect, 2)
        Values (month, cell, draw) that were held at the largest, and all of them.
    gpp : array, (year, region, member) [PgC yr-1], or None
    weights : array, (region, lat, lon) [m2]
    days : array, (year, month)
        Days of each month of each year; zero in other years.
    years : tuple of int
        Empty for a climatology, whose result has no dimension of years.
    regions : tuple of str
    """

    reco: NDArray[np.float64]
    clipped: NDArray[np.int64]
    gpp: NDArray[np.float64] | None
    weights: NDArray[np.float64]
    days: NDArray[np.float64]
    years: tuple[int, ...]
    regions: tuple[str, ...]

    @classmethod
    def of(
        cls,
        steps: xr.DataArray,
        weights: xr.DataArray,
        draws: int,
        members: int = 0,
    ) -> Self:
        """Begin with zeros.

        Parameters
        ----------
        steps : xr.DataArray, (time,) or (month,)
        weights : xr.DataArray, (region, lat, lon) [m2]
            Of ``region_weights``.
        draws, members : int
            Members of GPP; none where there is no GPP.
        """
        years, days = _calendar(steps)
        shape = (len(days), weights.sizes["region"])
        return cls(
            np.zeros((len(SITE_EFFECTS), *shape, draws)),
            np.zeros((len(SITE_EFFECTS), 2), np.int64),
            np.zeros((*shape, members)) if members else None, weights.values, days, years,
            tuple(str(name) for name in weights["region"].values),
        )  # fmt: skip

    def add(self, kinds: Sequence[SiteEffect], reco: Floats, cells: LandCells, start: int) -> None:
        """Add RECO (month, cell, draw) of a band that starts at a row, to these site effects."""
        for year, total in enumerate(self._sums(reco, cells, start)):
            for kind in kinds:
                self.reco[SITE_EFFECTS.index(kind), year] += total

    def count(self, kinds: Sequence[SiteEffect], held: int, cells: LandCells) -> None:
        """Count the values of a band, and those that were held at the largest."""
        values = int(cells.known.sum()) * self.reco.shape[-1]
        for kind in kinds:
            self.clipped[SITE_EFFECTS.index(kind)] += held, values

    def add_gpp(self, cells: LandCells, start: int) -> None:
        """Add the GPP of a band, if there is any."""
        if self.gpp is not None and cells.gpp is not None:
            members = np.moveaxis(cells.gpp, 0, -1)
            for year, total in enumerate(self._sums(members, cells, start)):
                self.gpp[year] += total

    def _sums(self, flux: Floats, cells: LandCells, start: int) -> Iterator[NDArray[np.float64]]:
        """Sum a flux [gC m-2 d-1] over each year and region, (region, draw) [PgC yr-1]."""
        row, column = cells.place
        weights = PG_PER_G * self.weights[:, row + start, column]
        for days in self.days:
            first, *_, last = np.flatnonzero(days)
            months = slice(first, last + 1)
            present = (cells.known[months] * days[months, None]).astype(np.float32)
            yield weights @ np.einsum("mc,mcd->cd", present, flux[months])

    def values(self) -> dict[str, xr.DataArray]:
        """Return totals (site_effect, draw, region[, year]) [PgC yr-1] and share held, by name."""
        held, values = self.clipped.T
        share = xr.DataArray(
            held / np.maximum(values, 1), {"site_effect": list(SITE_EFFECTS)},
            attrs={"units": "1", "long_name": "share of values held at the largest"},
        )  # fmt: skip
        found = {"RECO_total": self._named(self.reco), "RECO_clipped": share}
        if self.gpp is not None:
            members = np.arange(self.reco.shape[-1]) % self.gpp.shape[-1]
            found["NEP_total"] = self._named(self.gpp[..., members] - self.reco)
        return found

    def _named(self, sums: NDArray[np.float64]) -> xr.DataArray:
        empty = np.asarray(self.weights <= 0.0).all(axis=(1, 2))
        whole = np.where(np.expand_dims(empty, -1), np.nan, sums)
        whole[:, np.count_nonzero(self.days, axis=1) < _MONTHS] = np.nan
        coords = {"site_effect": list(SITE_EFFECTS), "region": list(self.regions)}
        array = xr.DataArray(whole, coords, _AXES).transpose(
            "site_effect", "draw", "region", "year"
        )
        named = array.assign_coords(year=list(self.years)) if self.years else array[..., 0]
        return named.assign_attrs(units=FLUX_TOTAL)


def region_weights(
    places: Mapping[str, xr.DataArray], by: By | Sequence[By], regions: RegionSet
) -> xr.DataArray:
    """Return the land of each cell that counts for each region, (region, lat, lon) [m2].

    Parameters
    ----------
    places : mapping
        ``land_area`` (lat, lon) [m2], and the class maps that the regions are made of.
    by, regions
        As ``uflux_stats.stats.totals.total`` takes them.
    """
    maps = {name: values for name, values in places.items() if name != "land_area"}
    area = places["land_area"].fillna(0.0).assign_coords(maps)
    kinds = (by,) if isinstance(by, str) else by
    masks = [region_masks(area, kind, regions=regions).reset_coords(drop=True) for kind in kinds]
    land = area.reset_coords(drop=True).astype(float)
    weights = land * xr.concat(masks, "region", combine_attrs="drop_conflicts")
    return weights.transpose("region", "lat", "lon").assign_attrs(units="m2")


def _calendar(steps: xr.DataArray) -> tuple[tuple[int, ...], NDArray[np.float64]]:
    """Years, and days of each month in each year (year, month)."""
    lengths = month_lengths(steps).values.astype(float)
    if steps.name == "month":
        return (), lengths[None]
    of_step = steps.dt.year.values
    years = np.unique(of_step)
    return tuple(int(year) for year in years), np.where(of_step == years[:, None], lengths, 0.0)
