"""Where the results of a run come from."""

import platform
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from uflux_stats import __version__
from uflux_stats.config import RunConfig
from uflux_stats.io.catalog import data_source
from uflux_stats.io.fingerprints import fingerprint
from uflux_stats.io.fluxnet_files import sources_of, tower_files
from uflux_stats.io.soil_carbon import soil_carbon_source
from uflux_stats.pipeline.code import PACKAGE, library_versions
from uflux_stats.pipeline.files import tables_beside
from uflux_stats.refinement import RefineOptions
from uflux_stats.refinement.validation import MEMBERS

BENCHMARKS: Final = {"srdb": "srdb", "biomass": "cci_biomass", "land_sink": "gcb2023"}
"""Keys of the catalog by what ``[benchmarks]`` names."""


def provenance(config: RunConfig, *, started: datetime) -> dict[str, Any]:
    """Describe what a run was made from, as plain values for ``provenance.json``.

    The run's own folder and the number of workers are left out: no result depends on them.

    Parameters
    ----------
    config : RunConfig
        The run's configuration.
    started : datetime
        Begin of the run, with time zone.

    Returns
    -------
    dict
        Configuration, input checksums, package, libraries, seeds, citations, and dates.
    """
    return {
        "data": "twin Earth: generated, not observed" if config.is_twin else "observed",
        "configuration": _configuration(config),
        "refinement": _refinement(config),
        "inputs": {str(path): fingerprint(path) for path in input_paths(config)},
        "package": {"name": "uflux-stats", "version": __version__, "commit": commit()},
        "python": platform.python_version(),
        "libraries": library_versions(),
        "seeds": {
            "run": config.run.seed,
            "twin": config.twin_seed,
            "refine": config.refine_seed,
            "respiration": config.respiration_seed,
        },
        "citations": [asdict(data_source(key)) for key in sources(config)],
        "dates": {
            "started": started.isoformat(timespec="seconds"),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    }


def sources(config: RunConfig) -> tuple[str, ...]:
    """Return the keys of the catalog for the data that a run is made from, shipped ones too.

    Towers are cited by the networks that their files are of. Gridded drivers, and maps of soil
    carbon that are not known by their name, may be of any origin; who gives them knows what to
    cite.
    """
    given = config.input.towers
    towers = () if given is None else sources_of(tower_files(given)[0])
    models = () if config.input.dgvm is None else ("trendy",)
    named = config.benchmarks.files
    held_against = (source for kind, source in BENCHMARKS.items() if kind in named)
    maps = dict.fromkeys(map(soil_carbon_source, named.get("soil_carbon", ())))
    soils = (source for source in maps if source is not None)
    return (*towers, *models, *held_against, *soils, "noaa_co2", "natural_earth")


def input_paths(config: RunConfig) -> tuple[Path, ...]:
    """Return the input files and folders that a configuration names, and tables beside towers."""
    given = config.input
    single = (given.towers, given.sites, given.fapar, given.dgvm)
    benchmarks = (path for paths in config.benchmarks.files.values() for path in paths)
    named = (*(path for path in single if path is not None), *given.drivers, *benchmarks)
    return tuple(dict.fromkeys((*named, *tables_beside(given.towers))))


def commit() -> str | None:
    """Return the git commit that the package's source is at, or None outside a checkout.

    ``+changes`` is added where tracked files of the package differ from that commit.
    """
    if not (PACKAGE.parent / ".git").exists():
        return None
    head = _git("rev-parse", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", str(PACKAGE))
    return f"{head}+changes" if head and changed else head


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(PACKAGE.parent), *words],
            capture_output=True, text=True, check=True, timeout=10,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def _refinement(config: RunConfig) -> dict[str, object]:
    """Return every choice of the learner, those that the configuration leaves alone too."""
    return {**RefineOptions.from_dict(config.learner).to_dict(), "members_in_validation": MEMBERS}


def _configuration(config: RunConfig) -> dict[str, dict[str, Any]]:
    table = asdict(config)
    del table["output"]["out"]
    del table["run"]["workers"]
    return table
