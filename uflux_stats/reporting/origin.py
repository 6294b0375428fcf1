"""Where the results of a run come from, as the last section of every report."""

from uflux_stats.reporting.reading import Reading
from uflux_stats.reporting.wording import table_text


def origin_text(run: Reading) -> str:
    """Tabulate data, settings, package and seed of a run, and list what to cite."""
    known = run.provenance
    if not known:
        return "Provenance is written when the run is finished."
    settings = known["configuration"]
    package = known["package"]
    rows = [
        ["data", str(known["data"])],
        ["regions", str(settings["output"]["regions"])],
        ["validation", str(settings["validation"]["mode"])],
        ["members", str(settings["refine"]["members"])],
        ["seed", str(known["seeds"]["run"])],
        ["package", f"{package['name']} {package['version']}"],
        ["commit", str(package["commit"] or "not known")],
    ]
    sources = [f"- {_source(one)}" for one in known["citations"]]
    return "\n\n".join(
        [table_text(["", ""], rows, words=True), "Cite with any use:", "\n".join(sources)]
    )


def _source(entry: dict[str, str]) -> str:
    doi = f", doi:{entry['doi']}" if entry["doi"] else ""
    return f"{entry['citation']}{doi} ({entry['licence']})"
