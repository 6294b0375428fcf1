"""Monthly values from tower files of finer steps, by the rules of the monthly files themselves.

Carbon fluxes come in umolCO2 m-2 s-1 at half-hours and hours and in gC m-2 d-1 in days, weeks and
months; precipitation in mm per half-hour, hour or day. Quality is a code at half-hours (0 measured,
1 gap-filled well, 2 and 3 less well) and the fraction of codes 0 and 1 in longer steps (Pastorello
et al. 2020, doi 10.1038/s41597-020-0534-3).
"""

from typing import Final

import numpy as np
import pandas as pd

from uflux_stats.io.drops import Drop, Reason
from uflux_stats.units import CONVERSIONS, SECONDS_PER_DAY

LEAST_SHARE: Final = 0.5
"""Share of a month's steps that must be there for a monthly mean."""
GOOD_CODES: Final = (0, 1)
CODED_STEPS: Final = ("HH", "HR")
STAMPS: Final = {"HH": r"\d{12}", "HR": r"\d{12}", "DD": r"\d{8}", "WW": r"\d{8}", "MM": r"\d{6}"}
FORMATS: Final = {"HH": "%Y%m%d%H%M", "HR": "%Y%m%d%H%M", "DD": "%Y%m%d", "WW": "%Y%m%d",
                  "MM": "%Y%m"}  # fmt: skip
SPELLED: Final = {"HH": "YYYYMMDDHHMM", "HR": "YYYYMMDDHHMM", "DD": "YYYYMMDD",
                  "WW": "YYYYMMDD", "MM": "YYYYMM"}  # fmt: skip
_CARBON: Final = CONVERSIONS[("umol m-2 s-1", "gC m-2 d-1")]
_DAY: Final = pd.Timedelta(days=1)


def stamp_columns(step: str) -> tuple[str, ...]:
    """Names of the columns of time in files of a step.

    Examples
    --------
    >>> stamp_columns("DD"), stamp_columns("HH")
    (('TIMESTAMP',), ('TIMESTAMP_START', 'TIMESTAMP_END'))
    """
    return ("TIMESTAMP",) if step in {"DD", "MM"} else ("TIMESTAMP_START", "TIMESTAMP_END")


def to_months(frame: pd.DataFrame, step: str, site: str) -> tuple[pd.DataFrame, list[Drop]]:
    """Average the steps of a tower to months.

    Quality columns (``_QC``) become the share of the month's steps that are good; a step that is
    not there is not good. Any other column is the mean where at least half of the month's steps
    have a value, else NaN. A week counts for each of its days.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns as in the file, missing ones NaN, indexed by the start of each step in order; of
        weeks also with the column ``days``, their number of days.
    step : {"HH", "HR", "DD", "WW", "MM"}
        Step of the file.
    site : str
        For the account.

    Returns
    -------
    months : pandas.DataFrame
        Indexed by month starts; carbon fluxes in gC m-2 d-1, precipitation in mm d-1.
    drops : list of Drop
        Months of columns with too few steps.

    Examples
    --------
    >>> days = pd.DataFrame({"TA_F": 1.5}, pd.date_range("2001-02-01", periods=28, name="time"))
    >>> to_months(days, "DD", "AA-Bbb")[0]["TA_F"].item()
    1.5
    """
    if step == "MM" or frame.empty:
        return frame, []
    length = _DAY if step == "WW" else _step_length(frame.index, step)
    even = frame if step == "WW" else _in_canonical_units(frame, step, length)
    daily = _spread(even) if step == "WW" else even
    months = pd.DatetimeIndex(daily.index).to_period("M").to_timestamp()
    counts = daily.notna().groupby(months).sum()
    means = daily.groupby(months).mean()
    steps = pd.DatetimeIndex(means.index).days_in_month.to_numpy() * (_DAY / length)
    shares = counts.div(steps, axis=0)
    quality = [name for name in frame.columns.astype(str) if name.endswith("_QC")]
    means[quality] = means[quality].mul(shares[quality])
    values = means.columns.difference([*quality, "days"], sort=False)
    partial = means[values].notna() & (shares[values] < LEAST_SHARE)
    means[values] = means[values].mask(partial)
    drops = [Drop(site, str(name), Reason.PARTIAL, int(n)) for name, n in partial.sum().items()]
    index = pd.DatetimeIndex(means.index, name="time").as_unit("ns")
    return means.set_index(index), drops


def _step_length(index: pd.Index, step: str) -> pd.Timedelta:
    """Length of a step, by the commonest distance of two; ICOS names hourly files HH as well."""
    distances = pd.Series(index).diff().dropna()
    nominal = {"HH": pd.Timedelta(minutes=30), "HR": pd.Timedelta(hours=1)}.get(step, _DAY)
    return nominal if distances.empty else pd.Timedelta(distances.mode().iloc[0])


def _in_canonical_units(frame: pd.DataFrame, step: str, length: pd.Timedelta) -> pd.DataFrame:
    if step not in CODED_STEPS:
        return frame
    converted = {}
    for name in frame.columns.astype(str):
        column = frame[name]
        if name.endswith("_QC"):
            good = column.isin(GOOD_CODES).astype(float)
            converted[name] = good.where(column.notna())
        elif name.startswith(("GPP_", "RECO_", "NEE_")):
            converted[name] = column * _CARBON.factor
        elif name == "P_F":
            converted[name] = column * (SECONDS_PER_DAY / length.total_seconds())
        else:
            converted[name] = column
    return pd.DataFrame(converted, index=frame.index)


def _spread(weeks: pd.DataFrame) -> pd.DataFrame:
    """Repeat each week for each of its days."""
    lengths = weeks["days"].to_numpy(dtype=int)
    rows = np.repeat(np.arange(len(weeks)), lengths)
    first = np.repeat(np.cumsum(lengths) - lengths, lengths)
    offsets = pd.to_timedelta(np.arange(len(rows)) - first, unit="D")
    return weeks.iloc[rows].set_index(weeks.index[rows] + offsets)
