"""A trainable of your own: what to train and how to evaluate it. Checkpoints, resume, reset and reports are done here.

`docs/extending.md` has a complete one; `ass-tune check-trainable NAME` runs one through everything that a study does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, Literal, TypeVar

import numpy as np
from pydantic import Field

from trainables.config import TrialConfig, Value
from trainables.contract import Diverged
from trainables.domains.sampling import stream
from trainables.objective import Objective
from trainables.preemption import hand_back_if_asked
from trainables.version import code_hash

__all__ = ["Diverged", "Field", "Objective", "Settings", "Split", "Trainable"]
"""What an author needs."""
Split = Literal["select", "report"]
OURS = ("trainables.trainable", "trainables.run_trainable", "trainables.domains.sampling")
"""Of this project, what decides the outcome of an author's trials."""


class Settings(TrialConfig):
    """The fields that a search-space file may ablate, tune or fix, each with a type and a default.

    What a study decides is there as well: `seed`, `iterations`, `evaluate_every`, `domains`, `profile`, `protocol`.
    """

    DOMAINS: ClassVar[tuple[str, ...]] = ("default",)
    """What `domains:` may be in a file."""
    PROFILES: ClassVar[Mapping[str, Mapping[str, Value]]] = {"default": {}}
    """Named sets of values: what `profile:` may be."""
    DECIDES: ClassVar[tuple[str, ...]] = ()
    """Further modules whose code decides an outcome, by their dotted names; the module of the class always does."""

    @classmethod
    def profiles(cls) -> Mapping[str, Mapping[str, Value | tuple[int, ...]]]:
        """`PROFILES`."""
        return {name: dict(values) for name, values in cls.PROFILES.items()}

    @classmethod
    def domain_pairs(cls) -> tuple[str, ...]:
        """`DOMAINS`."""
        return cls.DOMAINS

    @classmethod
    def data_files(cls, domains: str) -> Mapping[str, Sequence[str]]:
        """Files below the data root that trials read, by set: other content gives trials other keys."""
        return {}

    @classmethod
    def code_version(cls, domains: str) -> str:
        """Hash of the author's declared modules and of what runs them. Raises ValueError for unknown domains."""
        if not cls.has_domains(domains):
            raise ValueError(f"domains: found {domains}; allowed: {', '.join(cls.domain_pairs())}")
        own = {base.__module__ for base in cls.__mro__ if issubclass(base, Settings) and base is not Settings}
        return code_hash({*own, *cls.DECIDES, *OURS})

    @classmethod
    def undefined(cls, values: Mapping[str, Any]) -> str | None:
        """None: every combination is defined."""
        return None

    @classmethod
    def inert(cls, values: Mapping[str, Any]) -> frozenset[str]:
        """None of the fields: all have an effect."""
        return frozenset()


S = TypeVar("S", bound=Settings)


class Trainable(ABC, Generic[S]):
    """One trial. A new object is made for every trial, and `load_state_dict` follows `setup` where one is resumed.

    The global generators of Python, NumPy and torch are seeded by trial and iteration before each call, so that an
    interruption changes nothing that is drawn. State that is kept elsewhere than in the object is seen by other trials.
    """

    Settings: ClassVar[type[Settings]] = Settings
    settings: S
    """The values of this trial."""
    iteration: int = 0
    """Training iterations done so far; counted for the author."""
    data_root: str | None = None
    """Folder of the real data sets, as `--data-root` says."""
    device: str = "cpu"
    """`cuda` where the trial has a GPU or a part of one."""

    @abstractmethod
    def setup(self) -> None:
        """Make the model from `self.settings` and load the data."""

    @abstractmethod
    def train(self, until: int) -> Mapping[str, float] | None:
        """Train from `self.iteration` to an iteration; may return metrics such as `loss/total`.

        Loop over `self.iterations(until)`, and a trial whose machine is taken away loses no iteration that it has done.
        Raises Diverged where training cannot go on; a metric that is not finite says the same.
        """

    @abstractmethod
    def evaluate(self, split: Split) -> float | Mapping[str, float]:
        """The objective on a split, alone or among other metrics; it must not change what training goes on from.

        `select` chooses and prunes, and `report` is evaluated once, at the end.
        """

    @abstractmethod
    def state_dict(self) -> Mapping[str, Any]:
        """All that training goes on from: tensors, arrays, numbers and texts, and lists and dicts of them."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave."""

    def iterations(self, until: int) -> Iterator[int]:
        """The iterations from `self.iteration`, which it counts up, to one before `until`.

        Between two of them the trial is saved and handed back where its process is asked to end, so `state_dict` must
        then have all that the rest of `train` needs: sums for a mean over the reports' interval, for one. A loop over a
        range of its own is never interrupted, and goes on from the last report.
        """
        while self.iteration < until:
            hand_back_if_asked()
            yield self.iteration
            self.iteration += 1

    def files(self) -> Mapping[str, bytes]:
        """Files that a finished trial leaves, by name: shown in MLflow."""
        return {}

    def draws(self, name: str, iteration: int | None = None) -> np.random.Generator:
        """A generator that depends on the trial's seed, a name and an iteration (by default the one now) only.

        The same draws in every cell make comparisons paired: name a stream by what is drawn.
        """
        return stream(self.settings.seed, name, self.iteration if iteration is None else iteration)


def mistakes_of(trainable: type[Trainable[Any]]) -> list[str]:
    """What is wrong with an author's class, as far as that shows before it runs."""
    name, settings = trainable.__name__, trainable.Settings
    found = [f"{name}.{method} is missing" for method in sorted(getattr(trainable, "__abstractmethods__", ()))]
    if not (isinstance(settings, type) and issubclass(settings, Settings)) or settings is Settings:
        return [*found, f"{name}.Settings: found {settings!r}; allowed: a class that extends Settings"]
    if "objective" not in {key for base in settings.__mro__[: settings.__mro__.index(Settings)] for key in vars(base)}:
        found.append(f"{name}.Settings.objective is missing, e.g. Objective(name='accuracy', metric='accuracy')")
    elif not isinstance(settings.objective, Objective):
        found.append(f"{name}.Settings.objective: found {settings.objective!r}; allowed: an Objective")
    reserved = settings.RESERVED & set(vars(settings).get("__annotations__", {}))
    found += [f"{name}.Settings.{field} is a name that the study sets; give the field another" for field in reserved]
    return found + [_without_default(name, field) for field in settings.tunable() if _is_required(settings, field)]


def _is_required(settings: type[Settings], field: str) -> bool:
    """Whether a field has a value in no profile, so that every file would have to give one."""
    everywhere = all(field in values for values in settings.PROFILES.values())
    return settings.model_fields[field].is_required() and not everywhere


def _without_default(name: str, field: str) -> str:
    return f"{name}.Settings.{field} has no default, neither of its own nor in every profile"
