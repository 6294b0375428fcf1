"""The command line: ``uflux-stats run | validate | data | attribute | report``.

Exit codes: 0 done; 2 bad usage, configuration or input, told in one line; 1 an unexpected failure;
130 interrupted. Progress and messages go to standard error, the final table to standard output.
"""

import argparse
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

from tqdm.contrib.logging import logging_redirect_tqdm

from uflux_stats import __version__
from uflux_stats.config import RunConfig, parse_override, read_config
from uflux_stats.errors import ConfigError, MissingExtraError, UfluxError

OK: Final = 0
UNEXPECTED: Final = 1
BAD_INPUT: Final = 2
INTERRUPTED: Final = 130

logger = logging.getLogger("uflux_stats")

_FLAGS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "--towers": ("input.towers", {"metavar": "DIR", "help": "folder, zip or csv of FLUXNET files"}),
    "--drivers": ("input.drivers", {"metavar": "FILE", "nargs": "+", "help": "gridded drivers"}),
    "--dgvm": ("input.dgvm", {"metavar": "DIR", "help": "folder of vegetation model output"}),
    "--tower-drivers": (
        "input.tower_drivers",
        {"metavar": "KIND", "help": "tower (measured) or grid (interpolated)"},
    ),
    "--climatology-year": (
        "input.climatology_year",
        {"type": int, "metavar": "YEAR", "help": "date of a climatology without years"},
    ),
    "--out": ("output.out", {"metavar": "DIR", "help": "folder of results (default uflux-run)"}),
    "--validation": ("validation.mode", {"metavar": "MODE", "help": "quick or full"}),
    "--seed": ("run.seed", {"type": int, "metavar": "N", "help": "seed of all randomness"}),
    "--workers": ("run.workers", {"type": int, "metavar": "N", "help": "processes to use"}),
}
"""Flags that stand for one configuration key each."""
_SPLITS: Final = "validation.splits"


class _Parser(argparse.ArgumentParser):
    """A parser that tells a usage error in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: error: {message}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; those of the process if not given.

    Examples
    --------
    >>> main(["--version"])
    uflux-stats ...
    0
    """
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or OK)
    with _messages(arguments.verbose - arguments.quiet):
        return _guarded(arguments)


def _guarded(arguments: argparse.Namespace) -> int:
    """Run the command and turn what goes wrong into a message and an exit code."""
    trace = arguments.verbose >= 2
    try:
        arguments.command(arguments)
    except KeyboardInterrupt:
        logger.error("interrupted; the same command goes on from the last finished stage")
        return INTERRUPTED
    except (UfluxError, MissingExtraError) as error:
        logger.error("error: %s", error, exc_info=trace)
        return BAD_INPUT
    except BrokenPipeError:
        return UNEXPECTED
    except Exception as error:
        told = "unexpected %s: %s; -vv shows where, and the same command resumes"
        logger.error(told, type(error).__name__, error, exc_info=trace)
        return UNEXPECTED
    return OK


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="uflux-stats", description="Land carbon fluxes and stocks.")
    parser.add_argument("--version", action="version", version=f"uflux-stats {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    _add_run(commands.add_parser(
        "run",
        help="from towers, drivers and models to a folder of results",
        description="Without any input the run is on the twin Earth, a generated planet.",
        allow_abbrev=False,
    ))  # fmt: skip
    _add_validate(commands.add_parser(
        "validate",
        help="score the engine at towers that it has not seen",
        description="Of tower files, or of a run: the splits it has, and others that are named.",
        allow_abbrev=False,
    ))  # fmt: skip
    _add_attribute(commands.add_parser(
        "attribute",
        help="ask a run what drives a flux, where, by how much and how surely",
        allow_abbrev=False,
    ))  # fmt: skip
    _add_report(commands.add_parser(
        "report",
        help="render the reports of a run as pages",
        description="Without a choice: the reports of no single region.",
        allow_abbrev=False,
    ))  # fmt: skip
    _add_data(commands.add_parser(
        "data",
        help="look at data before they are used",
        allow_abbrev=False,
    ))  # fmt: skip
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", nargs="?", type=Path, help="TOML file; flags win over it")
    _add_settings(parser, _FLAGS)
    parser.set_defaults(command=_run)


def _add_settings(parser: argparse.ArgumentParser, flags: Iterable[str]) -> None:
    for flag in flags:
        key, options = _FLAGS[flag]
        parser.add_argument(flag, dest=key, default=None, **options)
    parser.add_argument(
        "--set", dest="set", action="append", default=[], metavar="SECTION.KEY=VALUE",
        help="any other key of the configuration",
    )  # fmt: skip
    _add_loudness(parser)


def _add_validate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", dest="folder", type=Path, metavar="DIR", help="folder of a run")
    parser.add_argument(
        "--split", dest=_SPLITS, nargs="+", metavar="NAME",
        help="tower, random, igbp, koppen, blocks; by default those of --validation, or of the run",
    )  # fmt: skip
    _add_settings(parser, ("--towers", "--validation", "--seed", "--workers"))
    _add_forms(parser)
    parser.set_defaults(command=_validate, config=None)


def _add_forms(parser: argparse.ArgumentParser) -> None:
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", dest="form", action="store_const", const="json")
    form.add_argument("--csv", dest="form", action="store_const", const="csv")
    parser.set_defaults(form="table")


def _add_loudness(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-v", "--verbose", action="count", default=0, help="more messages")
    parser.add_argument("-q", "--quiet", action="count", default=0, help="errors only")


def _add_attribute(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", dest="folder", type=Path, required=True, metavar="DIR",
                        help="folder of a run")  # fmt: skip
    parser.add_argument("--region", default="globe", help="continent, or globe (default)")
    parser.add_argument("--pft", help="land cover type, or each; all together by default")
    parser.add_argument("--target", help="GPP, RECO or NEP; all by default")
    parser.add_argument("--driver", help="SWIN, TA, P, ...; all by default")
    parser.add_argument("--quantity", default="total",
                        help="total (default), direct, trend_share, ...; or all")  # fmt: skip
    parser.add_argument("--transform", help="anomaly (default) or raw")
    parser.add_argument("--source", help="towers (default) or cubes")
    _add_forms(parser)
    _add_loudness(parser)
    parser.set_defaults(command=_attribute)


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", dest="folder", type=Path, required=True, metavar="DIR",
                        help="folder of a run")  # fmt: skip
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--continent", metavar="NAME", help="the report of one continent")
    which.add_argument("--pft", metavar="NAME", help="the report of one land cover type")
    which.add_argument("--all", dest="everything", action="store_true", help="all reports")
    parser.add_argument("--engine", default="auto", metavar="NAME",
                        help="auto (default), quarto or embedded")  # fmt: skip
    _add_loudness(parser)
    parser.set_defaults(command=_report)


def _report(arguments: argparse.Namespace) -> None:
    from uflux_stats.reporting.reports import report

    choice = {name: getattr(arguments, name) for name in ("continent", "pft", "everything")}
    rendered = report(arguments.folder, **choice, engine=arguments.engine)
    if not arguments.quiet:
        print(f"rendered with {rendered.engine}")
        for page in (*rendered.pages, rendered.index):
            print(page)


def _add_data(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True, parser_class=_Parser)
    check = actions.add_parser(
        "check",
        help="what is there, and what in it is implausible",
        description="Fails where nothing that is there can be read.",
        allow_abbrev=False,
    )
    check.add_argument("path", type=Path, metavar="PATH", help="towers, drivers, models or tables")
    check.add_argument("--scenario", metavar="NAME", help="of models that come in several: S3, ...")
    check.add_argument("--json", dest="form", action="store_const", const="json", default="table")
    _add_loudness(check)
    check.set_defaults(command=_data_check)
    fetch = actions.add_parser(
        "fetch",
        help="download open data, or tell how to get the others",
        description="Without a name: what there is.",
        allow_abbrev=False,
    )
    fetch.add_argument("name", nargs="?", metavar="NAME", help="noaa_co2, natural_earth, ...")
    fetch.add_argument("--to", type=Path, default=Path(), metavar="DIR",
                       help="folder for the files (default: here)")  # fmt: skip
    _add_loudness(fetch)
    fetch.set_defaults(command=_data_fetch)


def _data_check(arguments: argparse.Namespace) -> None:
    from uflux_stats.io.data_check import render
    from uflux_stats.io.recognition import describe

    report = describe(arguments.path, scenario=arguments.scenario)
    print(render(report, arguments.form))
    report.require_readable()


def _data_fetch(arguments: argparse.Namespace) -> None:
    from uflux_stats.io.downloading import Patience
    from uflux_stats.io.fetching import fetch_data, listing, render

    if arguments.name is None:
        print(listing().to_string(index=False))
        return
    bar = sys.stderr.isatty() and not arguments.quiet
    fetched = fetch_data(arguments.name, arguments.to, patience=Patience(progress=bar))
    print(render(fetched))


def _attribute(arguments: argparse.Namespace) -> None:
    from uflux_stats.attribution.query import query, render

    choice = {name: getattr(arguments, name) for name in ("driver", "transform", "source")}
    if arguments.quantity.casefold() != "all":
        choice["quantity"] = arguments.quantity
    answer = query(
        arguments.folder, region=arguments.region, pft=arguments.pft, target=arguments.target,
        **choice,
    )  # fmt: skip
    print(render(answer, arguments.form))


def _validate(arguments: argparse.Namespace) -> None:
    from uflux_stats.pipeline.validating import render_skill, validate_run, validate_towers

    config = _config(arguments)
    if arguments.folder is None:
        skill = validate_towers(config)
    elif config.input.towers is None:
        skill = validate_run(arguments.folder, config)
    else:
        raise ConfigError("validate: expected --towers or --run, got both; name one")
    print(render_skill(skill, arguments.form))


def _run(arguments: argparse.Namespace) -> None:
    # each command loads what it needs alone, so that a question is answered at once
    from uflux_stats.pipeline.run import run
    from uflux_stats.pipeline.summary import summary

    config = _config(arguments)
    bar = sys.stderr.isatty() and not arguments.quiet
    with ExitStack() as stack:
        if bar:
            stack.enter_context(logging_redirect_tqdm(loggers=[logger]))
        record = run(config, progress=bar)
    if not arguments.quiet:
        print(summary(record))


def _config(arguments: argparse.Namespace) -> RunConfig:
    keys = (_SPLITS, *(key for key, _ in _FLAGS.values()))
    given = {key: getattr(arguments, key, None) for key in keys}
    overrides = dict(parse_override(text) for text in arguments.set)
    overrides |= {key: value for key, value in given.items() if value is not None}
    return read_config(arguments.config, overrides)


@contextmanager
def _messages(loudness: int) -> Iterator[None]:
    """Send the package's messages to standard error, for as long as the command runs."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel({-1: logging.ERROR, 0: logging.INFO}.get(max(loudness, -1), logging.DEBUG))
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


if __name__ == "__main__":
    sys.exit(main())
