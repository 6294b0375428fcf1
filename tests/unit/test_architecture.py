"""The shape of the code: layers import downward only, modules stay short, imports stay quiet."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import uflux_stats

PACKAGE = Path(uflux_stats.__file__).parent
LAYERS = [
    "errors", "choices", "units", "schema", "checks", "grid", "stats", "io", "baselines", "bayes",
    "refinement", "emulation", "attribution", "explain", "reporting", "config", "pipeline", "cli",
]  # fmt: skip
MODULES = sorted(PACKAGE.rglob("*.py"))


def layer_of(dotted: str) -> str:
    return dotted.split(".")[1]


def imports_of(path: Path) -> set[str]:
    """Layers that a module imports, at its top or inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("uflux_stats."):
            found.add(layer_of(node.module))
        elif isinstance(node, ast.Import):
            dotted = [alias.name for alias in node.names]
            found |= {layer_of(name) for name in dotted if name.startswith("uflux_stats.")}
    return found


def module_layer(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down(path: Path) -> None:
    layer = module_layer(path)
    if layer in {"__init__", "__main__"}:
        return
    assert layer in LAYERS, f"{layer} has no place in the order of layers"
    above = [name for name in imports_of(path) if LAYERS.index(name) > LAYERS.index(layer)]
    assert not above, f"{path.name} imports upward: {above}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_modules_are_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 350


@pytest.mark.parametrize(
    "name",
    ["uflux_stats"]
    + [found.name for found in pkgutil.walk_packages([str(PACKAGE)], "uflux_stats.")],
)
def test_names_in_all_resolve(name: str) -> None:
    if name.endswith("__main__"):
        return
    module = importlib.import_module(name)
    for public in getattr(module, "__all__", []):
        assert getattr(module, public) is not None


QUIET = """
import locale, logging, os, random, warnings
# what other libraries set when they are first imported is theirs
import dask.array, requests, scipy.cluster.hierarchy, scipy.sparse, scipy.special, xgboost
import matplotlib, numpy as np, pandas as pd, xarray as xr

def settings():
    return (np.geterr(), np.random.get_state()[1].tolist(), random.getstate(), dict(os.environ),
            dict(matplotlib.rcParams), list(warnings.filters), logging.getLogger().handlers[:],
            logging.getLogger().level, dict(xr.core.options.OPTIONS), locale.getlocale(),
            pd.get_option("display.max_rows"))

import pkgutil
before = settings()
import uflux_stats
for found in pkgutil.walk_packages(uflux_stats.__path__, "uflux_stats."):
    if found.name.split(".")[0] == "uflux_stats" and not found.name.endswith("__main__"):
        __import__(found.name)
after = settings()
changed = [i for i, (a, b) in enumerate(zip(before, after)) if a != b]
assert not changed, f"importing changed settings number {changed}"
"""


def test_importing_prints_nothing_and_changes_no_setting() -> None:
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", QUIET], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == ""
    assert run.stderr == ""


def test_editors_see_the_public_names() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    seen = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("uflux_stats.")
        for alias in node.names
    }
    assert seen == uflux_stats._HOMES


def test_importing_the_package_alone_changes_nothing() -> None:
    """Not even the settings that other libraries change when they are first imported."""
    script = QUIET.split("import pkgutil")[0] + (
        "before = settings()\nimport uflux_stats\nassert settings() == before\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
