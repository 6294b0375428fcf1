"""Run the cells of documents, one kernel for all, and give back their Markdown."""

import base64
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any, Final

from uflux_stats.errors import UfluxError
from uflux_stats.reporting.documents import Cell, Document
from uflux_stats.reporting.extras import extra

_INLINE: Final = re.compile(r"`\{python\} ([^`]+)`")
_SECONDS: Final = 120


class Kernel:
    """A running Python in which the cells of one document after another are run."""

    def __init__(self, client: Any, formats: ModuleType) -> None:
        self._client = client
        self._formats = formats

    def markdown(self, document: Document, media: Path) -> str:
        """Run a document's cells in a fresh namespace and return it as Markdown.

        Parameters
        ----------
        document : Document
        media : Path
            Folder for the pictures that cells show.

        Raises
        ------
        UfluxError
            If a cell fails; with the error and the cell's first line.
        """
        self._run(Cell("%reset -f", {}), 0)
        parts = [
            _cell_text(cell, self._run(cell, place), media / f"cell-{place}")
            if cell.is_code
            else self._prose(cell, place)
            for place, cell in enumerate(document.cells)
        ]
        return "\n".join(parts)

    def _prose(self, cell: Cell, place: int) -> str:
        """Fill in the expressions that stand in a text."""
        asked = _INLINE.findall(cell.text)
        if not asked:
            return cell.text
        code = "\n".join(f"print({expression})" for expression in asked)
        told = "".join(output["text"] for output in self._run(Cell(code, {}), place))
        answers = iter(told.splitlines())
        return _INLINE.sub(lambda _: next(answers), cell.text)

    def _run(self, cell: Cell, place: int) -> list[Any]:
        from nbclient.exceptions import CellExecutionError

        code = self._formats.v4.new_code_cell(cell.text)
        self._client.nb = self._formats.v4.new_notebook(cells=[code])
        try:
            done = self._client.execute_cell(code, 0)
        except CellExecutionError as error:
            first = cell.text.strip().splitlines()[0]
            raise UfluxError(
                f"document: expected cell {place} ({first}) to run, got {error.ename}: "
                f"{error.evalue}; correct the document or the run"
            ) from error
        outputs: list[Any] = done["outputs"]
        return outputs


@contextmanager
def kernel(folder: Path) -> Iterator[Kernel]:
    """Start a kernel that works in ``folder``; it ends with the block.

    Raises
    ------
    MissingExtraError
        If nbclient, nbformat or ipykernel is not installed.
    """
    client, formats = extra("nbclient", "report"), extra("nbformat", "report")
    extra("ipykernel", "report")
    notebook = formats.v4.new_notebook()
    runner = client.NotebookClient(
        notebook,
        timeout=_SECONDS,
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=40"],
        resources={"metadata": {"path": str(folder)}},
    )
    with TemporaryDirectory() as home, runner.setup_kernel(env=_environment(home)):
        yield Kernel(runner, formats)


def _environment(home: str) -> dict[str, str]:
    """Keep the user's own start-up files out, and what this process can import in."""
    paths = os.pathsep.join(path for path in sys.path if path)
    return {**os.environ, "IPYTHONDIR": home, "PYTHONPATH": paths}


def _cell_text(cell: Cell, outputs: list[Any], media: Path) -> str:
    options = cell.options or {}
    if options.get("include") is False:
        return ""
    shown = [_output_text(one, options, media.with_name(f"{media.name}-{place}.png"))
             for place, one in enumerate(outputs)]  # fmt: skip
    text = "\n\n".join(one for one in shown if one)
    return _labelled(text, options) if text else ""


def _output_text(output: Mapping[str, Any], options: Mapping[str, Any], picture: Path) -> str:
    """Return what one output says: a picture, Markdown, or text as it is."""
    if output["output_type"] == "stream":
        if output["name"] == "stderr":
            return ""
        text = str(output["text"])
        return text if options.get("output") == "asis" else f"```\n{text}```"
    data = output["data"]
    if "image/png" in data:
        picture.write_bytes(base64.b64decode(data["image/png"]))
        return f'![]({picture.name}){{alt="{options.get("fig-alt", "")}"}}'
    return str(data.get("text/markdown") or f"```\n{data['text/plain']}\n```")


def _labelled(text: str, options: Mapping[str, Any]) -> str:
    """Put what is labelled or has a caption into a block that the filter numbers."""
    kind = next((kind for kind in ("fig", "tbl") if f"{kind}-cap" in options), None)
    if kind is None:
        return f"\n{text}\n"
    label = f"#{options['label']} " if "label" in options else ""
    caption = options[f"{kind}-cap"]
    opening = f"::::: {{{label}.captioned .{kind}}}"
    return f"\n{opening}\n\n{text}\n\n:::: caption\n{caption}\n::::\n\n:::::\n"
