"""Rules about the ranges of hyperparameters."""

from __future__ import annotations

from collections.abc import Iterator

from ass_tune.spec.draft import Draft
from ass_tune.spec.errors import SpecError, shown
from ass_tune.spec.hyperparameters import Integer, LogUniform, Uniform


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


RULES = (low_below_high, logarithms_exist, steps_fit)
