"""Choices of the refinement, with the defaults that the validation tables were made with."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, get_args

from uflux_stats.choices import require_choice, require_least, require_names
from uflux_stats.errors import ConfigError
from uflux_stats.refinement.neural.options import NetworkOptions
from uflux_stats.schema import FLUXES

Respiration = Literal[
    "fixed_q10",
    "conditioned_q10",
    "conditioned_lloyd_taylor",
    "posterior_q10",
    "posterior_lloyd_taylor",
]
Part = Literal[
    "xgboost", "lightgbm", "catboost", "random_forest", "extra_trees", "kernel", "neural"
]  # fmt: skip
Learner = Literal[Part, "cascade", "blend", "stack"]
NEURAL: Final = "neural"
_NO_TREES: Final = ("kernel", NEURAL)
Weighting = Literal["months", "root", "towers"]
_ALLOWED: Final[dict[str, tuple[str, ...]]] = {
    "model": get_args(Learner),
    "target": ("residual", "direct"),
    "respiration": get_args(Respiration),
    "weighting": get_args(Weighting),
}
_FRACTIONS: Final = ("row_fraction", "feature_fraction", "tree_features", "learning_rate")
_LEAST: Final = {"members": 1, "trees": 1, "depth": 1, "bins": 2, "min_weight": 0, "seed": 0}


@dataclass(frozen=True)
class ForestOptions:
    """Of a random forest and of extremely randomised trees.

    Attributes
    ----------
    trees : int
        In each member.
    least_rows : int
        Least rows in a leaf.
    features : float
        Share of a member's predictors that a split chooses among.
    """

    trees: int = 10
    least_rows: int = 6
    features: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name in ("trees", "least_rows"):
            require_least(getattr(self, name), 1, name=f"forest.{name}")
        _require_share(self.features, name="forest.features")


@dataclass(frozen=True)
class KernelOptions:
    """Of kernel ridge regression.

    Attributes
    ----------
    points : int
        Rows about which the kernel is laid.
    length : float [standard deviations]
        Its width, times the root of the number of predictors.
    ridge : float
        Penalty on the norm of the solution.
    tower : float
        Variance of the error that months of a tower have in common, over that of each month.
    trend : bool
        Whether it departs from a line in the fluxes of the baseline, where these are predictors,
        rather than from the mean.
    """

    points: int = 500
    length: float = 0.6
    ridge: float = 1.0
    tower: float = 0.02
    trend: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        require_least(self.points, 1, name="kernel.points")
        require_least(self.tower, 0.0, name="kernel.tower")
        for name in ("length", "ridge"):
            if not getattr(self, name) > 0.0:
                raise ConfigError(
                    f"kernel.{name}: expected a positive number, got {getattr(self, name)}"
                )


@dataclass(frozen=True)
class StackOptions:
    """Of blends, stacks and cascades.

    Attributes
    ----------
    parts : tuple of str
        Learners of a blend or a stack. "neural", the network for all fluxes, needs another beside
        it; what its memory reads the others do not see.
    weights : {"nnls", "ridge"}
        How a stack weighs them: not negative and of sum one, or shrunk towards equal shares.
    penalty : float
        Of "ridge", relative to the mean square of what the parts predict.
    folds : int
        Groups of towers for what is predicted out of fold, by a stack and a cascade.
    """

    parts: tuple[Part, ...] = ("xgboost", "kernel")
    weights: Literal["nnls", "ridge"] = "nnls"
    penalty: float = 0.01
    folds: int = 5

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        require_names(self.parts, name="stack.parts")
        for part in self.parts:
            require_choice(part, get_args(Part), name="stack.parts")
        require_least(len(self.parts), 1, name="number of stack.parts")
        if NEURAL in self.parts and (self.parts.count(NEURAL) > 1 or not self.beside_network):
            raise ConfigError(
                "stack.parts: expected 'neural' once and another learner beside it, got "
                f"{list(self.parts)}; the network alone is model='neural'"
            )
        require_choice(self.weights, ("nnls", "ridge"), name="stack.weights")
        require_least(self.penalty, 0.0, name="stack.penalty")
        require_least(self.folds, 2, name="stack.folds")

    @property
    def beside_network(self) -> tuple[Part, ...]:
        """Parts that are not the network."""
        return tuple(part for part in self.parts if part != NEURAL)


def _require_share(got: float, *, name: str) -> None:
    if not 0.0 < got <= 1.0:
        raise ConfigError(f"{name}: expected a share above 0 and up to 1, got {got}")


@dataclass(frozen=True)
class RefineOptions:
    """Options of ``refine``.

    Attributes
    ----------
    model : {"xgboost", "lightgbm", "catboost", "random_forest", "extra_trees", "kernel", \
        "cascade", "blend", "stack", "neural"}
        The learner of each flux: several together (``stack``), as their mean, by default of
        boosted trees and a kernel, or weighted by what they predict for unseen towers; boosted
        trees (LightGBM and CatBoost come with the extra ``learners``), forests, kernel ridge
        regression, a cascade of boosted trees; or a network for all fluxes (extra ``nn``).
    target : {"residual", "direct"}
        Learn observation minus baseline, or the observation itself.
    direct : tuple of str, optional
        Fluxes learned as observed even under "residual". By default NEE, whose baseline is the
        difference of two larger errors; RECO, whose baseline knows temperature and land cover
        only: held-out towers are predicted as well either way, but a residual on it runs away
        where there are no towers; and LE, of which held-out towers are predicted better, but for
        a network, which learns its residual.
    process_predictors : bool
        Whether the baseline's GPP, RECO and LE are among the predictors, so that the learners can
        see how far to trust it.
    respiration : {"fixed_q10", "conditioned_q10", "conditioned_lloyd_taylor", "posterior_q10", \
        "posterior_lloyd_taylor"}
        Baseline of RECO: base rates at Q10 1.5, or rate and sensitivity of each class times the
        effects of greenness, light and VPD; see ``fit_conditioned_respiration``;
        or the posterior means of a model with site effects, see ``posterior_table``, refitted in
        every fold, which takes half a minute each.
    members : int
        Size of the ensemble; each member sees its own draw of rows and features.
    row_fraction, feature_fraction : float
        Share of training rows and of features that a member sees.
    trees, depth, learning_rate, bins, min_weight, tree_features
        Of gradient boosting (Chen and Guestrin 2016, doi 10.1145/2939672.2939785): number of
        trees, their depth, shrinkage, bins of the histograms, least rows in a leaf, and the share
        of a member's features that one tree sees.
    coordinates : bool
        Whether latitude and longitude are among the predictors. They let trees memorise towers.
    weighting : {"months", "root", "towers"}
        What a tower with n months counts: n, the root of n, or one.
    forest, kernel, stack : ForestOptions, KernelOptions, StackOptions
        Of these learners.
    network : NetworkOptions
        Of the network and the weights of its constraints.
    seed : int

    Raises
    ------
    ConfigError
        If a choice is unknown or a number is out of its range.

    Examples
    --------
    >>> RefineOptions(target="direct").members
    10
    """

    model: Learner = "blend"
    target: Literal["residual", "direct"] = "residual"
    direct: tuple[str, ...] | None = None
    process_predictors: bool = True
    respiration: Respiration = "fixed_q10"
    members: int = 10
    row_fraction: float = 0.8
    feature_fraction: float = 0.8
    trees: int = 80
    depth: int = 6
    learning_rate: float = 0.1
    bins: int = 48
    min_weight: float = 5.0
    tree_features: float = 0.5
    coordinates: bool = False
    weighting: Weighting = "months"
    forest: ForestOptions = field(default_factory=ForestOptions)
    kernel: KernelOptions = field(default_factory=KernelOptions)
    stack: StackOptions = field(default_factory=StackOptions)
    network: NetworkOptions = field(default_factory=NetworkOptions)
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name, allowed in _ALLOWED.items():
            require_choice(getattr(self, name), allowed, name=name)
        unknown = sorted(set(self.learned_directly) - set(FLUXES))
        if unknown:
            raise ConfigError(f"direct: expected some of {list(FLUXES)}, got {unknown}")
        for name in _FRACTIONS:
            _require_share(getattr(self, name), name=name)
        for name, least in _LEAST.items():
            require_least(getattr(self, name), least, name=name)

    def is_residual(self, flux: str) -> bool:
        """Tell whether the residual of a flux is learned, not the flux itself."""
        return self.target == "residual" and flux not in self.learned_directly

    @property
    def learned_directly(self) -> tuple[str, ...]:
        """Fluxes learned as observed under "residual".

        Examples
        --------
        >>> RefineOptions(model="neural").learned_directly
        ('RECO', 'NEE')
        """
        if self.direct is not None:
            return self.direct
        return ("RECO", "NEE") if self.networked else ("RECO", "NEE", "LE")

    @property
    def history(self) -> int:
        """Months before the present one whose drivers are predictors too."""
        return self.network.history if self.networked else 0

    @property
    def several(self) -> bool:
        """Whether several learners share each flux."""
        return self.model in ("blend", "stack")

    @property
    def fused(self) -> bool:
        """Whether the network is one of several learners."""
        return self.several and NEURAL in self.stack.parts

    @property
    def networked(self) -> bool:
        """Whether the network learns, alone or as one of several."""
        return self.model == NEURAL or self.fused

    @property
    def beside_trees(self) -> tuple[str, ...]:
        """Learners that are no trees among those of a blend or a stack.

        Examples
        --------
        >>> RefineOptions().beside_trees, RefineOptions(model="xgboost").beside_trees
        (('kernel',), ())
        """
        parts = self.stack.parts if self.several else ()
        return tuple(part for part in parts if part in _NO_TREES)

    def to_dict(self) -> dict[str, object]:
        """Return the options as plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "RefineOptions":
        """Make options of plain values; what is not there has its default.

        Raises
        ------
        TypeError
            If a name is unknown.
        ConfigError
            If a value is not allowed.

        Examples
        --------
        >>> given = RefineOptions(model="stack", stack=StackOptions(parts=("xgboost", "kernel")))
        >>> RefineOptions.from_dict(given.to_dict()) == given
        True
        """
        parts = {name: kind(**_of_tuples(plain.get(name, {}))) for name, kind in _NESTED.items()}
        return cls(**_of_tuples({**plain, **parts}))


_NESTED: Final[dict[str, Callable[..., object]]] = {
    "network": NetworkOptions,
    "forest": ForestOptions,
    "kernel": KernelOptions,
    "stack": StackOptions,
}
"""Options that have parts of their own."""


def _of_tuples(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Give lists, which JSON makes of tuples, their kind back."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in plain.items()}
