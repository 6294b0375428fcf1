"""Answers from a stored attribution: which driver, where, how much, how sure."""

from pathlib import Path
from typing import Final

import pandas as pd
import xarray as xr

from uflux_stats.attribution.samples import ALL, GLOBE, NO_EDGE
from uflux_stats.choices import unknown_name
from uflux_stats.errors import ConfigError, DataFileError
from uflux_stats.stats.views import Form, written

FILE: Final = "attribution.nc"
"""Name of the attribution in the folder of a run."""
CUBES: Final = "attribution_cubes.nc"
"""The same of its cubes."""
FILES: Final = {"towers": FILE, "cubes": CUBES}
EACH: Final = "each"
"""Stands for every land cover type by itself."""
_AXES: Final = ("region", "pft", "target", "driver", "quantity")


def query(
    run: str | Path | xr.Dataset,
    *,
    region: str | None = GLOBE,
    pft: str | None = None,
    target: str | None = None,
    **choice: str | None,
) -> pd.DataFrame:
    """Answer what drives a target, from a stored attribution. Letter case of names is free.

    Parameters
    ----------
    run : path or xr.Dataset
        Folder of a run, its ``attribution.nc``, or what ``attribute`` gave.
    region : str, optional
        None for all regions.
    pft : str, optional
        None for all types together, "each" for each by itself.
    target : str, optional
        None for all.
    **choice
        driver, quantity: None for all; transform where the file holds several; source, of a
        run's folder: "towers" (default) or "cubes".

    Returns
    -------
    pd.DataFrame
        A row per answer: region, pft, target, driver, quantity, estimate, low, high, unit, n,
        n_places, support_low, support_high, flag (which assumptions fail), note. A group without
        data has one row, with a missing estimate and a note that says why.

    Raises
    ------
    UfluxError
        If a name is unknown; the nearest are suggested.
    DataFileError
        If there is no attribution.
    """
    known = ["driver", "quantity", "transform", "source"]
    if unknown := sorted(set(choice) - set(known)):
        raise unknown_name("choice", unknown[0], known, ConfigError)
    with _opened(run, choice.get("source")) as data:
        chosen = _choose_transform(data, choice.get("transform"))
        wanted = {"region": region, "pft": ALL if pft is None else pft, "target": target,
                  "driver": choice.get("driver"), "quantity": choice.get("quantity")}  # fmt: skip
        for axis, name in wanted.items():
            chosen = _select(chosen, axis, name)
        return _rows(chosen.load())


def _opened(run: str | Path | xr.Dataset, source: str | None) -> xr.Dataset:
    name = "towers" if source is None else source
    if name not in FILES:
        raise unknown_name("source", name, list(FILES), ConfigError)
    if isinstance(run, xr.Dataset):
        return run.copy()
    path = Path(run)
    if not path.exists():
        raise DataFileError(
            f"run: expected the folder of a run, got {run}, which does not exist; "
            f"make one with: uflux-stats run --out {run}"
        )
    file = path / FILES[name] if path.is_dir() else path
    if not file.is_file():
        raise DataFileError(
            f"run: expected a run with {FILES[name]}, got {run}; run the attribution stage first"
        )
    data = xr.open_dataset(file, engine="netcdf4")
    if "attribution" not in data:
        note = data.attrs.get("note", "it holds no attribution")
        data.close()
        raise DataFileError(f"run: expected an attribution in {file}, got none ({note})")
    return data


def _choose_transform(data: xr.Dataset, name: str | None) -> xr.Dataset:
    if "transform" not in data.dims:
        if name not in (None, data.attrs.get("transform")):
            raise unknown_name("transform", str(name), [str(data.attrs.get("transform"))])
        return data
    known = [str(value) for value in data["transform"].values]
    chosen = known[0] if name is None else name
    if chosen not in known:
        raise unknown_name("transform", chosen, known)
    # indexed by number, since a scalar label would make xarray load Dask, which takes longest
    return data.drop_vars("transform").isel(transform=known.index(chosen))


def _select(data: xr.Dataset, axis: str, name: str | None) -> xr.Dataset:
    known = [str(value) for value in data[axis].values]
    if name is None:
        return data
    if axis == "pft" and name.casefold() == EACH:
        return data.sel(pft=[value for value in known if value != ALL])
    folded = {value.casefold(): value for value in known}
    if name.casefold() not in folded:
        raise unknown_name(axis, name, known)
    return data.sel({axis: [folded[name.casefold()]]})


def _rows(data: xr.Dataset) -> pd.DataFrame:
    """Make one row per answer; where there is none, one row per group that says why."""
    table = _answers(data)
    unit = data["unit"].to_series().rename("unit").reset_index()
    support = data["support"].to_series().unstack("end")
    support = support.rename(columns=lambda end: f"support_{end}").reset_index()
    told = [name for name in ("n", "n_places", "flag", "note") if name in data]
    account = xr.Dataset({name: data[name] for name in told}).to_dataframe()[told].reset_index()
    full = (
        table.merge(unit, on=["target", "driver", "quantity"], how="left")
        .merge(account, on=["region", "pft"], how="right")
        .merge(support, on=["region", "pft", "driver"], how="left")
    )
    full["note"] = full["reason"].where(full["reason"].fillna("") != "", full["note"])
    columns = [*_AXES, "estimate", "low", "high", "unit", "n", "n_places", "support_low",
               "support_high", *told[2:]]  # fmt: skip
    return full[columns].sort_values(list(_AXES), kind="stable", ignore_index=True)


def _answers(data: xr.Dataset) -> pd.DataFrame:
    """Make one row per answer, and one per effect that was asked for and cannot be, with reason.

    What the graph leaves out is always said, all else where a group has no answer but that.
    """
    wide = data["attribution"].transpose(*_AXES, "bound").to_series().unstack("bound")
    table = wide[["estimate", "low", "high"]].reset_index()
    answered = table[["estimate", "low", "high"]].notna().any(axis=1)
    reason = data["reason"].to_series().rename("reason").reset_index()
    table = table.merge(reason, on=["target", "driver", "quantity"], how="left")
    rows = (data["n"].to_series() > 0).rename("there").reset_index()
    there = table.merge(rows, on=["region", "pft"], how="left")["there"]
    silent = ~answered.groupby([table["region"], table["pft"]]).transform("any")
    said = (table["reason"] == NO_EDGE) | (silent & (table["reason"] != ""))
    return table[answered | (there & said)].assign(reason=table["reason"].mask(answered, ""))


def render(answers: pd.DataFrame, form: Form = "table") -> str:
    """Write answers as text: an aligned table, JSON records or CSV.

    Below the table stand the flags, once for each group that has them, and the groups without any
    answer; JSON and CSV have them in every row.

    Raises
    ------
    ConfigError
        If the form is unknown.
    """
    if form != "table":
        return written(answers, form)
    silent = answers["driver"].isna()
    rest = answers[silent] if not silent.all() else answers[:0]
    shown = answers.drop(index=rest.index)
    columns = shown.drop(columns=["support_low", "support_high", "flag"], errors="ignore")
    if not shown["note"].fillna("").any():
        columns = columns.drop(columns="note")
    below = [*_by_group(shown, shown, "flag", "flag"),
             *_by_group(rest, answers, "note", "no answer")]  # fmt: skip
    return "\n".join([written(columns), *below])


def _by_group(rows: pd.DataFrame, of: pd.DataFrame, column: str, title: str) -> list[str]:
    """Write each text of a column once, naming the groups of ``of`` it is about unless all are."""
    if column not in rows:
        return []
    groups = of[["region", "pft"]].drop_duplicates()
    varying = [axis for axis in groups if groups[axis].nunique() > 1]
    texts = rows[rows[column].fillna("") != ""].drop_duplicates(["region", "pft", column])
    lines = []
    for text, those in texts.groupby(column, sort=False):
        names = ", ".join(" ".join(row) for row in those[varying].to_numpy(dtype=str))
        about = f" ({names})" if len(those) < len(groups) else ""
        lines.append(f"{title}{about}: {text}")
    return lines
