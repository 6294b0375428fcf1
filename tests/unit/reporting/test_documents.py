"""The Quarto documents are what Quarto expects, and parameters reach them."""

import ast
import re
from pathlib import Path

import pytest

from uflux_stats.errors import DataFileError, UfluxError
from uflux_stats.reporting.documents import documents_folder, read_document, with_parameters

PARAMETERS = {
    "continent": {"run", "continent"},
    "pft": {"run", "pft"},
    "global": {"run"},
    "validation": {"run"},
    "learned": {"run"},
}


@pytest.fixture(params=PARAMETERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_header_asks_for_one_page_without_network(name: str) -> None:
    header = read_document(documents_folder() / f"{name}.qmd").header
    assert header["jupyter"] == "python3"
    assert header["execute"]["echo"] is False
    html = header["format"]["html"]
    assert html["embed-resources"] is True
    assert html["html-math-method"] == "mathml"
    assert "params" not in header


def test_one_cell_holds_the_parameters_and_nothing_else(name: str) -> None:
    cells = read_document(documents_folder() / f"{name}.qmd").cells
    tagged = [
        cell for cell in cells if cell.is_code and "parameters" in cell.options.get("tags", ())
    ]
    assert len(tagged) == 1
    statements = ast.parse(tagged[0].text).body
    assert {statement.targets[0].id for statement in statements} == PARAMETERS[name]


def test_labels_are_unique_captioned_and_described(name: str) -> None:
    cells = [c for c in read_document(documents_folder() / f"{name}.qmd").cells if c.is_code]
    labels = [cell.options["label"] for cell in cells if "label" in cell.options]
    assert len(labels) == len(set(labels))
    for cell in cells:
        kind = str(cell.options.get("label", "")).partition("-")[0]
        if kind:
            assert cell.options[f"{kind}-cap"]
            # Quarto puts captions to what a cell shows, not to what it prints as it is
            assert "output" not in cell.options
        if "fig-cap" in cell.options:
            assert cell.options["fig-alt"]


def test_references_have_their_target(name: str) -> None:
    document = read_document(documents_folder() / f"{name}.qmd")
    labels = {cell.options["label"] for cell in document.cells if "label" in (cell.options or {})}
    prose = " ".join(cell.text for cell in document.cells if not cell.is_code)
    asked = set(re.findall(r"@((?:fig|tbl)-[a-z-]+)", prose))
    assert asked <= labels
    assert asked or name == "learned"


def test_divs_are_balanced_and_of_known_kinds(name: str) -> None:
    prose = "".join(
        c.text for c in read_document(documents_folder() / f"{name}.qmd").cells if not c.is_code
    )
    opened = re.findall(r"^::: \{\.([a-z-]+)", prose, re.MULTILINE)
    assert len(opened) == len(re.findall(r"^:::$", prose, re.MULTILINE))
    assert set(opened) <= {"panel-tabset", "callout-note"}


def test_documents_compute_nothing(name: str) -> None:
    """Their cells import the package's report modules alone, and do no arithmetic."""
    for cell in read_document(documents_folder() / f"{name}.qmd").cells:
        if not cell.is_code:
            continue
        for node in ast.walk(ast.parse(cell.text)):
            assert not isinstance(node, ast.BinOp | ast.AugAssign | ast.Import)
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").startswith("uflux_stats.reporting")


def test_no_number_of_a_run_is_typed_into_the_prose(name: str) -> None:
    document = read_document(documents_folder() / f"{name}.qmd")
    prose = " ".join(cell.text for cell in document.cells if not cell.is_code)
    # "90 %" is how intervals are defined, "m⁻²" has no such digits
    assert set(re.findall(r"\d[\d.]*", prose)) <= {"90"}


def test_parameters_are_set_after_their_cell() -> None:
    text = (documents_folder() / "continent.qmd").read_text(encoding="utf-8")
    done = with_parameters(text, {"run": "/a", "continent": "South America"}, title="Here")
    assert done.index("tags: [parameters]") < done.index("continent = 'South America'")
    assert 'title: "Here"' in done


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("---\ntitle: x\n---\n```{python}\nrun = 1\n```\n", r"tags: \[parameters\]"),
        ("```{python}\n#| tags: [parameters]\nother = 1\n```\n", "to set"),
        ("---\nparams:\n  run: x\n---\n", r"tags: \[parameters\]"),
    ],
)
def test_a_document_without_its_parameters_is_refused(text: str, message: str) -> None:
    with pytest.raises(UfluxError, match=message):
        with_parameters(text, {"run": "/a"}, title="x")


def test_a_document_needs_a_header_and_what_it_includes(tmp_path: Path) -> None:
    place = tmp_path / "one.qmd"
    place.write_text("no header")
    with pytest.raises(DataFileError, match="YAML header"):
        read_document(place)
    place.write_text("---\ntitle: x\n---\n{{< include _absent.qmd >}}\n")
    with pytest.raises(DataFileError, match=r"_absent\.qmd"):
        read_document(place)
