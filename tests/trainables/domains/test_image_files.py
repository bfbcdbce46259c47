from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainables.domains.image_files import LabeledFile, ReadRule, fingerprint, read_all
from trainables.domains.recipe import MissingData

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
    whole, cut = (read_all([file], ReadRule(RULE.ids, (6, 4), rows)) for rows in (None, 6))
    assert (whole.labels == 4).any()
    assert whole.images[:, -1].min() > 150
    assert not (cut.labels == 4).any()
    assert cut.images.max() < 100


def test_all_unusable_pairs_are_in_one_error(tmp_path: Path, write_pair: Write) -> None:
    good = np.zeros((8, 12), np.uint8)
    files = [write_pair(tmp_path, name, good) for name in ("good", "no_label", "broken", "no_image")]
    files.append(write_pair(tmp_path, "other_size", good, size=(10, 8)))
    files.append(write_pair(tmp_path, "unknown_ids", good + np.array([7, 0, 9] * 4, np.uint8)))
    files.append(write_pair(tmp_path, "coloured", good))
    files[1].label.unlink()
    files[2].image.write_bytes(b"no jpeg")
    files[3].image.unlink()
    Image.new("RGB", (12, 8)).save(files[6].label)
    with pytest.raises(MissingData) as caught:
        read_all(files, RULE)
    first, *lines = str(caught.value).splitlines()
    assert first == "6 of 7 images cannot be used:"
    expected = ["No such file", "cannot identify image file", "No such file"]
    expected += ["the image has size (10, 8), the label map (12, 8)", "the label map holds the unknown ids 7, 9"]
    expected += ["the label map has mode RGB, expected one id a pixel (L or P)"]
    for line, file, reason in zip(lines, files[1:], expected, strict=True):
        assert line.startswith(f"  {file.image} with {file.label.name}: ")
        assert reason in line


def test_the_fingerprint_sees_names_sizes_and_absence(tmp_path: Path, write_pair: Write) -> None:
    files = [write_pair(tmp_path, name, np.zeros((8, 12), np.uint8)) for name in "ab"]
    prints = {fingerprint(files), fingerprint(files[:1]), fingerprint(files[::-1])}
    write_pair(tmp_path, "a", np.random.default_rng(0).integers(0, 3, (8, 12), np.uint8))
    prints.add(fingerprint(files))
    files[0].label.unlink()
    prints.add(fingerprint(files))
    assert len(prints) == 5
