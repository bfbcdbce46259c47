"""Write a search-space file and read its mistakes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ass_tune.spec import SpecErrors, load


@pytest.fixture
def mistakes_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """The lines that a text as `x.yaml` is refused with; empty if it is valid."""
    monkeypatch.chdir(tmp_path)

    def mistakes(text: str, overrides: tuple[str, ...] = ()) -> list[str]:
        path = Path("x.yaml")
        path.write_text(text, encoding="utf-8")
        try:
            load(path, overrides)
        except SpecErrors as errors:
            return [str(error) for error in errors.errors]
        return []

    return mistakes
