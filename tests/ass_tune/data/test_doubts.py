"""Label maps that can be read and mean something else than they should."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ass_tune.data.doubts import Doubt, find_doubts
from ass_tune.data.inspection import Findings
from ass_tune.data.published_shares import CAMVID, CITYSCAPES
from tests.support.published_formats import write_gta5
from trainables.domains.file_pair import FilePair
from trainables.domains.pairs import PAIRS
from trainables.domains.recipe import SETS, Content, PairRecipe
from trainables.domains.shipped import shipped_pair

GTA5, SYNTHIA, REAL = (PAIRS[name] for name in ("gta5-cityscapes", "synthia-cityscapes", "idda-camvid"))
TO_CITYSCAPES, TO_CAMVID = shipped_pair("gta5-cityscapes"), shipped_pair("idda-camvid")
LABEL_ID, CAMVID_ID, IDDA_ID = (
    {name: ids[-1] for name, ids in (images.ids or {}).items()}
    for images in (TO_CITYSCAPES.target, TO_CAMVID.target, TO_CAMVID.source)
)
TRAIN_ID = {name: index for index, name in enumerate(TO_CITYSCAPES.classes)}


def doubts(pair: PairRecipe, shares: Mapping[str, float], ids: Mapping[str, int], images: int = 50) -> list[Doubt]:
    """Doubts about the source of a pair, whose label maps have per cents of classes, written as some ids."""
    assert isinstance(pair, FilePair)
    rule = pair.rule("source").ids
    finding = Findings(range(images), looked_at=images)
    for name, share in shares.items():
        finding.ids[ids[name]] += round(1000 * share)
        finding.pixels[rule[ids[name]]] += round(1000 * share)
    return find_doubts(pair, None, {"source": finding})


@pytest.mark.parametrize(
    ("pair", "shares", "ids"), [(GTA5, CITYSCAPES, LABEL_ID), (REAL, CAMVID, IDDA_ID)], ids=["gta5", "idda"]
)
def test_published_shares_raise_no_doubt(pair: PairRecipe, shares: Mapping[str, float], ids: Mapping[str, int]) -> None:
    assert doubts(pair, shares, ids) == []


def test_train_ids_in_place_of_label_ids_are_named() -> None:
    (doubt,) = doubts(GTA5, CITYSCAPES, TRAIN_ID, images=2)
    assert doubt.meaningless
    assert doubt.text.endswith("; the ids look like train ids of Cityscapes (0 to 18, 255)")


def test_ids_of_the_target_in_the_source_are_named() -> None:
    (doubt,) = doubts(REAL, CAMVID, CAMVID_ID)
    assert doubt.meaningless
    assert "label ids of CamVid" in doubt.text


@pytest.mark.parametrize("images", [1, 50])
def test_where_every_pixel_is_ignored_training_means_nothing(images: int) -> None:
    assert doubts(SYNTHIA, {"void": 100}, {"void": 0}, images) == [
        Doubt("source: 100% of all pixels are ignored, the ids found are 0", meaningless=True)
    ]


@pytest.mark.parametrize(("images", "meaningless"), [(1, False), (4, True)])
def test_a_set_without_a_road_is_none_of_streets(images: int, meaningless: bool) -> None:
    (doubt,) = doubts(GTA5, {**CITYSCAPES, "road": 0}, LABEL_ID, images)
    assert doubt == Doubt("source: 0% of the labeled pixels are road", meaningless)


def test_far_other_shares_are_noted_with_the_class_that_differs_most() -> None:
    (doubt,) = doubts(GTA5, {"road": 10, "sky": 90}, LABEL_ID)
    assert doubt == Doubt("source: 90% of the labeled pixels are sky, published are 4%")


def test_a_frequent_class_without_a_pixel_is_noted_where_many_images_were_looked_at() -> None:
    without = {**CITYSCAPES, "building": 0}
    assert doubts(GTA5, without, LABEL_ID, images=50) == [Doubt("source: no pixel of building in 50 images")]
    assert doubts(GTA5, without, LABEL_ID, images=5) == []


def test_what_several_sets_have_in_common_is_said_once() -> None:
    finding = Findings(range(9), looked_at=9)
    finding.ids[0] = finding.pixels[255] = 100
    (doubt,) = find_doubts(GTA5, None, dict.fromkeys(SETS, finding))
    assert doubt.text.startswith("source, target_train, target_select, target_report: 100% of all pixels are ignored")


def test_generated_labels_raise_no_doubt() -> None:
    assert find_doubts(PAIRS["streets"], None, dict.fromkeys(SETS, Findings(range(9), looked_at=9))) == []


@pytest.mark.parametrize(("label", "doubtful"), [(7, False), (0, True)])
def test_a_palette_that_shows_another_class_is_noted(tmp_path: Path, label: int, doubtful: bool) -> None:
    write_gta5(tmp_path, 1, np.full((4, 8), 7))
    if doubtful:
        _repaint(tmp_path / "gta5" / "labels" / "00001.png", label)
    pair = GTA5.at(tmp_path)
    finding = Findings(range(1), looked_at=1, shown={0: Content(np.empty(0), np.empty(0), ())})
    for name, share in CITYSCAPES.items():
        finding.pixels[TRAIN_ID[name]] = finding.ids[LABEL_ID[name]] = round(1000 * share)
    found = find_doubts(pair, tmp_path, {"source": finding})
    shown = "the palette of gta5/labels/00001.png shows id 0 in the colour of road"
    expected = f"source: {shown}, and it is read as another class"
    assert found == ([Doubt(expected)] if doubtful else [])


def _repaint(path: Path, label: int) -> None:
    """All pixels have one id, which the palette shows in the colour of the road."""
    picture = Image.fromarray(np.full((4, 8), label, np.uint8))
    picture.putpalette([value for color in TO_CITYSCAPES.classes.values() for value in color])
    picture.save(path)
