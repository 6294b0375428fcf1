"""Names of what stands in the folder of a run, for those who write it and those who read it."""

from typing import Final

NUMBERS: Final = "numbers.json"
"""Numbers of the whole run, and in the folder of a stage those of the stage."""
RUNTIME: Final = "runtime.json"
PROVENANCE: Final = "provenance.json"
STAGES: Final = ".stages"
"""Folder that remembers the stages, a folder for each."""
MARK: Final = "done.json"
"""In the folder of a stage: written last of all, when its results are whole."""
TWIN: Final = "twin"
"""Folder of the generated planet; its presence says that nothing in the run is data."""
TABLES: Final = "tables"
MAPS: Final = "maps.nc"
REPORTS: Final = "reports"
