"""The profile of the paper on real files of GTA5 and Cityscapes, at a size that a laptop can train."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.models import resnet101

from tests.support.real_samples import VAL_IMAGES, link_samples, sample_pair
from trainables.ass.config import AssConfig
from trainables.ass.trainer import Trainer
from trainables.domains.domain_pair import DomainPair
from trainables.panel import panel_png

SOURCE_SIZE, TARGET_SIZE = (96, 54), (64, 32)
ITERATIONS = 10


@pytest.fixture(scope="module")
def pair(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> DomainPair:
    root = link_samples(data_root, tmp_path_factory.mktemp("samples"))
    return DomainPair(sample_pair("sample", SOURCE_SIZE, TARGET_SIZE), tmp_path_factory.mktemp("cache"), root)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn ResNet-101 in the format of torchvision's ImageNet weights, whose features do not explode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        state = resnet101().state_dict()
    for name, value in state.items():
        if name.endswith("bn3.weight"):
            value.fill_(0.2)
    path = tmp_path_factory.mktemp("weights") / "resnet101.pth"
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def trainer(pair: DomainPair, backbone: Path) -> Iterator[Trainer]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    profile = {**AssConfig.profiles()["paper"], "backbone_weights": str(backbone), "device": "cpu"}
    config = AssConfig(
        **profile,
        domains=pair.name,
        profile="paper",
        seed=0,
        iterations=ITERATIONS,
        evaluate_every=ITERATIONS,
        adaptor="ga+csa",
        labeled_images=2,
    )
    yield Trainer(config, pair)
    torch.set_num_threads(threads)


def test_ten_iterations_train_every_part_of_the_method(trainer: Trainer) -> None:
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    first, metrics = trainer.train_until(1), trainer.train_until(ITERATIONS)
    assert all(np.isfinite(value) for value in metrics.values())
    losses = {name for name in metrics if name.startswith("loss/")}
    assert losses == {f"loss/{name}" for name in ("total", "seg_source", "seg_labeled", "gadv", "gd", "sadv", "sd")}
    changed = {name for name, value in trainer.model.state_dict().items() if not torch.equal(value, before[name])}
    assert {name.removeprefix("networks.").split(".")[0] for name in changed} == {"network", "gd", "sd"}
    for part in ("network.backbone.conv1.", "network.backbone.layer4.", "network.classifier."):
        assert any(name.startswith(part) for name in changed)
    for name in ("seg_source", "seg_labeled"):
        assert metrics[f"loss/{name}"] < first[f"loss/{name}"]


def test_every_labeled_pixel_of_full_size_is_judged(trainer: Trainer, pair: DomainPair) -> None:
    confusions = trainer.evaluate(pair.target_report)
    labels = pair.target_report.labels[:]
    assert labels.shape == (VAL_IMAGES, 1024, 2048)
    for of_image, truth in zip(confusions, labels, strict=True):
        counts = np.bincount(truth[truth != 255], minlength=19)
        np.testing.assert_array_equal(of_image.sum(axis=1), counts)


def test_a_panel_shows_image_truth_and_prediction(trainer: Trainer, pair: DomainPair, tmp_path: Path) -> None:
    report = pair.target_report
    images = np.ascontiguousarray(report.images[:])
    path = tmp_path / "panel.png"
    path.write_bytes(panel_png(images, report.labels[:], trainer.predict(images), pair.classes))
    scale = 4
    assert Image.open(path).size == (3 * (TARGET_SIZE[0] * scale + 4), VAL_IMAGES * (TARGET_SIZE[1] * scale + 4))
