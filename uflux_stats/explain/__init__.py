"""What the fitted trees have learned: SHAP values, interactions and response curves."""

from uflux_stats.explain.allocation import allocation_shap
from uflux_stats.explain.curves import local_effects
from uflux_stats.explain.importance import gain, shap_importance
from uflux_stats.explain.towers import shap_values
from uflux_stats.explain.trees import explain_rows, interactions, to_explanation

__all__ = [
    "allocation_shap",
    "explain_rows",
    "gain",
    "interactions",
    "local_effects",
    "shap_importance",
    "shap_values",
    "to_explanation",
]
