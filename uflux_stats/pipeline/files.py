"""Files and folders of a run: found, moved and removed."""

import shutil
from pathlib import Path


def tables_beside(towers: Path | None) -> tuple[Path, ...]:
    """List the tables of sites and greenness that the reader of towers may find beside them."""
    if towers is None:
        return ()
    place = towers.resolve().parent
    shapes = ("*sites*.csv", "*fapar*.csv*")
    return tuple(sorted(path for shape in shapes for path in place.glob(shape)))


def move_into_place(source: Path, target: Path) -> None:
    """Move a file or folder over what is at ``target``."""
    target.parent.mkdir(parents=True, exist_ok=True)
    remove(target)
    source.replace(target)


def remove(path: Path) -> None:
    """Remove a file or folder, if it is there.

    A folder loses its name first: one that is deleted in part is never seen under it.
    """
    aside = path.with_name(f".{path.name}.removed")
    shutil.rmtree(aside, ignore_errors=True)
    if path.is_dir() and not path.is_symlink():
        path.replace(aside)
        shutil.rmtree(aside)
    else:
        path.unlink(missing_ok=True)
