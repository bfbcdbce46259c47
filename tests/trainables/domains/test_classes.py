from __future__ import annotations

import numpy as np
import pytest

from trainables.domains.classes import IGNORE, ClassSet
from trainables.domains.pairs import PAIRS

COUNTS = {
    "streets": 11,
    "idda-camvid": 11,
    "gta5-cityscapes": 19,
    "gta5-cityscapes-half": 19,
    "synthia-cityscapes": 13,
    "synthia-cityscapes-half": 13,
    "synthia16-cityscapes": 16,
}
TWO = ClassSet(("road", "sky"), ((128, 64, 128), (70, 130, 180)))


def test_labels_become_colours_and_ignored_pixels_black() -> None:
    colors = TWO.colorize(np.array([[0, 1, IGNORE]], np.uint8))
    np.testing.assert_array_equal(colors, [[[128, 64, 128], [70, 130, 180], [0, 0, 0]]])


def test_names_and_colours_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="2 class names but 1 colours"):
        ClassSet(("road", "sky"), ((128, 64, 128),))


@pytest.mark.parametrize("name", PAIRS)
def test_classes_of_a_pair_have_distinct_names_and_colours(name: str) -> None:
    classes = PAIRS[name].classes
    assert len(classes) == COUNTS[name]
    assert len(set(classes.names)) == len(set(classes.colors)) == len(classes)
