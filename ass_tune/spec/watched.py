"""Finds which values a trainable reads when it judges a combination, by recording its look-ups.

A file may have millions of combinations. Hyperparameters that are never read need not be tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class Watched(Mapping[str, Any]):
    """A mapping that records which names were looked up, missing ones included."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self._seen: set[str] = set()
        self._all_seen = False

    def __getitem__(self, name: str) -> Any:
        self._seen.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        self._all_seen = True
        return iter(self._values)

    def __len__(self) -> int:
        self._all_seen = True
        return len(self._values)

    def seen(self, name: str) -> bool:
        """Whether the answer could have been another one if this name had another value, or had one at all."""
        return self._all_seen or name in self._seen


def watch(ask: Callable[[Mapping[str, Any]], Answer], values: Mapping[str, Any]) -> tuple[Answer, Watched]:
    """The answer about some values, and the values that it depends on."""
    watched = Watched(values)
    return ask(watched), watched
