"""Which stages judge the allocation: held-out emulation and comparison with observations."""

from pathlib import Path

from uflux_stats.config import RunConfig
from uflux_stats.pipeline.stage import Stage
from uflux_stats.pipeline.stages import allocation, benchmarks, emulator_skill


def judging(
    config: RunConfig, needs: tuple[str, ...], files: dict[str, tuple[Path, ...]]
) -> tuple[Stage, ...]:
    """Return the stages that judge the allocation, in the order to run them.

    Parameters
    ----------
    config : RunConfig
    needs, files
        Of a stage that reads the gridded drivers.
    """
    mode = {"mode": config.validation.mode}
    validated = Stage(
        "emulator validation",
        emulator_skill.validate_emulator,
        needs=(allocation.DGVM, *needs),
        files=files,
        outputs=(emulator_skill.PREDICTIONS, emulator_skill.TABLE, emulator_skill.PLACES),
        settings={
            "climatology_year": config.input.climatology_year,
            "seed": config.run.seed,
            **config.emulate.learner(twin=config.is_twin),
            **mode,
        },
    )
    drawn = Stage(
        "emulator figures",
        emulator_skill.figures,
        needs=(emulator_skill.PREDICTIONS, emulator_skill.TABLE, emulator_skill.PLACES),
        outputs=(emulator_skill.FIGURES,),
        settings={"twin": config.is_twin, **mode},
    )
    return validated, drawn, *_benchmarks(config)


def _benchmarks(config: RunConfig) -> tuple[Stage, ...]:
    """Hold what was named against the allocation; nothing if nothing was."""
    files = config.benchmarks.files
    if not files:
        return ()
    extra = tuple(table for kind, table in benchmarks.EXTRA.items() if kind in files)
    compared = Stage(
        "benchmarks",
        benchmarks.benchmarks,
        needs=(allocation.STOCKS,),
        files=files,
        outputs=(benchmarks.TABLE, benchmarks.FIGURES, *extra),
        settings={"twin": config.is_twin},
    )
    return (compared,)
