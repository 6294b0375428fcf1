"""Settings of the documentation site; built by ``make docs`` without network."""

import re
import sys
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

sys.path.insert(0, str(Path(__file__).parent))
import pages

import uflux_stats

project = "uflux_stats"
author = "The uflux_stats developers"
copyright = author
release = uflux_stats.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # NumPy docstrings tell types, dimensions and units
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
html_theme = "alabaster"
html_theme_options = {"description": "Land carbon fluxes and stocks", "page_width": "70em"}
html_math_renderer = "mathml"
html_copy_source = False


def _inline(writer: HTML5Translator, node: nodes.math) -> None:
    writer.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def _block(writer: HTML5Translator, node: nodes.math_block) -> None:
    writer.body.append(f"<p>{tex2mathml(node.astext(), as_block=True)}</p>")
    raise nodes.SkipNode


def _write_pages(app: Sphinx) -> None:
    """Write what the package itself knows: its sources of data and its public names."""
    pages.write(Path(app.srcdir) / "_generated")


def _list_references(*event: object) -> None:
    """Make the references of a docstring a plain list: all docstrings number theirs from one."""
    lines = event[-1]
    lines[:] = [
        re.sub(r"(\[\d+\])_", r"\1", re.sub(r"^(\s*)\.\. \[(\d+)\] ", r"\1\2. ", line))
        for line in lines
    ]


def setup(app: Sphinx) -> None:
    """Equations become MathML, so that a page needs no script from elsewhere."""
    app.connect("autodoc-process-docstring", _list_references)
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.connect("builder-inited", _write_pages, priority=100)
