"""Stage that checks attribution: what every method says, and whether assumptions hold."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.attribution.discovery import link_table
from uflux_stats.attribution.network import Network, fit_network
from uflux_stats.attribution.robustness import agreement
from uflux_stats.attribution.samples import GLOBE, Group
from uflux_stats.attribution.validity import copula_fit, independence_tests
from uflux_stats.errors import MissingExtraError, SampleError
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.data import TOWERS, load
from uflux_stats.pipeline.stages.explaining import SHAP
from uflux_stats.reporting.numbers import Number, key, number

AGREEMENT: Final = "tables/attribution_agreement.csv"
COPULAS: Final = "tables/attribution_copulas.csv"
INDEPENDENCE: Final = "tables/attribution_independence.csv"
TABLES: Final = (AGREEMENT, COPULAS, INDEPENDENCE)
_ROWS: Final = 300
LEARNED: Final = {"RECO": ("RECO", 1.0), "NEP": ("NEE", -1.0)}
"""Fluxes that the refinement learns whole: SHAP values of a residual say nothing of the flux."""


def checks(task: Task) -> Mapping[str, Number]:
    """Write one table of all methods, and tests of the copula and of the graph, by continent."""
    towers, regions = load(task.input(TOWERS)), task.settings["regions"]
    shap = load(task.input(SHAP)) if task.settings["explained"] else None
    try:
        networks = fit_network(towers, by="continent", regions=regions)
    except SampleError as error:
        for name in TABLES:
            pd.DataFrame({"note": [str(error)]}).to_csv(task.output(name), index=False)
        return {key("attribution", "agreement"): number(None, note=f"skipped: {error}")}
    made: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    discovered = ""
    for group, network in networks.items():
        others = {}
        if group == Group() and shap is not None:
            others["shap"] = shap_slopes(shap, network)
        try:
            if group == Group():
                others["pcmci"] = link_table(network)
        except (MissingExtraError, SampleError) as error:
            discovered = f"; without PCMCI+: {error}"
        found = agreement(network, seed=task.settings["seed"], **others)
        made[AGREEMENT].append(_of(group, found))
        made[COPULAS].append(_of(group, copula_fit(_some_rows(network))))
        made[INDEPENDENCE].append(_of(group, independence_tests(network, between_targets=False)))
    whole = {name: pd.concat(parts, ignore_index=True) for name, parts in made.items()}
    for name, table in whole.items():
        table.to_csv(task.output(name), index=False, float_format="%.6g")
    return dict(_numbers(whole, discovered))


def _some_rows(network: Network) -> pd.DataFrame:
    """Give an even choice of rows: the test compares every one with every other."""
    values = network.sample.values
    even = np.linspace(0, len(values) - 1, min(_ROWS, len(values))).astype(int)
    return pd.DataFrame(values[even], columns=list(network.sample.names))


def _of(group: Group, table: pd.DataFrame) -> pd.DataFrame:
    table.insert(0, "region", group.region)
    return table


def shap_slopes(shap: xr.Dataset, network: Network) -> pd.DataFrame:
    """Slopes of SHAP values on their predictors, standardised, target (rows) by driver (columns).

    Parameters
    ----------
    shap : xr.Dataset, (row, feature)
        Of ``shap_values``.
    network : Network
        Its targets and drivers.

    Returns
    -------
    pd.DataFrame
        Standard deviations of SHAP values with the sign of their slope; missing where the
        refinement learns a residual, or does not know the driver.
    """
    features = [str(name) for name in shap["feature"].values]
    graph = network.graph
    table = pd.DataFrame(np.nan, index=list(graph.targets), columns=list(graph.drivers))
    for target, (flux, sign) in LEARNED.items():
        if target in table.index and flux in shap and shap[flux].attrs.get("explains") == "flux":
            for driver in set(features) & set(table.columns):
                value = sign * _slope(shap, flux, features.index(driver))
                table.loc[target, driver] = value
    return table


def _slope(shap: xr.Dataset, flux: str, place: int) -> float:
    values = shap[flux].values[:, place].astype(np.float64)
    predictor = shap["predictor"].values[:, place].astype(np.float64)
    known = np.isfinite(values) & np.isfinite(predictor)
    values, predictor = values[known], predictor[known]
    if not known.any() or np.ptp(predictor) == 0.0 or np.ptp(values) == 0.0:
        return 0.0
    return float(np.std(values) * np.sign(np.cov(values, predictor)[0, 1]))


def _numbers(tables: Mapping[str, pd.DataFrame], discovered: str) -> Iterator[tuple[str, Number]]:
    """Yield shares over all targets and drivers of the globe."""
    methods = tables[AGREEMENT].loc[lambda table: table["region"] == GLOBE]
    note = f"mean share of the checks of a total effect that have its sign{discovered}"
    yield key("attribution", "agreement"), number(methods["same_sign"].mean(), n=len(methods),
                                                  note=note)  # fmt: skip
    shuffled = float(methods["placebo"].abs().max())
    note = "largest total effect of a driver whose years were shuffled"
    yield key("attribution", "placebo"), number(shuffled, n=len(methods), note=note)
    pairs = tables[COPULAS].loc[lambda table: table["region"] == GLOBE]
    normal = float((pairs["best"] == "normal").mean())
    note = "share of pairs of nodes whose copula is nearer to normal than to three other families"
    yield key("attribution", "normal_copulas"), number(normal, n=len(pairs), note=note)
    claims = tables[INDEPENDENCE]
    claims = claims[(claims["region"] == GLOBE) & (claims["first"] != "all")]
    note = "largest partial correlation that the graph says is nothing, not between two targets"
    yield (
        key("attribution", "worst_independence"),
        number(claims["partial"].abs().max(), n=len(claims), note=note),
    )
