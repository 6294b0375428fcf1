"""One tower under two names is noticed; neighbours are not."""

import numpy as np
import pytest

from uflux_stats.errors import DataFileError
from uflux_stats.io.fluxnet import read_fluxnet

SEASON = 1.0 + np.sin(np.arange(12) / 2.0)
MEASURED = {"NEE_VUT_REF": -SEASON, "GPP_NT_VUT_REF": 3 * SEASON, "LE_F_MDS": 30 * SEASON}


def pair(samples, folder, first, second, **names) -> None:
    samples.write(folder, samples.table(**first), samples.file_name("AA-One"))
    samples.write(folder, samples.table(**second), samples.file_name("BB-Two", **names))


def test_a_tower_under_two_names(tmp_path, samples) -> None:
    """Whatever the table of sites says of the places."""
    pair(samples, tmp_path, MEASURED, MEASURED)
    told = r"one name, got the same fluxes at AA-One and BB-Two \(12 months\); remove the file"
    with pytest.raises(DataFileError, match=told):
        read_fluxnet(tmp_path)


def test_another_release_of_it(tmp_path, samples) -> None:
    """Longer, under another name of product, with drivers filled anew."""
    longer = np.concatenate([SEASON, 2 * SEASON])
    columns = {name: values[0] / SEASON[0] * longer for name, values in MEASURED.items()}
    frame = samples.table((2001, 2002), TA_F=8.0, **columns)
    samples.write(tmp_path, samples.table(**MEASURED), samples.file_name("AA-One"))
    samples.write(tmp_path, frame, "AMF_BB-Two_FLUXNET_FULLSET_MM_2001-2002_3-5.csv")
    with pytest.raises(DataFileError, match="each tower under one name"):
        read_fluxnet(tmp_path)


def test_two_months_alike_prove_nothing(tmp_path, samples) -> None:
    other = {name: np.where(np.arange(12) < 2, values, 1.1 * values)
             for name, values in MEASURED.items()}  # fmt: skip
    pair(samples, tmp_path, MEASURED, other)
    assert read_fluxnet(tmp_path).sizes["site"] == 2


@pytest.mark.parametrize("changed", sorted(MEASURED))
def test_neighbours_share_drivers_but_not_all_fluxes(tmp_path, samples, changed) -> None:
    pair(samples, tmp_path, MEASURED, MEASURED | {changed: 1.01 * MEASURED[changed]})
    (tmp_path / "sites.csv").write_text("site,lat,lon\nAA-One,50,10\nBB-Two,50,10\n")
    assert read_fluxnet(tmp_path)["lat"].values.tolist() == [50.0, 50.0]


def test_constant_fluxes_are_no_measurements(tmp_path, samples) -> None:
    pair(samples, tmp_path, {}, {})
    assert read_fluxnet(tmp_path).sizes["site"] == 2
