"""The pair files that ship with the package, read without what a user's file needs: lines and messages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from trainables.domains.pair_file import PairFile

FOLDER = Path(__file__).with_name("shipped")
NAMES = (
    "idda-camvid",
    "gta5-cityscapes",
    "gta5-cityscapes-half",
    "synthia-cityscapes",
    "synthia-cityscapes-half",
    "synthia16-cityscapes",
)
"""In the order in which they are listed to users."""


@cache
def shipped_pair(name: str) -> PairFile:
    """A pair by its name, which is that of its file."""
    return PairFile.model_validate(_values(FOLDER / f"{name}.yaml"))


def laid_on(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings merge, everything else is replaced, and null takes a key away: what `extends` means."""
    merged = {**base, **over}
    for key in base.keys() & over.keys():
        if isinstance(base[key], dict) and isinstance(over[key], dict):
            merged[key] = laid_on(base[key], over[key])
    return {key: value for key, value in merged.items() if key not in base or value is not None}


def _values(file: Path) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    base = values.pop("extends", None)
    return laid_on(_values(file.with_name(base)), values) if base else values
