"""What a statistic returns: a dataset with a table, a short notebook view and a plot."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.stats.cells import STATUS
from uflux_stats.stats.views import html_view

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """A dataset of results and its title; everything a dataset has, it has too.

    Attributes
    ----------
    data : xr.Dataset
        The numbers, each with its unit in ``attrs["units"]``.
    title : str
        One line for tables and figures.

    Examples
    --------
    >>> result = Result(xr.Dataset({"slope": ("region", [0.5, -0.1])}), "Trend")
    >>> result.slope.max().item()
    0.5
    >>> len(result.to_frame())
    2
    """

    data: xr.Dataset
    title: str

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in {"data", "title"}:
            raise AttributeError(name)
        return getattr(self.data, name)

    def __getitem__(self, name: str) -> xr.DataArray:
        return self.data[name]

    def __contains__(self, name: object) -> bool:
        return name in self.data

    def __repr__(self) -> str:
        return f"{self.title}\n{self.note}\n{self.data!r}"

    @property
    def note(self) -> str:
        """Say in words how many series have no result, and why; loads a lazy ``status``."""
        if "status" not in self.data:
            return ""
        codes = np.bincount(
            self.data["status"].values.astype(np.int64).ravel(), minlength=len(STATUS)
        )
        if codes[0] == codes.sum():
            return f"all {codes.sum()} series computed"
        why = [
            f"{count} {reason.replace('_', ' ')}"
            for count, reason in zip(codes[1:], STATUS[1:], strict=True)
            if count
        ]
        return f"{codes[0]} of {codes.sum()} series computed; missing: {', '.join(why)}"

    def to_frame(self) -> pd.DataFrame:
        """Give one row per series (cells without any number left out), units in ``attrs``."""
        frame = self.data.to_dataframe() if self.data.dims else _single_row(self.data)
        numbers = [n for n in self.data.data_vars if n not in {"n", "status"}]
        frame = frame.dropna(subset=numbers, how="all").reset_index(drop=not self.data.dims)
        units = {str(n): v.attrs.get("units", "1") for n, v in self.data.data_vars.items()}
        frame.attrs = {"units": units, **self.data.attrs}
        return frame

    def plot(self, variable: str | None = None, *, ax: "Axes | None" = None) -> "Axes":
        """Draw a variable: a map, bars with intervals, or one point, as its dimensions ask."""
        from uflux_stats.stats.plotting import plot_result

        return plot_result(self.data, title=self.title, variable=variable, ax=ax)

    def _repr_html_(self) -> str:
        described = self.data.attrs.get("description", self.data.attrs.get("method", ""))
        units = {n: v.attrs.get("units", "1") for n, v in self.data.data_vars.items()}
        table = self.to_frame().rename(
            columns={n: f"{n} [{unit}]" for n, unit in units.items() if unit != "1"}
        )
        return html_view(self.title, table, str(described), self.note)


def _single_row(data: xr.Dataset) -> pd.DataFrame:
    coords = {str(n): [c.item()] for n, c in data.coords.items() if c.ndim == 0}
    return pd.DataFrame(coords | {str(n): [v.item()] for n, v in data.data_vars.items()})
