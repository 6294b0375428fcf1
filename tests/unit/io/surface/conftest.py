"""Small files in the native layouts of land-surface products."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin


def hdf4(path: Path, **fields: np.ndarray) -> Path:
    """Write scientific data sets, as NASA's files hold them."""
    sd = pytest.importorskip("pyhdf.SD")
    types = {"int16": sd.SDC.INT16, "uint8": sd.SDC.UINT8}
    file = sd.SD(str(path), sd.SDC.WRITE | sd.SDC.CREATE)
    for name, values in fields.items():
        found = file.create(name, types[values.dtype.name], values.shape)
        found[:] = values
        found.endaccess()
    file.end()
    return path


def geotiff(path: Path, codes: np.ndarray, *, placed: bool = True) -> Path:
    """Write a global map of one byte per pixel, compressed as the published ones are."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    if placed:
        step = 360.0 / codes.shape[1]
        for tag, values in (
            (33550, (step, step, 0.0)),
            (33922, (0.0, 0.0, 0.0, -180.0, 90.0, 0.0)),
        ):
            tags[tag] = values
            tags.tagtype[tag] = 12  # double
    Image.fromarray(codes).save(path, compression="tiff_lzw", tiffinfo=tags)
    return path


@pytest.fixture(scope="session")
def native() -> SimpleNamespace:
    return SimpleNamespace(hdf4=hdf4, geotiff=geotiff)
