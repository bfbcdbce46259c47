"""Splits that a text file lists by the names of their images."""

from __future__ import annotations

import codecs
import re
from dataclasses import replace
from pathlib import Path

from trainables.domains.listing import Listing, list_pairs
from trainables.domains.patterns import IMAGES, LABELS, Pattern, stem_of

_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
"""Encodings by the mark that editors, and PowerShell's `>`, put at the beginning of a text."""

_ENDINGS = "|".join(re.escape(ending) for ending in sorted(IMAGES | LABELS))
_TWO_FILES = re.compile(rf"(?P<image>.+?(?:{_ENDINGS}))[\s,;]+(?P<label>.+?(?:{_ENDINGS}))", re.IGNORECASE)


def list_named(root: Path, list_file: str, images: Pattern, labels: Pattern) -> Listing:
    """The images that a text file names, a line each, in its order, as `list_pairs` lists them.

    Names may have folders in front, of which those count that names have in the pattern, and an ending. A line with two
    names of files, with their endings, also says which label map belongs to the image.
    """
    try:
        lines = _lines(root / list_file)
    except OSError as error:
        absent = isinstance(error, FileNotFoundError)
        listing = list_pairs(root, images, labels)
        problem = f"{list_file} is missing" if absent else f"{list_file}: {error.strerror}"
        return Listing(problems=(problem, *listing.problems))
    names, label_names = [image for image, _ in lines], {image: label for image, label in reversed(lines) if label}
    once = list(dict.fromkeys(names))
    listing = list_pairs(root, images, labels, once, label_names)
    problems, notices = list(listing.problems), list(listing.notices)
    if len(once) < len(names):
        notices.append(f"{list_file}: {len(names) - len(once)} names are repeated, and each image is used once")
    if not names:
        problems.append(f"{list_file}: no names")
    return replace(listing, problems=tuple(problems), notices=tuple(notices))


def _lines(path: Path) -> list[tuple[str, str]]:
    """The image of each line, and its label map or nothing; without endings, folders divided by `/`. Raises OSError."""
    content = path.read_bytes()
    mark = next((mark for mark in _MARKS if content.startswith(mark)), b"")
    # in UTF-8 text, bytes that are are none become what they are in names of files
    encoding = _MARKS.get(mark, "utf-8")
    text = content[len(mark) :].decode(encoding, "surrogateescape" if encoding == "utf-8" else "replace")
    return [_names(line.strip().replace("\\", "/")) for line in text.splitlines() if line.strip()]


def _names(line: str) -> tuple[str, str]:
    """The image and its label map, or nothing; a name may have blanks and commas in it, and then no ending before."""
    if (match := _TWO_FILES.fullmatch(line)) is None:
        return stem_of(line), ""
    return stem_of(match["image"]), stem_of(match["label"], LABELS)
