import json
import subprocess
import sys
import time
from io import StringIO

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.attribution.attribute import attribute
from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.network import fit_network
from uflux_stats.attribution.published import compare_published, published_values
from uflux_stats.attribution.query import query, render
from uflux_stats.attribution.scenarios import what_if
from uflux_stats.attribution.store import attribution_dataset, attribution_numbers
from uflux_stats.cli import main
from uflux_stats.errors import ConfigError, DataFileError, UfluxError
from uflux_stats.io.store import write_netcdf
from uflux_stats.schema import IGBP_CLASSES, SCHEMA

GRAPH = CausalGraph(
    {"TA": (), "CO2": (), "GPP": ("TA", "CO2"), "RECO": ("TA", "CO2"), "NEP": ("TA", "CO2")},
    identities={"NEP": {"GPP": 1.0, "RECO": -1.0}},
)


@pytest.fixture(scope="module")
def towers() -> xr.Dataset:
    rng = np.random.default_rng(3)
    months = pd.date_range("2001-01", periods=96, freq="MS")
    sites = {"DE-A": (50.0, 10.0, 1), "FR-B": (47.0, 3.0, 10), "US-C": (40.0, -100.0, 1),
             "BR-D": (-10.0, -55.0, 2)}  # fmt: skip
    lat, lon, igbp = zip(*sites.values(), strict=True)
    values = {"TA": rng.normal(size=(4, 96)), "CO2": rng.normal(400, 5, size=(4, 96))}
    values["GPP"] = 2 * values["TA"] + 0.1 * values["CO2"] + rng.normal(size=(4, 96))
    values["RECO"] = values["TA"] + rng.normal(size=(4, 96))
    values["GPP"][3, 30:] = np.nan
    data = {name: (("site", "time"), value, SCHEMA[name].attrs) for name, value in values.items()}
    return xr.Dataset(
        {**data, "IGBP": ("site", list(igbp), {"units": "class"})},
        coords={"site": list(sites), "time": months, "lat": ("site", list(lat)),
                "lon": ("site", list(lon))},
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(towers: xr.Dataset, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("run")
    data = attribution_dataset(towers, GRAPH, replicates=40)
    write_netcdf(data, folder / "attribution.nc")
    return folder


def test_one_answer_has_its_interval_n_and_support(run) -> None:
    answer = query(run, region="Europe", target="GPP", driver="TA", quantity="sensitivity")
    assert len(answer) == 1
    row = answer.iloc[0]
    assert row.estimate == pytest.approx(2.0, abs=0.3)
    assert row.low < row.estimate < row.high
    assert row.unit == "gC m-2 d-1 per degC"
    assert row.n == 192
    assert row.n_places == 2
    assert row.support_low < 0 < row.support_high


def test_the_file_answers_as_the_dataset_does(run, towers: xr.Dataset) -> None:
    made = attribution_dataset(towers, GRAPH, replicates=40)
    choice = {"region": None, "pft": "each", "target": "RECO", "transform": "raw"}
    pd.testing.assert_frame_equal(
        query(run, **choice), query(made, **choice), check_dtype=False, rtol=1e-5
    )


def test_the_file_answers_within_a_second(run) -> None:
    start = time.perf_counter()
    query(run / "attribution.nc", region="Europe", target="GPP")
    assert time.perf_counter() - start < 1.0


def test_every_continent_type_target_and_driver_is_there(run) -> None:
    table = query(run, region=None, pft="each", quantity="total")
    found = set(zip(table.region, table.pft, strict=True))
    assert {("Europe", "ENF"), ("North America", "ENF"), ("globe", "GRA")} <= found
    assert set(table.target.dropna()) == {"GPP", "RECO", "NEP"}
    assert set(table.driver.dropna()) == {"TA", "CO2"}


def test_a_region_without_enough_towers_is_flagged(run) -> None:
    short = query(run, region="South America", target="GPP", driver="TA", quantity="total")
    assert np.isnan(short.estimate[0])
    assert short.n[0] == 0
    assert "at least 60 complete months" in short.note[0]
    nowhere = query(run, region="Oceania")
    assert nowhere.note[0] == "no towers or cells"


def test_answers_say_which_assumptions_fail(run, towers: xr.Dataset) -> None:
    whole = query(run, region="globe", target="GPP", driver="TA", quantity="total")
    assert "only 4 places" in whole.flag[0]
    assert "copula" not in whole.flag[0]
    assert "related" not in whole.flag[0]
    tied = (towers["CO2"] + 3.0 * towers["TA"]).assign_attrs(towers["CO2"].attrs)
    other = attribute(fit_network(towers.assign(CO2=tied), GRAPH), replicates=20)
    flag = query(other, target="GPP").flag[0]
    assert "graph misses correlations" in flag
    assert "CO2 and TA are related beyond the graph" in flag


def test_an_effect_that_cannot_be_says_why(run, towers: xr.Dataset) -> None:
    rest = query(run, target="GPP", driver="remainder", quantity="direct").iloc[0]
    assert (rest.target, rest.driver, rest.quantity) == ("GPP", "remainder", "direct")
    assert np.isnan(rest.estimate)
    assert "only shares" in rest.note
    trend = query(run, target="GPP", driver="TA", quantity="trend", transform="raw").iloc[0]
    assert trend.driver == "TA"
    assert "trends of raw months" in trend.note
    parents = {**GRAPH.parents, "GPP": ("TA",)}
    cut = attribute(fit_network(towers, CausalGraph(parents, GRAPH.identities)), replicates=20)
    row = query(cut, target="GPP", driver="CO2", quantity="direct").iloc[0]
    assert np.isnan(row.estimate)
    assert row.note == "no edge in the graph"
    through_gpp_or_reco = query(cut, target="NEP", driver="CO2", quantity="direct").iloc[0]
    assert np.isfinite(through_gpp_or_reco.estimate)
    assert through_gpp_or_reco.note == ""


def test_unknown_options_are_named_and_what_if_has_its_flag(towers: xr.Dataset) -> None:
    with pytest.raises(ConfigError, match="nearest: season"):
        fit_network(towers, GRAPH, seasons="JJA")
    networks = fit_network(towers, GRAPH)
    with pytest.raises(ConfigError, match="nearest: replicates"):
        attribute(networks, replicate=20)
    with pytest.raises(ConfigError, match="nearest: level"):
        what_if(networks, {"TA": 1.0}, levels=0.9)
    assert what_if(networks, {"TA": 1.0}, replicates=20).attrs["flag"] == "only 4 places"


def test_transforms_are_chosen(run) -> None:
    raw = query(run, target="GPP", driver="TA", quantity="association", transform="raw")
    anomaly = query(run, target="GPP", driver="TA", quantity="association")
    assert raw.estimate[0] != anomaly.estimate[0]
    assert "trend" not in set(query(run, transform="raw").quantity)
    with pytest.raises(UfluxError, match="nearest: raw"):
        query(run, transform="rawr")


@pytest.mark.parametrize(
    ("choice", "match"),
    [
        ({"region": "europ"}, "nearest: Europe"),
        ({"pft": "ENFF"}, "nearest: ENF"),
        ({"target": "GPPP"}, "nearest: GPP"),
        ({"driver": "C02"}, "nearest: CO2"),
        ({"quantity": "totl"}, "nearest: total"),
    ],
)
def test_unknown_names_suggest_the_nearest(run, choice, match) -> None:
    with pytest.raises(UfluxError, match=match):
        query(run, **choice)


def test_what_is_no_run_is_refused(tmp_path) -> None:
    with pytest.raises(DataFileError, match=r"attribution\.nc"):
        query(tmp_path)
    with pytest.raises(ConfigError, match="nearest: driver"):
        query(tmp_path, drivers="TA")


def test_answers_are_written_three_ways(run) -> None:
    answers = query(run, region="Europe", target="GPP", quantity="total")
    records = json.loads(render(answers, "json"))
    assert [row["driver"] for row in records] == ["CO2", "TA"]
    assert len(pd.read_csv(StringIO(render(answers, "csv")))) == 2
    assert "estimate" in render(answers)
    json.loads(render(query(run, region="South America"), "json"))
    with pytest.raises(ConfigError, match="table, json or csv"):
        render(answers, "html")


def test_published_values_stand_beside_fitted_ones(towers: xr.Dataset) -> None:
    assert {"Europe", "Asia"} == set(published_values().region)
    networks = fit_network(towers, GRAPH, by="continent", transform="raw", regions="natural_earth")
    table = compare_published(networks).set_index(["region", "cause", "effect"])
    row = table.loc[("Europe", "TA", "GPP")]
    assert row.published == 0.76
    assert row.difference == pytest.approx(row.fitted - 0.76)
    assert row.n_places == 2


def test_an_annual_fit_has_trends(towers: xr.Dataset) -> None:
    found = attribute(fit_network(towers, GRAPH, transform="annual"), replicates=40)
    assert np.isfinite(found.attribution.sel(quantity="trend", driver="TA")).all()


def test_numbers_of_a_run_have_keys_and_intervals(run) -> None:
    found = dict(attribution_numbers(xr.load_dataset(run / "attribution.nc")))
    one = found[("attribution", "Europe", "GPP", "TA", "total")]
    assert one["interval"][0] < one["value"] < one["interval"][1]
    assert one["n"] == 192
    assert ("attribution", "Europe", "GPP", "remainder", "trend_share") in found
    assert not any("Oceania" in key for key in found)


def test_numbers_of_types_are_total_effects_over_the_globe(run) -> None:
    stored = xr.load_dataset(run / "attribution.nc")
    found = dict(attribution_numbers(stored))
    types = {key[1] for key in found} & set(IGBP_CLASSES.values())
    known = stored["n"].isel(transform=0).sel(region="globe", pft=list(IGBP_CLASSES.values())) > 0
    assert types == set(known["pft"].values[known.values])
    assert {key[-1] for key in found if key[1] in types} == {"total"}
    for name in types:
        one = found[("attribution", name, "GPP", "TA", "total")]
        expected = query(run, pft=name, target="GPP", driver="TA", quantity="total")
        assert one["value"] == pytest.approx(expected.estimate[0])


def asked(run, *arguments: str) -> list[str]:
    return ["attribute", "--run", str(run), "--region", "Europe", *arguments]


def test_the_command_answers_as_python_does(run, capsys) -> None:
    choice = ("--target", "GPP", "--driver", "TA", "--quantity", "total")
    expected = query(run, region="Europe", target="GPP", driver="TA", quantity="total")
    assert main(asked(run, *choice)) == 0
    table = capsys.readouterr()
    assert table.out.rstrip("\n") == render(expected)
    assert table.err == ""
    assert main(asked(run, *choice, "--json")) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert record["estimate"] == pytest.approx(expected.estimate[0])
    assert record["n_places"] == 2
    assert main(asked(run, *choice, "--csv")) == 0
    found = pd.read_csv(StringIO(capsys.readouterr().out))
    assert found.low[0] == pytest.approx(expected.low[0], rel=1e-5)


def test_the_command_tells_total_effects_unless_asked_for_others(run, capsys) -> None:
    assert main(asked(run, "--csv")) == 0
    assert set(pd.read_csv(StringIO(capsys.readouterr().out)).quantity) == {"total"}
    assert main(asked(run, "--quantity", "all", "--csv")) == 0
    found = pd.read_csv(StringIO(capsys.readouterr().out))
    assert set(found.quantity) == set(query(run, region="Europe").quantity)
    assert len(set(found.quantity)) > 5


def test_letter_case_of_names_is_free(run) -> None:
    expected = query(run, region="North America", pft="ENF", target="RECO", quantity="total")
    assert expected.estimate.notna().all()
    found = query(run, region="north america", pft="enf", target="reco", quantity="Total")
    pd.testing.assert_frame_equal(found, expected)
    each = query(run, pft="Each", target="GPP", quantity="total")
    pd.testing.assert_frame_equal(each, query(run, pft="each", target="GPP", quantity="total"))


def test_flags_and_groups_without_answer_stand_below_the_table(run) -> None:
    answers = query(run, region="Europe", target="GPP", quantity="total")
    (flag,) = set(answers.flag)
    header, *rows = render(answers).splitlines()
    assert header.split()[-1] == "n_places"
    assert rows[2:] == [f"flag: {flag}"]

    answers = query(run, region="globe", pft="each", target="GPP", driver="TA", quantity="total")
    answered = answers[answers.estimate.notna()]
    table = render(answers).splitlines()
    shown = [line.split()[1] for line in table[1 : 1 + len(answered)]]
    assert shown == list(answered.pft)
    below = table[1 + len(answered) :]
    empty = answers[answers.driver.isna()].groupby("note", sort=False).pft
    assert {"EBF", "SNO"} <= set(answers.pft[answers.driver.isna()])
    assert below[-empty.ngroups :] == [
        f"no answer ({', '.join(types)}): {note}" for note, types in empty
    ]
    assert len(pd.read_csv(StringIO(render(answers, "csv")))) == len(answers)


def test_each_flag_names_its_groups() -> None:
    answers = pd.DataFrame({
        "region": "globe", "pft": ["CRO", "CRO", "ENF", "GRA", "WET"], "driver": "TA",
        "estimate": 0.5, "flag": ["copula", "copula", "copula", "few", ""], "note": "",
    })  # fmt: skip
    table = render(answers).splitlines()
    assert table[6:] == ["flag (CRO, ENF): copula", "flag (GRA): few"]


def test_a_group_without_answer_alone_keeps_its_row(run) -> None:
    table = render(query(run, region="Oceania"))
    assert "Oceania" in table
    assert "no towers or cells" in table


def test_the_command_knows_types_and_transforms(run, capsys) -> None:
    assert main(asked(run, "--pft", "each", "--transform", "raw", "--csv")) == 0
    found = pd.read_csv(StringIO(capsys.readouterr().out))
    assert {"ENF", "GRA"} <= set(found.pft)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--region", "Eurpe"], "nearest: Europe"),
        (["--target", "RECCO"], "nearest: RECO"),
        (["--driver", "TAA"], "nearest: TA"),
        (["--quantity", "directly"], "nearest: direct"),
        (["--json", "--csv"], "not allowed with argument"),
    ],
)
def test_a_wrong_name_is_one_line_and_code_2(run, arguments, message, capsys) -> None:
    assert main(asked(run, *arguments)) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert len(told.err.splitlines()) == 1
    assert told.out == ""


def test_a_folder_that_is_not_there_is_code_2(tmp_path, capsys) -> None:
    assert main(asked(tmp_path / "nope")) == 2
    told = capsys.readouterr().err
    assert "nope, which does not exist" in told
    assert "stage" not in told


def test_a_folder_without_attribution_is_code_2(tmp_path, capsys) -> None:
    assert main(asked(tmp_path)) == 2
    assert "run the attribution stage first" in capsys.readouterr().err
    note = "skipped: data: expected longer records"
    write_netcdf(xr.Dataset(attrs={"note": note}), tmp_path / "attribution.nc")
    assert main(asked(tmp_path)) == 2
    assert note in capsys.readouterr().err


def test_the_command_loads_nothing_slow(run) -> None:
    script = (
        "import sys; from uflux_stats.cli import main; code = main(sys.argv[1:]); "
        "slow = {'dask.array', 'scipy.stats', 'xgboost', 'matplotlib'} & set(sys.modules); "
        "sys.exit(code or ', '.join(sorted(slow)) or 0)"
    )
    command = [sys.executable, "-c", script, *asked(run, "--target", "RECO", "--json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
