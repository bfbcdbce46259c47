"""Rules about numbers: ranges of hyperparameters, lengths of training, amounts that Ray can count."""

from __future__ import annotations

from collections.abc import Iterator

from ass_tune.spec.draft import Draft
from ass_tune.spec.errors import Path, SpecError, shown
from ass_tune.spec.hyperparameters import Integer, LogUniform, Uniform

LEAST, MOST = 0.0001, 1_000_000
"""Ray counts in ten-thousandths."""
_OWN_KEYS = {"CPU": "cpu", "GPU": "gpu"}


def low_below_high(draft: Draft) -> Iterator[SpecError]:
    """A range has more than one value."""
    for name, domain in draft.spec.tune.items():
        if not isinstance(domain, Uniform | LogUniform | Integer):
            continue
        low, high = domain.low, domain.high
        if low > high:
            text = f"found {shown(low)}, which is above high ({shown(high)}); allowed: low < high"
            yield draft.error(("tune", name, "low"), text)
        elif low == high:
            text = f"found {shown(low)}, which is also high: an empty range; allowed: low < high, or fixed.{name}"
            yield draft.error(("tune", name, "low"), text)


def logarithms_exist(draft: Draft) -> Iterator[SpecError]:
    """A logarithmic range is above 0."""
    for name, domain in draft.spec.tune.items():
        if isinstance(domain, LogUniform) and domain.low <= 0:
            text = f"found {shown(domain.low)}, which has no logarithm; allowed: above 0 for log_uniform"
            yield draft.error(("tune", name, "low"), text)
        if isinstance(domain, Integer) and domain.log and domain.low < 1:
            text = f"found {shown(domain.low)}, which has no logarithm; allowed: at least 1 for an int with log: true"
            yield draft.error(("tune", name, "low"), text)


def steps_fit(draft: Draft) -> Iterator[SpecError]:
    """The step of an integer range divides it, and is 1 on a logarithmic scale."""
    for name, domain in draft.spec.tune.items():
        if not isinstance(domain, Integer):
            continue
        path, width = ("tune", name, "step"), domain.high - domain.low
        if domain.log and domain.step != 1:
            yield draft.error(path, f"found {domain.step} with log: true; allowed: 1, or log: false")
        elif width > 0 and width % domain.step:
            text = f"found {domain.step}, which does not divide high - low ({width}); allowed: a divisor of {width}"
            yield draft.error(path, text)


def evaluations_end_with_training(draft: Draft) -> Iterator[SpecError]:
    """The last evaluation is at the last iteration."""
    train = draft.spec.train
    if train.iterations % train.evaluate_every:
        problem = "is above" if train.evaluate_every > train.iterations else "does not divide"
        text = (
            f"found {train.evaluate_every}, which {problem} iterations ({train.iterations}); allowed: a divisor of it"
        )
        yield draft.error(("train", "evaluate_every"), text)


def amounts_can_be_counted(draft: Draft) -> Iterator[SpecError]:
    """An amount is neither nothing for Ray nor beyond every cluster."""
    asked = draft.spec.resources
    amounts: dict[Path, float] = {("cpu",): asked.cpu, ("gpu",): asked.gpu}
    amounts |= {("custom", name): amount for name, amount in asked.custom.items()}
    for path, amount in amounts.items():
        if amount and not LEAST <= amount <= MOST:
            text = f"found {shown(amount)}; allowed: {LEAST} to {MOST}"
            yield draft.error(("resources", *path), text)


def gpus_can_be_given(draft: Draft) -> Iterator[SpecError]:
    """A trial gets whole GPUs or a part of one, and a type of GPU only with some of a GPU."""
    asked = draft.spec.resources
    if asked.gpu > 1 and asked.gpu != int(asked.gpu):
        text = f"found {shown(asked.gpu)}; allowed: a part of one GPU (up to 1), or a whole number of them"
        yield draft.error(("resources", "gpu"), text)
    if asked.accelerator_type is not None and not asked.gpu:
        text = f"found {shown(asked.accelerator_type)}, and trials ask for no GPU; allowed: with resources.gpu above 0"
        yield draft.error(("resources", "accelerator_type"), text)


def custom_resources_are_others(draft: Draft) -> Iterator[SpecError]:
    """CPUs and GPUs have keys of their own."""
    for name in draft.spec.resources.custom:
        if name in _OWN_KEYS:
            text = f"found a resource with a key of its own; allowed: resources.{_OWN_KEYS[name]}"
            yield draft.error(("resources", "custom", name), text)


RULES = (
    low_below_high,
    logarithms_exist,
    steps_fit,
    evaluations_end_with_training,
    amounts_can_be_counted,
    gpus_can_be_given,
    custom_resources_are_others,
)
