"""Tell what data are and what is wrong with them, whatever kind they are of."""

from pathlib import Path

from uflux_stats.io.data_check import DataReport, check_data
from uflux_stats.io.dgvm.folder_check import dgvm_checker
from uflux_stats.io.driver_check import DRIVER_CHECKER
from uflux_stats.io.table_check import TABLE_CHECKER
from uflux_stats.io.tower_check import TOWER_CHECKER


def describe(path: str | Path, *, scenario: str | None = None) -> DataReport:
    """Recognise data and check them: flux towers, vegetation models, tables, gridded drivers.

    Parameters
    ----------
    path : str or Path
        A file, archive or folder.
    scenario : str, optional
        Of vegetation models, where a folder holds several.

    Returns
    -------
    DataReport
        What it is, a table of what is there, and what lacks or is out of range; ``render`` of
        ``uflux_stats.io.data_check`` writes it as text or JSON.

    Raises
    ------
    DataFileError
        If there is nothing at the path, or nothing of what is recognised can be read.
    ConfigError
        If it is of no known kind.
    """
    # names of vegetation models are told before those of other gridded files
    models = dgvm_checker(scenario)
    return check_data(path, (TOWER_CHECKER, models, TABLE_CHECKER, DRIVER_CHECKER))
