"""A file and those that it extends, laid on each other, or why they cannot be read."""

from __future__ import annotations

import os.path
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from ass_tune.spec.document import Document, empty_mappings, merge
from ass_tune.spec.errors import Place, SpecError, names, shown
from ass_tune.spec.shipped import SUFFIXES
from ass_tune.spec.yaml_lines import parse_document
from trainables.mistakes import nearest

MAX_BYTES = 100_000
MAX_FILES = 5
"""Length of a chain of files that extend each other."""


@dataclass(frozen=True)
class FileKind:
    """What a file should be, in messages.

    Attributes:
        name: with its article.
        keys: some of its keys.
        shipped: names of those that ship with the package.
        bases: files that `extends` may name without their path.
    """

    name: str
    keys: str
    shipped: Callable[[], Sequence[str]]
    bases: Mapping[str, FilePath] = field(default_factory=dict)


@dataclass(frozen=True)
class Named:
    """Where a file is named by another one, and in which field."""

    place: Place
    field: str

    def error(self, message: str) -> SpecError:
        """A mistake at this place."""
        return self.place.error(self.field, message)


def read_chain(
    label: str, kind: FileKind, named: Named | None = None, above: tuple[str, ...] = ()
) -> tuple[Document | None, list[SpecError]]:
    """A file laid on its base, with the mistakes of both as YAML; no document where one of them is none.

    Args:
        label: its path as messages name it.
        kind: what it should be.
        named: where another file names this one.
        above: the files that extend this one, from the first on.
    """
    if label in above:
        chain = " extends ".join((*above[above.index(label) :], label))
        return None, [(named or Named(Place(label), "extends")).error(f"found a cycle: {chain}; allowed: no cycle")]
    if len(above) == MAX_FILES:
        chain = f"found a chain of more than {MAX_FILES} files; allowed: at most {MAX_FILES}"
        return None, [(named or Named(Place(label), "extends")).error(chain)]
    text = _text(label, kind, named, bool(above))
    if isinstance(text, SpecError):
        return None, [text]
    document, errors = parse_document(text, label, kind.keys)
    if document is None or "extends" not in document.values:
        return document, errors
    here, name = document.place(("extends",)), document.values["extends"]
    # messages quote what they find in a file, and not every file is for everybody's eyes
    if not isinstance(name, str) or not (name.endswith(SUFFIXES) or name in kind.bases):
        of_names = f", or {names(kind.bases)}" if kind.bases else ""
        allowed = f"a file name that ends in {' or '.join(SUFFIXES)}{of_names}{nearest(name, kind.bases)}"
        return None, [*errors, here.error("extends", f"found {shown(name)}; allowed: {allowed}")]
    del document.values["extends"]
    base_file = kind.bases.get(name, FilePath(label).parent / name)
    base, wrong = read_chain(os.path.normpath(base_file), kind, Named(here, "extends"), (*above, label))
    if base is None:
        return None, [*errors, *wrong]
    return merge(base, document), [*errors, *wrong, *empty_mappings(base, document)]


def _text(label: str, kind: FileKind, named: Named | None, is_base: bool) -> str | SpecError:
    file, here = FilePath(label), named or Named(Place(label), "")
    try:
        if not file.exists():
            return here.error(f"found no file {shown(label)}; allowed: {_there_is(file, kind, is_base)}")
        if not file.is_file():
            what = "directory" if file.is_dir() else "device"
            return here.error(f"found the {what} {shown(label)}; allowed: {kind.name}")
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        return here.error(f"found {shown(label)}: {error.strerror}; allowed: a readable {kind.name.removeprefix('a ')}")
    if len(content) > MAX_BYTES:
        return Place(label).error("", f"found more than {MAX_BYTES} bytes; allowed: fewer")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Place(label, line).error("", f"found the byte 0x{content[error.start]:02x}; allowed: UTF-8 text")


def _there_is(file: FilePath, kind: FileKind, is_base: bool) -> str:
    """What could have been meant by a file that does not exist; only a study's own file can be a shipped one."""
    near = nearest(file.name, sorted(other.name for other in file.parent.glob("*.yaml")))
    if is_base:
        return f"{kind.name}{near}"
    shipped = kind.shipped()
    near = near or nearest(file.with_suffix("").as_posix(), shipped) or nearest(file.stem, shipped)
    of_a_shipped_one = "" if file.suffix in SUFFIXES else f", or the name of a shipped one ({names(shipped)})"
    return f"{kind.name}{of_a_shipped_one}{near}"
