"""The JSON Schemas of the search-space file and of the pair file, with which editors complete and check them.

`python -m ass_tune.spec.schema` writes both next to this file, from where they are shipped. These know nothing of other
packages; `ass-tune schema FILE` writes one for search-space files that knows all that is installed.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ass_tune.spec.model import StudySpec
from trainables.domains.pair_file import PairFile
from trainables.domains.readers import READERS
from trainables.mistakes import ExitCode, UserMistake
from trainables.registry import TRAINABLES

PROGRAM = "ass-tune schema"
SCHEMA_FILE = Path(__file__).with_name("search_space.schema.json")
PAIR_SCHEMA_FILE = Path(__file__).with_name("domain_pair.schema.json")


def json_schema() -> dict[str, Any]:
    """The schema of one file; a file that extends another may leave out what its base has. Raises BrokenExtension.

    It has the trainables, adaptors, samplers and pruners of installed packages with their hyperparameters.
    """
    schema = StudySpec.model_json_schema()
    models = [entry.config.with_all_installed() for entry in TRAINABLES.values()]
    names = sorted({name for model in models for name in model.tunable()})
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


def main(argv: list[str] | None = None, program: str = PROGRAM) -> ExitCode:
    """Write the schema of search-space files of this installation; returns FINISHED or USER_MISTAKE."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Write the JSON Schema with which editors complete and check search-space files. The shipped one "
        "knows nothing of other packages; this one has what those add that are installed.",
    )
    parser.add_argument("file", type=Path, help="JSON file to write")
    file = parser.parse_args(argv).file
    try:
        file.write_text(texts()[SCHEMA_FILE], encoding="utf-8")
    except (UserMistake, OSError) as mistake:
        print(f"{program}: {mistake}", file=sys.stderr)
        return ExitCode.USER_MISTAKE
    return ExitCode.FINISHED


if __name__ == "__main__":
    for shipped, text in texts().items():
        shipped.write_text(text, encoding="utf-8")
