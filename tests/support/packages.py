"""Packages as `pip install --target` leaves them: modules, and a folder with the metadata that names entry points."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from trainables.ass.adaptation import adaptation
from trainables.ass.config import _with_fields_of
from trainables.domains.added_pairs import added_pair
from trainables.extensions import extensions
from trainables.registry import TRAINABLES


def forget() -> None:
    """Let everything be found anew."""
    for cached in (extensions, adaptation, _with_fields_of, added_pair):
        cached.cache_clear()


@dataclass(frozen=True)
class Packages:
    """A folder of packages that this process and those it starts know."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def install(self, package: str, group: str, points: Mapping[str, str], **modules: str) -> None:
        """Write a package of version 1.0 with entry points of one group, and modules by their names."""
        metadata = self.folder / f"{package.replace('-', '_')}-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"[{group}]", *(f"{name} = {path}" for name, path in points.items())]
        (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
        for name, text in modules.items():
            (self.folder / f"{name}.py").write_text(text)
            self.monkeypatch.delitem(sys.modules, name, raising=False)
        self.look_again()

    def look_again(self) -> None:
        """Forget what was installed before."""
        forget()
        self.monkeypatch.setattr(TRAINABLES, "_added", {})
