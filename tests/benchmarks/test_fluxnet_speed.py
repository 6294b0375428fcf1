"""Reading all real towers takes seconds."""

from time import perf_counter

from uflux_stats.io.fluxnet import read_fluxnet


def test_all_towers_in_ten_seconds(real_data) -> None:
    start = perf_counter()
    towers = read_fluxnet(real_data / "fluxnet2015")
    seconds = perf_counter() - start
    print(f"{towers.sizes['site']} towers, {towers.sizes['time']} months: {seconds:.2f} s")
    assert seconds < 10
