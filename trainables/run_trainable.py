"""Runs an author's trainable under Ray: checkpoints, resume, reset, reports, seeds and threads."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import torch
from ray import tune

from trainables.checkpoints import Checkpoints
from trainables.contract import BrokenContract, Diverged, TrialTask
from trainables.domains.sampling import stream
from trainables.preemption import HandedBack, hand_back_if_asked
from trainables.storage import Storage
from trainables.trainable import Split, Trainable

Answer = TypeVar("Answer")
_ARRAY = "array of NumPy"
"""Marks what is no tensor for the author, in checkpoints of tensors and plain values."""


class RunTrainable(tune.Trainable):
    """One trial of an author's class; Ray calls `step` once per report."""

    author_class: type[Trainable[Any]]

    def setup(self, config: dict[str, Any]) -> None:
        """Build the trial from its `TrialTask`, or continue it from the newest checkpoint in the study folder."""
        task = TrialTask.model_validate(config)
        torch.set_num_threads(task.threads)
        self._folder, self._key = Storage(task.storage), task.key
        self._trial = trial = object.__new__(self.author_class)
        trial.settings = self.author_class.Settings.model_validate(task.config)
        trial.iteration, trial.data_root = 0, task.data_root
        trial.device = "cuda" if task.gpus > 0 and torch.cuda.is_available() else "cpu"
        self._ask("setup", trial.__init__)
        self._ask("setup", trial.setup)
        self._checkpoints = Checkpoints(self._folder, self._key)
        loaded = self._checkpoints.newest()
        self._notices = list(loaded.warnings)
        self._report: dict[str, Any] | None = None
        self._generators: dict[str, Any] | None = None
        if loaded.state is not None:
            trial.iteration = loaded.state["iteration"]
            state = _read(loaded.state["state"])
            self._ask("load_state_dict", lambda: trial.load_state_dict(state))
            self._report, self._generators = loaded.state["report"], _read(loaded.state["generators"])
        self._repeats, self._saved_at = self._report is not None, trial.iteration

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next trial in the same process: a new object of the author's class."""
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Train to the next report; the first one of a trial that was continued is the last one before it was saved.

        Raises HandedBack where the process was asked to end and the author's loop is between two iterations.
        """
        result = self._report if self._repeats and self._report is not None else self._next_report()
        self._repeats = False
        notices, self._notices = self._notices, []
        return {**result, "notices": notices} if notices else result

    def _next_report(self) -> dict[str, Any]:
        trial, settings = self._trial, self._trial.settings
        until = (self._report["iteration"] if self._report is not None else 0) + settings.evaluate_every
        try:
            metrics = self._numbers("train", self._train(until) or {})
            trial.iteration = until
            metrics |= self._evaluated("select")
            final = until >= settings.iterations
            if final:
                metrics |= self._evaluated("report")
        except Diverged as diverged:
            return {"iteration": until, "time": time.time(), "diverged": str(diverged) or "training diverged"}
        report: dict[str, Any] = {"iteration": until, "metrics": metrics, "time": time.time()}
        if final:
            return {**report, "final": True, "artifacts": self._finish(), "time": time.time()}
        self._report = report
        self._save()
        return report

    def _train(self, until: int) -> Any:
        """What the author's `train` answers; a trial that is handed back in the middle of it is saved there."""
        hand_back_if_asked()
        trial = self._trial
        try:
            if self._generators is None:
                return self._ask("train", lambda: trial.train(until))
            _set_generators(self._generators)
            return trial.train(until)
        except HandedBack:
            if trial.iteration > self._saved_at:
                self._save(_generators_now())
            raise
        finally:
            self._generators = None

    def _save(self, generators: dict[str, Any] | None = None) -> None:
        """Save the trial; in the middle of the author's `train` with the state of the global generators."""
        iteration, place = self._trial.iteration, self._named("state_dict")
        state = _written(self._ask("state_dict", self._trial.state_dict), place)
        saved = {"iteration": iteration, "state": state, "report": self._report, "generators": _written(generators, "")}
        self._checkpoints.save(iteration, saved)
        self._saved_at = iteration

    def _evaluated(self, split: Split) -> dict[str, float]:
        """Metrics of a split, the objective among them, under the names of metrics."""
        of_paper = split == "select" and self._trial.settings.protocol == "paper"
        found = self._ask(f"evaluate/{split}", lambda: self._trial.evaluate("report" if of_paper else split))
        wanted = self.author_class.Settings.objective.metric
        metrics = found if isinstance(found, Mapping) else {wanted: found}
        if wanted not in metrics:
            there = ", ".join(map(str, metrics)) or "no metrics"
            raise self._broken(f"evaluate('{split}')", there, f"{wanted}, alone or among other metrics")
        return self._numbers(f"evaluate('{split}')", {f"{split}/{name}": value for name, value in metrics.items()})

    def _finish(self) -> list[str]:
        """Write the files of a finished trial; returns their names."""
        names = []
        for name, content in self._ask("files", self._trial.files).items():
            if not isinstance(content, bytes):
                raise self._broken(f"files()['{name}']", repr(type(content).__name__), "bytes")
            names.append(f"results/{self._key}/{name}")
            self._folder.write_bytes(names[-1], content)
        return names

    def _ask(self, method: str, call: Callable[[], Answer]) -> Answer:
        """What a method of the author's answers, with global generators that trial, method and iteration decide."""
        draws = stream(self._trial.settings.seed, f"global/{method}", self._trial.iteration)
        seeds = [int(seed) for seed in draws.integers(2**31, size=3)]
        random.seed(seeds[0])
        np.random.seed(seeds[1])
        torch.manual_seed(seeds[2])
        return call()

    def _numbers(self, method: str, values: Any) -> dict[str, float]:
        """Metrics as finite numbers. Raises Diverged for others, and BrokenContract for what are no numbers."""
        if not isinstance(values, Mapping):
            raise self._broken(method, repr(values)[:80], "numbers by name, or None")
        found = {}
        for name, value in values.items():
            try:
                found[str(name)] = float(value)
            except (TypeError, ValueError):
                raise self._broken(f"{method}, metric {name}", repr(value)[:80], "a number") from None
            if not math.isfinite(found[str(name)]):
                raise Diverged(f"{name} is {found[str(name)]} at iteration {self._trial.iteration}")
        return found

    def _named(self, method: str) -> str:
        return f"{self.author_class.__name__}.{method}"

    def _broken(self, method: str, found: str, allowed: str) -> BrokenContract:
        return BrokenContract(f"{self._named(method)}: found {found}; allowed: {allowed}")


def ray_class_of(author_class: type[Trainable[Any]]) -> type[RunTrainable]:
    """The class that Ray runs for an author's class."""
    return type(f"Run{author_class.__name__}", (RunTrainable,), {"author_class": author_class})


def _generators_now() -> dict[str, Any]:
    """The state of the global generators that `_ask` seeds."""
    of_gpu = torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None
    return {"python": random.getstate(), "numpy": np.random.get_state(), "torch": torch.get_rng_state(), "cuda": of_gpu}


def _set_generators(states: dict[str, Any]) -> None:
    random.setstate(states["python"])
    np.random.set_state(states["numpy"])
    torch.set_rng_state(states["torch"])
    if states["cuda"] is not None:
        torch.cuda.set_rng_state(states["cuda"])


def _written(value: Any, place: str) -> Any:
    """A state as tensors and plain values. Raises BrokenContract, which names the field, for anything else."""
    match value:
        case Mapping():
            return {_key(key, place): _written(item, f"{place}[{key!r}]") for key, item in value.items()}
        case list() | tuple():
            items = [_written(item, f"{place}[{index}]") for index, item in enumerate(value)]
            return items if isinstance(value, list) else tuple(items)
        case np.ndarray() if value.dtype.kind in "biufc":
            return {_ARRAY: torch.from_numpy(value.copy()), "dtype": value.dtype.str}
        case np.generic() if value.dtype.kind in "biufc":
            return value.item()
        case torch.Tensor() | bool() | int() | float() | str() | None:
            return value
    allowed = "tensors, arrays of numbers, numbers, texts, None, and lists, tuples and dicts of these"
    raise BrokenContract(f"{place}: found a value of type {type(value).__name__}; allowed: {allowed}")


def _key(key: Any, place: str) -> str | int:
    if isinstance(key, str | int):
        return key
    raise BrokenContract(f"{place}: found {key!r} as a key; allowed: texts and whole numbers")


def _read(value: Any) -> Any:
    """What `_written` was given."""
    if isinstance(value, dict):
        if _ARRAY in value:
            return value[_ARRAY].numpy().astype(np.dtype(value["dtype"]), copy=False)
        return {key: _read(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_read, value))
    return value
