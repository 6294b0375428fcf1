import numpy as np
import pandas as pd
import pytest

from uflux_stats.attribution import discovery
from uflux_stats.attribution.discovery import discover
from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.network import Network, fit_network
from uflux_stats.attribution.robustness import (
    agreement,
    effect_table,
    leave_one_out,
    placebo,
    random_common_cause,
    robustness_values,
)
from uflux_stats.attribution.validity import (
    copula_fit,
    d_calibration,
    d_score,
    flags,
    independence_tests,
)
from uflux_stats.errors import GraphError, MissingExtraError, SampleError


@pytest.fixture(scope="module")
def network(linear_world: pd.DataFrame, chain: CausalGraph) -> Network:
    return fit_network(linear_world[:3000], chain, transform="raw").select()


def test_a_placebo_has_no_effect(network: Network) -> None:
    real, fake = effect_table(network)["TA"], placebo(network, "TA", seed=2)
    assert abs(real["GPP"]) > 0.25
    assert abs(fake["GPP"]) < 0.06
    with pytest.raises(GraphError, match="drive nothing"):
        placebo(network, "GPP")


def test_a_random_cause_changes_nothing(network: Network) -> None:
    change = random_common_cause(network) - effect_table(network)
    assert float(np.abs(change).max().max()) < 0.01


def test_leaving_a_confounder_out_biases_what_it_confounds(network: Network) -> None:
    without = leave_one_out(network)
    assert set(without) == {"SWIN", "TA"}
    # corr(TA, GPP) = .5 * .4 - .35
    assert without["SWIN"].loc["GPP", "TA"] == pytest.approx(-0.15, abs=0.05)
    assert effect_table(network).loc["GPP", "TA"] == pytest.approx(-0.35, abs=0.06)


def test_robustness_values_have_their_closed_form(network: Network) -> None:
    table = robustness_values(network).set_index(["target", "driver"])
    row = table.loc[("GPP", "TA")]
    data = network.sample.values[:, :3]
    slope = np.linalg.lstsq(np.column_stack([data[:, :2], np.ones(3000)]), data[:, 2], rcond=None)
    residual = data[:, 2] - np.column_stack([data[:, :2], np.ones(3000)]) @ slope[0]
    inverse = np.linalg.inv(np.column_stack([data[:, :2], np.ones(3000)]).T
                            @ np.column_stack([data[:, :2], np.ones(3000)]))  # fmt: skip
    t = slope[0][1] / np.sqrt(residual @ residual / 2997 * inverse[1, 1])
    assert row.partial_r2 == pytest.approx(t**2 / (t**2 + 2997), abs=0.01)
    f2 = row.partial_r2 / (1 - row.partial_r2)
    assert row.robustness_value == pytest.approx((np.sqrt(f2**2 + 4 * f2) - f2) / 2)
    assert 0 <= row.robustness_value_90 < row.robustness_value
    # a cause that explains RV of both leaves exactly no effect (Cinelli and Hazlett, eq. 15)
    rv = row.robustness_value
    assert rv**2 / (1 - rv) == pytest.approx(f2)


def test_one_table_says_what_all_methods_say(network: Network) -> None:
    other = effect_table(network) * 2
    table = agreement(network, doubled=other).set_index(["target", "driver"])
    row = table.loc[("GPP", "TA")]
    assert row.same_sign == 1.0
    assert row.lowest <= row.highest
    assert row.doubled == pytest.approx(2 * row.total)
    assert abs(row.placebo) < abs(row.total)
    assert row.n == 3000


def test_a_method_without_an_answer_does_not_disagree(network: Network) -> None:
    silent = effect_table(network) * np.nan
    row = agreement(network, silent=silent).set_index(["target", "driver"]).loc[("GPP", "TA")]
    assert (row.same_sign, row.n_methods) == (1.0, 4)
    against = agreement(network, silent=silent, against=-effect_table(network))
    row = against.set_index(["target", "driver"]).loc[("GPP", "TA")]
    assert (row.same_sign, row.n_methods) == (0.8, 5)


def test_flags_name_the_claim_that_fails() -> None:
    rng = np.random.default_rng(2)
    ta, swin, error = rng.normal(size=(3, 2000))
    data = pd.DataFrame({"TA": ta, "SWIN": swin + ta, "GPP": ta + error, "RECO": ta + error})
    data += 0.3 * rng.normal(size=data.shape)
    shared = CausalGraph({"TA": (), "SWIN": ("TA",), "GPP": ("TA", "SWIN"), "RECO": ("TA", "SWIN")})
    said = flags(fit_network(data, shared, transform="raw").select())
    assert said == "only 1 place", "errors that targets share are no failure"
    wrong = CausalGraph({"TA": (), "SWIN": (), "GPP": ("TA", "SWIN"), "RECO": ("TA", "SWIN")})
    said = flags(fit_network(data, wrong, transform="raw").select())
    # covariance 1, variances with noise 1.09 and 2.09
    assert "SWIN and TA are related beyond the graph (partial correlation 0.66)" in said


def test_of_many_claims_some_may_fail_by_chance() -> None:
    rng = np.random.default_rng(0)
    names = [f"D{number}" for number in range(7)]
    graph = CausalGraph({**dict.fromkeys(names, ()), "GPP": tuple(names)})
    flagged = 0
    for _ in range(40):
        table = pd.DataFrame(rng.normal(size=(150, 8)), columns=[*names, "GPP"])
        network = fit_network(table, graph, transform="raw").select()
        claims = independence_tests(network)
        flagged += "related beyond the graph" in flags(network)
    assert len(claims) == 22
    assert flagged <= 3, "one in a hundred worlds, not one in five"


def test_a_true_graph_passes_and_a_wrong_one_fails(
    linear_world: pd.DataFrame, chain: CausalGraph
) -> None:
    data = linear_world[:3000]
    right = fit_network(data, chain, transform="raw").select()
    wrong_graph = CausalGraph({"SWIN": (), "TA": (), "GPP": ("SWIN",), "RECO": ("TA",)})
    wrong = fit_network(data, wrong_graph, transform="raw").select()
    assert independence_tests(right).set_index("first").p["all"] > 0.01
    table = independence_tests(wrong)
    assert table.set_index("first").p["all"] < 1e-6
    claim = table[(table["first"] == "TA") & (table.second == "SWIN")].iloc[0]
    assert claim.partial == pytest.approx(0.5, abs=0.05)
    assert not d_calibration(wrong, replicates=200).graph_is_sufficient
    graph = CausalGraph({k: v for k, v in chain.parents.items() if k != "NEP"})
    fitted = fit_network(data, graph, transform="raw").select()
    assert d_calibration(fitted, replicates=400).graph_is_sufficient
    assert d_calibration(fitted, replicates=200).copula_is_normal


def test_families_are_told_apart() -> None:
    rng = np.random.default_rng(3)
    theta, u, w = 3.0, rng.random(800), rng.random(800)
    v = ((w ** (-theta / (1 + theta)) - 1) * u**-theta + 1) ** (-1 / theta)
    clayton = copula_fit(pd.DataFrame({"u": u, "v": v})).iloc[0]
    assert clayton.best == "clayton"
    turned = copula_fit(pd.DataFrame({"u": u, "v": -v})).iloc[0]
    assert turned.rank_correlation < 0
    mixed = rng.normal(size=(800, 2)) @ np.array([[1, 0.8], [0, 0.6]])
    assert copula_fit(pd.DataFrame(mixed, columns=["u", "v"])).iloc[0].best in ("normal", "frank")
    assert len(copula_fit(pd.DataFrame(rng.normal(size=(4000, 3)), columns=list("abc")))) == 3


def test_lagged_links_are_found() -> None:
    pytest.importorskip("tigramite", reason="needs the extra 'discovery'")
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(3, 400))
    ta, gpp, p = noise[0].copy(), noise[1].copy(), noise[2]
    for month in range(1, 400):
        ta[month] += 0.4 * ta[month - 1]
        gpp[month] += 0.6 * ta[month - 1]
    frame = pd.DataFrame({"TA": ta, "GPP": gpp, "P": p})
    graph = CausalGraph({"TA": (), "P": (), "GPP": ("TA", "P")})
    sample = fit_network(frame, graph, transform="raw").select().sample
    links = discover(sample, lags=2, level=0.01)
    strongest = links.loc[links.value.abs().idxmax()]
    assert (strongest.cause, strongest.effect, strongest.lag) == ("TA", "GPP", 1)
    with pytest.raises(SampleError, match="at least"):
        discover(sample, lags=200)


def test_without_tigramite_the_extra_is_named(network, monkeypatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(discovery, "import_module", missing)
    with pytest.raises(MissingExtraError, match="discovery"):
        discover(network.sample)


def test_d_score_of_what_others_determine() -> None:
    tied = np.ones((2, 2))
    assert d_score(tied, tied) == pytest.approx(1.0)
    assert d_score(tied, np.eye(2)) < 0.01
    apart = np.array([[1.0, 0.5], [0.5, 1.0]])
    assert d_score(apart, np.eye(2)) == pytest.approx(1.0 - (1.0 - 0.75**0.25 / 0.9375**0.5) ** 0.5)
