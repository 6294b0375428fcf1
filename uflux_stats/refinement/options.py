"""Choices of the refinement, with the defaults that the validation tables were made with."""

from dataclasses import asdict, dataclass, field
from typing import Final, Literal, get_args

from uflux_stats.choices import require_choice, require_least
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
_ALLOWED: Final[dict[str, tuple[str, ...]]] = {
    "model": ("xgboost", "neural"),
    "target": ("residual", "direct"),
    "respiration": get_args(Respiration),
}
_FRACTIONS: Final = ("row_fraction", "feature_fraction", "tree_features", "learning_rate")
_LEAST: Final = {"members": 1, "trees": 1, "depth": 1, "bins": 2, "min_weight": 0, "seed": 0}


@dataclass(frozen=True)
class RefineOptions:
    """Options of ``refine``.

    Attributes
    ----------
    model : {"xgboost", "neural"}
        The learner: boosted trees for each flux, or a network for all of them (extra ``nn``).
    target : {"residual", "direct"}
        Learn observation minus baseline, or the observation itself.
    direct : tuple of str
        Fluxes learned as observed even under "residual". By default NEE, whose baseline is the
        difference of two larger errors, and RECO, whose baseline knows temperature and land cover
        only: held-out towers are predicted as well either way, but a residual on it runs away
        where there are no towers.
    process_predictors : bool
        Whether the baseline's GPP, RECO and LE are among the predictors, so that the trees can see
        how far to trust it.
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

    model: Literal["xgboost", "neural"] = "xgboost"
    target: Literal["residual", "direct"] = "residual"
    direct: tuple[str, ...] = ("RECO", "NEE")
    process_predictors: bool = True
    respiration: Respiration = "fixed_q10"
    members: int = 10
    row_fraction: float = 0.8
    feature_fraction: float = 0.8
    trees: int = 80
    depth: int = 6
    learning_rate: float = 0.1
    bins: int = 64
    min_weight: float = 5.0
    tree_features: float = 0.5
    coordinates: bool = False
    network: NetworkOptions = field(default_factory=NetworkOptions)
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name, allowed in _ALLOWED.items():
            require_choice(getattr(self, name), allowed, name=name)
        unknown = sorted(set(self.direct) - set(FLUXES))
        if unknown:
            raise ConfigError(f"direct: expected some of {list(FLUXES)}, got {unknown}")
        for name in _FRACTIONS:
            if not 0.0 < getattr(self, name) <= 1.0:
                raise ConfigError(
                    f"{name}: expected a share above 0 and up to 1, got {getattr(self, name)}"
                )
        for name, least in _LEAST.items():
            require_least(getattr(self, name), least, name=name)

    def is_residual(self, flux: str) -> bool:
        """Tell whether the residual of a flux is learned, not the flux itself."""
        return self.target == "residual" and flux not in self.direct

    @property
    def history(self) -> int:
        """Months before the present one whose drivers are predictors too."""
        return self.network.history if self.model == "neural" else 0

    def to_dict(self) -> dict[str, object]:
        """Return the options as plain values."""
        return asdict(self)
