"""The interactive map: its fields, its size, and the same bytes from the same fields."""

import json

import numpy as np
import pytest
import xarray as xr

from uflux_stats.reporting.interactive import LARGEST, map_item


def fields(columns: int) -> xr.Dataset:
    step = 360.0 / columns
    lon = -180.0 + step * (np.arange(columns) + 0.5)
    lat = -90.0 + step * (np.arange(columns // 2) + 0.5)
    values = np.add.outer(np.sin(np.radians(lat)), np.cos(np.radians(lon)))
    grid = {"lat": lat, "lon": lon}
    one = xr.DataArray(values, grid, ("lat", "lon"), attrs={"units": "gC m-2 d-1"})
    return xr.Dataset({"NEE": one, "GPP": one + 5.0})


def objects(item: str, name: str) -> list[dict[str, object]]:
    """All models of one kind in the JSON, in their order."""
    found: list[dict[str, object]] = []

    def look(part: object) -> None:
        if isinstance(part, dict):
            if part.get("name") == name and "id" in part:
                found.append(part["attributes"])
            for one in part.values():
                look(one)
        elif isinstance(part, list):
            for one in part:
                look(one)

    look(json.loads(item))
    return found


def test_only_the_first_field_is_visible() -> None:
    item = map_item(fields(36))
    (nee,) = [one for one in objects(item, "GlyphRenderer") if one.get("name") == "NEE"]
    (gpp,) = [one for one in objects(item, "GlyphRenderer") if one.get("name") == "GPP"]
    assert nee.get("visible", True) is True
    assert gpp["visible"] is False
    assert {one["name"] for one in objects(item, "ColorBar")} == {"bar NEE", "bar GPP"}


def test_a_field_of_both_signs_is_centred_on_zero() -> None:
    nee, gpp = objects(map_item(fields(36)), "LinearColorMapper")
    assert nee["low"] == -nee["high"]
    assert gpp["low"] > 0


def test_the_same_fields_give_the_same_bytes() -> None:
    assert map_item(fields(36)) == map_item(fields(36))


def test_fine_grids_are_thinned() -> None:
    coarse, fine = (len(map_item(fields(n))) for n in (LARGEST, 3 * LARGEST))
    assert fine == pytest.approx(coarse, rel=0.01)
