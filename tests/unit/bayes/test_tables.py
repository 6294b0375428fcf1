"""Tables by groups of sites, thinning, and the table that a fold refits."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from uflux_stats.bayes import as_baseline
from uflux_stats.bayes.as_baseline import posterior_table, thin_months
from uflux_stats.bayes.fitted import RespirationFit
from uflux_stats.bayes.options import SamplerOptions
from uflux_stats.bayes.tables import month_coverage, summary_by
from uflux_stats.errors import ConvergenceError, DimensionError


def test_a_group_of_one_site_has_the_parameters_of_the_site(fit: RespirationFit) -> None:
    labels = ["Europe"] + ["Asia"] * 10 + [""]
    table = summary_by(fit, labels)
    assert table["n_sites"].to_dict() == {"Asia": 10, "Europe": 1, "unknown": 1}
    draws = fit.draws()
    q10 = np.exp(draws.values["slope_site"][:, 0])
    assert table.loc["Europe", "Q10_median"] == pytest.approx(np.median(q10))
    rate = np.exp(draws.site_log_rate(fit.rows)[:, 1:11].mean(axis=1))
    assert table.loc["Asia", "Rref_high"] == pytest.approx(np.quantile(rate, 0.95))
    assert table["n_months"].sum() == len(fit.rows.observed)
    with pytest.raises(DimensionError, match="labels: expected one for each of 12"):
        summary_by(fit, ["Europe"])


def test_months_are_covered(fit: RespirationFit) -> None:
    assert 0.84 < month_coverage(fit) < 0.97


def test_thinning_keeps_first_and_last_and_no_more(towers: xr.Dataset) -> None:
    gap = towers.assign(RECO=towers.RECO.where(towers.time > towers.time[3]))
    kept = thin_months(gap, 5).RECO.notnull()
    assert (kept.sum("time") == 5).all()
    assert kept[:, 4].all()
    assert kept[:, -1].all()
    assert gap.RECO.notnull().sum("time").min() == 20
    assert thin_months(towers, None) is towers


@pytest.mark.parametrize("agree_at", [1, 3, 4])
def test_chains_that_disagree_are_drawn_anew(
    fit: RespirationFit, towers: xr.Dataset, monkeypatch: pytest.MonkeyPatch, agree_at: int
) -> None:
    asked: list[SamplerOptions] = []

    def sampled(*_: object, sampler: SamplerOptions, **__: object) -> RespirationFit:
        asked.append(sampler)
        rhat = 1.05 if len(asked) >= agree_at else 1.3
        return replace(fit, diagnosis=replace(fit.diagnosis, rhat=rhat))

    monkeypatch.setattr(as_baseline, "fit_respiration", sampled)
    short = SamplerOptions(draws=10, tune=20, chains=2)
    if agree_at > as_baseline.TRIES:
        with pytest.raises(ConvergenceError, match=r"R-hat up to 1\.1, got 1\.300 with 40 draws"):
            posterior_table(towers, "q10", sampler=short)
    else:
        assert posterior_table(towers, "q10", sampler=short).form == "q10"
        assert [one.draws for one in asked] == [10, 20, 40][:agree_at]
        assert len({one.seed for one in asked}) == agree_at


def test_hash_of_the_data_sees_the_class_of_a_tower(fit: RespirationFit) -> None:
    other = replace(fit.rows, group=np.roll(fit.rows.group, 1))
    assert replace(fit, rows=other).data_hash != fit.data_hash
