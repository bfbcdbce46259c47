"""From a pair file to a domain pair, or to all mistakes at once."""

from __future__ import annotations

import os.path
from pathlib import Path as FilePath
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from ass_tune.spec.document import Document
from ass_tune.spec.errors import Path, SpecError, SpecErrors, names
from ass_tune.spec.file_chain import FileKind, Named, read_chain
from ass_tune.spec.pair_rules import PairDraft, mistakes
from ass_tune.spec.shipped import SUFFIXES
from ass_tune.spec.wording import at, grouped, message
from trainables.domains import pairs
from trainables.domains.pair_file import Box, PairFile, SelectSet, Source, Target, TargetSet
from trainables.domains.shipped import FOLDER, NAMES
from trainables.extensions import BrokenExtension
from trainables.mistakes import nearest
from trainables.registry import TRAINABLES, TrainableEntry

PAIR = FileKind(
    "a pair file", "pair, classes, ...", lambda: tuple(pairs.PAIRS), {name: FOLDER / f"{name}.yaml" for name in NAMES}
)
_PARTS: dict[Path, type[Any]] = {
    (): PairFile,
    ("source",): Source,
    ("target",): Target,
    ("target", "train"): TargetSet,
    ("target", "select"): SelectSet,
    ("target", "report"): TargetSet,
}
_SOME_SIZE = (1, 1)
"""Takes the place of a size that is missing or broken; no rule is about it."""
_ENTRIES = ("ids", "colors", "classes")
"""Mappings whose entries stand alone: a broken one does not break the others."""


def load_pair(path: str | FilePath) -> PairFile:
    """The domain pair that a pair file describes, its base merged in.

    Raises SpecErrors with every mistake of the file and its bases.
    """
    pair, errors = _load(os.path.normpath(path), None)
    if pair is None or errors:
        raise SpecErrors(errors)
    return pair


def divided(domains: str) -> tuple[str, int | None] | None:
    """The path in `pairs/x.yaml` or `pairs/x.yaml@200`, and the number; None for what names no pair file."""
    path, part, images = domains.rpartition(pairs.PART)
    if part and path.endswith(SUFFIXES) and pairs.is_count(images):
        return path, int(images)
    return (domains, None) if domains.endswith(SUFFIXES) else None


def define_pair(document: Document) -> list[SpecError]:
    """Put the name of a defined pair in the place of the pair file that `domains:` names, relative to its own file.

    Returns the mistakes of the pair file, for which the name of the file stays.
    """
    domains, trainable = document.values.get("domains"), document.values.get("trainable")
    entry = TRAINABLES.get(trainable) if isinstance(trainable, str) else None
    named = divided(domains) if isinstance(domains, str) else None
    if named is None or entry is None or not _reads_pair_files(entry):
        return []
    place = document.place(("domains",))
    folder = FilePath(place.source).parent if place.line is not None else FilePath()
    pair, errors = _load(os.path.normpath(folder / named[0]), Named(place, "domains"))
    if pair is not None and not errors:
        document.values["domains"] = pairs.define(pair, named[1])
    return errors


def _reads_pair_files(entry: TrainableEntry) -> bool:
    try:
        return entry.config.READS_PAIR_FILES
    except BrokenExtension:  # the rule on names of trainables says so, at its line
        return False


def _load(label: str, named: Named | None) -> tuple[PairFile | None, list[SpecError]]:
    document, errors = read_chain(label, PAIR, named)
    if document is None:
        return None, errors
    draft, form = _draft(document)
    known = {(error.line, error.field) for error in errors}
    for later in (form, mistakes(draft)):
        errors += [error for error in later if (error.line, error.field) not in known]
        known |= {(error.line, error.field) for error in later}
    return (None if errors else PairFile.model_validate(document.values)), errors


def _draft(document: Document) -> tuple[PairDraft, list[SpecError]]:
    """The well-formed parts, with a record of every mistake of form."""
    groups = _mistakes_of_form(document.values)
    kept = _without(document.values, [path for path, found in groups.items() if found[0]["type"] != "missing"])
    for domain in ("source", "target"):
        if isinstance(kept.get(domain), dict):
            kept[domain].setdefault("size", _SOME_SIZE)
    parts = {
        name: _valid(PairFile.model_fields[name].rebuild_annotation(), kept[name])
        for name in ("source", "target", "resample_by")
        if name in kept
    }
    return PairDraft(document, **parts), [_record(document, path, found) for path, found in groups.items()]


def _mistakes_of_form(values: dict[str, Any]) -> dict[Path, list[ErrorDetails]]:
    try:
        PairFile.model_validate(values)
    except ValidationError as error:
        return grouped(values, error.errors(include_url=False))
    return {}


def _without(values: dict[str, Any], broken: list[Path]) -> dict[str, Any]:
    """Values without the entries that are broken or that hold something broken, down to those that stand alone."""
    cut = {_standing_alone(path) for path in broken}

    def kept(value: Any, path: Path) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: kept(item, (*path, key)) for key, item in value.items() if (*path, key) not in cut}

    return kept(values, ())


def _standing_alone(path: Path) -> Path:
    entries = next((place for place, part in enumerate(path) if part in _ENTRIES), None)
    if entries is not None:
        return path[: entries + 2]
    sets = path[:1] == ("target",) and path[1:2] in (("train",), ("select",), ("report",))
    return path[: 3 if sets else 2]


def _valid(annotation: Any, value: Any) -> Any:
    """A part of the file; None where it is not well formed."""
    try:
        return TypeAdapter(annotation).validate_python(value)
    except ValidationError:
        return None


def _record(document: Document, path: Path, errors: list[ErrorDetails]) -> SpecError:
    kind, model = errors[0]["type"], _PARTS.get(path[:-1], Box)
    if kind == "missing":
        description = model.model_fields[str(path[-1])].description or ""
        return document.error(path, f"missing required key ({description})")
    if kind == "extra_forbidden":
        keys = list(model.model_fields)
        return document.error(path, f"unknown key; allowed: {names(keys)}{nearest(path[-1], keys)}")
    return document.error(path, message(at(document.values, path), errors))
