"""From files and `--set` overrides to a StudySpec, or to all mistakes at once."""

from __future__ import annotations

import os.path
from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import Any

from ass_tune.spec.document import Document, empty_mappings, merge
from ass_tune.spec.draft import draft
from ass_tune.spec.errors import Place, SpecError, SpecErrors, cut, dotted, names, shown
from ass_tune.spec.model import StudySpec
from ass_tune.spec.rules import mistakes
from ass_tune.spec.shipped import SUFFIXES, located, shipped_files
from ass_tune.spec.whole_numbers import write_integers
from ass_tune.spec.yaml_lines import MAX_DEPTH, parse, parse_document
from trainables.mistakes import nearest

MAX_BYTES = 100_000
MAX_FILES = 5
"""Length of a chain of files that extend each other."""


def load(path: str | FilePath, overrides: Sequence[str] = ()) -> StudySpec:
    """The study that a search-space file asks for, its base merged in and `field=value` overrides applied.

    Args:
        path: of the file, or the name of a shipped one, e.g. `csa`; a file at that path comes first.
        overrides: like `train.iterations=900`.

    Raises SpecErrors with every mistake of the file, its bases and the overrides.
    """
    file = located(path)
    document, errors = _read(os.path.normpath(file), None, ())
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
    found, form = draft(document)
    for later in (form, mistakes(found)):
        known = {(error.file, error.line, error.field) for error in errors}
        errors += [error for error in later if (error.file, error.line, error.field) not in known]
    if errors:
        raise SpecErrors(errors)
    found.spec._file = file.absolute()  # a link keeps the name that the user gave it
    return found.spec


def _read(label: str, named_at: Place | None, above: tuple[str, ...]) -> tuple[Document | None, list[SpecError]]:
    """A file laid on its base. `named_at` is where another file extends this one; `above` are those files."""
    if label in above:
        chain = " extends ".join((*above[above.index(label) :], label))
        return None, [(named_at or Place(label)).error("extends", f"found a cycle: {chain}; allowed: no cycle")]
    if len(above) == MAX_FILES:
        chain = f"found a chain of more than {MAX_FILES} files; allowed: at most {MAX_FILES}"
        return None, [(named_at or Place(label)).error("extends", chain)]
    text = _text(label, named_at)
    if isinstance(text, SpecError):
        return None, [text]
    document, errors = parse_document(text, label)
    if document is None or "extends" not in document.values:
        return document, errors
    here, name = document.place(("extends",)), document.values["extends"]
    # messages quote what they find in a file, and not every file is for everybody's eyes
    if not isinstance(name, str) or not name.endswith(SUFFIXES):
        allowed = f"a file name that ends in {' or '.join(SUFFIXES)}"
        return None, [*errors, here.error("extends", f"found {shown(name)}; allowed: {allowed}")]
    del document.values["extends"]
    base, wrong = _read(os.path.normpath(FilePath(label).parent / name), here, (*above, label))
    if base is None:
        return None, [*errors, *wrong]
    return merge(base, document), [*errors, *wrong, *empty_mappings(base, document)]


def _text(label: str, named_at: Place | None) -> str | SpecError:
    file, here, field = FilePath(label), named_at or Place(label), "extends" if named_at else ""
    try:
        if not file.exists():
            return here.error(field, f"found no file {shown(label)}; allowed: {_there_is(file, bool(named_at))}")
        if not file.is_file():
            kind = "directory" if file.is_dir() else "device"
            return here.error(field, f"found the {kind} {shown(label)}; allowed: a search-space file")
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        return here.error(field, f"found {shown(label)}: {error.strerror}; allowed: a readable search-space file")
    if len(content) > MAX_BYTES:
        return Place(label).error("", f"found more than {MAX_BYTES} bytes; allowed: fewer")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Place(label, line).error("", f"found the byte 0x{content[error.start]:02x}; allowed: UTF-8 text")


def _there_is(file: FilePath, is_base: bool) -> str:
    """What could have been meant by a file that does not exist; only a study's own file can be a shipped one."""
    near = nearest(file.name, sorted(other.name for other in file.parent.glob("*.yaml")))
    if is_base:
        return f"a search-space file{near}"
    shipped = list(shipped_files())
    near = near or nearest(file.with_suffix("").as_posix(), shipped) or nearest(file.stem, shipped)
    of_a_shipped_one = "" if file.suffix in SUFFIXES else f", or the name of a shipped one ({names(shipped)})"
    return f"a search-space file{of_a_shipped_one}{near}"


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
