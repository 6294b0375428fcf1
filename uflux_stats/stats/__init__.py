"""Statistics of towers and cubes: pure functions on labelled arrays, in memory or with Dask."""
