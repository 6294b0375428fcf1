"""The index of a run's reports: links, an interactive map, and tables that sort."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import xarray as xr

from uflux_stats.reporting.engines import embedded_name, today
from uflux_stats.reporting.interactive import bokeh_script, map_item, shown_fields
from uflux_stats.reporting.page import PageHead, write_page
from uflux_stats.reporting.parts import missing, notices
from uflux_stats.reporting.places import CONTINENT_NAMES, TYPES
from uflux_stats.reporting.reading import GLOBAL, Reading
from uflux_stats.reporting.region_sections import regions_table
from uflux_stats.reporting.run_files import MAPS
from uflux_stats.reporting.skill_sections import skill_table
from uflux_stats.reporting.wording import flux_name

WHOLE: Final = "The whole run"
GROUPS: Final = {"continent": "Continents", "pft": "Land cover types"}
"""By the first part of the name of a page."""
_LATER: Final = """
// the page is read before the program of the map is: it starts once all else is painted
window.addEventListener("load", () => setTimeout(() => {
  for (const name of ["map-program", "map-choose"]) {
    const script = document.createElement("script");
    script.textContent = document.getElementById(name).textContent;
    document.body.append(script);
  }
}, 50));
"""
_CHOOSE: Final = """
Bokeh.logger.set_level("warn");
const item = JSON.parse(document.getElementById("map-data").textContent);
Bokeh.embed.embed_item(item).then(() => {
  const choice = document.getElementById("map-field");
  choice.addEventListener("change", () => {
    const plot = Bokeh.documents[0].get_model_by_name("map");
    for (const option of choice.options) {
      const seen = option.value === choice.value;
      plot.select_one(option.value).visible = seen;
      plot.select_one("bar " + option.value).visible = seen;
    }
  });
  document.getElementById("map").dataset.drawn = "true";
});
"""


def write_index(run: Reading, pages: Sequence[tuple[str, Path]], path: Path) -> Path:
    """Write the index page of a run.

    Parameters
    ----------
    run : Reading
    pages : sequence of (str, Path)
        Title and place of the reports to link.
    path : Path
        Of the index; the reports are linked relative to it.

    Returns
    -------
    Path

    Raises
    ------
    MissingExtraError
        If the extra ``report`` is not installed.
    """
    head = PageHead(
        title=f"Results of {run.folder.name}",
        subtitle="Reports, a map to move about in, and tables to sort",
        date=today().isoformat(),
        engine=embedded_name(),
    )
    with TemporaryDirectory() as media:
        parts = [
            notices(run),
            "## Reports {#sec-reports}\n",
            *_links(pages, path),
            "## Map {#sec-map}\n",
            _map(run, Path(media)),
            "## Regions {#sec-regions}\n",
            _sortable(regions_table(run, (GLOBAL, *CONTINENT_NAMES))),
            "## Land cover types {#sec-types}\n",
            _sortable(regions_table(run, tuple(TYPES))),
            "## Skill {#sec-skill}\n",
            _sortable(skill_table(run)),
        ]
        return write_page("\n\n".join(parts), head, path, media=Path(media))


def _links(pages: Sequence[tuple[str, Path]], path: Path) -> list[str]:
    """List the reports in groups: of the whole, of continents, of land cover types."""
    groups: dict[str, list[str]] = {}
    for title, place in pages:
        kind = place.name.partition("-")[0]
        link = f'<li><a href="{place.relative_to(path.parent).as_posix()}">{escape(title)}</a></li>'
        groups.setdefault(GROUPS.get(kind, WHOLE), []).append(link)
    return [
        f'<p class="group">{group}</p>\n<ul class="cards">\n' + "\n".join(links) + "\n</ul>\n"
        for group, links in groups.items()
    ]


def _sortable(table: str) -> str:
    return f"\n::: sortable\n{table}\n:::\n"


def _map(run: Reading, media: Path) -> str:
    """Return the map, its choice of fields and its data; what is missing where there is none."""
    if not (run.folder / MAPS).is_file():
        return missing(run, "grid")
    with xr.open_dataset(run.folder / MAPS, engine="netcdf4") as data:
        fields = shown_fields(data).load()
    (media / "later.js").write_text(_LATER, encoding="utf-8")
    names = [str(name) for name in fields.data_vars]
    options = "".join(
        f'<option value="{escape(name)}">{escape(flux_name(name))}</option>' for name in names
    )
    told = (
        "World map of one field at a time, mean over all months and members. The same fields "
        "stand as pictures in the report of the globe, and as numbers in the tables below."
    )
    return "\n".join([
        '<label class="map-choice" for="map-field">Field: '
        f'<select id="map-field">{options}</select></label>',
        f'<figure class="fig"><div id="map" role="img" aria-label="{escape(told)}"></div>',
        f"<figcaption><p>{told} Values show under the pointer; scroll and drag after choosing the "
        "tool.</p></figcaption></figure>",
        _held("application/json", "map-data", map_item(fields)),
        _held("text/plain", "map-program", bokeh_script()),
        _held("text/plain", "map-choose", _CHOOSE),
        '<script src="later.js"></script>',
    ])  # fmt: skip


def _held(kind: str, name: str, text: str) -> str:
    """Return a text that the page holds and does not run."""
    safe = text.replace("</script", "<\\/script")
    return f'<script type="{kind}" id="{name}">{safe}</script>'
