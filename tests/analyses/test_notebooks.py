"""The numbered notebooks run as they are, on a small twin Earth."""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest

import uflux_stats as us

FOLDER = Path(__file__).parents[2] / "analyses"
NOTEBOOKS = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
OPTIONS = us.TwinOptions(resolution=10.0, years=(2003, 2010), n_towers=12, n_dgvms=2)
QUICK: dict[str, dict[str, Any]] = {
    "01_engine_on_towers": {"members": 1, "folds": 2},
    "02_global_year": {"members": 2},
    "03_allocation_and_stocks": {"trees": 5},
    "04_trends_and_iav": {},
    "05_respiration_posteriors": {
        "level": "pooled", "draws": 100, "tune": 100, "chains": 2, "on_failure": "flag",
    },
    "06_attribution": {"replicates": 50},
    "07_your_own_tower": {"replicates": 50},
}  # fmt: skip
"""Parameters that make each a matter of seconds."""


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def execute(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Run the cells in this process, parameters after the cell tagged so, as papermill does."""
    names: dict[str, Any] = {}
    shown: list[str] = []
    for cell in read(name).cells:
        if cell.cell_type == "code":
            shown += run_cell(cell.source, names)
            if "parameters" in cell.metadata.get("tags", []):
                unknown = set(parameters) - set(names)
                assert not unknown, f"{name} has no parameters {unknown}"
                names |= parameters
    names["shown"] = shown
    return names


def run_cell(source: str, names: dict[str, Any]) -> list[str]:
    """Run one cell; what its last line gives is shown as a notebook shows it."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    if last is None:
        return []
    value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    html = value._repr_html_() if hasattr(value, "_repr_html_") else None
    return [html or repr(value)]


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a twin Earth, where the notebooks run one after the other."""
    folder = tmp_path_factory.mktemp("analyses")
    us.make_twin(folder / "twin-earth", OPTIONS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        execute("02_global_year", QUICK["02_global_year"])
    return folder


def run(name: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(place)
    monkeypatch.setenv("MPLBACKEND", "agg")
    return execute(name, QUICK[name])


def test_all_are_known() -> None:
    assert [path.stem for path in NOTEBOOKS] == list(QUICK)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_kept_without_outputs_and_have_parameters(path: Path) -> None:
    cells = read(path.stem).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert cells[0].source.startswith("# ")
    assert [cell.metadata.get("tags") for cell in code].count(["parameters"]) == 1
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


def test_engine(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run("01_engine_on_towers", place, monkeypatch)
    refined = names["by_tower"].r2.sel(variable="GPP")
    assert refined.sel(source="refined") > refined.sel(source="baseline")
    assert all(word in names["shown"][-1] for word in ("12 towers", "refined", "random"))


def test_global_year(place: Path) -> None:
    assert (
        us.open_store(place / "fluxes.zarr").sizes["member"] == QUICK["02_global_year"]["members"]
    )


def test_allocation(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run("03_allocation_and_stocks", place, monkeypatch)
    assert names["stocks"].sizes["member"] == OPTIONS.n_dgvms
    assert float(names["shown"][-2]) < 1e-4


def test_trends(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run("04_trends_and_iav", place, monkeypatch)
    assert "South America" in names["shown"][1]


def test_respiration(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run("05_respiration_posteriors", place, monkeypatch)
    assert 1.0 < names["fit"].summary().Q10_median["all"] < 3.0
    assert all(word in names["shown"][0] for word in ("RespirationFit", "Rref_median"))
    assert "chains do not agree" in names["shown"][0]
    assert "sigma1" in names["shown"][3]
    assert any("all others" in page for page in names["shown"][4:])


def test_attribution(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run("06_attribution", place, monkeypatch)
    assert "skipped because" in names["shown"][0]
    assert {"TA", "SWIN"} <= set(us.query(names["answer"], target="GPP").driver)


def test_own_tower_in_ten_lines(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (lines,) = [
        cell.source for cell in read("07_your_own_tower").cells if "us.attribute" in cell.source
    ]
    assert len(lines.splitlines()) <= 10
    names = run("07_your_own_tower", place, monkeypatch)
    assert len(names["answers"]) == 6
    assert names["answers"].estimate.notna().all()
    assert (place / "attribution_of_my_tower.csv").is_file()


def test_papermill_runs_them_with_parameters(place: Path, tmp_path: Path) -> None:
    papermill = pytest.importorskip("papermill")
    done = papermill.execute_notebook(
        str(FOLDER / "04_trends_and_iav.ipynb"), str(tmp_path / "out.ipynb"),
        parameters={"fluxes": str(place / "fluxes.zarr"), "flux": "RECO"},
        cwd=str(tmp_path), progress_bar=False,
    )  # fmt: skip
    tables = [out for cell in done.cells for out in cell.get("outputs", [])]
    assert any("text/html" in out.get("data", {}) for out in tables)
