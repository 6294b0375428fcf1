"""Which cells of a map of p values are significant, when thousands are tested at once."""

from typing import Literal, TypeAlias, get_args

import numpy as np
import xarray as xr

from uflux_stats.choices import require_choice
from uflux_stats.errors import RangeError

Dependence: TypeAlias = Literal["positive", "any"]


def field_significance(
    p: xr.DataArray, *, level: float = 0.05, dependence: Dependence = "positive"
) -> xr.DataArray:
    """Find the significant cells while holding the false discovery rate.

    Testing every cell at 5 % calls 5 % of a map without any trend significant. Here at most
    ``level`` of the cells that are called significant are so by chance, on average over maps [1]_.
    Positively correlated neighbours, as maps have, do not loosen this [2]_; where fields are
    strongly correlated, twice the level wanted may be given [3]_. It holds as far as the smallest
    p values do: of short series with memory take them from the default method of ``trend``.

    Parameters
    ----------
    p : xr.DataArray, any dims [1]
        p values between 0 and 1; missing where not tested.
    level : float
        False discovery rate.
    dependence : {"positive", "any"}
        How tests depend on each other: not at all or positively (Benjamini and Hochberg), or in
        any way (Benjamini and Yekutieli), which finds less.

    Returns
    -------
    xr.DataArray, same dims, of bool
        True where significant. ``attrs`` hold ``level``, the ``threshold`` of p, and the numbers
        ``tested``, ``significant`` and ``significant_locally`` (p below ``level`` by itself).

    Raises
    ------
    RangeError
        If ``level`` or a p value lies outside 0 to 1.
    ConfigError
        If ``dependence`` is neither.

    References
    ----------
    .. [1] Benjamini, Y. and Hochberg, Y. (1995), J. R. Stat. Soc. B 57, 289-300,
       doi 10.1111/j.2517-6161.1995.tb02031.x.
    .. [2] Benjamini, Y. and Yekutieli, D. (2001), Ann. Stat. 29, 1165-1188,
       doi 10.1214/aos/1013699998.
    .. [3] Wilks, D. S. (2016), Bull. Am. Meteorol. Soc. 97, 2263-2273,
       doi 10.1175/BAMS-D-15-00267.1.

    Examples
    --------
    >>> field_significance(xr.DataArray([0.001, 0.02, 0.04, 0.9], dims="cell")).values.tolist()
    [True, True, False, False]
    """
    if not 0 < level < 1:
        raise RangeError(f"level: expected a number between 0 and 1, got {level}; try 0.05")
    require_choice(dependence, get_args(Dependence), name="dependence")
    numbers = p.values
    tested = np.sort(numbers[np.isfinite(numbers)])
    if tested.size and (tested[0] < 0 or tested[-1] > 1):
        raise RangeError(
            f"p: expected values between 0 and 1, got {tested[0]:.4g} to {tested[-1]:.4g}; "
            "give p values"
        )
    rank = np.arange(1, len(tested) + 1)
    penalty = float((1 / rank).sum()) if dependence == "any" else 1.0
    passing = np.flatnonzero(tested * len(tested) * penalty <= level * rank)
    threshold = float(tested[passing[-1]]) if len(passing) else 0.0
    found = (numbers <= threshold) & bool(len(passing))
    attrs = {
        "units": "1",
        "long_name": "significant at a false discovery rate",
        "level": level,
        "dependence": dependence,
        "threshold": threshold,
        "tested": int(tested.size),
        "significant": int(found.sum()),
        "significant_locally": int((tested <= level).sum()),
    }
    return p.copy(data=found).rename("significant").assign_attrs(attrs)
