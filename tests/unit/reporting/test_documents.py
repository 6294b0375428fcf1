"""The Quarto documents are what Quarto expects, and parameters reach them."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypandoc
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

# https://quarto.org/docs/reference/cells/cells-jupyter.html and formats/html.html
CELL_OPTIONS = {"label", "tags", "include", "output", "fig-cap", "fig-alt", "tbl-cap"}
HEADER = {"title", "subtitle", "date", "lang", "jupyter", "execute", "format"}
HTML = {"toc", "html-math-method", "embed-resources"}


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


def blocks(name: str) -> list[dict[str, Any]]:
    """What pandoc, on which Quarto stands, makes of a document and what it includes."""
    cells = read_document(documents_folder() / f"{name}.qmd").cells
    text = "".join(
        f"```{{.python}}\n{cell.text}```\n" if cell.is_code else cell.text for cell in cells
    )
    found: list[dict[str, Any]] = json.loads(pypandoc.convert_text(text, "json", "markdown"))[
        "blocks"
    ]
    return found


def inside(found: list[dict[str, Any]]) -> Iterator[tuple[list[str], list[dict[str, Any]]]]:
    """Yield classes and blocks of every div."""
    for one in found:
        if one["t"] == "Div":
            (_, classes, _), content = one["c"]
            yield classes, content
            yield from inside(content)


def test_pandoc_reads_every_block_as_it_is_meant(name: str) -> None:
    whole = blocks(name)
    document = read_document(documents_folder() / f"{name}.qmd")
    text = json.dumps(whole)
    assert text.count('"CodeBlock"') == sum(cell.is_code for cell in document.cells)
    # a div that was not closed, or a fence too many, stays as text
    assert '"c": ":::' not in text
    for classes, content in inside(whole):
        assert classes[0] in ("panel-tabset", "callout-note")
        if classes[0] == "panel-tabset":
            # Quarto makes a tab of each heading of the first level inside
            levels = [one["c"][0] for one in content if one["t"] == "Header"]
            assert content[0]["t"] == "Header"
            assert len(levels) > 1
            assert set(levels) == {3}


def test_headers_and_cells_use_what_quarto_knows(name: str) -> None:
    document = read_document(documents_folder() / f"{name}.qmd")
    assert set(document.header) == HEADER
    assert set(document.header["format"]) == {"html"}
    assert set(document.header["format"]["html"]) == HTML
    assert set(document.header["execute"]) == {"echo", "warning"}
    for cell in document.cells:
        options = cell.options or {}
        assert set(options) <= CELL_OPTIONS
        # Quarto writes it between single quotes
        assert "'" not in options.get("fig-alt", "")
        assert re.fullmatch(r"(fig|tbl)-[a-z-]+", options.get("label", "fig-any"))


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
