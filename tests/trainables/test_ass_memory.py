"""The estimate of a trial's device memory, beside what a trial allocates on the CPU."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch._C._profiler import _EventType
from torch.profiler import ProfilerActivity, profile

from trainables.ass.config import AssConfig
from trainables.ass.trainer import Trainer
from trainables.ass_memory import BlankPair, BlankSet, LiveBytes, peak_bytes, trial_bytes
from trainables.domains.pairs import PAIRS
from trainables.domains.recipe import SETS

pytestmark = pytest.mark.costly

SOURCE, TARGET, JUDGED = (320, 160), (256, 128), (512, 256)
EVALUATED = 4


@dataclass(frozen=True)
class Sizes:
    """What the estimate asks a pair's recipe for."""

    sizes: Mapping[str, int]
    source: tuple[int, int] = SOURCE
    target: tuple[int, int] = TARGET
    classes: Any = PAIRS["streets"].classes

    def image_size(self, set_name: str) -> tuple[int, int]:
        return self.source if set_name == "source" else self.target

    def label_size(self, set_name: str) -> tuple[int, int]:
        return JUDGED if set_name in ("target_select", "target_report") else self.image_size(set_name)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


FULL_SCALE: dict[str, Any] = {
    **AssConfig.profiles()["paper"],
    **{"domains": "gta5-cityscapes", "profile": "paper", "protocol": "paper", "adaptor": "ga+csa"},
    **{"seed": 0, "iterations": 150_000, "evaluate_every": 5000, "labeled_images": 2975},
}
RECIPE: Any = Sizes(dict.fromkeys(SETS, EVALUATED))


def config(profile_name: str, **changes: Any) -> AssConfig:
    length = {"domains": "streets", "profile": profile_name, "seed": 0, "iterations": 4, "evaluate_every": 2}
    chosen = {"adaptor": "ga+csa", "labeled_images": 3, "device": "cpu", "backbone_weights": "none"}
    without_weights = {"normalisation": "batch"}
    return AssConfig(**{**AssConfig.profiles()[profile_name], **without_weights, **length, **chosen, **changes})


def really_allocated(settings: AssConfig) -> int:
    """Bytes that torch's CPU allocator has given out at once, at most, in two steps and an evaluation."""
    sets = {}
    for name in SETS:
        (width, height), (columns, rows) = RECIPE.image_size(name), RECIPE.label_size(name)
        images, labels = (EVALUATED, height, width, 3), (EVALUATED, rows, columns)
        sets[name] = BlankSet(np.zeros(images, np.uint8), np.zeros(labels, np.uint8))
    pair: Any = BlankPair(RECIPE.classes, **sets)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        trainer = Trainer(settings, pair)
        trainer.train_until(settings.iterations)
        trainer.evaluate(pair.target_report)
    assert profiled.profiler is not None
    events = profiled.profiler.kineto_results.experimental_event_tree()  # type: ignore[union-attr]
    first, *others = sorted(_allocations(events), key=lambda event: event.start_time_ns)
    before = first.extra_fields.total_allocated - first.extra_fields.alloc_size
    return max(event.extra_fields.total_allocated for event in others) - before


def _allocations(events: Iterable[Any]) -> Iterable[Any]:
    for event in events:
        if event.tag == _EventType.Allocation:
            yield event
        yield from _allocations(event.children)


@pytest.mark.parametrize(
    "adaptor", ["oracle", "joint", "ga+fcsa", "ga+csa", "mean_teacher", "ga+csa+mean_teacher", "finetune"]
)
def test_the_estimate_of_the_small_network_is_what_training_allocates(adaptor: str) -> None:
    settings = config("laptop", adaptor=adaptor)
    assert peak_bytes(settings, RECIPE) == pytest.approx(really_allocated(settings), rel=0.02)


def test_the_estimate_counts_an_evaluation_that_needs_more_than_a_step() -> None:
    settings = config("laptop", adaptor="oracle", labeled_batch=1)
    assert peak_bytes(settings, RECIPE) == pytest.approx(really_allocated(settings), rel=0.1)


@pytest.mark.slow
def test_the_estimate_holds_in_bfloat16() -> None:
    settings = config("laptop", dtype="bfloat16", source_batch=2, labeled_batch=1, unlabeled_batch=1)
    assert peak_bytes(settings, RECIPE) == pytest.approx(really_allocated(settings), rel=0.02)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("adaptor", ["oracle", "ga+csa"])
def test_the_estimate_of_deeplab_is_what_training_allocates(adaptor: str) -> None:
    settings = config("paper", adaptor=adaptor)
    assert peak_bytes(settings, RECIPE) == pytest.approx(really_allocated(settings), rel=0.02)


def test_the_estimate_needs_neither_data_nor_weights_nor_the_memory() -> None:
    assert 4e9 < trial_bytes(AssConfig(**FULL_SCALE)) < 14e9


@pytest.mark.slow
def test_the_estimate_at_full_scale_is_less_in_bfloat16() -> None:
    single = trial_bytes(AssConfig(**FULL_SCALE))
    assert trial_bytes(AssConfig(**{**FULL_SCALE, "dtype": "bfloat16"})) < 0.8 * single


def test_tensors_that_share_memory_count_once_and_only_while_they_live() -> None:
    with LiveBytes() as live:
        first = torch.zeros(1000)
        view = first[10:].view(-1, 10)
        second = view + 1
        assert live.now == 4000 + 3960
        del first, view
        assert live.now == 3960
        del second
    assert (live.now, live.peak) == (0, 4000 + 3960)
