"""Check a folder of vegetation models, one model at a time on its own grid."""

from collections.abc import Iterator
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import pandas as pd
import xarray as xr

from uflux_stats.errors import DataFileError, UfluxError
from uflux_stats.io.data_check import Checker, DataReport
from uflux_stats.io.dgvm.check import UNKNOWN, check_dgvms
from uflux_stats.io.dgvm.faults import fault_table
from uflux_stats.io.dgvm.fields import TimeSpan, Years, time_span
from uflux_stats.io.dgvm.files import ModelFile, find_files, parse_name
from uflux_stats.io.dgvm.read import DgvmOptions, read_dgvm
from uflux_stats.io.dgvm.registry import model_entry
from uflux_stats.io.fingerprints import fingerprint

KIND: Final = "vegetation models"
LAST_YEARS: Final = 10
NO_FILE: Final = "no usable file"
PROSE: Final = ("variables", "reference", "known", "faults", "flags")
COMPARED: Final = 2
"""Variables of two models that must be equal for one to be called a copy of the other."""


def holds_dgvms(path: Path) -> bool:
    """Tell from the names of files whether a folder holds output of vegetation models."""
    return path.is_dir() and any(parse_name(found) for found in path.rglob("*.nc"))


def check_dgvm_folder(path: Path, *, scenario: str | None = None) -> DataReport:
    """Check every model of a folder: what it holds, its totals, and what is implausible.

    Only the last ten years of files with a time axis are read, so that full runs since 1700 fit.

    Parameters
    ----------
    path : Path
        Folder as for ``read_dgvm``.
    scenario : str, optional
        Where the folder holds several.

    Returns
    -------
    DataReport
        Rows as of ``check_dgvms``, with ``known`` (what the registry tells), ``faults`` (files
        left out or mended, and why), and a row for each model without a usable file.

    Raises
    ------
    DataFileError
        If there is no such file, or several scenarios and none is chosen.
    """
    files = find_files(path, scenario=scenario)
    seen: dict[str, str] = {}
    rows = [
        _row(name, [*of_model], path, seen)
        for name, of_model in groupby(files, key=lambda file: file.model)
    ]
    table = pd.DataFrame(rows)
    flagged = int(table["flags"].astype(bool).sum())
    known = sum(model_entry(name) is not None for name in table["model"])
    summary = (
        f"{len(table)} models, {known} of them in the registry, {flagged} flagged, "
        f"{int(table['left_out'].sum())} files left out; GPP and NPP in PgC yr-1, pools in PgC"
    )
    readable = any(NO_FILE not in flags for flags in table["flags"])
    return DataReport(KIND, path, summary, table, PROSE, readable)


def dgvm_checker(scenario: str | None = None) -> Checker:
    """Return the checker of vegetation models, of one scenario where a folder holds several."""
    return Checker(KIND, holds_dgvms, partial(check_dgvm_folder, scenario=scenario))


def _row(name: str, files: list[ModelFile], path: Path, seen: dict[str, str]) -> dict[str, Any]:
    """Row of one model; ``seen`` gathers what models hold, to find copies."""
    spans = [*_spans(files)]
    options = DgvmOptions(
        scenario=files[0].scenario or None, years=_last_years(spans), models=(name,)
    )
    entry = model_entry(name)
    known = "; ".join(entry.faults) if entry else ""
    try:
        model = read_dgvm(path, options=options)
    except DataFileError as error:
        return {
            "model": name,
            "variables": "",
            "left_out": len(files),
            "reference": entry.reference if entry else UNKNOWN,
            "known": known,
            "faults": [str(error)],
            "flags": [NO_FILE],
        }
    row = {str(column): value for column, value in check_dgvms(model).iloc[0].items()}
    if spans:
        row["steps"] = ", ".join(sorted({str(span) for span in spans}))
    copy = seen.setdefault(_digest(model), name)
    flags = row["flags"].split("; ") if row["flags"] else []
    if copy != name:
        flags.append(f"same values as {copy}")
    shares = {share: round(row[share], 3) + 0.0 for share in ("pools_open", "covered")}
    return row | shares | {"known": known, "faults": _told(model), "flags": flags}


def _spans(files: list[ModelFile]) -> Iterator[TimeSpan]:
    """Spans of the files that have a time axis; unreadable files are told of by the reader."""
    for file in files:
        try:
            span = time_span(file)
        except UfluxError:
            continue
        if span is not None:
            yield span


def _last_years(spans: list[TimeSpan]) -> Years | None:
    if not spans:
        return None
    last = max(span.last_year for span in spans)
    return last - LAST_YEARS + 1, last


def _digest(model: xr.Dataset) -> str:
    first = sorted(str(name) for name in model.data_vars)[:COMPARED]
    return fingerprint(*first, *(model[name].values.tobytes() for name in first))


def _told(model: xr.Dataset) -> list[str]:
    """Tell what was wrong with the files, each fault once with all variables that have it."""
    told = []
    for what, rows in fault_table(model).groupby("what", sort=False):
        where = {
            str(variable): " ".join(filter(None, found["period"]))
            for variable, found in rows.groupby("variable", sort=False)
        }
        names = ", ".join(f"{name} {when}".strip() for name, when in where.items())
        count = f" ({rows['n'].sum()} values)" if rows["n"].any() else ""
        told.append(f"{names}: {what}{count}")
    return told
