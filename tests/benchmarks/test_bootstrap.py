from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import bootstrap
from benchmarks.command_line import run


def test_both_ways_find_the_same_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "IMAGES", 30)
    ours, theirs = bootstrap.drawn_counts(0.2, 0), bootstrap.drawn_counts(0.3, 1)
    drawn = np.random.default_rng(0).integers(30, size=(20, 30))
    found = bootstrap.vectorised(ours, theirs, drawn)
    np.testing.assert_allclose(found, bootstrap.naive(ours, theirs, drawn), rtol=1e-9)
    assert (found > 0).all()


def test_the_benchmark_writes_its_figures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bootstrap, "IMAGES", 30)
    monkeypatch.setattr(bootstrap, "RESAMPLES", 200)
    assert run("bootstrap", None, bootstrap.measure, ["--quick", "--json", str(tmp_path / "figures.json")]) == 0
    figures = json.loads((tmp_path / "figures.json").read_text())["figures"]
    assert set(figures) == {"seconds", "naive_ratio", "peak_megabytes"}
    assert min(figures.values()) > 0
