"""Fields of HDF4 files, in which NASA distributes the products of MODIS."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uflux_stats.errors import DataFileError, MissingExtraError


def read_fields(path: Path, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """Read scientific data sets of an HDF4 file.

    Parameters
    ----------
    path : Path
    names : tuple of str
        Which.

    Returns
    -------
    dict of array
        As stored, without scale or fill.

    Raises
    ------
    MissingExtraError
        If pyhdf is not installed.
    DataFileError
        If the file is damaged or lacks one of them.
    """
    try:
        from pyhdf.error import HDF4Error
        from pyhdf.SD import SD
    except ImportError as error:
        raise MissingExtraError("pyhdf", "surface") from error
    try:
        file = SD(str(path))
        there = set(file.datasets())
        if lacking := [name for name in names if name not in there]:
            raise DataFileError(
                f"path: expected fields {lacking} in {path.name}, got {sorted(there)[:6]}; "
                "is it another product?"
            )
        return {name: np.asarray(file.select(name).get()) for name in names}
    except HDF4Error as error:
        raise DataFileError(
            f"path: expected a readable HDF4 file, got {path} ({error}); download it again"
        ) from error
