from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import Cityscapes

from tests.support.published_formats import write_cityscapes, write_gta5, write_synthia
from tests.support.shipped_pairs import changed_pair
from trainables.domains.choosing import Listed, choose
from trainables.domains.data_files import find_data_files
from trainables.domains.file_pair import FilePair
from trainables.domains.recipe import SETS, MissingData, UnusableImages
from trainables.domains.shipped import NAMES

BY_NAME = {name: changed_pair(name) for name in NAMES if name != "idda-camvid"}
PUBLISHED = (32, 16)
SOURCE = {"published": 3, "size": [20, 10]}
TARGET = {
    "published": {"train": 4, "val": 2},
    "size": [16, 8],
    "image_size": PUBLISHED,
    "judged_size": PUBLISHED,
    "select": {"of": "train", "part": "last 2 of 4"},
}
SMALL = changed_pair("gta5-cityscapes", source=SOURCE, target=TARGET)
ROAD, SKY, CAR = 7, 23, 26


def _ids(label: int = ROAD) -> np.ndarray:
    return np.full(PUBLISHED[::-1], label)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number in (1, 2, 3):
        write_gta5(tmp_path, number, _ids())
    for city, number in (("zurich", 1), ("aachen", 2), ("aachen", 1), ("ulm", 5)):
        write_cityscapes(tmp_path, "train", city, number, _ids(SKY if city in ("ulm", "zurich") else ROAD))
    for number in (1, 2):
        write_cityscapes(tmp_path, "val", "munster", number, _ids(CAR))
    return tmp_path


def _build(recipe: FilePair, name: str, root: Path) -> tuple[tuple[str, ...], np.ndarray]:
    content = recipe.build(name, root, range(recipe.sizes[name]))
    return content.names, content.labels


def test_the_pairs_are_those_of_the_paper_and_their_halves() -> None:
    sizes = {name: (pair.image_size("source"), pair.image_size("target_train")) for name, pair in BY_NAME.items()}
    assert sizes == {
        "gta5-cityscapes": ((1280, 720), (1024, 512)),
        "gta5-cityscapes-half": ((640, 360), (512, 256)),
        "synthia-cityscapes": ((1280, 760), (1024, 512)),
        "synthia-cityscapes-half": ((640, 380), (512, 256)),
        "synthia16-cityscapes": ((1280, 760), (1024, 512)),
    }
    for name, pair in BY_NAME.items():
        source = 24_966 if name.startswith("gta5") else 9_400
        assert pair.sizes == {"source": source, "target_train": 2975, "target_select": 359, "target_report": 500}
        assert pair.held_out == 359
        assert pair.label_size("target_train") == pair.image_size("target_train")
        assert pair.label_size("target_select") == pair.label_size("target_report") == (2048, 1024)
    assert [len(pair.classes) for pair in BY_NAME.values()] == [19, 19, 13, 13, 16]


def test_sets_are_sorted_and_the_last_cities_are_held_out(root: Path) -> None:
    SMALL.check(root)
    assert _build(SMALL, "source", root)[0] == ("00001", "00002", "00003")
    names, labels = _build(SMALL, "target_train", root)
    assert [name.split("_")[:2] for name in names] == [
        ["aachen", "000001"],
        ["aachen", "000002"],
        ["ulm", "000005"],
        ["zurich", "000001"],
    ]
    held_out, judged = _build(SMALL, "target_select", root)
    assert held_out == names[-SMALL.held_out :]
    np.testing.assert_array_equal(judged[:, ::2, ::2], labels[-SMALL.held_out :])
    assert (_build(SMALL, "target_report", root)[1] == SMALL.classes.names.index("car")).all()


def test_any_rows_of_a_set_can_be_built(root: Path) -> None:
    assert SMALL.build("target_select", root, range(1, 2)).names == ("zurich_000001_000019_leftImg8bit",)
    assert SMALL.build("source", root, range(2, 3)).names == ("00003",)


def test_labels_are_judged_at_their_own_size_and_trained_on_at_that_of_the_images(root: Path) -> None:
    for name, image_shape, label_shape in (
        ("source", (10, 20), (10, 20)),
        ("target_train", (8, 16), (8, 16)),
        ("target_select", (8, 16), (16, 32)),
        ("target_report", (8, 16), (16, 32)),
    ):
        content = SMALL.build(name, root, range(2))
        assert content.images.shape == (2, *image_shape, 3)
        assert content.labels.shape == (2, *label_shape)
        assert SMALL.image_size(name) == image_shape[::-1]
        assert SMALL.label_size(name) == label_shape[::-1]


def test_images_are_resized_bicubically_and_labels_never_mixed(root: Path) -> None:
    noise = np.random.default_rng(0)
    image = noise.integers(0, 256, (*PUBLISHED[::-1], 3), np.uint8)
    ids = noise.integers(0, 34, PUBLISHED[::-1])
    write_cityscapes(root, "train", "aachen", 1, ids, image)
    content = SMALL.build("target_train", root, range(1))
    np.testing.assert_array_equal(
        content.images[0], np.asarray(Image.fromarray(image).resize((16, 8), Image.Resampling.BICUBIC))
    )
    nearest = np.asarray(Image.fromarray(ids.astype(np.uint8)).resize((16, 8), Image.Resampling.NEAREST))
    train_ids = {label.id: label.train_id for label in Cityscapes.classes}
    np.testing.assert_array_equal(content.labels[0], np.vectorize(train_ids.get)(nearest))


def test_synthia_meets_cityscapes_in_its_thirteen_classes(root: Path) -> None:
    source = {"published": 2, "size": [20, 10], "image_size": PUBLISHED}
    recipe = changed_pair("synthia-cityscapes", source=source, target=TARGET)
    for number in range(2):
        write_synthia(root, number, _ids(8))  # a car
    recipe.check(root)
    of_source, of_report = (_build(recipe, name, root)[1] for name in ("source", "target_report"))
    assert (of_source == recipe.classes.names.index("car")).all()
    assert (of_report == recipe.classes.names.index("car")).all()
    write_cityscapes(root, "val", "munster", 1, _ids(12))  # a wall
    assert (_build(recipe, "target_report", root)[1][0] == 255).all()


def test_images_of_another_size_than_published_are_listed(root: Path) -> None:
    write_cityscapes(root, "train", "aachen", 1, np.full((8, 16), ROAD))
    with pytest.raises(UnusableImages, match=r"aachen_000001.*the image has size \(16, 8\), expected \(32, 16\)"):
        _build(SMALL, "target_train", root)


def test_without_a_data_root_the_error_says_how_to_give_one() -> None:
    with pytest.raises(MissingData) as caught:
        BY_NAME["synthia-cityscapes"].check(None)
    assert str(caught.value) == (
        "The domain pair synthia-cityscapes needs its data: give --data-root DIR or set ASS_DATA_ROOT. "
        "Expected in DIR:\n"
        "  synthia/RGB/{stem}                                          9400 images, 1280x760\n"
        "  synthia/GT/LABELS/{stem}                                    their label maps, ids 0 to 22\n"
        "  cityscapes/leftImg8bit/train/{sequence}/{stem}_leftImg8bit  2975 images, 2048x1024\n"
        "  cityscapes/gtFine/train/{sequence}/{stem}_gtFine_labelIds   their label maps, ids 0 to 255\n"
        "  cityscapes/leftImg8bit/val/{sequence}/{stem}_leftImg8bit    500 images, 2048x1024\n"
        "  cityscapes/gtFine/val/{sequence}/{stem}_gtFine_labelIds     their label maps, ids 0 to 255"
    )


def test_all_that_is_missing_is_in_one_error(root: Path) -> None:
    (root / "gta5" / "labels" / "00002.png").unlink()
    (root / "cityscapes" / "gtFine" / "train" / "ulm" / "ulm_000005_000019_gtFine_labelIds.png").unlink()
    for image in (root / "cityscapes" / "leftImg8bit" / "val" / "munster").iterdir():
        image.unlink()
    with pytest.raises(MissingData) as caught:
        SMALL.check(root)
    assert str(caught.value).splitlines()[:5] == [
        f"The domain pair gta5-cityscapes is not complete in {root}:",
        "  gta5/labels: 1 of 3 label maps are missing: 00002",
        "  cityscapes/gtFine/train: 1 of 4 label maps are missing: ulm/ulm_000005_000019_gtFine_labelIds",
        "  cityscapes/leftImg8bit/val: no images",
        f"Expected in {root}:",
    ]


def test_many_missing_files_are_counted(root: Path) -> None:
    for number in range(4, 21):
        write_gta5(root, number, _ids())
        (root / "gta5" / "labels" / f"{number:05d}.png").unlink()
    with pytest.raises(MissingData, match=r"17 of 20 label maps are missing: 00004, .*00008, and 12 more"):
        SMALL.check(root)


def test_sets_have_the_images_that_are_there(root: Path) -> None:
    write_cityscapes(root, "train", "bochum", 3, _ids())
    for kind in ("images", "labels"):
        (root / "gta5" / kind / "00002.png").unlink()
    found = SMALL.at(root)
    found.check(root)
    assert found.sizes == {"source": 2, "target_train": 5, "target_select": 2, "target_report": 2}
    assert _build(found, "source", root)[0] == ("00001", "00003")
    assert list(found.notices) == [
        "gta5-cityscapes: of images, source has 2 (3 were published), train has 5 (4 were published)"
    ]


@pytest.mark.parametrize(("train", "select"), [(1, 0), (2, 1), (5, 1), (30, 3), (2975, 359), (3000, 362)])
def test_the_published_share_of_training_images_is_held_out(train: int, select: int) -> None:
    images = [Listed((f"{number}", ""), f"{number}") for number in range(train)]
    chosen = choose(BY_NAME["gta5-cityscapes"].definition.target, {"train": images, "val": []})
    assert chosen["train"] == images
    assert chosen["select"] == images[train - select :]


def test_images_and_label_maps_may_have_other_endings(root: Path) -> None:
    for image in (root / "cityscapes" / "leftImg8bit" / "val" / "munster").iterdir():
        Image.open(image).save(image.with_suffix(".JPG"), "JPEG")
        image.unlink()
    (root / "gta5" / "images" / "00001.png").rename(root / "gta5" / "images" / "00001.PNG")
    (root / "gta5" / "labels" / "00003.png").rename(root / "gta5" / "labels" / "00003.PNG")
    found = SMALL.at(root)
    assert found.sizes == SMALL.sizes
    assert found.notices == ()
    assert len(_build(found, "target_report", root)[0]) == 2
    assert _build(found, "source", root)[0] == ("00001", "00002", "00003")


def test_only_label_maps_that_are_known_to_have_another_size_are_resized_on_their_own(root: Path) -> None:
    recipe = changed_pair("gta5-cityscapes", source={**SOURCE, "other_label_size": ["00002"]}, target=TARGET)
    Image.new("L", (16, 8), ROAD).save(root / "gta5" / "labels" / "00002.png")
    assert recipe.build("source", root, range(1, 2)).names == ("00002",)
    with pytest.raises(UnusableImages, match="the label map"):
        SMALL.build("source", root, range(1, 2))


def test_the_files_of_a_set_are_its_images_and_label_maps_in_their_order(root: Path) -> None:
    names = {name: [path for path in SMALL.files(name, root)] for name in SETS}
    assert names["source"] == [f"gta5/{kind}/{number:05d}.png" for number in (1, 2, 3) for kind in ("images", "labels")]
    assert names["target_train"][4:] == names["target_select"]
    assert names["target_select"] == [
        "cityscapes/leftImg8bit/train/ulm/ulm_000005_000019_leftImg8bit.png",
        "cityscapes/gtFine/train/ulm/ulm_000005_000019_gtFine_labelIds.png",
        "cityscapes/leftImg8bit/train/zurich/zurich_000001_000019_leftImg8bit.png",
        "cityscapes/gtFine/train/zurich/zurich_000001_000019_gtFine_labelIds.png",
    ]
    assert len(names["target_report"]) == 4


def test_other_content_of_equal_size_is_other_data(root: Path, tmp_path: Path) -> None:
    before = find_data_files(SMALL, root, tmp_path / "cache").digests
    label = root / "cityscapes" / "gtFine" / "train" / "zurich" / "zurich_000001_000019_gtFine_labelIds.png"
    content = label.read_bytes()
    label.write_bytes(content[:-1] + b"x")
    after = find_data_files(SMALL, root, tmp_path / "cache").digests
    assert {name for name in SETS if before[name] != after[name]} == {"target_train", "target_select"}


def test_the_parts_of_a_recipe_reach_its_description() -> None:
    plain = SMALL.describe("target_select")
    assert plain["pixels"]["resampling"] == "BICUBIC"
    part = {"of": "train", "part": "last 1 of 4"}
    for change in ({"size": [8, 4]}, {"judged_size": [64, 32]}, {"select": part}):
        assert changed_pair("gta5-cityscapes", target={**TARGET, **change}).describe("target_select") != plain
    assert BY_NAME["gta5-cityscapes"].describe("source") != BY_NAME["synthia-cityscapes"].describe("source")
