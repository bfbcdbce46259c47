"""`python -m ass_tune.spec.schema` writes the JSON Schema that is shipped beside this file."""

from __future__ import annotations

import json
from pathlib import Path

from ass_tune.spec.editor_schema import json_schema

SCHEMA_FILE = Path(__file__).with_name("search_space.schema.json")


def text() -> str:
    """The schema as it is shipped."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(text(), encoding="utf-8")
