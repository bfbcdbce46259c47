"""A pair that a file describes: which pixels are read, and which images are in which set."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.support.tiny_airsim import BONNET, DRIVES, PAIR_FILE, PHOTOS, RECORDINGS, scene, write_tiny_airsim
from trainables.domains.data_files import find_data_files
from trainables.domains.file_pair import FilePair
from trainables.domains.pair_file import PairFile
from trainables.domains.recipe import MissingData, UnusableImages
from trainables.domains.shipped import laid_on


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("airsim") / "data"
    write_tiny_airsim(folder)
    return folder


def pair(**changes: Any) -> FilePair:
    return FilePair(PairFile.model_validate(laid_on(yaml.safe_load(PAIR_FILE), changes)))


def sets_of(recipe: FilePair, root: Path) -> dict[str, list[str]]:
    """The names of the images of each target set."""
    found = recipe.at(root).found
    assert found is not None
    return {name: [image.name for image in images] for name, images in found.sets.items() if name != "source"}


def target(**sets: Any) -> FilePair:
    """The pair with other sets of the target."""
    return pair(target={name: {"share": None, **rule} for name, rule in sets.items()})


def test_colours_become_classes_and_the_bonnet_and_other_colours_are_ignored(root: Path) -> None:
    size = {"size": [36, 24]}
    content = pair(source=size).build("source", root, range(9))
    frames = [100 * place + frame for place in range(len(RECORDINGS)) for frame in (2, 9, 10)]
    for labels, image, frame in zip(content.labels, content.images, frames, strict=True):
        pixels, classes = scene(frame)
        classes[BONNET:] = 255
        np.testing.assert_array_equal(labels, classes)
        np.testing.assert_array_equal(image, pixels)


def test_ids_become_classes_at_the_size_that_is_judged(root: Path) -> None:
    recipe = pair().at(root)
    content = recipe.build("target_report", root, range(1))
    assert content.images.shape == (1, 16, 24, 3)
    drive, number = content.names[0].split("/")
    np.testing.assert_array_equal(content.labels[0], scene(1000 + 100 * DRIVES.index(drive) + int(number))[1])


def test_a_crop_is_the_same_part_of_image_and_labels(root: Path) -> None:
    box = {"left": 4, "top": 2, "right": 30, "bottom": 18}
    content = pair(source={"crop": box, "size": [26, 16]}).build("source", root, range(1))
    pixels, classes = scene(2)
    np.testing.assert_array_equal(content.images[0], pixels[2:18, 4:30])
    np.testing.assert_array_equal(content.labels[0], classes[2:18, 4:30])


def test_frames_are_in_the_order_of_their_numbers(root: Path) -> None:
    names = pair().build("source", root, range(3)).names
    assert names == ("morning/img_2", "morning/img_9", "morning/img_10")


def test_colours_that_no_class_has_are_an_error_where_what_is_ignored_is_listed(root: Path) -> None:
    with pytest.raises(UnusableImages, match=r"the label map holds the unknown colours \(1, 2, 3\)"):
        pair(source={"ignored": ["#000000"], "ignored_regions": None}).build("source", root, range(1))
    assert len(pair(source={"ignored": [[1, 2, 3]]}).build("source", root, range(1)).names) == 1


def test_ids_that_no_class_has_are_an_error_where_what_is_ignored_is_listed(root: Path) -> None:
    with pytest.raises(UnusableImages, match="the label map holds the unknown ids 77"):
        pair(target={"ignored": [11]}).build("target_train", root, range(1))


def test_shares_are_whole_sequences_and_no_image_is_in_two_sets(root: Path) -> None:
    sets = sets_of(pair(), root)
    drives = {name: {image.partition("/")[0] for image in images} for name, images in sets.items()}
    assert [len(found) for found in drives.values()] == [4, 2, 2]
    assert set().union(*drives.values()) == set(DRIVES)
    assert [len(images) for images in sets.values()] == [4 * PHOTOS, 2 * PHOTOS, 2 * PHOTOS]


def test_shares_depend_on_names_and_not_on_the_order_in_which_files_were_written(root: Path, tmp_path: Path) -> None:
    files = [path for path in root.rglob("*") if path.is_file()]
    random.Random(0).shuffle(files)
    for path in files:
        copy = tmp_path / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    assert sets_of(pair(), tmp_path) == sets_of(pair(), root)


def test_sequences_that_are_named_leave_the_others(root: Path) -> None:
    sets = sets_of(target(train={}, select={"sequences": "d3"}, report={"sequences": ["d1", "d8"]}), root)
    assert {name.partition("/")[0] for name in sets["target_train"]} == {"d2", "d4", "d5", "d6", "d7"}
    assert {name.partition("/")[0] for name in sets["target_report"]} == {"d1", "d8"}


def test_images_are_named_by_a_list_in_its_order(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "data")
    (tmp_path / "data" / "report.txt").write_text("photos/d2/001.jpg\nd1/002\nd1/000\n")
    recipe = target(train={}, select={"sequences": "d3"}, report={"list": "report.txt"})
    sets = sets_of(recipe, tmp_path / "data")
    assert sets["target_report"] == ["d2/001", "d1/002", "d1/000"]
    assert len(sets["target_train"]) == (len(DRIVES) - 1) * PHOTOS - 3
    with pytest.raises(MissingData, match="sequences with images in train and in report: d1, d2"):
        recipe.check(tmp_path / "data")
    pair(target={**_rules(recipe), "shared_sequences": True}).check(tmp_path / "data")


def _rules(recipe: FilePair) -> dict[str, Any]:
    rules = {name: rule.model_dump(exclude_defaults=True) for name, rule in recipe.definition.target.sets.items()}
    return {name: {"share": None, **rule} for name, rule in rules.items()}


def test_a_name_of_a_list_that_several_sequences_have_is_missing(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "data")
    (tmp_path / "data" / "report.txt").write_text("001\n")
    with pytest.raises(MissingData, match="photos: 1 of 1 listed images are missing: 001"):
        target(train={}, select={"sequences": "d3"}, report={"list": "report.txt"}).check(tmp_path / "data")


def test_images_in_two_sets_are_named(root: Path) -> None:
    recipe = target(train={}, select={"names": "d3/*"}, report={"names": "d3/00[12]"})
    with pytest.raises(MissingData, match="2 images are in select and in report: d3/001, d3/002"):
        recipe.check(root)


def test_what_is_held_out_of_training_comes_last_and_is_trained_on_by_the_paper_only(root: Path) -> None:
    recipe = target(train={}, select={"of": "train", "share": 0.3}, report={"sequences": ["d1", "d8"]}).at(root)
    sets = sets_of(recipe, root)
    assert recipe.held_out == len(sets["target_select"]) == 2 * PHOTOS
    assert sets["target_train"][-recipe.held_out :] == sets["target_select"]
    assert len(sets["target_train"]) == (len(DRIVES) - 2) * PHOTOS


@pytest.mark.parametrize(
    ("unit", "expected"), [("image", 2 * PHOTOS), ("sequence", 2), ("block", 2)], ids=["image", "sequence", "block"]
)
def test_images_are_resampled_by_what_the_file_says(root: Path, unit: str, expected: int) -> None:
    recipe = pair(resample_by=unit).at(root)
    assert len(set(recipe.units(sets_of(recipe, root)["target_report"]))) == expected


def test_a_report_set_of_one_sequence_is_noted(root: Path) -> None:
    recipe = target(train={}, select={"sequences": "d3"}, report={"sequences": "d1"}).at(root)
    assert recipe.notices == ("airsim-photos: all images of target_report are of d1; intervals need several sequences",)


def test_label_maps_of_another_size_are_resized_where_the_file_says_so(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "airsim", tmp_path / "airsim")
    for label in (tmp_path / "airsim").glob("noon/segmentation/*.png"):
        with Image.open(label) as opened:
            double = opened.resize((72, 48), Image.Resampling.NEAREST)
        double.save(label)
    shutil.copytree(root / "photos", tmp_path / "photos")
    shutil.copytree(root / "photos_labels", tmp_path / "photos_labels")
    with pytest.raises(UnusableImages, match=r"3 of 9 .*\n.* size \(36, 24\), the label map \(72, 48"):
        pair().build("source", tmp_path, range(9))
    either = pair(source={"other_label_size": ["noon/*"], "ignored_regions": None})
    before = pair(source={"ignored_regions": None}).build("source", root, range(3, 6))
    np.testing.assert_array_equal(either.build("source", tmp_path, range(3, 6)).labels, before.labels)


def test_folders_that_are_not_there_are_named_with_what_is(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "data")
    (tmp_path / "data" / "photos_labels").rename(tmp_path / "data" / "labels")
    shutil.rmtree(tmp_path / "data" / "airsim" / "noon" / "segmentation")
    with pytest.raises(MissingData) as caught:
        pair().check(tmp_path / "data")
    lines = str(caught.value).splitlines()
    assert "  airsim: 3 of 9 label maps are missing: noon/segmentation/seg_2, noon/segmentation/seg_9, " in lines[1]
    assert lines[2] == f"  photos_labels: no such folder; {tmp_path / 'data'} has airsim, labels, photos"


def test_the_digests_of_the_data_are_those_of_the_files_of_each_set(root: Path, tmp_path: Path) -> None:
    before = find_data_files(pair(), root, tmp_path / "cache")
    assert before.sizes == {"source": 9, "target_train": 12, "target_select": 6, "target_report": 6}
    names = {file for file, _ in before.sets["source"]}
    assert {"airsim/rain/images/img_10.png", "airsim/rain/segmentation/seg_10.png"} <= names
