"""The land sink of 20 vegetation models, 1959-2022: decades, trend, variability, spread.

Run: python analyses/land_sink_gcb.py Global_Carbon_Budget_2023v1.1.xlsx
"""

import argparse

import pandas as pd

from uflux_stats.io.gcb import read_gcb_land_sink
from uflux_stats.stats.iav import extremes, iav
from uflux_stats.stats.spread import ensemble_spread
from uflux_stats.stats.trend import ensemble_trend, trend

PERIODS = ((1960, 1969), (1970, 1979), (1980, 1989), (1990, 1999), (2000, 2009), (2013, 2022))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workbook")
    data = read_gcb_land_sink(parser.parse_args().workbook)
    sink = data["S_LAND"]
    mean = sink.mean("model").assign_attrs(sink.attrs)
    rows = []
    for first, last in PERIODS:
        decade = sink.sel(year=slice(first, last)).mean("year")
        spread = ensemble_spread(decade, member="model").to_frame()
        rows.append(spread.assign(period=f"{first}-{last}"))
    print(f"{data.attrs['source']}\n")
    print(pd.concat(rows).set_index("period").round(2).to_string(), "\n")
    for years in (slice(1959, 2022), slice(2003, 2022)):
        chosen = mean.sel(year=years)
        print(f"{years.start}-{years.stop}, mean over models")
        print(trend(chosen).to_frame().round(4).to_string(index=False))
        print(iav(chosen).to_frame().round(3).to_string(index=False))
        together = ensemble_trend(sink.sel(year=years), member="model")
        print(together.to_frame().round(4).to_string(index=False), "\n")
    flags = extremes(mean).extreme
    print("extreme years:", flags["year"].values[flags.values != 0].tolist())
    models = trend(sink).to_frame()[["model", "slope", "low", "high", "p"]]
    print(models.round(4).to_string(index=False))


if __name__ == "__main__":
    main()
