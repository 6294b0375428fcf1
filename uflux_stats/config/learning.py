"""The section ``[refine]`` of a run's configuration."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from uflux_stats.config.settings import setting

Part = Literal[
    "xgboost", "lightgbm", "catboost", "random_forest", "extra_trees", "kernel", "neural"
]  # fmt: skip
Learner = Literal[Part, "cascade", "blend", "stack"]
UNEXPLAINED: Final = ("kernel", "cascade", "stack", "neural")
"""Learners of which no SHAP values are had."""
_TOWER_EFFECT: Final = 0.02
_PLAIN: Final = (
    "model", "members", "row_fraction", "feature_fraction", "target", "respiration", "weighting",
)  # fmt: skip


@dataclass(frozen=True)
class RefineConfig:
    """``[refine]``: the learned correction, by a learner as it is. Seed: by default the run's.

    ``parts`` are those of a blend or a stack, by default the ones of ``StackOptions``;
    ``tower_effect`` is ``KernelOptions.tower`` and ``memory`` that of the network.
    """

    model: Learner = "blend"
    members: int = setting(10, low=1, high=1000)
    row_fraction: float = setting(0.8, low=0.05, high=1)
    feature_fraction: float = setting(0.8, low=0.05, high=1)
    target: Literal["residual", "direct"] = "residual"
    respiration: Literal[
        "fixed_q10", "conditioned_q10", "conditioned_lloyd_taylor", "posterior_q10",
        "posterior_lloyd_taylor",
    ] = "fixed_q10"  # fmt: skip
    weighting: Literal["months", "root", "towers"] = "months"
    parts: tuple[Part, ...] = ()
    tower_effect: float = setting(_TOWER_EFFECT, low=0, high=100)
    memory: Literal["none", "tcn", "lstm"] = "none"
    seed: int | None = setting(None, low=0)

    @property
    def explained(self) -> bool:
        """Whether SHAP values can be had of what is learned."""
        if self.model == "blend" and self.parts:
            return not set(self.parts) <= set(UNEXPLAINED)
        return self.model not in UNEXPLAINED

    @property
    def unheeded(self) -> str:
        """The key that is given and that the learner does not heed; empty where there is none.

        Examples
        --------
        >>> RefineConfig(memory="tcn").unheeded, RefineConfig(model="neural").unheeded
        ('memory', '')
        """
        several = self.model in ("blend", "stack")
        if self.parts and not several:
            return "parts"
        # without parts of their own, several learners hold a kernel and no network
        learners = self.parts or (("kernel",) if several else (self.model,))
        if self.tower_effect != _TOWER_EFFECT and "kernel" not in learners:
            return "tower_effect"
        return "memory" if self.memory != "none" and "neural" not in learners else ""

    def options(self) -> dict[str, Any]:
        """Return what ``RefineOptions.from_dict`` takes, but for the seed.

        Examples
        --------
        >>> RefineConfig(model="blend", parts=("xgboost", "kernel")).options()["stack"]
        {'parts': ('xgboost', 'kernel')}
        """
        given = asdict(self)
        return {name: given[name] for name in _PLAIN} | {
            "stack": {"parts": self.parts} if self.parts else {},
            "kernel": {"tower": self.tower_effect},
            "network": {"memory": self.memory},
        }
