"""What a trainable declares about its configuration, without importing torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from trainables.objective import MIOU, Objective

Value = bool | int | float | str | None


class TrialConfig(BaseModel, ABC):
    """The whole configuration of one trial, flat, so that its canonical JSON is the trial's content.

    Subclasses add the fields that a search-space file may ablate, tune or fix. The fields below are set by
    the study and can be none of these.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    RESERVED: ClassVar[frozenset[str]] = frozenset(
        {"domains", "profile", "protocol", "seed", "iterations", "evaluate_every"}
    )
    objective: ClassVar[Objective] = MIOU
    """What trials are judged by."""

    READS_PAIR_FILES: ClassVar[bool] = False
    """Whether `domains:` may also name a pair file, of which `trainables.domains.pairs` then knows the pair."""

    domains: str
    profile: str
    protocol: Literal["split", "paper"] = "split"
    seed: int = Field(ge=0)
    iterations: int = Field(gt=0)
    evaluate_every: int = Field(gt=0)

    @classmethod
    @abstractmethod
    def profiles(cls) -> Mapping[str, Mapping[str, Value | tuple[int, ...]]]:
        """Named sets of defaults; a file picks one with `profile:`."""

    @classmethod
    @abstractmethod
    def domain_pairs(cls) -> tuple[str, ...]:
        """Names that `domains:` may have."""

    @classmethod
    def has_domains(cls, name: str) -> bool:
        """Whether `domains:` may have this name."""
        return name in cls.domain_pairs()

    @classmethod
    def other_domains(cls) -> str:
        """What else `has_domains` allows, in words."""
        return ""

    @classmethod
    @abstractmethod
    def code_version(cls, domains: str) -> str:
        """Hash of the code that decides the outcome of a trial on a domain pair; part of the trial's key.

        Raises ValueError for an unknown pair.
        """

    @classmethod
    @abstractmethod
    def undefined(cls, values: Mapping[str, Any]) -> str | None:
        """Why the combination in `values` (some fields, not all) is meaningless, or None if it is defined."""

    @classmethod
    @abstractmethod
    def inert(cls, values: Mapping[str, Any]) -> frozenset[str]:
        """Fields without effect given `values` (some fields, not all), e.g. lambda_sadv without a D_s."""

    @classmethod
    def extended(cls, values: Mapping[str, Collection[Any]]) -> type[TrialConfig]:
        """With the fields that packages add which a study's values name, by field; raises BrokenExtension."""
        return cls

    @classmethod
    def with_all_installed(cls) -> type[TrialConfig]:
        """With the fields of everything that packages add to it; raises BrokenExtension."""
        return cls

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> TrialConfig:
        """One trial's configuration. Raises pydantic.ValidationError."""
        return cls.model_validate(values)

    @classmethod
    def extensions(cls, values: Mapping[str, Collection[Any]]) -> dict[str, str]:
        """Hash of the code of each extension which values name, by field; they are part of a trial's identity."""
        return {}

    @classmethod
    def tunable(cls) -> tuple[str, ...]:
        """Names that `ablate:`, `tune:` and `fixed:` may have, in the order of declaration."""
        return tuple(name for name in cls.model_fields if name not in cls.RESERVED)

    def canonical(self) -> dict[str, Any]:
        """The configuration as plain JSON values, without the fields that have no effect here."""
        values = self.model_dump(mode="json")
        return {name: value for name, value in values.items() if name not in self.inert(values)}
