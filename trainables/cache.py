"""Where a node keeps what any study can reuse: packed data and measured step times."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """`$ASS_CACHE`, else `ass_tune` in the user's cache folder; the same on every node, shared by its trials."""
    if folder := os.environ.get("ASS_CACHE"):
        return Path(folder).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "ass_tune"
