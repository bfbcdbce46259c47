"""The files that ship are valid, and the schema beside the code is that of the code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ass_tune.search.cells import cells
from ass_tune.spec import json_schema, load
from ass_tune.spec.pair_loading import load_pair
from ass_tune.spec.schema import PAIR_SCHEMA_FILE, SCHEMA_FILE, pair_schema, texts
from trainables.domains.shipped import FOLDER, NAMES, shipped_pair

REPOSITORY = Path(__file__).parents[3]
SHIPPED = sorted((REPOSITORY / "search_spaces").rglob("*.yaml"))


def runs(path: Path) -> int:
    return sum(plan.tuning_trials + plan.most_replicates for plan in cells(load(path))[0])


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_file_is_valid_names_the_schema_and_asks_a_question(path: Path) -> None:
    first, second, *_ = path.read_text(encoding="utf-8").splitlines()
    schema = first.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / schema).resolve() == SCHEMA_FILE
    assert second.startswith("# ")
    assert cells(load(path))[0]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_baseline_of_a_shipped_file_is_trained(path: Path) -> None:
    spec = load(path)
    kept = [dict(plan.cell.factors) for plan in cells(spec)[0]]
    assert any(spec.baseline.items() <= levels.items() for levels in kept)


def test_the_studies_of_the_readme_fit_their_budgets() -> None:
    assert {path.stem: runs(path) for path in SHIPPED if path.stem in ("csa", "fcsa", "real_csa")} == {
        "csa": 54,
        "fcsa": 54,
        "real_csa": 45,
    }


def test_the_shipped_pair_files_are_those_that_are_listed() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_pair_file_is_read_as_if_it_was_a_users(name: str) -> None:
    file = FOLDER / f"{name}.yaml"
    assert load_pair(file) == shipped_pair(name)
    first, second, *_ = file.read_text(encoding="utf-8").splitlines()
    assert (FOLDER / first.removeprefix("# yaml-language-server: $schema=")).resolve() == PAIR_SCHEMA_FILE
    assert second.startswith("# ")


@pytest.mark.parametrize("file", [SCHEMA_FILE, PAIR_SCHEMA_FILE], ids=lambda file: file.name)
def test_the_shipped_schemas_are_up_to_date(file: Path) -> None:
    assert file.read_text(encoding="utf-8") == texts()[file], "run python -m ass_tune.spec.schema"


@pytest.mark.parametrize("schema", [json_schema(), pair_schema()], ids=["search space", "domain pair"])
def test_every_key_of_the_schema_is_described(schema: dict[str, Any]) -> None:
    parts = {"the file": schema, **schema["$defs"]}
    missing = [
        (part, key)
        for part, content in parts.items()
        for key, field in content["properties"].items()
        if "description" not in field and "const" not in field
    ]
    assert missing == []


def test_checking_a_file_imports_no_heavy_library() -> None:
    program = (
        "import json, pathlib, sys; from ass_tune.spec import load; from ass_tune.search.cells import cells; "
        "import ass_tune.search.identity; cells(load(pathlib.Path(sys.argv[1]))); "
        "print(json.dumps(sorted(set(sys.modules) & {'torch', 'ray', 'mlflow', 'optuna', 'pandas', 'scipy'})))"
    )
    path = REPOSITORY / "search_spaces" / "csa.yaml"
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []
