"""From files and `--set` overrides to a StudySpec, or to all mistakes at once."""

from __future__ import annotations

import os.path
from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import Any

from ass_tune.spec.document import Document, empty_mappings, merge
from ass_tune.spec.draft import draft
from ass_tune.spec.errors import Place, SpecError, SpecErrors, cut, dotted, shown
from ass_tune.spec.file_chain import FileKind, read_chain
from ass_tune.spec.model import StudySpec
from ass_tune.spec.pair_loading import define_pair
from ass_tune.spec.rules import mistakes
from ass_tune.spec.shipped import located, shipped_files
from ass_tune.spec.whole_numbers import write_integers
from ass_tune.spec.yaml_lines import MAX_DEPTH, parse

STUDY = FileKind("a search-space file", "study, trainable, ...", lambda: tuple(shipped_files()))


def load(path: str | FilePath, overrides: Sequence[str] = ()) -> StudySpec:
    """The study that a search-space file asks for, its base merged in and `field=value` overrides applied.

    Args:
        path: of the file, or the name of a shipped one, e.g. `csa`; a file at that path comes first.
        overrides: like `train.iterations=900`.

    Raises SpecErrors with every mistake of the file, its bases, the overrides, and the pair file that it names.
    """
    file = located(path)
    document, errors = read_chain(os.path.normpath(file), STUDY)
    if document is None:
        raise SpecErrors(errors)
    for override in overrides:
        over, wrong = _override(override)
        errors += wrong
        if over is not None:
            errors += empty_mappings(document, over)
            over.places[()] = document.place(())  # what a file lacks is no mistake of its overrides
            document = merge(document, over)
    write_integers(document)
    errors += define_pair(document)
    found, form = draft(document)
    for later in (form, mistakes(found)):
        known = {(error.file, error.line, error.field) for error in errors}
        errors += [error for error in later if (error.file, error.line, error.field) not in known]
    if errors:
        raise SpecErrors(errors)
    found.spec._file = file.absolute()  # a link keeps the name that the user gave it
    return found.spec


def _override(text: str) -> tuple[Document | None, list[SpecError]]:
    """`train.iterations=900` as a tree of one branch."""
    field, equals, value_text = text.partition("=")
    here = Place(f"--set {cut(field)}")
    path = tuple(field.strip().split("."))
    if not equals or not all(path) or len(path) > MAX_DEPTH or not field.isprintable():
        return None, [here.error("", f"found {shown(text)}; allowed: field=value, e.g. train.iterations=900")]
    if path[0] == "extends":
        return None, [here.error(cut(field), "found a base file; allowed: every other field")]
    if not value_text.strip():
        text = "found no value; allowed: a value, or null, which takes the field away"
        return None, [here.error(dotted(path), text)]
    value, places, errors = parse(value_text, here.source, path)
    tree: Any = value
    for part in reversed(path):
        tree = {part: tree}
    parts = {path[:length] for length in range(len(path) + 1)}
    document = Document(tree, dict.fromkeys(parts | set(places), here))
    return document, [here.error(error.field or dotted(path), error.message) for error in errors]
