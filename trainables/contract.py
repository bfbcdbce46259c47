"""The border between the orchestrator and a trainable: what a trial is asked to do, and what each step returns.

Both are checked once, where they arrive: the task when a trial is set up, a result as soon as the trainable returns it.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Iterable, Iterator
from numbers import Real
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from trainables.mistakes import nearest, nearest_name
from trainables.objective import MIOU, Objective

_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 80
"""Wrong values in messages, the long ones cut."""
LATEST = 7_258_118_400
"""The first second of the year 2200, since the epoch. Greater numbers are milliseconds or nanoseconds."""


class BrokenContract(Exception):
    """A trainable returned something that no result of a trial can be; the message names trainable and field."""


class Diverged(Exception):
    """Training cannot go on, as with a loss that is not a finite number: a result of the configuration, no error."""


def _plain(value: Any) -> Any:
    """A scalar of NumPy or a tensor without dimensions as the Python number that it stands for."""
    return value.item() if getattr(value, "shape", None) == () and hasattr(value, "item") else value


def _number(value: Any) -> float:
    value = _plain(value)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise PydanticCustomError("number", "a finite number")
    try:
        number = float(value)
    except OverflowError:  # of an integer that no float can hold
        number = math.inf
    if not math.isfinite(number):
        raise PydanticCustomError("finite", "a finite number; where a loss diverged, return `diverged` with the reason")
    return number


def _seconds(value: Any) -> float:
    seconds = _number(value)
    if not 0 <= seconds < LATEST:
        raise PydanticCustomError("time", "seconds since the epoch, e.g. time.time(), up to the year 2200")
    return seconds


def _whole_number(value: Any) -> int:
    value = _plain(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise PydanticCustomError("whole_number", "a whole number")
    return value


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise PydanticCustomError("file_name", "the name of a file relative to the study folder, without '..'")
    return name


Number = Annotated[float, BeforeValidator(_number)]
"""A finite number; scalars of NumPy are converted, since a finite numpy.float32 is a number like any other."""
Seconds = Annotated[float, BeforeValidator(_seconds)]
WholeNumber = Annotated[int, BeforeValidator(_whole_number)]
Flag = Annotated[bool, BeforeValidator(_plain)]
Texts = Annotated[tuple[str, ...], Field(strict=False)]
FileNames = Annotated[tuple[Annotated[str, AfterValidator(_inside)], ...], Field(strict=False)]


class TrialTask(BaseModel):
    """What a trial is asked to do: all that a trainable's `setup` gets, as a plain dict for Ray's sake."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trainable: str
    """Its name in the registry."""
    key: str
    """The trial's identity; its files in the study folder have it in their names."""
    config: dict[str, Any]
    """The fields of the trainable's `TrialConfig`, as plain JSON values."""
    storage: str
    """Path or URI of the study folder."""
    data_root: str | None = None
    """Folder of the real data sets."""
    data: dict[str, str] = {}
    """Digest, by set, of the files of the real data sets that the key is for."""
    pair: dict[str, Any] | None = None
    """What the pair file says that defines the domain pair; None for a pair of the package."""
    threads: int = Field(default=1, ge=1)
    """CPU threads that the trial may use."""
    gpus: float = Field(default=0.0, ge=0)
    """GPUs that the trial occupies, also a fraction of one."""


class StepResult(BaseModel):
    """What one step of a trial returns: an evaluation, or the news that training diverged."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    iteration: WholeNumber
    """Training iterations done so far."""
    time: Seconds
    """Seconds since the epoch at which it was measured."""
    metrics: dict[str, Number] = {}
    """The objective on the select split in every evaluation (`select/miou`) and on the report split in the last one
    (`report/miou`), and whatever else is of use.

    A trainable that reports another snapshot than its last one also gives the select value of that one in the last
    evaluation, as `snapshot/select_miou`: configurations are chosen by it."""
    final: Flag = False
    """Whether this was the trial's last evaluation."""
    artifacts: FileNames = ()
    """Files of the study folder that belong to the finished trial."""
    diverged: str | None = None
    """Why training cannot go on; such a result needs no metrics."""
    notices: Texts = ()
    """What people should know of and what changes no result."""


class StepChecker:
    """Checks one trial's results as they come, each against the task and the one before it.

    Args:
        task: what the trial was asked to do.
        objective: of the trainable.
    """

    def __init__(self, task: TrialTask, objective: Objective = MIOU) -> None:
        self._trainable, self._before, self._objective = task.trainable, 0, objective
        self._length, self._every = int(task.config["iterations"]), int(task.config["evaluate_every"])

    def check(self, returned: Any) -> StepResult:
        """The result that a trainable returned. Raises BrokenContract with everything that is wrong with it."""
        try:
            result = StepResult.model_validate(returned)
        except ValidationError as error:
            raise self._broken(map(_worded, error.errors(include_url=False))) from None
        if wrong := [*self._wrong_iteration(result), *self._missing_metrics(result)]:
            raise self._broken(wrong)
        self._before = result.iteration
        return result

    def _wrong_iteration(self, result: StepResult) -> Iterator[str]:
        at, following = result.iteration, self._before + 1
        if result.diverged is not None:
            fits, allowed = self._before <= at <= self._length, f"{self._before} to {self._length}"
        else:
            fits = following <= at <= self._length and at % self._every == 0
            allowed = f"a multiple of evaluate_every ({self._every}) from {following} to {self._length}"
        if not fits:
            before = f" after {self._before}" if self._before else ""
            yield f"iteration: found {at}{before}; allowed: {allowed}"
        elif result.diverged is None and result.final is not (at == self._length):
            yield f"final: found {result.final} at iteration {at} of {self._length}; allowed: True at the last one only"

    def _missing_metrics(self, result: StepResult) -> Iterator[str]:
        needed = {self._objective.select: "every result"}
        needed |= {self._objective.report: "the final result"} if result.final else {}
        for name, where in needed.items() if result.diverged is None else ():
            if name not in result.metrics:
                there = ", ".join(list(result.metrics)[:10]) or "no metrics"
                near = nearest_name(name, result.metrics)
                like = "" if near is None else f"; the nearest of what was returned: {near}"
                yield f"metrics: found {there}; allowed: {name} in {where}{like}"

    def _broken(self, wrong: Iterable[str]) -> BrokenContract:
        after = f"after iteration {self._before}" if self._before else "in its first result"
        return BrokenContract(_line(f"trainable {self._trainable}, {after}: {'. '.join(wrong)}"))


def _worded(error: ErrorDetails) -> str:
    """One of pydantic's errors as `FIELD: found X; allowed: Y`."""
    field = ".".join(map(str, error["loc"]))
    if error["type"] == "missing":
        return f"{field}: missing; allowed: {_ALLOWED.get(field, 'required')}"
    if error["type"] == "extra_forbidden":
        names = StepResult.model_fields
        return f"{field}: unknown field; allowed: {', '.join(names)}{nearest(field, names)}"
    if error["loc"][-1:] == ("[key]",):
        return f"{error['loc'][0]}: found {_shown(error['input'])} as a name; allowed: text"
    if not field:
        return f"found {_shown(error['input'])}; allowed: a dict with the fields {', '.join(StepResult.model_fields)}"
    return f"{field}: found {_shown(error['input'])}; allowed: {_TYPES.get(error['type'], error['msg'])}"


_ALLOWED = {"iteration": "a whole number", "time": "seconds since the epoch, e.g. time.time()"}
_TYPES = {
    "dict_type": "a dict of names and numbers",
    "string_type": "text",
    "tuple_type": "a list of texts",
    "bool_type": "True or False",
}


def _shown(value: Any) -> str:
    try:
        return _line(_REPR.repr(value))
    except ValueError:  # Python writes no integers of thousands of digits
        return f"a value of type {type(value).__name__}"


def _line(text: str) -> str:
    """A text as one printable line, since the last line of an error is what people see of it."""
    line = " ".join(text.split())
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)
