"""A trial's identity is its content: its whole configuration, and the hash of that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from ass_tune.spec.model import StudySpec
from ass_tune.spec.space import values_without_tuning
from trainables.config import TrialConfig, Value
from trainables.registry import TRAINABLES
from trainables.words import Cell


def build_config(spec: StudySpec, cell: Cell, hyperparameters: Mapping[str, Value], seed: int) -> TrialConfig:
    """The whole configuration of one trial: its cell's values, over them the hyperparameters and the seed.

    Raises pydantic.ValidationError for values that the trainable refuses.
    """
    values = {**values_without_tuning(spec, cell), **hyperparameters, "seed": seed}
    return spec.config_class.of(values)


def trial_key(config: TrialConfig, data: Mapping[str, str] | None = None) -> str:
    """16 hexadecimal digits that are equal where the trial's outcome is equal.

    The hash of the canonical configuration (fields without effect left out), the trainable's name, the version of its
    code, and `data`: by set the digest of the files that the trial is trained and judged on, wherever these lie.
    """
    content = {
        "trainable": TRAINABLES.name_of(type(config)) or f"{type(config).__module__}:{type(config).__qualname__}",
        "code": config.code_version(config.domains),
        "config": config.canonical(),
        **({"data": dict(data)} if data else {}),
        **({"extensions": added} if (added := _extensions(config)) else {}),
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _extensions(config: TrialConfig) -> dict[str, str]:
    """Hash of the code of each extension that the trial uses; only of these, so that no other key changes."""
    return config.extensions({name: [value] for name, value in config.model_dump(mode="json").items()})
