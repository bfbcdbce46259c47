"""Counts in sentences: singular or plural."""

from __future__ import annotations


def count(number: int, noun: str) -> str:
    """E.g. `1 seed`, `3 seeds`; only for nouns whose plural ends in s."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
