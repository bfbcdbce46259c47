"""The examples of `docs/extending.md` as packages that are installed, outside the repository, and used by studies."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.examples import EXAMPLES
from tests.support.kills import kill_tree
from tests.support.project import PROJECT

PACKAGES = sorted({name.partition("/")[0] for name in EXAMPLES})
LINES = {"digits/ass_digits.py": 40, "entropy/ass_entropy.py": 60}


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the examples, and `site`, where pip has installed them."""
    folder = tmp_path_factory.mktemp("outside")
    for name, text in EXAMPLES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", folder / "site")
    command = [sys.executable, "-m", "pip", "install", *options, *(folder / name for name in PACKAGES)]
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    return folder


def environment(outside: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    return {**kept, "PYTHONPATH": os.pathsep.join([str(outside / "site"), str(PROJECT)]), **more}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "ass_tune.command", *map(str, arguments)]


def call(outside: Path, *arguments: object, code: int = 0) -> str:
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, cwd=outside, env=environment(outside), check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", LINES)
def test_an_example_is_short(name: str) -> None:
    assert len(EXAMPLES[name].rstrip().splitlines()) <= LINES[name]


def test_each_extension_point_has_an_example() -> None:
    from trainables.extensions import GROUPS

    named = {group for text in EXAMPLES.values() for group in re.findall(r'entry-points."(\S+)"', text)}
    assert named == set(GROUPS)


def test_what_is_installed_is_found_and_changes_no_key_of_other_studies(outside: Path) -> None:
    program = (
        "from ass_tune.spec import load; from ass_tune.search.cells import cells\n"
        "from ass_tune.search.identity import build_config, trial_key; from trainables.extensions import installed\n"
        "from ass_tune.ledger.terms import terms_of; import json\n"
        "for name in ('csa', 'smoke'):\n"
        "    spec = load(f'search_spaces/{name}.yaml')\n"
        "    keys = [trial_key(build_config(spec, plan.cell, {}, 0)) for plan in cells(spec)[0]]\n"
        "    print(name, keys, json.dumps(terms_of(spec)))\n"
        "print(sorted(found.name for found in installed()))"
    )
    with_them, without = (
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            cwd=PROJECT,
            env=environment(outside, **more),
        ).stdout.splitlines()
        for more in ({}, {"PYTHONPATH": str(PROJECT)})
    )
    assert with_them[:-1] == without[:-1]
    assert without[-1] == "[]"
    assert with_them[-1] == "['corners', 'digits', 'entropy', 'first_report', 'lines', 'noise']"


def test_a_plan_knows_the_settings_of_an_adaptor_only_where_it_is_used(outside: Path) -> None:
    plan = json.loads(call(outside, "plan", "entropy/entropy.yaml", "--step-time", "0.1", "--json"))
    assert {cell["cell"]: cell["tuned"] for cell in plan["cells"]} == {
        "adaptor=joint": [],
        "adaptor=entropy": ["lambda_entropy"],
    }
    told = call(outside, "plan", "entropy/entropy.yaml", "--set", "ablate.adaptor=[joint, ga]", code=2)
    assert "lambda_entropy" in told and "Traceback" not in told


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_study_of_accuracies_nowhere_says_miou(outside: Path) -> None:
    more = ("--set", "trackers=[lines]", "--set", "search.sampler=corners")
    said = call(outside, "run", "digits/digits.yaml", *more)
    assert "accuracy in percent" in said and "accuracy report" in said
    folder = outside / "studies" / "digits"
    pages = [path for path in folder.rglob("*") if path.suffix in {".html", ".csv", ".json", ".yaml", ".md", ".jsonl"}]
    assert {"report.html", "table.csv", "conclusions.json", "trials.jsonl"} <= {path.name for path in pages}
    for text in [said, *(path.read_text() for path in (*pages, folder / "outbox.jsonl") if path.is_file())]:
        assert not re.search("miou", text, re.IGNORECASE)
    with closing(sqlite3.connect(folder.parent / "mlflow.db")) as database:
        written = [line for line in database.iterdump() if re.search("miou", line, re.IGNORECASE)]
    assert not written
    artifacts = [path for path in (folder.parent / "mlartifacts").rglob("*") if path.is_file()]
    assert artifacts
    for path in artifacts:
        assert b"miou" not in path.read_bytes().lower(), path
    assert "ass_tune.trainables digits: ass-digits 1.0" in (folder / "tracking/environment.json").read_text()
    lines = (folder / "trackers/lines/trials.jsonl").read_text().splitlines()
    assert sum("finished" in line for line in lines) == 8
    again = call(outside, "run", "digits/digits.yaml", *more, "--no-report")
    assert "start    " not in again
    status = call(outside, "status", "digits/digits.yaml", *more)
    assert "best select accuracy" in status and "mIoU" not in status


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_trainable_passes_its_check(outside: Path) -> None:
    said = call(outside, "check-trainable", "digits")
    for check in (
        "configuration: ",
        "reports with ",
        "killed after ",
        "asked to end between ",
        "in the same process, ",
    ):
        assert re.search(f"^ok     .*{check}", said, re.MULTILINE), said
    assert said.count("ok     ") == 5


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_a_study_with_an_adaptor_that_is_killed_goes_on_to_the_same_table(outside: Path) -> None:
    options = ("--set", "search.trials_per_cell=1", "--no-report")
    killed = subprocess.Popen(
        command("run", "entropy/entropy.yaml", *options, "--studies", "killed"),
        cwd=outside,
        env=environment(outside),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert killed.stdout is not None
    next(line for line in killed.stdout if line.startswith("report"))
    kill_tree(killed.pid)
    killed.wait()
    call(outside, "run", "entropy/entropy.yaml", *options, "--studies", "killed")
    call(outside, "run", "entropy/entropy.yaml", *options, "--studies", "undisturbed")
    tables = [(outside / name / "entropy/tables/table.csv").read_text() for name in ("killed", "undisturbed")]
    assert tables[0] == tables[1]
    assert "best_lambda_entropy" in tables[0]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_study_on_images_of_a_package_with_its_pruner(outside: Path) -> None:
    pair = ("--set", "domains=noise", "--set", "study=noise", "--set", "prune={pruner: first_report, start: 0}")
    pruned = ("--set", "prune.arguments={lower: 100}", "--set", "prune.startup_trials=1")
    said = call(outside, "run", "entropy/entropy.yaml", *pair, *pruned, "--no-report")
    assert "pruned" in said
