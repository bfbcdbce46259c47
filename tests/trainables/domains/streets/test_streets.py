from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from trainables.domains.recipe import SETS
from trainables.domains.streets.classes import CITYSCAPES_TRAIN_IDS, STREETS
from trainables.domains.streets.recipe import Streets

COUNT = 40
DIGEST = """
import hashlib
from trainables.domains.streets.recipe import Streets
for name in ("source", "target_report"):
    for index in (2, 0):
        image, labels = Streets().image(name, index)
        print(hashlib.sha256(image.tobytes() + labels.tobytes()).hexdigest())
"""


@cache
def _first(set_name: str) -> tuple[np.ndarray, np.ndarray]:
    images, labels = zip(*(Streets().image(set_name, index) for index in range(COUNT)), strict=True)
    return np.stack(images), np.stack(labels)


def _mean_color(set_name: str, name: str) -> np.ndarray:
    images, labels = _first(set_name)
    return images[labels == STREETS.names.index(name)].mean(0)


def test_an_image_is_a_function_of_seed_set_and_index_in_any_process() -> None:
    root = Path(__file__).parents[4]
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONHASHSEED": "123", "OMP_NUM_THREADS": "2"}
    other = subprocess.run([sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True, check=True)
    here = []
    for name in ("source", "target_report"):
        images, labels = _first(name)
        here += [hashlib.sha256(images[i].tobytes() + labels[i].tobytes()).hexdigest() for i in (2, 0)]
    assert other.stdout.split() == here


def test_a_set_is_its_images_in_order() -> None:
    content = Streets().build("source", None, range(2, 5))
    images, labels = _first("source")
    np.testing.assert_array_equal(content.images, images[2:5])
    np.testing.assert_array_equal(content.labels, labels[2:5])
    assert content.names == ("source/0002", "source/0003", "source/0004")


def test_no_scene_is_in_two_sets_or_twice_in_one() -> None:
    scenes = [labels.tobytes() for name in SETS for labels in _first(name)[1]]
    assert len(set(scenes)) == len(scenes)


def test_another_seed_gives_other_images() -> None:
    assert (Streets(seed=1).image("source", 0)[1] != _first("source")[1][0]).any()


@pytest.mark.parametrize("set_name", SETS)
def test_every_class_is_common_in_every_set_and_no_pixel_is_ignored(set_name: str) -> None:
    _, labels = _first(set_name)
    assert labels.max() == len(STREETS) - 1
    for index, name in enumerate(STREETS.names):
        images_with = (labels == index).any((1, 2)).mean()
        assert images_with > 0.4, f"{name} is in {images_with:.0%} of the images"


def test_images_use_the_range_of_bytes_without_clipping_away() -> None:
    for set_name in SETS:
        images, _ = _first(set_name)
        assert images.std() > 30
        assert ((images == 0) | (images == 255)).mean() < 0.05


@pytest.mark.parametrize(
    ("name", "looks_like"),
    [("building", "vegetation"), ("vegetation", "building"), ("road", "sidewalk"), ("sidewalk", "road")],
)
def test_a_target_class_looks_like_another_class_of_the_source(name: str, looks_like: str) -> None:
    target = _mean_color("target_train", name)
    to_itself = np.linalg.norm(target - _mean_color("source", name))
    to_other = np.linalg.norm(target - _mean_color("source", looks_like))
    assert to_other < 0.75 * to_itself


def test_select_and_report_look_like_the_training_images_of_the_target() -> None:
    for name in ("building", "vegetation", "road", "sky"):
        train = _mean_color("target_train", name)
        assert np.linalg.norm(train - _mean_color("target_select", name)) < 30
        assert np.linalg.norm(train - _mean_color("target_report", name)) < 30


def test_targets_are_more_crowded() -> None:
    car = STREETS.names.index("car")
    assert (_first("target_train")[1] == car).mean() > 1.1 * (_first("source")[1] == car).mean()


def test_sky_is_above_the_road() -> None:
    _, labels = _first("source")
    rows = np.arange(labels.shape[1])[None, :, None] * np.ones_like(labels)
    sky, road = (rows[labels == STREETS.names.index(name)] for name in ("sky", "road"))
    assert sky.max() < np.quantile(road, 0.05) + 8
    assert np.median(sky) < np.median(road) - 20


def test_borders_of_labels_are_borders_of_source_images() -> None:
    images, labels = _first("source")
    steps = np.abs(np.diff(images.astype(int), axis=2)).sum(-1)
    borders = labels[:, :, 1:] != labels[:, :, :-1]
    assert steps[borders].mean() > 2.5 * steps[~borders].mean()


def test_train_ids_are_those_of_cityscapes() -> None:
    assert dict(zip(STREETS.names, CITYSCAPES_TRAIN_IDS, strict=True)) == {
        "road": 0,
        "sidewalk": 1,
        "building": 2,
        "fence": 4,
        "pole": 5,
        "traffic sign": 7,
        "vegetation": 8,
        "terrain": 9,
        "sky": 10,
        "person": 11,
        "car": 13,
    }
