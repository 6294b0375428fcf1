"""Which stages of respiration a configuration asks for, in which order."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from uflux_stats.config import RunConfig
from uflux_stats.pipeline.stage import Stage
from uflux_stats.pipeline.stages import (
    budget,
    data,
    engine,
    gridding,
    posterior,
    propagation,
    recovery,
    respiration_checks,
    respiration_drawing,
)

Files = Mapping[str, tuple[Path, ...]]


def respiration_stages(
    config: RunConfig, drivers: Files, *, grid: bool, models: bool
) -> tuple[Stage, ...]:
    """Return the stages of the posteriors, which go last: nothing else waits for them.

    Parameters
    ----------
    config : RunConfig
    drivers : mapping
        Files of the gridded drivers, if they were given.
    grid, models : bool
        Whether the run has gridded drivers, and vegetation models.
    """
    chosen = config.respiration
    if not chosen.posterior:
        return ()
    forms = chosen.fitted(twin=config.is_twin)
    shared = {
        "forms": forms,
        "seed": config.respiration_seed,
        "regions": config.output.regions,
    }
    sampled = Stage(
        "posterior",
        posterior.posterior,
        needs=(data.TOWERS,),
        outputs=(*posterior.posterior_files(forms), *posterior.TABLES),
        settings=shared | {"level": chosen.level} | chosen.sampled(twin=config.is_twin),
    )
    dated = shared | {"climatology_year": config.input.climatology_year}
    return (
        sampled,
        _checked(config, shared),
        *((_carried(config, drivers, dated),) if grid else ()),
        *((_sinks(),) if models else ()),
        *((_recovered(config),) if config.is_twin else ()),
        _drawn(config, drivers, dated | {"grid": grid, "models": models}),
    )


def _checked(config: RunConfig, settings: Mapping[str, Any]) -> Stage:
    """Judge the posteriors; with full validation they are refitted without groups of towers."""
    towers_held_out = "tower" in config.validation.wanted
    chosen = config.respiration
    return Stage(
        "respiration checks",
        respiration_checks.checks,
        needs=(
            data.TOWERS,
            *posterior.posterior_files(settings["forms"]),
            *((engine.VALIDATION,) if towers_held_out else ()),
        ),
        outputs=respiration_checks.TABLES,
        settings={
            **settings,
            "level": chosen.level,
            "folds": chosen.held_out(mode=config.validation.mode),
            "tower_split": towers_held_out,
        },
    )


def _twin(config: RunConfig) -> tuple[str, ...]:
    return (data.TWIN,) if config.is_twin else ()


def _carried(config: RunConfig, drivers: Files, settings: Mapping[str, Any]) -> Stage:
    chosen = config.respiration
    files = posterior.posterior_files(settings["forms"])
    carried = {name: getattr(chosen, name) for name in ("carried", "site_effect", "length_km")}
    return Stage(
        "propagation",
        propagation.propagation,
        needs=(*files, engine.PARAMETERS, gridding.FLUXES, *_twin(config)),
        files=drivers,
        outputs=(propagation.POSTERIOR_FLUXES, propagation.POSTERIOR_TOTALS),
        settings={**settings, **carried},
    )


def _sinks() -> Stage:
    return Stage(
        "sinks",
        propagation.sinks,
        needs=(budget.DIVERGENCE, propagation.POSTERIOR_TOTALS),
        outputs=(propagation.SINKS,),
    )


def _recovered(config: RunConfig) -> Stage:
    forms = config.respiration.fitted(twin=True)
    return Stage(
        "respiration recovery",
        recovery.respiration_recovery,
        needs=(data.TWIN, data.TOWERS, *posterior.posterior_files(forms)),
        settings={"forms": forms},
    )


def _drawn(config: RunConfig, drivers: Files, settings: Mapping[str, Any]) -> Stage:
    files = posterior.posterior_files(settings["forms"])
    on_grid = (propagation.POSTERIOR_FLUXES, *_twin(config)) if settings["grid"] else ()
    sinks = (propagation.SINKS,) if settings["models"] else ()
    return Stage(
        "respiration figures",
        respiration_drawing.figures,
        needs=(
            *files,
            posterior.CONTINENT_TABLE,
            respiration_checks.SITES_LEFT_OUT,
            *on_grid,
            *sinks,
        ),
        files=drivers,
        outputs=(respiration_drawing.FIGURES,),
        settings={
            **settings,
            "twin": config.is_twin,
            "level": config.respiration.level,
            "site_effect": config.respiration.site_effect,
        },
    )
