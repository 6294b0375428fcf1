"""Which stages tell how far the fluxes may be believed."""

from uflux_stats.config import RunConfig
from uflux_stats.pipeline.stage import Stage
from uflux_stats.pipeline.stages import calibration, data, engine, gridding, trust
from uflux_stats.refinement.splits import WHOLE_TOWERS


def calibrated_on(config: RunConfig) -> str | None:
    """Name the split whose held-out towers calibrate the intervals; None if none keeps them whole.

    Examples
    --------
    >>> calibrated_on(RunConfig())
    'tower'
    """
    return next((split for split in WHOLE_TOWERS if split in config.validation.wanted), None)


def tower_trust(config: RunConfig) -> tuple[Stage, ...]:
    """Stages that need towers alone; none if no split keeps towers whole."""
    split = calibrated_on(config)
    if split is None:
        return ()
    intervals = Stage(
        "intervals",
        calibration.intervals,
        needs=(engine.VALIDATION,),
        outputs=(calibration.INTERVALS, calibration.COVERAGE),
        # one member alone has no spread
        settings={"split": split, "normalised": config.refine.members > 1},
    )
    consistency = Stage(
        "consistency",
        calibration.consistency,
        needs=(engine.VALIDATION,),
        outputs=(calibration.CONSISTENCY,),
        settings={"split": split},
    )
    adaptation = Stage(
        "adaptation",
        calibration.adaptation,
        needs=(engine.VALIDATION,),
        outputs=(calibration.ADAPTATION,),
        settings={"split": split},
    )
    dissimilarity = Stage(
        "dissimilarity",
        trust.dissimilarity,
        needs=(data.TOWERS, engine.REFINER, engine.VALIDATION),
        outputs=(trust.BY_DISSIMILARITY,),
        settings={"split": split},
    )
    remoteness = Stage(
        "remoteness",
        trust.remoteness,
        needs=(engine.VALIDATION, trust.BY_DISSIMILARITY),
        outputs=(trust.BY_DISTANCE, trust.GAP),
        settings={"split": split, "twin": config.is_twin},
    )
    return intervals, consistency, adaptation, dissimilarity, remoteness


def grid_trust(config: RunConfig) -> Stage:
    """Stage that maps where the upscaled fluxes may be believed."""
    return Stage(
        "applicability",
        trust.applicability,
        needs=(gridding.FLUXES,),
        outputs=(trust.MAPS,),
        settings={"twin": config.is_twin, "regions": config.output.regions},
    )
