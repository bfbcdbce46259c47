"""A mistake in a search-space file as a record, and how values are shown in messages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from trainables.mistakes import nearest

MAX_SHOWN = 50
"""More mistakes than these are only counted in the message."""

Path = tuple[str | int, ...]
"""Where a value sits in the tree of a file, e.g. ("tune", "lr", "low")."""


@dataclass(frozen=True)
class Place:
    """Where a value came from: a line of a file, or a `--set` (which has no line)."""

    source: str
    line: int | None = None

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}"

    def error(self, field: str, message: str) -> SpecError:
        """A mistake at this place; `field` is empty where the whole file is meant."""
        return SpecError(self.source, self.line, field, message)


@dataclass(frozen=True)
class SpecError:
    """One mistake: where it is, which field it concerns, what was found and what is allowed."""

    file: str
    """The file as it was named on the command line, or `--set <field>`."""
    line: int | None
    field: str
    """Dotted, e.g. `tune.lr.low`; empty where the whole file is meant."""
    message: str

    def __str__(self) -> str:
        place = str(Place(self.file, self.line))
        named = not self.field or self.file == f"--set {self.field}"
        return f"{place}: {self.message}" if named else f"{place}: {self.field}: {self.message}"


class SpecErrors(Exception):
    """All mistakes of a search-space file, sorted by file and line."""

    def __init__(self, errors: Iterable[SpecError]) -> None:
        self.errors = sorted(set(errors), key=lambda error: (error.file, error.line or 0, error.field, error.message))
        lines = list(map(str, self.errors))
        if len(lines) > MAX_SHOWN:
            lines[MAX_SHOWN:] = [f"and {len(lines) - MAX_SHOWN} more mistakes"]
        super().__init__("\n".join(lines))


def dotted(path: Path) -> str:
    """A path as people write it: `ablate.adaptor[2]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{cut(part)}" for part in path)
    return text.removeprefix(".")


def cut(text: str, longest: int = 60) -> str:
    """A text from a file, short enough for a message and without what could rewrite the terminal."""
    if not text.isprintable():
        text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return text if len(text) <= longest else text[: longest - 3] + "..."


def shown(value: Any) -> str:
    """A value as it stands in a file, short enough for one line."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        text = f"[{', '.join(map(shown, value))}]" if value else "an empty list"
        return text if len(text) <= 60 else f"a list of {len(value)}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return f"'{cut(value)}'" if isinstance(value, str) else cut(repr(value))


def names(options: Iterable[Any]) -> str:
    """The allowed names or values as a list; long lists are cut."""
    options = list(options)
    first = options if len(options) <= 25 else options[:15]
    texts = [cut(option) if isinstance(option, str) else shown(option) for option in first]
    return ", ".join(texts if first is options else [*texts, f"and {len(options) - 15} more"]) or "none"


def found(value: Any, allowed: str, options: Iterable[Any] = ()) -> str:
    """The message for a value: what it is, what is allowed, and the nearest of some names."""
    return f"found {shown(value)}; allowed: {allowed}{nearest(value, options)}"
