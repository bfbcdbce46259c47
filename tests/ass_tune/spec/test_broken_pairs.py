"""Pair files that are wrong, and what their writers are told: all at once, each with its line and the nearest name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from ass_tune.spec import SpecErrors
from ass_tune.spec.pair_loading import load_pair

PAIR = """\
pair: mine
classes: {road: [128, 64, 128], sky: [70, 130, 180]}
source:
  images: sim/{sequence}/rgb/{stem}.png
  labels: sim/{sequence}/seg/{stem}.png
  colors: {road: [[64, 64, 64], [200, 200, 200]], sky: '#4682b4'}
  size: [64, 48]
target:
  images: real/{split}/{sequence}_{stem}
  labels: real_labels/{split}/{sequence}_{stem}
  ids: {road: [3, 4], sky: 0}
  ignored: [11, 255]
  size: [48, 48]
  train: {split: train}
  select: {split: val, part: first 1 of 2}
  report: {split: val, part: last 1 of 2}
resample_by: block
"""
BROKEN = yaml.safe_load(Path(__file__).with_name("broken_pairs.yaml").read_text(encoding="utf-8"))
"""For each, pieces of the file with what takes their places, and all lines that its writer is told."""


@pytest.fixture
def mistakes_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    monkeypatch.chdir(tmp_path)

    def mistakes(text: str) -> list[str]:
        Path("p.yaml").write_text(text, encoding="utf-8")
        try:
            load_pair("p.yaml")
        except SpecErrors as errors:
            return [str(error) for error in errors.errors]
        return []

    return mistakes


def edited(edits: list[list[str]]) -> str:
    text = PAIR
    for old, new in edits:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


def test_the_pair_file_is_sound_before_it_is_broken(mistakes_of: Callable[[str], list[str]]) -> None:
    assert mistakes_of(PAIR) == []


@pytest.mark.parametrize(("edits", "told"), [(case["edits"], case["told"]) for case in BROKEN.values()], ids=BROKEN)
def test_a_broken_pair_file_is_refused_with_every_mistake(
    edits: list[list[str]], told: list[str], mistakes_of: Callable[[str], list[str]]
) -> None:
    assert mistakes_of(edited(edits)) == told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "p.yaml:1: found an empty file; allowed: a mapping with pair, classes, ..."),
        ("- pair: mine", "p.yaml:1: found a list; allowed: a mapping with pair, classes, ..."),
        ("study: a\ntrainable: ass\n", "p.yaml:1: study: unknown key; allowed: extends, pair, classes, source, "),
    ],
)
def test_a_file_of_another_kind_is_refused(text: str, message: str, mistakes_of: Callable[[str], list[str]]) -> None:
    assert any(line.startswith(message) for line in mistakes_of(text))
