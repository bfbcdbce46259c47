"""Whatever somebody writes into a search-space file, it is a study or it gets a clear error, at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from ass_tune.plan.study_plan import make_plan
from ass_tune.search.cells import cells
from ass_tune.search.identity import build_config, trial_key
from ass_tune.search.pruners import make_pruner
from ass_tune.search.samplers import make_sampler
from ass_tune.search.suggest import suggest
from ass_tune.spec import SpecErrors, StudySpec, load
from ass_tune.spec.pair_loading import load_pair
from ass_tune.terminal.plan_pairs import left_out_lines
from ass_tune.terminal.plan_view import plan_tables
from tests.support.mutations import PAIR_MUTATIONS, Case, cases
from tests.support.project import PROJECT
from tests.support.studies import Studies
from trainables.domains.pair_file import PairFile
from trainables.domains.pairs import define, definition, find_pair, recipe_version
from trainables.domains.recipe import MissingData
from trainables.domains.shipped import FOLDER as PAIRS_FOLDER

LONGEST = 2.0
"""Seconds of CPU time that reading a file may take."""
SHIPPED = PROJECT / "search_spaces"
SETTINGS = settings(
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=False,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example),
)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a broken file is written: beside the shipped ones, and others that it may extend."""
    for shipped in SHIPPED.glob("*.yaml"):
        (tmp_path / shipped.name).write_bytes(shipped.read_bytes())
    (tmp_path / "cycle.yaml").write_text("extends: self.yaml\n")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    monkeypatch.chdir(tmp_path)
    return Path("self.yaml")


def outcome(file: Path, case: Case) -> str:
    """`study` or `refused`; everything else fails."""
    file.write_bytes(case.content)
    begun = time.process_time()
    try:
        spec = load(file, case.overrides)
    except SpecErrors as errors:
        assert time.process_time() - begun < LONGEST
        check_message(errors)
        return "refused"
    assert time.process_time() - begun < LONGEST
    check_study(spec)
    return "study"


def check_message(errors: SpecErrors) -> None:
    """Every mistake is one line that names its file or override, and does nothing else to a terminal."""
    lines = str(errors).splitlines()
    assert len(lines) == min(len(errors.errors), 51) > 0
    for line in lines[:50]:
        assert line.isprintable()
        assert len(line) < 1000
        assert line.startswith("--set ") or line.partition(":")[0].endswith(".yaml")
        assert "Traceback" not in line and "pydantic" not in line


def check_study(spec: StudySpec) -> None:
    """What was accepted can be planned and begun."""
    kept, left_out = cells(spec)
    plan = make_plan(spec, None, measure=False)
    assert len(plan_tables(plan, 80)) == 3 + len(left_out_lines(plan)) and bool(left_out_lines(plan)) == bool(left_out)
    assert len({each.cell.name for each in (*kept, *left_out)}) == len(kept) + len(left_out)
    pruner = make_pruner(spec)
    for each in kept[:2]:
        search = spec.search
        sampler = make_sampler(search.sampler, search.arguments, search.seed, each.cell.name, 0)
        trial = optuna.create_study(sampler=sampler, pruner=pruner).ask()
        config = build_config(spec, each.cell, suggest(trial, each.space), spec.replicate.seeds[0])
        assert len(trial_key(config)) == 16


def fuzz(file: Path, examples: int) -> Counter[str]:
    found: Counter[str] = Counter()

    @given(cases(SHIPPED))
    @settings(SETTINGS, max_examples=examples)
    def check(case: Case) -> None:
        found[outcome(file, case)] += 1

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    check()
    assert not list(file.parent.glob("BROKEN")), "a file ran a command"
    assert found["study"] > examples / 20
    assert found["refused"] > examples / 4
    return found


@pytest.mark.chaos
def test_sixty_broken_files_are_studies_or_refused(file: Path) -> None:
    fuzz(file, 60)


@pytest.mark.chaos
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_thousand_broken_files_are_studies_or_refused(file: Path) -> None:
    print(fuzz(file, 1000))


def pair_outcome(file: Path, case: Case) -> str:
    """`pair` or `refused`; everything else fails. A pair that was accepted can look for its files."""
    file.write_bytes(case.content)
    begun = time.process_time()
    try:
        pair = load_pair(file)
    except SpecErrors as errors:
        assert time.process_time() - begun < LONGEST
        check_message(errors)
        return "refused"
    assert time.process_time() - begun < LONGEST
    recipe = find_pair(name := define(pair))
    assert PairFile.model_validate(definition(name)).digest() == pair.digest()
    assert len(recipe_version(name)) == 16
    with pytest.raises(MissingData):
        recipe.check(file.absolute().parent / "nowhere")
    return "pair"


def fuzz_pairs(file: Path, examples: int) -> None:
    found: Counter[str] = Counter()

    @given(cases(PAIRS_FOLDER, PAIR_MUTATIONS))
    @settings(SETTINGS, max_examples=examples)
    def check(case: Case) -> None:
        found[pair_outcome(file, case)] += 1

    for shipped in PAIRS_FOLDER.glob("*.yaml"):
        (file.parent / shipped.name).write_bytes(shipped.read_bytes())
    check()
    assert not list(file.parent.glob("BROKEN")), "a file ran a command"
    assert found["pair"] > examples / 20
    assert found["refused"] > examples / 4


@pytest.mark.chaos
def test_sixty_broken_pair_files_are_pairs_or_refused(file: Path) -> None:
    fuzz_pairs(file, 60)


@pytest.mark.chaos
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_thousand_broken_pair_files_are_pairs_or_refused(file: Path) -> None:
    fuzz_pairs(file, 1000)


CURVES = b"""\
study: s
trainable: curves
domains: synthetic
profile: synthetic
ablate: {adaptor: [ga, joint]}
train: {iterations: 40, evaluate_every: 10}
"""
LAUGHS = b"a0: &a0 [1]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 9)
)
COMMANDS = {
    "a study": (CURVES, (), ""),
    "a study with an override": (CURVES, ("--set", "train.iterations=80"), ""),
    "bytes that are no text": (CURVES + b"\xff\xfe", (), "x.yaml:7: found the byte 0xff"),
    "billions of values": (CURVES + LAUGHS, (), "found aliases that unfold"),
    "a command": (CURVES + b"protocol: !!python/object/apply:os.system [touch BROKEN]", (), "x.yaml:7: found the tag"),
    "an expression": (CURVES + b"fixed: {lr: __import__('os').mkdir('BROKEN')}", (), "x.yaml:7: fixed.lr: found"),
    "a study elsewhere": (CURVES, ("--set", "study=../BROKEN"), "--set study: found '../BROKEN'"),
    "an override that is no text": (CURVES, ("--set", os.fsdecode(b"study=\xff")), "--set study: found the character"),
    "an override of everything": (CURVES, ("--set", "=" * 1000), "--set : found '====="),
    "itself": (b"extends: x.yaml", (), "x.yaml:1: extends: found a cycle"),
    "another user's file": (b"extends: /etc/passwd", (), "x.yaml:1: extends: found '/etc/passwd'"),
    "nothing": (b"", (), "x.yaml:1: found an empty file"),
}


def test_a_cell_is_shown_by_the_name_that_the_file_gives_it(
    studies: Studies, write_file: Callable[[str], Path]
) -> None:
    odd = "[/bold]$\\frac{a$:smile:|[red]"
    cells = f"ablate: {{adaptor: [ga], labeled_images: [5], backbone_weights: [none, '{odd}']}}"
    head = (SHIPPED / "smoke.yaml").read_text().partition("ablate:")[0]
    file = write_file(f"{head}{cells}\ntrain: {{iterations: 20, evaluate_every: 10}}\n")
    done = studies.run(file, "--status")
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["adaptor", "labels", "weights"] in [row[:3] for row in rows]
    assert ["ga", "5", odd] in [row[:3] for row in rows]


@pytest.mark.chaos
@pytest.mark.parametrize(("content", "arguments", "message"), COMMANDS.values(), ids=COMMANDS.keys())
def test_the_command_plans_a_file_or_says_what_is_wrong(
    content: bytes, arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    (tmp_path / "x.yaml").write_bytes(content)
    command = [sys.executable, "-m", "ass_tune.run", "x.yaml", "--plan", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stdout + done.stderr
    assert (done.returncode, done.stdout == "") == ((2, True) if message else (0, False))
    assert message in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["x.yaml"]
