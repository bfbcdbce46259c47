"""The JSON Schema of the search-space file, with which editors complete and check it."""

from __future__ import annotations

from typing import Any

from ass_tune.spec.model import StudySpec
from trainables.registry import TRAINABLES


def json_schema() -> dict[str, Any]:
    """The schema of one file; a file that extends another may leave out what its base has."""
    schema = StudySpec.model_json_schema()
    names = sorted({name for entry in TRAINABLES.values() for name in entry.config.tunable()})
    for section in ("ablate", "tune", "fixed"):
        schema["properties"][section]["propertyNames"] = {"enum": names}
    required = schema.pop("required")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "anyOf": [{"required": ["extends"]}, {"required": required}],
    }
