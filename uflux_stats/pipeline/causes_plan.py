"""Which stages say what drives the fluxes."""

from pathlib import Path

from uflux_stats.attribution.query import CUBES
from uflux_stats.config import RunConfig
from uflux_stats.pipeline.stage import Stage
from uflux_stats.pipeline.stages import (
    causes,
    causes_checks,
    causes_drawing,
    cube_causes,
    data,
    explaining,
    gridding,
    known_effects,
)


def cause_stages(
    config: RunConfig, needs: tuple[str, ...], files: dict[str, tuple[Path, ...]], *, grid: bool
) -> tuple[Stage, ...]:
    """Return the stages of the attribution, in the order to run them.

    Parameters
    ----------
    config : RunConfig
    needs, files
        Of a stage that reads the gridded drivers.
    grid : bool
        Whether the run has them.
    """
    settings = {
        "regions": config.output.regions,
        "replicates": config.attribution.replicates,
        "seed": config.run.seed,
    }
    found = Stage(
        "attribution",
        causes.attribution,
        needs=(data.TOWERS,),
        outputs=(causes.ATTRIBUTION,),
        settings=settings,
    )
    known = Stage(
        "known effects",
        known_effects.known_effects,
        needs=(data.TWIN, gridding.FLUXES),
    )
    drawn = Stage(
        "attribution figures",
        causes_drawing.figures,
        needs=(data.TOWERS, causes.ATTRIBUTION),
        outputs=(causes_drawing.FIGURES,),
        settings={
            "regions": config.output.regions,
            "twin": config.is_twin,
        },
    )
    checked = Stage(
        "attribution checks",
        causes_checks.checks,
        needs=(data.TOWERS, *((explaining.SHAP,) if config.refine.explained else ())),
        outputs=causes_checks.TABLES,
        settings={
            "regions": config.output.regions,
            "seed": config.run.seed,
            "explained": config.refine.explained,
        },
    )
    cubes = Stage(
        "cube attribution",
        cube_causes.cube_attribution,
        needs=(gridding.FLUXES, *needs),
        files=files,
        outputs=(CUBES,),
        settings=settings | {"climatology_year": config.input.climatology_year},
    )
    return (
        found,
        *((cubes,) if grid else ()),
        *((known,) if config.is_twin else ()),
        checked,
        drawn,
    )
