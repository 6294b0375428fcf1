"""What a run tells at its end of the carbon it has divided."""

from pathlib import Path

from uflux_stats.pipeline.runner import RunRecord
from uflux_stats.pipeline.summary import summary
from uflux_stats.reporting.numbers import Number


def told(numbers: dict[str, Number]) -> list[str]:
    return summary(RunRecord(Path("out"), (), numbers)).splitlines()


def test_parts_stand_beside_the_models_own_and_nothing_is_filled() -> None:
    numbers = {
        "totals.global.GPP_closed": Number(143.0, "PgC yr-1", 141.0, 146.0),
        "totals.global.NPP": Number(78.0, "PgC yr-1", 68.0, 85.0),
        "dgvm.global.NPP": Number(63.0, "PgC yr-1", 50.0, 80.0),
        "totals.global.cVeg": Number(709.0, "PgC", 508.0, 1030.0),
    }
    lines = {line.split(" ")[0]: line for line in told(numbers)}
    assert lines["NPP"].split()[3:] == ["78", "68", "to", "85", "63", "50", "to", "80"]
    assert lines["cVeg"].endswith("508 to 1030")
    assert lines["cLitter"].endswith("not available: no vegetation model tells of it")


def test_without_models_nothing_is_told_of_parts() -> None:
    assert not any("cLitter" in line for line in told({"totals.global.GPP": Number(130.0)}))


def test_errors_at_towers_and_over_land_are_no_recovered_and_true() -> None:
    numbers = {
        "twin.upscale.GPP_total": Number(123.7, "PgC yr-1", 122.0, 125.3),
        "twin.upscale.GPP_total.truth": Number(124.0, "PgC yr-1"),
        "twin.validate.LE_rmse_random": Number(4.64, "W m-2"),
        "twin.validate.LE_rmse_random.truth": Number(9.53, "W m-2"),
    }
    lines = told(numbers)
    head = next(place for place, line in enumerate(lines) if line.startswith("RMSE"))
    assert lines[head].split()[-3:] == ["towers", "all", "land"]
    assert lines[head + 2].split() == ["LE_rmse_random", "[W", "m-2]", "4.64", "9.53"]
    assert any(line.startswith("upscale: GPP_total") for line in lines[:head])


def test_posteriors_that_failed_their_gate_are_told_so() -> None:
    stem = "twin.respiration"
    numbers = {
        "respiration.q10.gate.passed": Number(False),
        "respiration.lloyd_taylor.gate.passed": Number(True),
    }
    for form in ("q10", "lloyd_taylor", "conditioned_q10"):
        numbers[f"{stem}.{form}_Q10_CRO"] = Number(1.5, "1", 1.4, 1.6)
        numbers[f"{stem}.{form}_Q10_CRO.truth"] = Number(1.55)
    lines = {line.split(" ")[1]: line for line in told(numbers) if line.startswith("respiration:")}
    assert lines["q10_Q10_CRO"].endswith("yes; gate not passed")
    assert lines["lloyd_taylor_Q10_CRO"].endswith("yes")
    assert lines["conditioned_q10_Q10_CRO"].endswith("yes")
