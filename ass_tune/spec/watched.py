"""Which values decide what a trainable says about a combination, found out by watching it look.

A file may ask about millions of combinations. Most hyperparameters decide nothing, and are not asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class Watched(Mapping[str, Any]):
    """Values that remember which of them somebody looked at, also of those that are not there."""

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
        """Whether what was answered could be another answer, had the name another value or were there."""
        return self._all_seen or name in self._seen


def watch(ask: Callable[[Mapping[str, Any]], Answer], values: Mapping[str, Any]) -> tuple[Answer, Watched]:
    """The answer about some values, and what it depends on."""
    watched = Watched(values)
    return ask(watched), watched
