"""Rules about what a trial occupies: amounts that Ray can count, under names that are free."""

from __future__ import annotations

from collections.abc import Iterator

from ass_tune.spec.draft import Draft
from ass_tune.spec.errors import Path, SpecError, shown

LEAST, MOST = 0.0001, 1_000_000
"""Ray counts in ten-thousandths."""
_OWN_KEYS = {"CPU": "cpu", "GPU": "gpu"}


def amounts_can_be_counted(draft: Draft) -> Iterator[SpecError]:
    """An amount is neither nothing for Ray nor beyond every cluster."""
    asked = draft.spec.resources
    amounts: dict[Path, float] = {("cpu",): asked.cpu, ("gpu",): asked.gpu}
    amounts |= {("custom", name): amount for name, amount in asked.custom.items()}
    for path, amount in amounts.items():
        if amount and not LEAST <= amount <= MOST:
            text = f"found {shown(amount)}; allowed: {LEAST} to {MOST}"
            yield draft.error(("resources", *path), text)


def custom_resources_are_others(draft: Draft) -> Iterator[SpecError]:
    """CPUs and GPUs have keys of their own."""
    for name in draft.spec.resources.custom:
        if name in _OWN_KEYS:
            text = f"found a resource with a key of its own; allowed: resources.{_OWN_KEYS[name]}"
            yield draft.error(("resources", "custom", name), text)


RULES = (amounts_can_be_counted, custom_resources_are_others)
