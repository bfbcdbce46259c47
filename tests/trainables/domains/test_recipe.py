from __future__ import annotations

from pathlib import Path

import pytest

from trainables.domains.recipe import code_hash

CODE = '''def area(width, height):
    """The area."""
    return width * height  # in pixels
'''


def _hash(folder: Path, name: str, text: str) -> str:
    file = folder / name
    file.write_text(text)
    return code_hash(file)


@pytest.mark.parametrize(
    "edited",
    [
        CODE.replace("  # in pixels", ""),
        CODE.replace("The area.", "Width times height."),
        CODE.replace('    """The area."""\n', ""),
        CODE.replace("width * height", "(width  *  height)"),
    ],
)
def test_comments_docstrings_and_layout_do_not_count(tmp_path: Path, edited: str) -> None:
    assert edited != CODE
    assert _hash(tmp_path, "edited.py", edited) == _hash(tmp_path, "code.py", CODE)


@pytest.mark.parametrize(
    "edited",
    [
        CODE.replace("*", "+"),
        CODE.replace("return width", "return height"),
        CODE.replace("height)", "height=1)"),
        CODE + "area(1, 2)\n",
    ],
)
def test_code_counts(tmp_path: Path, edited: str) -> None:
    assert _hash(tmp_path, "edited.py", edited) != _hash(tmp_path, "code.py", CODE)
