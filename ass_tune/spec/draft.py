"""The well-formed parts of a file as a StudySpec, so that rules can be checked although other parts are broken."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ass_tune.spec.document import Document
from ass_tune.spec.errors import Path, SpecError, names
from ass_tune.spec.hyperparameters import Hyperparameter, Part
from ass_tune.spec.model import Around, Compare, ComparedPair, Prune, Replicate, Resources, Search, StudySpec, Train
from ass_tune.spec.space import SearchedCell, searched_cells
from ass_tune.spec.whole_numbers import without_type
from ass_tune.spec.wording import at, grouped, message
from trainables.config import TrialConfig
from trainables.extensions import BrokenExtension
from trainables.mistakes import nearest
from trainables.registry import TRAINABLES

_ENTRIES = ("ablate", "tune", "fixed", "baseline", "control")
"""Sections whose entries stand alone: a broken one does not break the others."""

_PLACEHOLDERS: dict[str, Any] = {
    "study": "study",
    "trainable": "",
    "domains": "",
    "profile": "",
    "train": {"iterations": 1, "evaluate_every": 1},
}
"""Take the place of required parts that are missing or broken; rules about those do not run."""

_TYPES: dict[str, type[Part]] = {
    get_args(member.model_fields["type"].annotation)[0]: member for member in get_args(get_args(Hyperparameter)[0])
}
_SECTIONS: dict[str, type[Part]] = {
    "search": Search,
    "prune": Prune,
    "replicate": Replicate,
    "train": Train,
    "compare": Compare,
    "resources": Resources,
}


@dataclass
class Draft:
    """A file on its way to a StudySpec."""

    document: Document
    spec: StudySpec
    """The well-formed parts; defaults and placeholders elsewhere."""
    broken: set[Path] = field(default_factory=set)
    """Sections and entries that are not in `spec` because they are not well formed."""

    @property
    def config(self) -> type[TrialConfig] | None:
        """The trainable's configuration, if the file names a known one."""
        entry = TRAINABLES.get(self.spec.trainable)
        try:
            return entry.config.extended(self.spec.named) if entry else None
        except BrokenExtension:  # a rule says so
            return None

    @cached_property
    def cells(self) -> list[SearchedCell]:
        """The defined cells; only for a draft whose names, values and conditions are right."""
        return searched_cells(self.spec)

    def declared(self, section: str) -> tuple[str, ...]:
        """Names under a section as they stand in the file, those of broken entries included."""
        entries = self.document.values.get(section)
        return tuple(entries) if isinstance(entries, dict) else ()

    def error(self, path: Path, text: str) -> SpecError:
        """A mistake at a path of the file."""
        return self.document.error(path, text)


def draft(document: Document) -> tuple[Draft, list[SpecError]]:
    """Separate what is well formed from what is not, with a record of every mistake of form."""
    try:
        return Draft(document, StudySpec.model_validate(document.values)), []
    except ValidationError as error:
        groups = grouped(document.values, map(without_type, error.errors(include_url=False)))
    broken = {path[: 2 if path[0] in _ENTRIES else 1] for path in groups}
    spec = StudySpec.model_validate(_PLACEHOLDERS | _without(document.values, broken))
    return Draft(document, spec, broken), [_record(document, path, group) for path, group in groups.items()]


def _without(values: dict[str, Any], broken: set[Path]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in values.items():
        if (name,) in broken:
            continue
        entries = name in _ENTRIES and isinstance(value, dict)
        kept[name] = {key: entry for key, entry in value.items() if (name, key) not in broken} if entries else value
    return kept


def _record(document: Document, path: Path, errors: list[ErrorDetails]) -> SpecError:
    kind = errors[0]["type"]
    model = _model(document, path[:-1])
    if kind == "missing":
        return document.error(path, f"missing required key ({_describe(model, str(path[-1]))})")
    if kind == "extra_forbidden":
        keys = [info.alias or name for name, info in model.model_fields.items()]
        return document.error(path, f"unknown key; allowed: {names(keys)}{nearest(path[-1], keys)}")
    if kind == "union_tag_not_found":
        return document.error((*path, "type"), f"missing required key (kind of hyperparameter: {names(_TYPES)})")
    if kind == "union_tag_invalid":
        path = (*path, "type")
    return document.error(path, message(at(document.values, path), errors))


def _model(document: Document, path: Path) -> type[Part]:
    """The model that says which keys the mapping at a path may have."""
    if path[:1] == ("tune",) and len(path) == 2:
        return _TYPES[document.value((*path, "type"))]
    if path == ("prune", "around"):
        return Around
    if path[:2] == ("compare", "pairs"):
        return ComparedPair
    return _SECTIONS.get(str(path[0]), StudySpec) if path else StudySpec


def _describe(model: type[Part], key: str) -> str:
    fields = {info.alias or name: info for name, info in model.model_fields.items()}
    return fields[key].description or ""
