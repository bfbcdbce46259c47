"""Whole numbers that are written in another form: `1e3` and `5.0` are integers where a field takes only integers.

They are changed in the document before anything is checked, so that two spellings of a study are the same study: its
cells have the same names, and its trials the same keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ass_tune.spec.catalogue import PRUNERS, SAMPLERS
from ass_tune.spec.document import Document
from ass_tune.spec.errors import Path
from ass_tune.spec.model import StudySpec
from ass_tune.spec.wording import errors_of, field_type, grouped
from trainables.config import TrialConfig
from trainables.extensions import BrokenExtension
from trainables.registry import TRAINABLES

MOST = 2**53
"""Above it, two integers can be the same float."""
_GROUPED = re.compile(r"[-+]?[0-9]{1,3}(_[0-9]{3}){1,5}")
_INTEGER_WANTED = frozenset({"int_type", "int_from_float"})


def as_integer(value: Any) -> int | None:
    """The integer that `1e3`, `5.0` or `1_000` stands for; None for everything else, integers included."""
    if isinstance(value, float) and value.is_integer() and abs(value) < MOST:
        return int(value)
    return int(value) if isinstance(value, str) and _GROUPED.fullmatch(value) else None


def write_integers(document: Document) -> None:
    """Change every such value of a document to an integer where its field takes integers and not the value itself."""
    for path, annotation in _typed(document):
        value = document.value(path)
        _change(document, path, grouped(value, errors_of(annotation, value)))
    try:
        StudySpec.model_validate(document.values)
    except ValidationError as error:
        _change(document, (), grouped(document.values, map(without_type, error.errors(include_url=False))))


def without_type(error: ErrorDetails) -> ErrorDetails:
    """Pydantic puts a hyperparameter's type into the location, where a key of the same name could follow."""
    location = error["loc"]
    return {**error, "loc": location[:2] + location[3:]} if location[:1] == ("tune",) else error


def _change(document: Document, path: Path, errors: Mapping[Path, Iterable[ErrorDetails]]) -> None:
    for inside, found in errors.items():
        place = (*path, *inside)
        if not any(error["type"] in _INTEGER_WANTED for error in found):
            continue
        if (number := as_integer(document.value(place))) is not None:
            document.value(place[:-1])[place[-1]] = number


def _typed(document: Document) -> Iterator[tuple[Path, Any]]:
    """The places of values whose types `StudySpec` does not know, with these types."""
    values, arguments = document.values, ("search", "arguments")
    if (config := _config(values)) is not None:
        for path, variable in _of_variables(values):
            if variable in config.tunable():
                yield from _with_type(config, document, path, variable)
    for path, name, rows in (
        (arguments, _entry(values, "search").get("sampler", "tpe"), SAMPLERS),
        (("prune", "arguments"), _entry(values, "prune").get("pruner"), PRUNERS),
        (("prune", "around", "arguments"), _entry(_entry(values, "prune"), "around").get("pruner"), PRUNERS),
    ):
        row = rows.usable(name) if isinstance(name, str) else None
        known = row.arguments if row is not None else {}
        yield from (((*path, argument), known[argument]) for argument in _inside(values, path) if argument in known)


def _config(values: Mapping[str, Any]) -> type[TrialConfig] | None:
    """None for what is no trainable, or is of a package that cannot be used."""
    entry = TRAINABLES.get(name) if isinstance(name := values.get("trainable"), str) else None
    levels = {name: found for name, found in _entry(values, "ablate").items() if isinstance(found, list)}
    named = {**levels, **{name: [value] for name, value in _entry(values, "fixed").items()}}
    try:
        return None if entry is None else entry.config.extended(named)
    except BrokenExtension:
        return None


def _with_type(config: type[TrialConfig], document: Document, path: Path, variable: str) -> Iterator[tuple[Path, Any]]:
    """A value, or each item of a list; only under `fixed:` a list is itself a value."""
    annotation, value = field_type(config, variable), document.value(path)
    if isinstance(value, list) and path[0] != "fixed":
        yield from (((*path, index), annotation) for index in range(len(value)))
    else:
        yield path, annotation


def _of_variables(values: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """The places of all values of variables, with the variables' names."""
    for section in ("ablate", "fixed", "baseline", "control"):
        yield from (((section, name), name) for name in _entry(values, section))
    for name, domain in _entry(values, "tune").items():
        if isinstance(domain, dict):
            yield from ((("tune", name, key), name) for key in ("low", "high", "values") if key in domain)
            yield from ((("tune", name, "when", other), other) for other in _entry(domain, "when"))
    pairs = _entry(values, "compare").get("pairs")
    for index, pair in enumerate(pairs if isinstance(pairs, list) else ()):
        for side in ("ours", "theirs") if isinstance(pair, dict) else ():
            yield from ((("compare", "pairs", index, side, name), name) for name in _entry(pair, side))


def _entry(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of a file that should be a mapping; an empty one where it is something else."""
    found = values.get(name)
    return found if isinstance(found, dict) else {}


def _inside(values: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any]:
    for name in path:
        values = _entry(values, name)
    return values
