"""Files and folders treated alike."""

import shutil
from pathlib import Path


def move_into_place(source: Path, target: Path) -> None:
    """Move a file or folder over what is at ``target``."""
    target.parent.mkdir(parents=True, exist_ok=True)
    remove(target)
    source.replace(target)


def remove(path: Path) -> None:
    """Remove a file or folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
