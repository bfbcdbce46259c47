from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.damage import spoiled
from tests.support.published_formats import png_of_16_bits
from trainables.domains import synthia
from trainables.domains.image_files import LabeledFile, ReadRule, read_all
from trainables.domains.pair_file import Box
from trainables.domains.recipe import MissingData, UnusableImages

Write = Callable[..., LabeledFile]
RULE = ReadRule(ids={0: 0, 1: 4, 2: 255}, size=(6, 4))


def test_ids_are_mapped_and_labels_never_mixed(tmp_path: Path, write_pair: Write) -> None:
    labels = np.zeros((8, 12), np.uint8)
    labels[:, 6:] = 1
    labels[4:] = 2
    content = read_all([write_pair(tmp_path, "a", labels)], RULE)
    np.testing.assert_array_equal(content.labels[0, :2], [[0, 0, 0, 4, 4, 4]] * 2)
    np.testing.assert_array_equal(content.labels[0, 2:], np.full((2, 6), 255))
    assert content.images.shape == (1, 4, 6, 3)
    assert content.names == ("a",)


def test_image_and_label_are_cut_at_the_same_row(tmp_path: Path, write_pair: Write) -> None:
    labels = np.zeros((8, 12), np.uint8)
    labels[6:] = 1
    file = write_pair(tmp_path, "a", labels)
    Image.fromarray(np.repeat(labels[..., None] * 255, 3, 2)).save(file.image, quality=100)
    whole, cut = (read_all([file], ReadRule(RULE.ids, (6, 4), Box(bottom=bottom))) for bottom in (None, 6))
    assert (whole.labels == 4).any()
    assert whole.images[:, -1].min() > 150
    assert not (cut.labels == 4).any()
    assert cut.images.max() < 100


def test_labels_can_be_larger_than_images(tmp_path: Path, write_pair: Write) -> None:
    labels = np.random.default_rng(0).integers(0, 3, (8, 12))
    content = read_all([write_pair(tmp_path, "a", labels)], ReadRule(RULE.ids, (6, 4), label_size=(12, 8)))
    assert content.images.shape == (1, 4, 6, 3)
    np.testing.assert_array_equal(content.labels[0], np.array([0, 4, 255])[labels])


def test_an_unknown_id_is_found_wherever_it_is(tmp_path: Path, write_pair: Write) -> None:
    for row, column in ((0, 0), (0, 1), (7, 10), (7, 11)):
        labels = np.zeros((8, 12), np.uint8)
        labels[row, column] = 3
        with pytest.raises(UnusableImages, match="the unknown ids 3"):
            read_all([write_pair(tmp_path, "a", labels)], RULE)


@pytest.mark.parametrize("file", ["image.jpg", "image.png", "label.png", "label of SYNTHIA"])
def test_any_damage_to_a_file_is_harmless_or_listed(tmp_path: Path, file: str) -> None:
    noise, chance = np.random.default_rng(0), random.Random(0)
    suffix = "jpg" if file.endswith("jpg") else "png"
    pair = LabeledFile(tmp_path / f"image.{suffix}", tmp_path / "label.png")
    Image.fromarray(noise.integers(0, 256, (16, 24, 3), np.uint8)).save(pair.image)
    Image.fromarray(noise.integers(0, 3, (16, 24), np.uint8)).save(pair.label)
    rule = RULE
    if "SYNTHIA" in file:
        rule = ReadRule(RULE.ids, RULE.size, open_label=synthia.open_label_map)
        pair.label.write_bytes(png_of_16_bits(noise.integers(0, 3, (16, 24, 3))))
    damaged = pair.image if file.startswith("image") else pair.label
    content, listed = damaged.read_bytes(), 0
    for _ in range(100):
        damaged.write_bytes(spoiled(content, chance, cut=0.3))
        try:
            read_all([pair], rule)
        except UnusableImages as error:
            assert len(error.problems) == 1
            listed += 1
    assert listed > 30


def test_all_unusable_pairs_are_in_one_error(tmp_path: Path, write_pair: Write) -> None:
    good = np.zeros((8, 12), np.uint8)
    files = [write_pair(tmp_path, name, good) for name in ("good", "no_label", "broken", "no_image")]
    files.append(write_pair(tmp_path, "other_size", good, size=(10, 8)))
    files.append(write_pair(tmp_path, "unknown_ids", good + np.array([7, 0, 9] * 4, np.uint8)))
    files.append(write_pair(tmp_path, "coloured", good))
    files.append(write_pair(tmp_path, "linked", good))
    files[1].label.unlink()
    files[2].image.write_bytes(b"no jpeg")
    files[3].image.unlink()
    Image.new("RGB", (12, 8)).save(files[6].label)
    files[7].label.unlink()
    files[7].label.symlink_to("/elsewhere/linked.png")
    with pytest.raises(MissingData) as caught:
        read_all(files, RULE)
    first, *lines = str(caught.value).splitlines()
    assert first == "7 of 8 images cannot be used:"
    expected = ["No such file", "cannot identify image file", "No such file"]
    expected += ["the image has size (10, 8), the label map (12, 8)", "the label map holds the unknown ids 7, 9"]
    expected += ["the label map has mode RGB, expected one id a pixel (L or P)"]
    expected += ["linked.png is a link to /elsewhere/linked.png, and nothing is there"]
    for line, file, reason in zip(lines, files[1:], expected, strict=True):
        assert line.startswith(f"  {file.image} with {file.label.name}: ")
        assert reason in line
