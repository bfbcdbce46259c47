"""The JSON Schemas of the search-space file and of the pair file, with which editors complete and check them.

`python -m ass_tune.spec.schema` writes both next to this file, from where they are shipped.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ass_tune.spec.model import StudySpec
from trainables.domains.pair_file import PairFile
from trainables.domains.readers import READERS
from trainables.registry import TRAINABLES

SCHEMA_FILE = Path(__file__).with_name("search_space.schema.json")
PAIR_SCHEMA_FILE = Path(__file__).with_name("domain_pair.schema.json")


def json_schema() -> dict[str, Any]:
    """The schema of one file; a file that extends another may leave out what its base has."""
    schema = StudySpec.model_json_schema()
    names = sorted({name for entry in TRAINABLES.ours.values() for name in entry.config.tunable()})
    for section in ("ablate", "tune", "fixed", "baseline", "control"):
        schema["properties"][section]["propertyNames"] = {"enum": names}
    return _of_a_file(schema)


def pair_schema() -> dict[str, Any]:
    """The schema of one pair file; one that extends another may leave out what its base has, also in its parts."""
    schema = PairFile.model_json_schema()
    for name in ("Source", "Target"):
        part = schema["$defs"][name]
        part["properties"]["reader"]["enum"] = list(READERS)
        del part["required"]
    return _of_a_file(schema)


def _of_a_file(schema: dict[str, Any]) -> dict[str, Any]:
    required = schema.pop("required")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "anyOf": [{"required": ["extends"]}, {"required": required}],
    }


def texts() -> dict[Path, str]:
    """The schemas as they are shipped, by file."""
    schemas = {SCHEMA_FILE: json_schema(), PAIR_SCHEMA_FILE: pair_schema()}
    return {file: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for file, schema in schemas.items()}


if __name__ == "__main__":
    for file, text in texts().items():
        file.write_text(text, encoding="utf-8")
