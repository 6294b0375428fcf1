"""Reading all real towers takes seconds."""

from time import perf_counter

from uflux_stats.io.fluxnet import read_fluxnet


def test_all_towers_in_ten_seconds(real_data, record_property) -> None:
    start = perf_counter()
    towers = read_fluxnet(real_data / "fluxnet2015")
    seconds = perf_counter() - start
    record_property("seconds", round(seconds, 2))
    assert towers.sizes["site"] == 206
    assert seconds < 10
