from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.data_loading import ELSEWHERE, RepeatedPair, our_batches
from benchmarks.mapped_memory import mapped_bytes
from benchmarks.png_loaders import MEAN, STD, PilReader, PngIterations, Reader, TorchvisionReader, png_loader
from benchmarks.street_pngs import SOURCE_SIZE, TRAIN_SIZES, StreetPngs, street_pngs
from trainables.domains.recipe import Content


@pytest.fixture(scope="module")
def pngs(tmp_path_factory: pytest.TempPathFactory) -> StreetPngs:
    return street_pngs(None, tmp_path_factory.mktemp("drawn"))


def test_drawn_images_have_the_size_and_bytes_of_real_ones(pngs: StreetPngs) -> None:
    for set_name, (width, height) in (("source", SOURCE_SIZE), ("target_train", (2048, 1024))):
        for file in pngs.files[set_name]:
            assert 0.8 < file.image.stat().st_size / (width * height) < 1.3
            assert file.label.stat().st_size < 0.05 * width * height


@pytest.mark.parametrize(("reader", "steps", "labels_off"), [(PilReader(), 0, 0), (TorchvisionReader(), 0.5, 0.01)])
def test_the_peers_load_what_is_packed(pngs: StreetPngs, reader: Reader, steps: float, labels_off: float) -> None:
    content = {set_name: pngs.content(set_name) for set_name in TRAIN_SIZES}
    plain, mirrored = (PngIterations(pngs, reader, normalise=False)[number] for number in (0, 1))
    image, labels = plain["source"]
    expected = torch.from_numpy(content["source"].images[:1]).permute(0, 3, 1, 2)
    assert (image.int() - expected.int()).abs().float().mean() <= steps
    assert labels is not None
    assert (labels.numpy() != content["source"].labels[:1]).mean() <= labels_off
    assert mirrored["labeled"][0].shape == (1, 3, *TRAIN_SIZES["target_train"][::-1])
    assert torch.equal(mirrored["source"][0], image.flip(-1))
    assert plain["unlabeled"][1] is None


def test_a_loader_hands_over_floats_as_training_takes_them(pngs: StreetPngs) -> None:
    image, labels = next(iter(png_loader(pngs, PilReader(), normalise=True)))["source"]
    expected = torch.from_numpy(pngs.content("source").images[:1]).permute(0, 3, 1, 2)
    assert labels is not None
    assert (image.dtype, labels.dtype) == (torch.float32, torch.int64)
    assert torch.equal(image, (expected - MEAN) / STD)


def test_the_packed_side_draws_batches_of_the_papers_profile(tmp_path: Path) -> None:
    contents = {
        set_name: Content(np.zeros((2, 8, 16, 3), np.uint8), np.ones((2, 8, 16), np.uint8), ("a", "b"))
        for set_name in TRAIN_SIZES
    }
    batch = our_batches(RepeatedPair((16, 8), 40, contents=contents).open(tmp_path), ELSEWHERE).load(0)
    for images in (batch.source, batch.labeled, batch.unlabeled):
        assert images is not None
        assert images.pixels.shape == (1, 3, 8, 16)


def test_pages_of_a_mapped_file_are_counted_once(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (64, 64, 128, 3), np.uint8)
    contents = {"source": Content(images, images[..., 0], tuple(map(str, range(64))))}
    pair = RepeatedPair((128, 64), 64, contents=contents).open(tmp_path)
    pair.make("source")
    folder = pair.pack("source").folder
    size = sum(file.stat().st_size for file in folder.glob("*.arrow"))
    shares = [sum(pss for _, pss in mapped_bytes(folder, processes)) / size for processes in (1, 3)]
    assert shares == pytest.approx([1, 1], abs=0.05)
    resident = [sum(rss for rss, _ in mapped_bytes(folder, processes)) / size for processes in (1, 3)]
    assert resident == pytest.approx([1, 3], rel=0.05)
