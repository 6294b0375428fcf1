"""Which stages a configuration asks for, in which order."""

from pathlib import Path
from typing import Any

from uflux_stats.config import RunConfig
from uflux_stats.pipeline.causes_plan import cause_stages
from uflux_stats.pipeline.files import tables_beside
from uflux_stats.pipeline.judging import judging
from uflux_stats.pipeline.regional_plan import regional_stages
from uflux_stats.pipeline.respiration_plan import respiration_stages
from uflux_stats.pipeline.stage import Stage
from uflux_stats.pipeline.stages import (
    allocation,
    allocation_figures,
    budget,
    calibration,
    data,
    drawing,
    engine,
    explaining,
    gridding,
    records,
    recovery,
    tower_drivers,
)
from uflux_stats.pipeline.trust_plan import calibrated_on, grid_trust, tower_trust


def plan(config: RunConfig) -> tuple[Stage, ...]:
    """Return the stages of a run, in the order to run them."""
    twin = (_twin(config),) if config.is_twin else ()
    return (
        *twin,
        _towers(config),
        _records(),
        *_engine(config),
        *_grid(config),
        *_tower_drivers(config),
        *_allocation(config),
        *_explanation(config),
        *cause_stages(config, _twin_needs(config), _driver_files(config), grid=_has_grid(config)),
        *_drawing(config),
        *respiration_stages(
            config, _driver_files(config), grid=_has_grid(config), models=_has_models(config)
        ),
        *regional_stages(config, grid=_has_grid(config), models=_has_models(config)),
    )


def _twin(config: RunConfig) -> Stage:
    twin = config.twin
    settings = {
        "seed": config.twin_seed,
        "resolution": twin.resolution,
        "years": twin.years,
        "n_towers": twin.towers,
        "n_dgvms": twin.models,
    }
    return Stage("twin", data.twin, outputs=(data.TWIN,), settings=settings)


def _towers(config: RunConfig) -> Stage:
    given = config.input
    files = _tower_files(config)
    settings: dict[str, Any] = {
        "qc": given.qc,
        "partitioning": given.partitioning,
        "tower_drivers": given.tower_drivers,
    }
    if given.tower_drivers == "grid":
        files["drivers"] = given.drivers
    return Stage(
        "towers",
        data.towers,
        needs=_twin_needs(config),
        files=files,
        outputs=_tower_outputs(config),
        settings=settings,
    )


def _records() -> Stage:
    outputs = (records.BY_TOWER, records.BY_TYPE)
    return Stage("long records", records.records, needs=(data.TOWERS,), outputs=outputs)


def _tower_outputs(config: RunConfig) -> tuple[str, ...]:
    on_grid = config.input.tower_drivers == "grid"
    return (data.TOWERS, data.MEASURED) if on_grid else (data.TOWERS,)


def _engine(config: RunConfig) -> tuple[Stage, ...]:
    refine = config.learner
    validation = {
        "mode": config.validation.mode,
        "splits": config.validation.wanted,
        "refine": refine,
    }
    towers = (data.TOWERS,)
    return (
        Stage("parameters", engine.parameters, needs=towers, outputs=(engine.PARAMETERS,)),
        Stage("refine", engine.fit, needs=towers, outputs=(engine.REFINER,), settings=refine),
        *_drivers(config),
        Stage(
            "validate",
            engine.validate,
            needs=towers,
            outputs=(engine.VALIDATION,),
            settings=validation,
        ),
        *tower_trust(config),
    )


def _grid(config: RunConfig) -> tuple[Stage, ...]:
    """Stages that need gridded drivers; none on towers alone."""
    if not _has_grid(config):
        return ()
    given = config.input
    whole = calibrated_on(config) is not None
    learned = (calibration.INTERVALS, calibration.CONSISTENCY) if whole else ()
    upscale = Stage(
        "upscale",
        gridding.upscale,
        needs=(engine.REFINER, *learned, *_twin_needs(config)),
        files=_driver_files(config),
        outputs=(gridding.FLUXES,),
        settings={
            "climatology_year": given.climatology_year,
            "rows": config.output.rows,
            "calibrated": whole,
        },
    )
    statistics = Stage(
        "statistics",
        gridding.statistics,
        needs=(gridding.FLUXES,),
        outputs=(gridding.STATISTICS,),
        settings={"regions": config.output.regions},
    )
    recovered = Stage(
        "recovery",
        recovery.recovery,
        needs=(data.TWIN, gridding.FLUXES, gridding.STATISTICS, engine.VALIDATION),
    )
    always = (upscale, grid_trust(config), statistics)
    return (*always, recovered) if config.is_twin else always


def _tower_drivers(config: RunConfig) -> tuple[Stage, ...]:
    """Stages that compare measured with gridded drivers; they need both."""
    if not _has_grid(config) or (config.input.towers is None and not config.is_twin):
        return ()
    needs = (*_tower_outputs(config), *_twin_needs(config))
    shared = {"tower_drivers": config.input.tower_drivers}
    compared = Stage(
        "meteorology",
        tower_drivers.meteorology,
        needs=needs,
        files=_driver_files(config),
        outputs=(tower_drivers.TABLE, tower_drivers.FIGURES),
        settings=shared | {"twin": config.is_twin},
    )
    if not config.compares_drivers:
        return (compared,)
    validation = config.validation
    validated = validation.mode == "quick" and "tower" in validation.wanted
    skill = Stage(
        "skill by drivers",
        tower_drivers.skill,
        needs=(*needs, *((engine.VALIDATION,) if validated else ())),
        files=_driver_files(config),
        outputs=(tower_drivers.COMPARED_SKILL,),
        settings=shared | {"refine": config.learner, "validated": validated},
    )
    return compared, skill


def _allocation(config: RunConfig) -> tuple[Stage, ...]:
    """Stages that divide the fluxes; they need a grid and vegetation models."""
    if not _has_models(config):
        return ()
    chosen = config.emulate
    needs, files = _twin_needs(config), _driver_files(config)
    dated = {"climatology_year": config.input.climatology_year}
    models = Stage(
        "dgvm",
        allocation.dgvm,
        needs=needs,
        files=files | ({"dgvm": (config.input.dgvm,)} if config.input.dgvm else {}),
        outputs=(allocation.DGVM, allocation.DGVM_CHECK, allocation.DGVM_FAULTS),
        settings=dated
        | {"scenario": chosen.scenario, "years": chosen.years, "models": chosen.models},
    )
    emulate = Stage(
        "emulate",
        allocation.emulate,
        needs=(allocation.DGVM, gridding.FLUXES, *needs),
        files=files,
        outputs=(allocation.STOCKS, allocation.UNCLOSED, allocation.PAPER, allocation.LEARNED),
        settings=dated
        | chosen.learner(twin=config.is_twin)
        | {"closure": chosen.closure, "seed": config.run.seed},
    )
    judged = judging(config, needs, files)
    return models, emulate, _budget(config), *_allocation_checks(config), *judged


def _budget(config: RunConfig) -> Stage:
    return Stage(
        "budget",
        budget.budget,
        needs=(
            allocation.DGVM,
            allocation.STOCKS,
            allocation.UNCLOSED,
            allocation.PAPER,
            *_twin_needs(config),
        ),
        files=_driver_files(config),
        outputs=(
            budget.ALLOCATION,
            budget.DIVERGENCE,
            budget.AUDIT,
            budget.BALANCE,
            budget.LAGS,
            budget.WAYS,
            budget.MOVED,
            budget.DIVERGENCES,
        ),
        settings={
            "climatology_year": config.input.climatology_year,
            "regions": config.output.regions,
        },
    )


def _allocation_checks(config: RunConfig) -> tuple[Stage, ...]:
    """Figures and, on the twin, what was recovered."""
    drawn = Stage(
        "allocation figures",
        allocation_figures.figures,
        needs=(
            allocation.DGVM,
            allocation.STOCKS,
            allocation.UNCLOSED,
            budget.ALLOCATION,
            budget.DIVERGENCE,
            budget.BALANCE,
        ),
        outputs=(allocation_figures.FIGURES,),
        settings={"twin": config.is_twin, "projection": config.output.projection},
    )
    recovered = Stage(
        "allocation recovery",
        recovery.allocation_recovery,
        needs=(data.TWIN, budget.ALLOCATION),
    )
    return (drawn, recovered) if config.is_twin else (drawn,)


def _explanation(config: RunConfig) -> tuple[Stage, ...]:
    """SHAP values of what was learned."""
    settings = {"regions": config.output.regions, "twin": config.is_twin}
    refined = Stage(
        "explanation",
        explaining.explanation,
        needs=(data.TOWERS, engine.REFINER),
        outputs=(explaining.SHAP, *explaining.TABLES, explaining.FIGURES),
        settings=settings,
    )
    explained = (refined,) if config.refine.explained else ()
    if not _has_models(config):
        return explained
    allocated = Stage(
        "allocation explanation",
        explaining.allocation_explanation,
        needs=(allocation.DGVM, *_twin_needs(config)),
        files=_driver_files(config),
        outputs=tuple(map(explaining.in_allocation, (*explaining.TABLES, explaining.FIGURES))),
        settings=settings
        | config.emulate.learner(twin=config.is_twin)
        | {"climatology_year": config.input.climatology_year, "seed": config.run.seed},
    )
    return *explained, allocated


def _drivers(config: RunConfig) -> tuple[Stage, ...]:
    if not _has_grid(config):
        return ()
    check = Stage(
        "drivers",
        gridding.check_drivers,
        needs=(engine.REFINER, *_twin_needs(config)),
        files=_driver_files(config),
        settings={"climatology_year": config.input.climatology_year},
    )
    return (check,)


def _driver_files(config: RunConfig) -> dict[str, tuple[Path, ...]]:
    return {"drivers": config.input.drivers} if config.input.drivers else {}


def _has_grid(config: RunConfig) -> bool:
    return config.is_twin or bool(config.input.drivers)


def _has_models(config: RunConfig) -> bool:
    return config.is_twin or (_has_grid(config) and config.input.dgvm is not None)


def _drawing(config: RunConfig) -> tuple[Stage, ...]:
    grid = (gridding.FLUXES, gridding.STATISTICS) if _has_grid(config) else ()
    tables = Stage(
        "tables", drawing.tables, needs=(engine.VALIDATION,), outputs=drawing.TABLE_FILES
    )
    figures = Stage(
        "figures",
        drawing.figures,
        needs=(engine.VALIDATION, *grid),
        outputs=(drawing.FIGURES,),
        settings={
            "grid": bool(grid),
            "twin": config.is_twin,
            "projection": config.output.projection,
        },
    )
    return tables, figures


def _twin_needs(config: RunConfig) -> tuple[str, ...]:
    return (data.TWIN,) if config.is_twin else ()


def _tower_files(config: RunConfig) -> dict[str, tuple[Path, ...]]:
    """Tower files, their tables, and whatever the reader may find beside them."""
    given = config.input
    if given.towers is None:
        return {}
    tables = {"sites": given.sites, "fapar": given.fapar}
    named = {kind: (path,) for kind, path in tables.items() if path is not None}
    return {"towers": (given.towers,), "beside": tables_beside(given.towers), **named}
