"""GTA5, street images taken from a computer game: label ids and files.

Richter, Vineet, Roth, Koltun: Playing for data: ground truth from computer games (2016). The set has 24 966 images;
the paper (section 4) prints 19 466, which no published list of them has.
"""

from __future__ import annotations

from trainables.domains import cityscapes
from trainables.domains.classes import IGNORE, ClassSet
from trainables.domains.numbered_files import NumberedFiles

DECIDES = (
    __name__,
    "trainables.domains.cityscapes",
    "trainables.domains.image_files",
    "trainables.domains.numbered_files",
)
"""Modules that decide which pixels are read from it."""

LICENCE_PLATE = 34
"""Besides those of Cityscapes, the palette of GTA5's label maps has this id."""

SIZES_DIFFER = frozenset({15188, 17705, *range(20801, 20861)})
"""Images whose label maps have another size than they have; most of both are 1914x1052.

Public loaders that leave these images out agree on this list. AdaptSegNet resizes image and label map each on its own,
which is done here. 15188 and 17705 are moreover said to be of one colour each, under good label maps.
"""


def ids_for(classes: ClassSet) -> dict[int, int]:
    """Label id to class id of a selection of Cityscapes' classes: GTA5 has the label ids of Cityscapes."""
    return {**cityscapes.ids_for(classes), LICENCE_PLATE: IGNORE}


GTA5 = NumberedFiles(
    decides=DECIDES,
    folder="gta5",
    images="images",
    labels="labels",
    published=24_966,
    ids_for=ids_for,
    sizes_differ=SIZES_DIFFER,
)
