"""Draw from a posterior: nutpie by default, PyMC's samplers by name."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.bayes.compat import group, load_library, quiet_libraries, tree_of
from uflux_stats.bayes.model import build_model
from uflux_stats.bayes.options import SamplerOptions
from uflux_stats.bayes.rows import ModelRows

GROUPS = ("posterior", "sample_stats")


@dataclass(frozen=True)
class Compiled:
    """A model ready for nutpie, so that other data or weights cost no compilation."""

    program: Any

    @classmethod
    def of(cls, rows: ModelRows) -> "Compiled":
        """Compile the model of ``rows``; takes 10 to 60 seconds.

        Raises
        ------
        ImportError
            If nutpie is not installed.
        """
        nutpie = load_library("nutpie", instead="choose sampler='pymc'")
        with quiet_libraries():
            return cls(nutpie.compile_pymc_model(build_model(rows)))

    def sample(self, options: SamplerOptions, **data: NDArray[np.float64]) -> Any:
        """Sample, with the data containers of ``build_model`` that are given exchanged.

        Returns
        -------
        arviz.InferenceData or xarray.DataTree
            Groups posterior and sample_stats.
        """
        nutpie = load_library("nutpie")
        program = self.program.with_data(**data) if data else self.program
        with quiet_libraries():
            drawn = nutpie.sample(
                program, draws=options.draws, tune=options.tune, chains=options.chains,
                cores=options.cores, seed=options.seed, target_accept=options.target_accept,
                progress_bar=options.progress, save_warmup=False,
            )  # fmt: skip
        return _plain(drawn)


def sample_posterior(rows: ModelRows, options: SamplerOptions) -> Any:
    """Build, compile and sample the model of ``rows``.

    Parameters
    ----------
    rows : ModelRows
    options : SamplerOptions

    Returns
    -------
    arviz.InferenceData or xarray.DataTree
        Groups posterior (chain, draw, ...) and sample_stats.

    Raises
    ------
    ImportError
        If the sampler is not installed.
    """
    if options.sampler == "nutpie":
        return Compiled.of(rows).sample(options)
    if options.sampler != "pymc":
        load_library(options.sampler, instead="choose sampler='nutpie'")
    pm = load_library("pymc")
    with quiet_libraries(), build_model(rows):
        drawn = pm.sample(
            draws=options.draws, tune=options.tune, chains=options.chains, cores=options.cores,
            random_seed=options.seed, target_accept=options.target_accept,
            progressbar=options.progress, nuts_sampler=options.sampler,
            compute_convergence_checks=False,
        )  # fmt: skip
    return _plain(drawn)


def _plain(drawn: Any) -> Any:
    """Keep the groups that all samplers share, without unnamed helper variables."""
    return tree_of({name: _kept(group(drawn, name)) for name in GROUPS})


def _kept(data: xr.Dataset) -> xr.Dataset:
    names = [str(name) for name in data.data_vars]
    helpers = [name for name in names if name.startswith("raw_") or name.endswith("__")]
    return data.drop_vars([name for name in helpers if name != "raw_season"]).drop_attrs()
