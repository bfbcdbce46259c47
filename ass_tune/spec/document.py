"""The tree of a search-space file with the place that every value came from, and how two trees merge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ass_tune.spec.errors import Path, Place, SpecError, cut, dotted, names


@dataclass
class Document:
    """Plain values and their places. A mapping's entry is placed at its key, a list's item at itself."""

    values: dict[str, Any] = field(default_factory=dict)
    places: dict[Path, Place] = field(default_factory=dict)

    def place(self, path: Path) -> Place:
        """The place of a value, or of the nearest part of the tree that holds it."""
        while path not in self.places:
            path = path[:-1]
        return self.places[path]

    def value(self, path: Path) -> Any:
        """The value at a path; raises KeyError, IndexError or TypeError where it leads nowhere."""
        value: Any = self.values
        for part in path:
            value = value[part]
        return value

    def error(self, path: Path, message: str) -> SpecError:
        """A mistake at a path of this tree."""
        return self.place(path).error(dotted(path), message)


def merge(base: Document, over: Document) -> Document:
    """`over` laid on `base`: mappings merge deeply, everything else is replaced, with its place.

    `null` takes a key of the base away, except under `fixed:`, where null is a value. A hyperparameter of
    another `type` replaces the base's, because the keys of two types do not mix.
    """
    places = {(): over.place(())}
    values = _merge_mapping(base, over, (), places)
    return Document(values, places)


def _merge_mapping(base: Document, over: Document, path: Path, places: dict[Path, Place]) -> dict[str, Any]:
    below, above = base.value(path), over.value(path)
    merged: dict[str, Any] = {}
    for key in [*below, *(key for key in above if key not in below)]:
        here = (*path, key)
        if key not in above:
            merged[key] = below[key]
            places.update(_places_under(base, here))
        elif key in below and above[key] is None and path[:1] != ("fixed",):
            places[here] = over.place(here)  # for the message where it is missed
        elif key in below and _mix(below[key], above[key]):
            places[here] = over.place(here)
            merged[key] = _merge_mapping(base, over, here, places)
        else:
            merged[key] = above[key]
            places.update(_places_under(over, here))
    return merged


def empty_mappings(base: Document, over: Document) -> Iterator[SpecError]:
    """A mistake for each `{}` of `over` that changes nothing, since mappings merge: its writer means to empty one."""
    yield from _empty_mappings(base.values, over, ())


def _empty_mappings(below: dict[str, Any], over: Document, path: Path) -> Iterator[SpecError]:
    above = over.value(path)
    for key in above:
        here = (*path, key)
        if not isinstance(above[key], dict) or not isinstance(below.get(key), dict):
            continue
        if below[key] and not above[key]:
            there = names(f"{dotted(here)}.{cut(entry)}" for entry in below[key])
            text = f"found {{}}, which changes nothing: mappings merge, so {there} would stay"
            yield over.error(here, f"{text}; allowed: null, which takes all of it away, or entries to add or replace")
        elif _mix(below[key], above[key]):
            yield from _empty_mappings(below[key], over, here)


def _mix(below: Any, above: Any) -> bool:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return False
    return "type" not in above or above["type"] == below.get("type")


def _places_under(document: Document, path: Path) -> Iterator[tuple[Path, Place]]:
    yield path, document.place(path)
    value = document.value(path)
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield from _places_under(document, (*path, key))
