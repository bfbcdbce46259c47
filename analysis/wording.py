"""Counts and seeds in sentences: singular or plural."""

from __future__ import annotations

from collections.abc import Sequence


def count(number: int, noun: str) -> str:
    """E.g. `1 seed`, `3 seeds`; only for nouns whose plural ends in s."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def seeds_text(seeds: Sequence[int]) -> str:
    """E.g. `seed 1000`, `seeds 0, 1, 2`."""
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds))}"
