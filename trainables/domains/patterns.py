"""Patterns of file names: which files are images or label maps, and which of them belong together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import NamedTuple
from unicodedata import normalize

IMAGES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})
"""Endings of images, in small letters."""
LABELS = frozenset({".bmp", ".gif", ".pgm", ".png", ".tif", ".tiff"})
"""Endings of label maps: formats that keep every id, which JPEG does not."""
SPLIT, SEQUENCE, STEM = "{split}", "{sequence}", "{stem}"
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_REGEX = {SEQUENCE: "(?P<sequence>[^/]+?)", STEM: "(?P<stem>[^/]+)", "*": "[^/]*"}
MOST_WILDCARDS = 4
"""More take long to compare."""


class Key(NamedTuple):
    """What an image and its label map have in common."""

    sequence: str
    stem: str


@dataclass(frozen=True)
class Pattern:
    """Names of files below a folder, such as `camvid/train/images/{sequence}_{stem}`.

    Attributes:
        text: with `{stem}` in the last part, and perhaps `{sequence}` and `*`.
        suffixes: endings that files may have, in small letters, where the text has none of its own.
    """

    text: str
    suffixes: frozenset[str] = IMAGES

    def at(self, split: str | None) -> Pattern:
        """The pattern with `{split}` filled in."""
        return Pattern(self.text.replace(SPLIT, split or ""), self.suffixes)

    @cached_property
    def folder(self) -> str:
        """The folder in front of the first part that is not the same for all files."""
        parts = self.text.split("/")[:-1]
        fixed = next((place for place, part in enumerate(parts) if _varies(part)), len(parts))
        return "/".join(parts[:fixed])

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """Folders below that one, and the name of the file without its ending."""
        below = self.text.removeprefix(f"{self.folder}/") if self.folder else self.text
        *folders, file = below.split("/")
        return *folders, file.removesuffix(self._own_suffix)

    @cached_property
    def endings(self) -> frozenset[str]:
        """Those of the files."""
        return frozenset({self._own_suffix.lower()}) if self._own_suffix else self.suffixes

    @property
    def bare(self) -> bool:
        """Whether every file of a folder fits that has one of the endings."""
        return self.parts[-1] == STEM

    def key(self, path: str) -> Key | None:
        """What the name of a file, relative to the data root, has in place of the placeholders; None if it differs."""
        stem = stem_of(path, self.endings)
        if stem == normalize("NFC", path):
            return None
        match = self._regex.fullmatch(stem)
        return Key(match.groupdict().get("sequence", ""), match["stem"]) if match else None

    def fits(self, depth: int, name: str) -> bool:
        """Whether a folder may have this name at a place below the first one."""
        return bool(re.fullmatch(_regex_of(self.parts[depth]), normalize("NFC", name)))

    def shown(self, key: Key) -> str:
        """The name of a file below the folder, without its ending."""
        return "/".join(self.parts).replace(SEQUENCE, key.sequence).replace(STEM, key.stem)

    def name(self, path: str) -> str:
        """The name of an image: that of its file, after that of its sequence where this is a folder and not in it."""
        file, key = stem_of(path.rpartition("/")[2], self.endings), self.key(path)
        if key is None or SEQUENCE not in "/".join(self.parts[:-1]) or file.startswith(f"{key.sequence}_"):
            return file
        return f"{key.sequence}/{file}"

    @property
    def _own_suffix(self) -> str:
        suffix = PurePosixPath(self.text).suffix
        return suffix if suffix.lower() in IMAGES | LABELS else ""

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        folder = [re.escape(normalize("NFC", self.folder))] if self.folder else []
        return re.compile("/".join([*folder, *map(_regex_of, self.parts)]))


def placeholders(text: str) -> frozenset[str]:
    """Those of a pattern, such as `{stem}`."""
    return frozenset(_PLACEHOLDER.findall(text))


def mistake_in(text: str) -> str | None:
    """What a pattern may be, where this text is none."""
    parts = text.split("/")
    if text.startswith("/") or "\\" in text or {"", ".", ".."} & set(parts):
        return "a file below the data root, such as airsim/images/{stem}.png"
    unknown = sorted(placeholders(text) - {SPLIT, SEQUENCE, STEM})
    if unknown or re.search(r"[{}]", _PLACEHOLDER.sub("", text)):
        return f"the placeholders {SPLIT}, {SEQUENCE} and {STEM}"
    if text.count(STEM) != 1 or STEM not in parts[-1]:
        return f"{STEM} once, in the name of the file"
    if text.count(SEQUENCE) > 1:
        return f"{SEQUENCE} once"
    if re.search(r"[?\[\]]|\*\*", text):
        return "* for any text without a slash, and no other wildcard"
    if text.count("*") > MOST_WILDCARDS:
        return f"at most {MOST_WILDCARDS} *"
    return None


def stem_of(name: str, suffixes: frozenset[str] = IMAGES) -> str:
    """A file's name without one of some endings, in whatever letters; accents are written as one character each."""
    stem, _, suffix = name.rpartition(".")
    return normalize("NFC", stem if f".{suffix.lower()}" in suffixes else name)


def _varies(part: str) -> bool:
    return "*" in part or bool(_PLACEHOLDER.search(part))


def _regex_of(part: str) -> str:
    pieces = re.split(r"(\{sequence\}|\{stem\}|\*)", normalize("NFC", part))
    return "".join(_REGEX.get(piece, re.escape(piece)) for piece in pieces)
