"""Pages that are written from the package: where data come from, and the public names."""

from pathlib import Path

import uflux_stats
from uflux_stats.io.access import ACCESS, ByHand, ZenodoRecord
from uflux_stats.io.catalog import CATALOG, DataSource

LAYERS = {
    "io": "Reading, writing, the twin Earth",
    "baselines": "Process baselines",
    "refinement": "Refinement and upscaling",
    "emulation": "Allocation and stocks",
    "stats": "Statistics",
    "bayes": "Posteriors of respiration",
    "attribution": "Attribution",
    "explain": "Explanation of trees",
    "reporting": "Reports",
    "pipeline": "Whole runs",
}
"""Sections of the API, by layer."""


def write(folder: Path) -> None:
    """Write the generated pages into a folder, each only if it changed."""
    folder.mkdir(exist_ok=True)
    texts = {"sources.md": sources()} | {f"api_{layer}.rst": api(layer) for layer in LAYERS}
    for name, text in texts.items():
        page = folder / name
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


def sources() -> str:
    """Tell of every data set where it is, its licence, citation and expected files."""
    head = "# Sources of data\n\nOne section for each name of `uflux-stats data fetch`.\n\n"
    return head + "\n".join(_source(source) for source in CATALOG.values())


def _source(source: DataSource) -> str:
    doi = f" [doi {source.doi}](https://doi.org/{source.doi})" if source.doi else ""
    lines = [f"## {source.title}", "", f"- Name: `{source.key}`", f"- Licence: {source.licence}",
             f"- Cite: {source.citation}.{doi}", *_way(source.key), ""]  # fmt: skip
    return "\n".join(lines)


def _way(key: str) -> list[str]:
    access = ACCESS[key]
    if isinstance(access, ByHand):
        steps = [f"  {number}. {step}" for number, step in enumerate(access.steps, 1)]
        files = [f"  - `{line}`" for line in access.folder]
        return [f"- By hand, from {access.where}", "", *steps, "", "- Expected files:", "", *files]
    fetched = [f"- `uflux-stats data fetch {key} --to DIR`"]
    if isinstance(access, ZenodoRecord):
        return [*fetched, f"  brings all files of {access.url}, checked against its checksums"]
    told = ["checked by checksum" if file.checksum else "no checksum is published; recorded"
            for file in access]  # fmt: skip
    names = [f"  - `{file.name}`: {how}" for file, how in zip(access, told, strict=True)]
    return [*fetched, "", *names]


def api(layer: str) -> str:
    """List the public names of a layer with their docstrings."""
    names = [name for name, home in uflux_stats._HOMES.items() if home.split(".")[1] == layer]
    title = LAYERS[layer]
    return "\n".join([title, "=" * len(title), "", *(_documented(name) for name in sorted(names))])


def _documented(name: str) -> str:
    """Name the module in which something is defined: there its docstring belongs."""
    thing = getattr(uflux_stats, name)
    kind = "class" if isinstance(thing, type) else "function"
    members = "   :members:\n" if kind == "class" else ""
    return f".. auto{kind}:: {thing.__module__}.{name}\n{members}"
