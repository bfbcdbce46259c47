"""The JSON Schema of the search-space file, with which editors complete and check it.

`python -m ass_tune.spec.schema` writes it next to this file, from where it is shipped.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ass_tune.spec.model import StudySpec
from trainables.registry import TRAINABLES

SCHEMA_FILE = Path(__file__).with_name("search_space.schema.json")


def json_schema() -> dict[str, Any]:
    """The schema of one file; a file that extends another may leave out what its base has."""
    schema = StudySpec.model_json_schema()
    names = sorted({name for entry in TRAINABLES.ours.values() for name in entry.config.tunable()})
    for section in ("ablate", "tune", "fixed", "baseline", "control"):
        schema["properties"][section]["propertyNames"] = {"enum": names}
    required = schema.pop("required")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "anyOf": [{"required": ["extends"]}, {"required": required}],
    }


def text() -> str:
    """The schema as it is shipped."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(text(), encoding="utf-8")
