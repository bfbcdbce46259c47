"""What lies in the folders of a data set: images, the label map of each, and what is neither."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unicodedata import normalize

from trainables.domains.missing import readable, some

IMAGES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})
"""Endings of images, in small letters."""
LABELS = frozenset({".bmp", ".gif", ".pgm", ".png", ".tif", ".tiff"})
"""Endings of label maps: formats that keep every id, which JPEG does not."""
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


@dataclass(frozen=True)
class Folder:
    """Where the images or the label maps of a split lie.

    Attributes:
        path: relative to the data root.
        suffixes: endings of the files, in small letters.
        end: what each name ends with before that, such as `_leftImg8bit`; files without it are something else.
        nested: the files lie in folders of this one, such as one for each city.
    """

    path: str
    suffixes: frozenset[str] = IMAGES
    end: str = ""
    nested: bool = False


def list_pairs(root: Path, images: Folder, labels: Folder, only: Sequence[str] | None = None) -> Listing:
    """All images of a folder with their label maps in another, sorted by name; opens no file.

    Args:
        root: the data root.
        images: the folder of the images.
        labels: that of the label maps, each with the name of its image.
        only: names of the images to list, in this order, without their endings; all of them have to be there.
    """
    found, maps = _scan(root, images), _scan(root, labels)
    names = sorted(found.names) if only is None else [name for name in only if name in found.names]
    files = tuple((found.names[name], maps.names[name]) for name in names if name in maps.names)
    problems = [*found.problems, *maps.problems]
    if found.there and not found.names and not found.problems:
        problems.append(f"{images.path}: no images")
    elif found.there and only is not None and (absent := [name for name in only if name not in found.names]):
        listed = some([readable(name) for name in absent])
        problems.append(f"{images.path}: {len(absent)} of {len(only)} listed images are missing: {listed}")
    if maps.there and (unlabeled := [name for name in names if name not in maps.names]):
        unused = sorted(maps.names.keys() - found.names.keys() | maps.others)
        but = f"; it has {some(unused, 2)}" if unused and len(unlabeled) == len(names) else ""
        problems.append(
            f"{labels.path}: {len(unlabeled)} of {len(names)} label maps are missing: "
            f"{some([f'{name}{labels.end}' for name in unlabeled])}{but}"
        )
    notices = [*found.notices, *maps.notices]
    if found.others and not images.end:
        notices.append(f"{images.path}: ignored {len(found.others)} that are no images: {some(sorted(found.others))}")
    if found.names and only is None and (without := sorted(maps.names.keys() - found.names.keys())):
        notices.append(f"{labels.path}: label maps without an image: {some(without)}")
    return Listing(files, tuple(problems), tuple(notices))


def stem_of(name: str, suffixes: frozenset[str] = IMAGES) -> str:
    """A file's name without one of some endings, in whatever letters; accents are written as one character each."""
    stem, _, suffix = name.rpartition(".")
    return normalize("NFC", stem if f".{suffix.lower()}" in suffixes else name)


@dataclass
class _Scan:
    """What a folder has, by the name that an image and its label map share."""

    there: bool = True
    names: dict[str, str] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def _scan(root: Path, folder: Folder) -> _Scan:
    scan = _Scan()
    left: list[str] = []
    misnamed: list[str] = []
    twice: list[str] = []
    try:
        for path in sorted(_files(root, folder, left)):
            name = path.removeprefix(f"{folder.path}/")
            stem = stem_of(name, folder.suffixes)
            if stem == normalize("NFC", name) or not stem.endswith(folder.end):
                scan.others.add(readable(name))
            elif not _is_utf8(name):
                misnamed.append(readable(name))
            elif (key := stem.removesuffix(folder.end)) in scan.names:
                twice.append(name)
            else:
                scan.names[key] = path
    except OSError as error:
        scan.there = False
        scan.problems.append(f"{folder.path}: {_why(root, folder.path, error)}")
    if misnamed:
        scan.problems.append(f"{folder.path}: rename files whose names are not UTF-8: {some(misnamed)}")
    if twice:
        scan.problems.append(f"{folder.path}: {len(twice)} names are there with two endings: {some(twice)}")
    if left:
        scan.notices.append(
            f"{folder.path}: ignored {len(left)} that operating systems leave behind: {some(sorted(left))}"
        )
    return scan


def _files(root: Path, folder: Folder, left: list[str]) -> Iterator[str]:
    """Files below the data root; adds to `left` what operating systems left behind."""
    folders = [folder.path]
    if folder.nested:
        entries = _entries(f"{root}/{folder.path}", left)
        folders = [f"{folder.path}/{name}" for name, file in entries.items() if not file]
    for path in folders:
        # a link counts as a file, whether it leads anywhere or not: whoever opens the files will say so
        yield from (f"{path}/{name}" for name, file in _entries(f"{root}/{path}", left).items() if file)


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
