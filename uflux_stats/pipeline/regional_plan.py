"""Which stages say what there is in each region."""

from uflux_stats.config import RunConfig
from uflux_stats.pipeline.stage import Stage
from uflux_stats.pipeline.stages import allocation, budget, data, gridding, regional
from uflux_stats.reporting.run_files import MAPS


def regional_stages(config: RunConfig, *, grid: bool, models: bool) -> tuple[Stage, ...]:
    """Return the stages of the regions, in the order to run them.

    Parameters
    ----------
    config : RunConfig
    grid, models : bool
        Whether the run has gridded drivers, without which there are no maps and series, and
        vegetation models, without which there are no stocks.
    """
    regions = {"regions": config.output.regions}
    counted = Stage("places", regional.towers_by_region, needs=(data.TOWERS,), settings=regions)
    if not grid:
        return (counted,)
    fields = Stage(
        "maps",
        regional.maps,
        needs=(gridding.FLUXES, *((allocation.STOCKS,) if models else ())),
        outputs=(MAPS,),
        settings={"stocks": models},
    )
    drawn = Stage(
        "regional figures",
        regional.figures,
        needs=(MAPS, gridding.STATISTICS, *((budget.ALLOCATION,) if models else ())),
        outputs=(regional.FIGURES,),
        settings=regions | {"stocks": models, "twin": config.is_twin},
    )
    return counted, fields, drawn
