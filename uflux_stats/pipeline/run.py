"""The whole run: from a configuration to a folder of results."""

from datetime import UTC, datetime

from uflux_stats.config import RunConfig, check
from uflux_stats.io.store import write_json
from uflux_stats.pipeline.plan import plan
from uflux_stats.pipeline.provenance import provenance
from uflux_stats.pipeline.runner import RunRecord, run_stages
from uflux_stats.reporting.run_files import PROVENANCE


def run(config: RunConfig, *, progress: bool = False) -> RunRecord:
    """Run everything that a configuration asks for; finished stages are not run again.

    Parameters
    ----------
    config : RunConfig
        Checked before any work is done.
    progress : bool
        Whether to draw a progress bar on standard error.

    Returns
    -------
    RunRecord
        Its folder, stages and numbers.

    Raises
    ------
    ConfigError
        If a value is not allowed, an input is missing or the output folder is not usable.
    """
    check(config)
    started = datetime.now(UTC)
    record = run_stages(
        plan(config), config.output.out, workers=config.run.workers, progress=progress
    )
    write_json(provenance(config, started=started), config.output.out / PROVENANCE)
    return record
