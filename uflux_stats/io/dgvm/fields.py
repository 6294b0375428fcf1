"""One file of a vegetation model as a field in the units and the layout of the package."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.errors import DataFileError, DimensionError, UfluxError, UnitsError
from uflux_stats.grid import normalise_grid
from uflux_stats.io.dgvm.faults import Fault
from uflux_stats.io.dgvm.files import CHANGE, ModelFile
from uflux_stats.io.dgvm.steps import at_year_ends
from uflux_stats.io.grid_files import open_source, readable
from uflux_stats.io.months import monthly
from uflux_stats.schema import CARBON_FLUX, CARBON_STOCK, variable
from uflux_stats.units import CONVERSIONS, canonical_unit, convert

FALLBACK: Final = {CARBON_FLUX: "kgC m-2 s-1", CARBON_STOCK: "kgC m-2"}
"""Units of TRENDY's protocol, taken where a file has none that is known."""
CHANGE_YEARS: Final = 9
"""Years between the two years whose difference a CHANGE file holds."""
SMALL: Final = {CARBON_FLUX: 0.02, CARBON_STOCK: 2.0}
"""A 99th percentile below this is in another unit: no model's productive land is so bare."""
CHANGES_SIGN: Final = ("NBP", "NPP")
Years = tuple[int, int]


def read_field(file: ModelFile, years: Years | None = None) -> tuple[xr.DataArray, list[Fault]]:
    """Read one file.

    Parameters
    ----------
    file : ModelFile
    years : tuple of int, optional
        First and last year to keep of a file with a time axis.

    Returns
    -------
    field : xr.DataArray, ([time or year], lat, lon)
        Flux [gC m-2 d-1] or pool [gC m-2], in single precision, in memory; of a CHANGE file, the
        mean change per year [gC m-2 yr-1 for pools].
    faults : list of Fault
        What was mended.

    Raises
    ------
    UfluxError
        If the file is damaged, empty, all zero, on unusable coordinates, or of impossible size.
    """
    opened = open_source(file.path, lazy=False)
    with readable(file.path, KeyError, ValueError, TypeError):
        found = _squeezed(opened[_name_of(opened, file)], file)
        dated = _dated(found.to_dataset(name="field"), file)["field"]
        placed = normalise_grid(_in_years(at_year_ends(dated, file.variable), years, file))
        loaded = placed.astype(np.float32).load()
    converted, faults = _in_units(loaded, file)
    if file.period == CHANGE:
        unit = "gC m-2 yr-1" if converted.attrs["units"] == CARBON_STOCK else CARBON_FLUX
        return (converted / CHANGE_YEARS).assign_attrs(units=unit), faults
    checked, more = _plausible(converted, file)
    return checked, faults + more


@dataclass(frozen=True)
class TimeSpan:
    """Time axis of a file: "monthly" or "yearly", its first and last year."""

    step: str
    first_year: int
    last_year: int

    def __str__(self) -> str:
        """Tell it in words."""
        return f"{self.step} {self.first_year} to {self.last_year}"


def time_span(file: ModelFile) -> TimeSpan | None:
    """Find which years a file holds, without reading its values; None without a time axis.

    Raises
    ------
    UfluxError
        If the file is damaged, or its axes are of no known kind.
    """
    with readable(file.path, KeyError, ValueError, TypeError):
        opened = open_source(file.path, lazy=True)
        dated = _dated(_squeezed(opened[_name_of(opened, file)], file).to_dataset(name="x"), file)
    if "year" in dated.dims:
        step, years = "yearly", dated["year"].values
    elif "time" in dated.dims:
        step, years = "monthly", dated["time"].dt.year.values
    else:
        return None
    return TimeSpan(step, int(years.min()), int(years.max()))


def _name_of(data: xr.Dataset, file: ModelFile) -> str:
    """Find the variable that the file is about."""
    native = {str(name).lower(): str(name) for name in data.data_vars}
    wanted = file.variable.lower()
    gridded = [str(name) for name in data.data_vars if data[name].ndim >= 2]
    if wanted in native:
        return native[wanted]
    if len(gridded) == 1:
        return gridded[0]
    raise DataFileError(
        f"{file.path.name}: expected a variable {wanted!r}, got {gridded}; rename it"
    )


def _squeezed(field: xr.DataArray, file: ModelFile) -> xr.DataArray:
    slim = field.squeeze([d for d in field.dims if field.sizes[d] == 1], drop=True)
    slim = slim.drop_vars([name for name in slim.coords if name not in slim.dims])
    if not 2 <= slim.ndim <= 3:
        raise DimensionError(
            f"{file.path.name}: expected latitude, longitude and at most time, got "
            f"{[*map(str, slim.dims)]}; sum or select along the others"
        )
    return slim


def _dated(data: xr.Dataset, file: ModelFile) -> xr.Dataset:
    """Give month starts in ``time``, or whole numbers in ``year``."""
    axis = [str(dim) for dim in data.dims if str(dim).lower() in ("time", "year", "years")]
    if not axis:
        return data
    units = str(data[axis[0]].attrs.get("units", ""))
    if axis[0].lower().startswith("year") or units.lower().startswith("year"):
        start = int(units.split("since")[1].strip()[:4]) if "since" in units else 0
        numbers = np.floor(data[axis[0]].values.astype(np.float64)).astype(int) + start
        return data.rename({axis[0]: "year"}).assign_coords(year=numbers)
    months = monthly(data, source=file.path.name)
    count = months["time"].values.astype("datetime64[M]").astype(int)
    if len(count) > 1 and (np.diff(count) == 12).all():
        return months.rename(time="year").assign_coords(year=1970 + count // 12)
    return months


def _in_years(field: xr.DataArray, years: Years | None, file: ModelFile) -> xr.DataArray:
    if years is None or not {"time", "year"} & set(field.dims):
        return field
    of_step = field["year"] if "year" in field.dims else field["time"].dt.year
    inside = ((of_step >= years[0]) & (of_step <= years[1])).values
    if not inside.any():
        raise DataFileError(
            f"{file.path.name}: expected years {years[0]} to {years[1]}, got "
            f"{int(of_step.min())} to {int(of_step.max())}; choose other years"
        )
    return field.isel({str(of_step.dims[0]): inside})


def _in_units(field: xr.DataArray, file: ModelFile) -> tuple[xr.DataArray, list[Fault]]:
    """Convert by the unit of the file, or by the protocol's if that is missing or unknown."""
    wanted = variable(file.variable).units
    said = canonical_unit(str(field.attrs.get("units", "")))
    faults = []
    if said != wanted and (said, wanted) not in CONVERSIONS:
        faults.append(
            Fault(file.model, file.variable, file.period,
                  f"unit {said!r} is not one; {FALLBACK[wanted]} assumed")
        )  # fmt: skip
        said = FALLBACK[wanted]
    labelled = field.assign_attrs(units=said)
    converted = convert(labelled, wanted, name=file.path.name).astype(np.float32)
    return converted.drop_attrs(deep=False).assign_attrs(variable(file.variable).attrs), faults


def _plausible(field: xr.DataArray, file: ModelFile) -> tuple[xr.DataArray, list[Fault]]:
    """Check the size of the values; mask single impossible ones."""
    row, values = variable(file.variable), field.values
    known = values[np.isfinite(values)]
    if known.size == 0 or not known.any():
        got = "only zeros" if known.size else "no value at all"
        raise DataFileError(f"{file.path.name}: expected data, got {got}; a filler file, left out")
    _require_size(known, file)
    out = (values > row.high) | (values < row.low)
    tiny = out & (values < 0) & (values > -1e-6 * np.nanmax(values))
    mended = np.where(tiny, np.float32(0), np.where(out, np.float32(np.nan), values))
    below = int((out & ~tiny & (values < row.low)).sum())
    above = int((values > row.high).sum())
    faults = [
        Fault(file.model, file.variable, file.period, f"values {what} {row.units} masked", n)
        for what, n in ((f"below {row.low:g}", below), (f"above {row.high:g}", above))
        if n
    ]
    return field.copy(data=mended), faults


def _require_size(known: NDArray[Any], file: ModelFile) -> None:
    row = variable(file.variable)
    largest = float(np.percentile(np.abs(known.astype(np.float64)), 99))
    small = 0.0 if file.variable in CHANGES_SIGN else SMALL[row.units]
    if small <= largest <= row.high:
        return
    scale = SMALL[row.units] * 100 / largest if largest else 0.0
    raise UnitsError(
        f"{file.path.name}: expected values up to between {small:g} and {row.high:g} {row.units}, "
        f"got {largest:.3g} (off by about {scale:.0e}); is it in another unit than the file says, "
        "or damaged? left out"
    )


def try_field(
    file: ModelFile, years: Years | None = None
) -> tuple[xr.DataArray | None, list[Fault]]:
    """Read one file like ``read_field``, but turn an error into a fault."""
    try:
        return read_field(file, years)
    except UfluxError as error:
        what = f"left out: {error}"
        return None, [Fault(file.model, file.variable, file.period, what)]
