"""What lies in the folders of a data set: images, the label map of each, and what is neither."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainables.domains.missing import readable, some
from trainables.domains.patterns import Key, Pattern, stem_of

LEFT_BEHIND = frozenset(
    {
        *("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir", "#recycle"),
        *("$recycle.bin", "system volume information", "lost+found"),
    }
)
"""Files and folders that operating systems leave in folders, in small letters, besides those that begin with a dot."""
ZONE = "zone.identifier"
"""End of the files in which Windows notes where a download came from."""

FileNames = tuple[str, str]
"""An image and its label map, named relative to the data root."""


@dataclass(frozen=True)
class Listing:
    """Some images that have label maps, in their order.

    Attributes:
        files: the image and the label map of each.
        problems: what has to be mended before they can be used, a line each.
        notices: what was left out, and need not be mended.
    """

    files: tuple[FileNames, ...] = ()
    problems: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def list_pairs(
    root: Path,
    images: Pattern,
    labels: Pattern,
    only: Sequence[str] | None = None,
    label_names: Mapping[str, str] | None = None,
) -> Listing:
    """All images with their label maps, sorted by name with numbers in their order; opens no file.

    Args:
        root: the data root.
        images: the images.
        labels: the label maps; one belongs to the image with the same text in place of the placeholders.
        only: the images to list, in this order, without their endings; all of them have to be there.
        label_names: of some of these, the label map that belongs to it whatever their names have in common.
    """
    found, maps = _scan(root, images), _scan(root, labels)
    keys, absent = (sorted(found.names, key=_order), []) if only is None else _listed(only, found, images)
    of_label = _partners(label_names or {}, found, maps, images, labels)
    files = tuple((found.names[key], maps.names[of]) for key in keys if (of := of_label(key)) in maps.names)
    problems = [*found.problems, *maps.problems]
    if found.there and not found.names and not found.problems:
        problems.append(f"{_where(images)}: no images")
    elif found.there and only is not None and absent:
        listed = some([readable(name) for name in absent])
        problems.append(f"{_where(images)}: {len(absent)} of {len(only)} listed images are missing: {listed}")
    if maps.there and (unlabeled := [of for key in keys if (of := of_label(key)) not in maps.names]):
        unused = sorted({labels.shown(key) for key in maps.names.keys() - found.names.keys()} | maps.others)
        but = f"; it has {some(unused, 2)}" if unused and len(unlabeled) == len(keys) else ""
        problems.append(
            f"{_where(labels)}: {len(unlabeled)} of {len(keys)} label maps are missing: "
            f"{some([labels.shown(key) for key in unlabeled])}{but}"
        )
    notices = [*found.notices, *maps.notices]
    if found.others and images.bare:
        others = some(sorted(found.others))
        notices.append(f"{_where(images)}: ignored {len(found.others)} that are no images: {others}")
    if found.names and only is None and (without := maps.names.keys() - found.names.keys()):
        shown = some([labels.shown(key) for key in sorted(without, key=_order)])
        notices.append(f"{_where(labels)}: label maps without an image: {shown}")
    return Listing(files, tuple(problems), tuple(notices))


def natural_order(text: str) -> tuple[tuple[str | int, ...], str]:
    """Sorts `frame_9` before `frame_10`."""
    return tuple(int(part) if part.isdecimal() else part for part in re.split(r"([0-9]+)", text)), text


def _order(key: Key) -> tuple[Any, ...]:
    return natural_order(key.sequence), natural_order(key.stem)


def _listed(names: Sequence[str], found: _Scan, images: Pattern) -> tuple[list[Key], list[str]]:
    """The images that a list names, and those that are absent."""
    find = _finder(found, images)
    keys = {name: find(name) for name in names}
    there = dict.fromkeys(key for key in keys.values() if key is not None)
    return list(there), [name.rpartition("/")[2] for name, key in keys.items() if key is None]


def _finder(found: _Scan, pattern: Pattern) -> Callable[[str], Key | None]:
    """Finds a file by its last folders and name, or by the name alone where only one has it."""
    by_name: dict[str, Key | None] = {}
    for key, path in found.names.items():
        stem = stem_of(path, pattern.endings)
        for name in {stem.rpartition("/")[2], pattern.name(path), pattern.shown(key)}:
            by_name[name] = None if name in by_name else key  # several sequences may have a frame 1

    def find(name: str) -> Key | None:
        parts = name.split("/")
        ends = ("/".join(parts[first:]) for first in range(len(parts)))
        return next((key for end in ends if (key := by_name.get(end)) is not None), None)

    return find


def _partners(
    label_names: Mapping[str, str], found: _Scan, maps: _Scan, images: Pattern, labels: Pattern
) -> Callable[[Key], Key]:
    """What the label map of an image has in place of the placeholders: the same, where no list says another."""
    if not label_names:
        return lambda key: key
    image, label = _finder(found, images), _finder(maps, labels)
    others = {image(name): label(named) or Key("", named.rpartition("/")[2]) for name, named in label_names.items()}
    return lambda key: others.get(key, key)


@dataclass
class _Scan:
    """What the folders of a pattern have, by what an image and its label map have in common."""

    there: bool = True
    names: dict[Key, str] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def _scan(root: Path, pattern: Pattern) -> _Scan:
    scan = _Scan()
    left: list[str] = []
    misnamed: list[str] = []
    twice: list[str] = []
    try:
        for path in sorted(_files(root, pattern, left)):
            name, key = path.removeprefix(f"{pattern.folder}/"), pattern.key(path)
            if key is None:
                scan.others.add(readable(name))
            elif not _is_utf8(name):
                misnamed.append(readable(name))
            elif key in scan.names:
                twice.append(name)
            else:
                scan.names[key] = path
    except OSError as error:
        scan.there = False
        scan.problems.append(f"{_where(pattern)}: {_why(root, pattern.folder, error)}")
    if misnamed:
        scan.problems.append(f"{_where(pattern)}: rename files whose names are not UTF-8: {some(misnamed)}")
    if twice:
        scan.problems.append(f"{_where(pattern)}: {len(twice)} names are there with two endings: {some(twice)}")
    if left:
        scan.notices.append(
            f"{_where(pattern)}: ignored {len(left)} that operating systems leave behind: {some(sorted(left))}"
        )
    return scan


def _where(pattern: Pattern) -> str:
    return pattern.folder or "the data root"


def _files(root: Path, pattern: Pattern, left: list[str]) -> Iterator[str]:
    """Files in the folders of a pattern; adds to `left` what operating systems left behind. Raises OSError."""
    folders = [pattern.folder]
    for depth in range(len(pattern.parts) - 1):
        folders = [
            f"{above}/{name}" if above else name
            for above in folders
            for name, file in _entries_if_there(root, above, depth, left).items()
            if not file and pattern.fits(depth, name)
        ]
    for above in folders:
        # a link counts as a file, whether it leads anywhere or not: whoever opens the files will say so
        entries = _entries_if_there(root, above, len(pattern.parts) - 1, left)
        yield from (f"{above}/{name}" if above else name for name, file in entries.items() if file)


def _entries_if_there(root: Path, path: str, depth: int, left: list[str]) -> Mapping[str, bool]:
    """Of the first folder that varies it is an error that it is absent, and those inside may lack some."""
    try:
        return _entries(f"{root}/{path}", left)
    except FileNotFoundError:
        if depth:
            return {}
        raise


def _entries(path: str, left: list[str]) -> Mapping[str, bool]:
    """Names in a folder, and whether each is a file and not a folder. Raises OSError."""
    found: dict[str, bool] = {}
    with os.scandir(path) as entries:
        for entry in entries:
            if is_left_behind(entry.name):
                left.append(readable(entry.name))
            else:
                found[entry.name] = not _is_folder(entry)
    return found


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle
        return False


def is_left_behind(name: str) -> bool:
    """Whether operating systems make files or folders of this name by themselves."""
    return name.startswith(".") or name.lower() in LEFT_BEHIND or name.lower().endswith(ZONE)


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _why(root: Path, path: str, error: OSError) -> str:
    """Why a folder cannot be listed, and what is in its place."""
    if not isinstance(error, FileNotFoundError):
        return str(error.strerror)
    above = Path(path).parent
    while above != Path() and not (root / above).is_dir():
        above = above.parent
    try:
        there = sorted(path.name for path in (root / above).iterdir() if not is_left_behind(path.name))
    except OSError:
        there = []
    return f"no such folder; {above.as_posix() if above != Path() else root} has {some(_readable(there)) or 'nothing'}"


def _readable(names: Iterable[str]) -> list[str]:
    return [readable(name) for name in names]
