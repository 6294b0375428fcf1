"""Put files in place whole: a reader sees the old one or the new one, never a part."""

import json
import shutil
from pathlib import Path
from typing import Any


def write_text(path: Path, text: str) -> None:
    """Write text to a file beside ``path``, then move it there."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def write_table(path: Path, table: Any) -> None:
    """Write plain values as JSON with sorted keys: the same bytes for the same values."""
    text = json.dumps(table, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


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
