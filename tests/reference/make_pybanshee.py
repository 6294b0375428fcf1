"""Make ``pybanshee.json``: numbers of py-banshee from an environment where all of it works.

Its goodness-of-fit test and its d-calibration fail on current NumPy and pandas. Run this file in

    python3.11 -m venv pinned
    pinned/bin/pip install numpy==1.24.4 pandas==1.5.3 scipy==1.10.1 pingouin==0.5.3 \
        py-banshee==1.1.2 "setuptools<70"
    pinned/bin/python tests/reference/make_pybanshee.py
"""

import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd

mpl.use("Agg")

from py_banshee.copula_test import cvm_statistic
from py_banshee.d_cal import gaussian_distance, test_distance
from py_banshee.prediction import inference
from py_banshee.rankcorr import bn_rankcorr

PARENTS = [[], [0], [0, 1], [1]]
NAMES = ["A", "B", "C", "D"]
HERE = Path(__file__).parent


def data() -> pd.DataFrame:
    """Four related columns with skewed margins; rounded, so that they are the same anywhere."""
    rng = np.random.default_rng(42)
    mix = np.array([[1, 0.5, 0.3, 0.2], [0, 1, 0.4, -0.6], [0, 0, 1, 0], [0, 0, 0, 1]])
    values = np.exp(rng.normal(size=(150, 4)) @ mix / 2)
    return pd.DataFrame(values.round(6), columns=NAMES)


def main() -> None:
    """Compute all reference numbers."""
    table = data()
    rank = bn_rankcorr(PARENTS, table, NAMES)
    np.random.seed(0)  # noqa: NPY002 - what py-banshee draws from
    empirical, _, network, limits = gaussian_distance(rank, table, 150, 150, 2000)
    normal = np.corrcoef(np.random.default_rng(1).normal(size=(50, 4)), rowvar=False)
    distances = {kind: float(np.squeeze(test_distance(rank, normal, kind, 4))) for kind in "HBG"}
    distances["KL"] = float(np.squeeze(test_distance(rank, normal, "KL", 4)))
    evidence = table[["A", "B"]].iloc[:20]
    means = np.mean(
        [inference([0, 1], evidence.to_numpy(), rank, table, Output="mean") for _ in range(20)], 0
    )
    cvm = cvm_statistic(table, NAMES)
    result = {
        "data": table.to_dict("list"),
        "rank": rank.tolist(),
        "cvm": {
            f"{r.Var1}-{r.Var2}": [
                float(r.Clayton),
                float(r.Frank),
                float(r.Gaussian),
                float(r.Gumbel),
            ]
            for r in cvm.itertuples()
        },
        "d_cal": {
            "empirical": float(empirical),
            "network": float(network),
            "network_limits": [float(x) for x in limits],
        },
        "other": normal.tolist(),
        "distances": distances,
        "means": means.tolist(),
    }
    (HERE / "pybanshee.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
