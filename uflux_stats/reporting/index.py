"""The index of a run's reports: links, an interactive map, and tables that sort."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import xarray as xr

from uflux_stats.reporting.engines import embedded_name, today
from uflux_stats.reporting.interactive import bokeh_script, map_item
from uflux_stats.reporting.page import PageHead, write_page
from uflux_stats.reporting.parts import missing, notices
from uflux_stats.reporting.places import CONTINENT_NAMES, TYPES
from uflux_stats.reporting.reading import GLOBAL, Reading
from uflux_stats.reporting.region_sections import regions_table
from uflux_stats.reporting.run_files import MAPS
from uflux_stats.reporting.skill_sections import skill_table

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
            _links(pages, path),
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


def _links(pages: Sequence[tuple[str, Path]], path: Path) -> str:
    items = "\n".join(
        f'<li><a href="{place.relative_to(path.parent).as_posix()}">{escape(title)}</a></li>'
        for title, place in pages
    )
    return f'<ul class="cards">\n{items}\n</ul>\n'


def _sortable(table: str) -> str:
    return f"\n::: sortable\n{table}\n:::\n"


def _map(run: Reading, media: Path) -> str:
    """Return the map, its choice of fields and its data; what is missing where there is none."""
    if not (run.folder / MAPS).is_file():
        return missing(run, "grid")
    with xr.open_dataset(run.folder / MAPS, engine="netcdf4") as data:
        fields = data.load()
    (media / "bokeh.js").write_text(bokeh_script(), encoding="utf-8")
    (media / "choose.js").write_text(_CHOOSE, encoding="utf-8")
    options = "".join(f"<option>{escape(str(name))}</option>" for name in fields.data_vars)
    known = ", ".join(str(name) for name in fields.data_vars)
    told = (
        f"World map of the mean of one of {known} over all months and members. The same fields "
        "stand as pictures in the report of the globe, and as numbers in the tables below."
    )
    data_text = map_item(fields).replace("</", "<\\/")
    return "\n".join([
        '<label class="map-choice" for="map-field">Field: '
        f'<select id="map-field">{options}</select></label>',
        f'<figure class="fig"><div id="map" role="img" aria-label="{escape(told)}"></div>',
        f"<figcaption><p>{told} Values show under the pointer; scroll and drag after choosing the "
        "tool.</p></figcaption></figure>",
        f'<script type="application/json" id="map-data">{data_text}</script>',
        '<script src="bokeh.js"></script>', '<script src="choose.js"></script>',
    ])  # fmt: skip
