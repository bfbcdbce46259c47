"""Counts and differences in sentences: singular or plural, above or below."""

from __future__ import annotations

from trainables.words import format_points


def count(number: int, noun: str) -> str:
    """E.g. `1 seed`, `3 seeds`; only for nouns whose plural ends in s."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def above_or_below(difference: float) -> str:
    """E.g. `1.3 points above`, `0.4 points below`; for what rounds to zero, `less than 0.1 points from`."""
    size = format_points(abs(difference))
    return "less than 0.1 points from" if size == "0.0" else f"{size} points {'above' if difference > 0 else 'below'}"
