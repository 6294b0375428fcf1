"""A small run folder, written by hand, whose every number is known."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from uflux_stats.reporting.numbers import Number, Numbers
from uflux_stats.reporting.style import save_figure

NUMBERS: Numbers = {
    "totals.global.GPP": Number(123.4, "PgC yr-1", 120.1, 126.7, 20),
    "totals.Europe.GPP": Number(8.66, "PgC yr-1", 8.58, 8.75, 20),
    "totals.Europe.RECO": Number(8.93, "PgC yr-1", 8.76, 9.02, 20),
    "totals.Europe.NEP": Number(-0.376, "PgC yr-1", -0.492, -0.244, 20),
    "totals.Europe.NEP_difference": Number(0.27, "PgC yr-1", 0.1, 0.44, 20),
    "totals.Oceania.GPP": Number(1.5, "PgC yr-1", 1.4, 1.6, 20),
    "totals.ENF.GPP": Number(3.5, "PgC yr-1", 3.4, 3.6, 20),
    "trend.Europe.GPP": Number(0.0323, "PgC yr-2", 0.0184, 0.0463, 20, "AR(1) errors, p 0.00081"),
    "trend.Europe.RECO": Number(0.004, "PgC yr-2", -0.011, 0.019, 20, "AR(1) errors, p 0.6"),
    "iav.Europe.GPP": Number(0.207, "PgC yr-1", n=20),
    "places.Europe.towers": Number(12, "towers"),
    "places.Oceania.towers": Number(0, "towers"),
    "places.ENF.towers": Number(5, "towers"),
    "attribution.Europe.GPP.SWIN.total": Number(0.275, "1", 0.168, 0.383, 1771),
    "attribution.Europe.GPP.P.total": Number(-0.01, "1", -0.1, 0.08, 1771),
    "validation.baseline.tower.GPP.r2": Number(0.52, "1", 0.4, 0.6, 5603),
    "validation.baseline.tower.GPP.rmse": Number(1.4, "gC m-2 d-1", 1.3, 1.5, 5603),
    "validation.refined.tower.GPP.r2": Number(0.81, "1", 0.78, 0.85, 5603),
    "validation.refined.tower.GPP.rmse": Number(0.62, "gC m-2 d-1", 0.6, 0.7, 5603),
    "validation.refined.random.GPP.r2": Number(0.97, "1", 0.96, 0.98, 5603),
    "validation.refined.random.GPP.rmse": Number(0.45, "gC m-2 d-1", 0.4, 0.5, 5603),
    "validation.gap.GPP.r2": Number(0.16, "1", n=5603),
    "respiration.Rref.ENF": Number(2.98, "gC m-2 d-1", n=1097, note="17 towers"),
    "closure.exact.NEP.max_relative": Number(3.2e-7),
    "closure.moved.global.GPP.size": Number(0.11, "gC m-2 d-1"),
}
PICTURES = (
    "figures/validation_scatter", "figures/map_GPP", "regional_figures/map_europe",
    "regional_figures/fluxes_europe",
)  # fmt: skip
GROUPS = (
    "split,flux,grouping,group,step,n_towers,r2,rmse,bias,n\n"
    "tower,GPP,IGBP,ENF,refined,5,0.7731,0.911,0.05,312\n"
)
PROVENANCE = {
    "data": "observed",
    "configuration": {
        "output": {"regions": "geographic"},
        "validation": {"mode": "quick"},
        "refine": {"members": 10},
    },
    "package": {"name": "uflux-stats", "version": "0.1.0", "commit": None},
    "seeds": {"run": 0},
    "citations": [{"citation": "Pastorello et al. 2020", "doi": "10.1/x", "licence": "CC-BY-4.0"}],
}


def write_run(folder: Path, *, generated: bool = False) -> Path:
    """Write the run's folder and return it."""
    (folder / ".stages").mkdir(parents=True)
    table = {name: asdict(one) for name, one in NUMBERS.items()}
    (folder / "numbers.json").write_text(json.dumps(table), encoding="utf-8")
    (folder / "provenance.json").write_text(json.dumps(PROVENANCE), encoding="utf-8")
    (folder / "tables").mkdir()
    (folder / "tables/validation_groups.csv").write_text(GROUPS, encoding="utf-8")
    for name in PICTURES:
        (folder / name).parent.mkdir(exist_ok=True)
        figure = Figure(figsize=(3, 2))
        figure.subplots().plot([0, 1], [1, 0])
        save_figure(figure, folder / f"{name}.png")
    write_maps(folder / "maps.nc")
    if generated:
        (folder / "twin").mkdir()
    return folder


def write_maps(path: Path) -> None:
    """Write two fields, one of one sign and one of both."""
    lat, lon = np.arange(-50.0, 80.0, 10.0), np.arange(-175.0, 180.0, 10.0)
    waves = np.cos(np.radians(lat))[:, None] * (2.0 + np.sin(np.radians(lon)))
    fields = {
        name: xr.DataArray(values, {"lat": lat, "lon": lon}, ("lat", "lon"),
                           attrs={"units": "gC m-2 d-1"})
        for name, values in (("GPP", waves), ("NEE", waves - 1.5))
    }  # fmt: skip
    xr.Dataset(fields).to_netcdf(path, engine="netcdf4")


@pytest.fixture
def known_numbers() -> Numbers:
    """The numbers of the run."""
    return NUMBERS


@pytest.fixture
def small_run(tmp_path: Path) -> Path:
    """A finished run on data."""
    return write_run(tmp_path / "small")


@pytest.fixture(scope="module")
def shared_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that tests of one module share; they only render into it."""
    return write_run(tmp_path_factory.mktemp("run") / "small", generated=True)
