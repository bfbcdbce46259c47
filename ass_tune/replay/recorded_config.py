"""A recorded trial as a trainable's configuration: which cell, which recorded configuration, which seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import model_validator

from ass_tune.replay.curve_set import CurveSet
from ass_tune.spec.model import StudySpec
from trainables.config import TrialConfig, Value
from trainables.words import Cell

RECORDED = "recorded"
"""Name of the trainable, and of its profile and domains."""
VARIABLE = "configuration"
"""The hyperparameter that stands for all those of a recorded trial."""


class RecordedConfig(TrialConfig):
    """The part that is the same for all curve sets."""

    KNOWN: ClassVar[Mapping[str, tuple[float, ...]]] = {}
    """By cell, its recorded configurations."""
    FACTORS: ClassVar[tuple[str, ...]] = ()

    cell: str
    place: int
    """Of the configuration among the recorded ones of its cell."""

    @model_validator(mode="before")
    @classmethod
    def _nearest(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """The recorded trial that the values stand for: of learning rates the nearest one."""
        cell = Cell(tuple((factor, values[factor]) for factor in cls.FACTORS)).name
        known, asked = cls.KNOWN[cell], values[VARIABLE]
        place = known.index(asked) if asked in known else int(np.argmin(np.abs(np.log(known) - np.log(asked))))
        reserved = {name: values[name] for name in cls.RESERVED}
        return {**reserved, "cell": cell, "place": place}

    @classmethod
    def profiles(cls) -> Mapping[str, Mapping[str, Value | tuple[int, ...]]]:
        """One profile without defaults."""
        return {RECORDED: {}}

    @classmethod
    def domain_pairs(cls) -> tuple[str, ...]:
        """One name that stands for no data."""
        return (RECORDED,)

    @classmethod
    def code_version(cls, domains: str) -> str:
        """No code decides what was recorded."""
        return RECORDED

    @classmethod
    def undefined(cls, values: Mapping[str, Any]) -> str | None:
        """None: what was recorded is defined."""
        return None

    @classmethod
    def inert(cls, values: Mapping[str, Any]) -> frozenset[str]:
        """None of the fields."""
        return frozenset()


class RecordedSpec(StudySpec):
    """A study whose trials were recorded."""

    _config: type[TrialConfig] = RecordedConfig

    @property
    def config_class(self) -> type[TrialConfig]:
        """The configuration that knows the curve set."""
        return self._config


def recorded_spec(spec: StudySpec, curves: CurveSet) -> RecordedSpec:
    """A study's search, pruner and length of training, with recorded trials in the place of its trainable."""
    given = {name: getattr(spec, name) for name in ("study", "protocol", "search", "prune", "replicate", "train")}
    own = {"trainable": RECORDED, "domains": RECORDED, "profile": RECORDED}
    found = RecordedSpec.model_validate({**given, **own})
    known = {cell.cell.name: cell.configurations for cell in curves.cells}
    factors = tuple(name for name, _ in curves.cells[0].cell.factors)
    found._config = type("OfThisSet", (RecordedConfig,), {"KNOWN": known, "FACTORS": factors, "__module__": __name__})
    return found
