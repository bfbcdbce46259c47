"""Pydantic's errors in the words of a search-space file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Annotated, Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from ass_tune.spec.errors import Path, found, shown
from trainables.config import TrialConfig
from trainables.extensions import BROKEN

_ALLOWED = {
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "none_required": "null",
    "literal_error": "{expected}",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of at least {ge}",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number of at most {le}",
    "string_pattern_mismatch": "letters, digits, dots, _ and -, a letter or digit first",
    "string_too_long": "at most {max_length} characters",
    "too_short": "at least {min_length} value(s)",
    "union_tag_invalid": "{expected_tags}",
}


_SCALARS = {"text", "a number", "an integer", "true or false"}
"""What the members of `Value` accept, one by one."""


def allowed(error: ErrorDetails) -> str:
    """What pydantic would have accepted; its own message for the kinds that a file cannot easily meet."""
    context = {key: shown(item) if isinstance(item, float) else item for key, item in error.get("ctx", {}).items()}
    template = _ALLOWED.get(error["type"])
    return template.format(**context).replace("'", "") if template else error["msg"]


def message(value: Any, errors: Sequence[ErrorDetails]) -> str:
    """One message for all errors about one value, as the members of a union give one each."""
    if broken := [error["msg"] for error in errors if error["type"] == BROKEN]:
        return broken[0]
    context = " ".join(str(item) for error in errors for item in error.get("ctx", {}).values())
    texts = list(dict.fromkeys(map(allowed, errors)))
    if set(texts) >= _SCALARS:
        texts = ["text, a number, true, false or null"]
    return found(value, " or ".join(texts), re.findall(r"'([^']+)'", context))


@cache
def adapter(annotation: Any) -> TypeAdapter[Any]:
    """A strict validator of a type; lists count as tuples, because the values come from YAML."""
    return TypeAdapter(annotation, config=ConfigDict(strict=True, allow_inf_nan=False))


def mismatches(annotation: Any, value: Any) -> dict[Path, str]:
    """What is wrong with a value for a type: messages by the path inside the value."""
    groups = grouped(value, errors_of(annotation, value))
    return {path: message(at(value, path), group) for path, group in groups.items()}


def errors_of(annotation: Any, value: Any) -> list[ErrorDetails]:
    """Pydantic's errors about a value for a type; none where it fits."""
    try:
        adapter(annotation).validate_json(json.dumps(value))
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


def field_type(config: type[TrialConfig], name: str) -> Any:
    """Type of a configuration's field with its constraints."""
    field = config.model_fields[name]
    return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation


def grouped(value: Any, errors: Iterable[ErrorDetails]) -> dict[Path, list[ErrorDetails]]:
    """Errors by the part of `value` that they are about.

    Pydantic's locations also name the members of unions that it tried; these are no part of the value.
    """
    groups: dict[Path, list[ErrorDetails]] = {}
    for error in errors:
        groups.setdefault(_path(value, error), []).append(error)
    # where one member of a union fits down to an item of a list, the other members say nothing of use
    lists = {path[:length] for path in groups for length, part in enumerate(path) if isinstance(part, int)}
    return {path: group for path, group in groups.items() if path not in lists}


def _path(value: Any, error: ErrorDetails) -> Path:
    path: Path = ()
    here = value
    location = error["loc"]
    for index, part in enumerate(location):
        last = index == len(location) - 1
        if here == error["input"] and error["type"] != "missing":
            break
        if isinstance(here, Mapping) and (part in here or (last and error["type"] == "missing")):
            path, here = (*path, part), here.get(part)
        elif isinstance(here, Sequence) and not isinstance(here, str) and isinstance(part, int):
            path, here = (*path, part), here[part]
    return path


def at(value: Any, path: Path) -> Any:
    """The part of a value at a path."""
    for part in path:
        value = value[part]
    return value
