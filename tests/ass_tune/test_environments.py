"""Whatever the environment says and whatever is wrong with a file, a command ends well or with one clear error."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from analysis.readers.folder import read_folder
from ass_tune.run import main
from tests.support.environments import VALUES
from tests.support.mutations import Case, cases
from tests.support.project import PROJECT
from tests.support.studies import Done, Studies
from tests.support.study_files import curves_file
from trainables.mistakes import ExitCode

LONGEST = 60.0
"""Seconds that a command may take."""
DRAWN = 160
SHIPPED = PROJECT / "search_spaces"
SETTINGS = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=DRAWN,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example),
)
FILE = curves_file(
    study="anywhere", ablate={"adaptor": ["joint", "ga"]}, train={"iterations": 40, "evaluate_every": 20}
)
SINGLE = [(name, value) for name, values in VALUES.items() for value in values]
LOOKS = {"plan": ("--plan", "--step-time", "0.01"), "status": ("--status",)}


def ended(environment: Mapping[str, str], *arguments: str) -> Done:
    """What a command prints and how it ends; an exception or a long wait fails the test."""
    out, err, begun = StringIO(), StringIO(), time.monotonic()
    with patch.dict(os.environ, environment), redirect_stdout(out), redirect_stderr(err):
        try:
            code = int(main(list(arguments)))
        except SystemExit as wrong_arguments:
            code = int(wrong_arguments.code or 0)
    assert time.monotonic() - begun < LONGEST
    return check(Done(list(arguments), code, out.getvalue(), err.getvalue()))


def check(done: Done) -> Done:
    """It ended well, or said on standard error what is wrong."""
    assert done.returncode in set(ExitCode) - {ExitCode.INTERRUPTED}, done
    assert "Traceback" not in done.stdout + done.stderr
    assert "s3cret" not in done.stdout + done.stderr
    assert done.returncode == ExitCode.FINISHED or (done.stdout + done.stderr).strip(), done
    return done


@pytest.mark.chaos
@pytest.mark.parametrize("look", LOOKS)
def test_every_environment_is_served_or_refused(look: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.yaml").write_text(FILE)
    assert 2 * len(SINGLE) + DRAWN >= 300
    found: Counter[int] = Counter()
    for name, value in SINGLE:
        done = ended({name: value}, "x.yaml", *LOOKS[look], "--json")
        found[done.returncode] += 1
        if done.returncode == ExitCode.FINISHED:
            assert json.loads(done.stdout)["study"] == "anywhere", (name, value)
        else:
            assert name == "ASS_LEDGER", (name, value, done.stderr)
            assert done.stderr.startswith("the ledger "), done.stderr
            assert len(done.stderr.splitlines()) == 1
    assert found[ExitCode.FINISHED] > found[ExitCode.USER_MISTAKE]
    assert {path.name for path in tmp_path.iterdir()} <= {"x.yaml", "relative", "ledger.journal"}


environments = st.dictionaries(st.sampled_from(tuple(VALUES)), st.integers(0, 99), max_size=4).map(
    lambda drawn: {name: VALUES[name][number % len(VALUES[name])] for name, number in drawn.items()}
)


@pytest.mark.chaos
def test_broken_files_in_odd_environments_are_planned_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for shipped in SHIPPED.glob("*.yaml"):  # some extend others
        shutil.copy(shipped, tmp_path)
    found: Counter[int] = Counter()

    @given(cases(SHIPPED), environments)
    @SETTINGS
    def look(case: Case, environment: dict[str, str]) -> None:
        Path("self.yaml").write_bytes(case.content)
        overrides = [word for override in case.overrides for word in ("--set", override)]
        found[ended(environment, "self.yaml", *overrides, *LOOKS["plan"]).returncode] += 1

    look()
    assert found[ExitCode.FINISHED] > DRAWN / 20
    assert found[ExitCode.USER_MISTAKE] > DRAWN / 4


REAL = (
    {"COLUMNS": "1", "TERM": "dumb", "LANG": "C", "OMP_NUM_THREADS": "many"},
    {"RAY_ADDRESS": "127.0.0.1:9", "CUDA_VISIBLE_DEVICES": "99", "HOME": "/nowhere", "TZ": "Nowhere/Nothing"},
)


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.ray
@pytest.mark.timeout(900)
@pytest.mark.parametrize("environment", REAL, ids=str)
def test_a_study_in_an_odd_environment_loses_no_record(
    environment: dict[str, str], tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.yaml").write_text(FILE)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    studies = Studies(tmp_path)
    (tmp_path / "mlflow.db").write_bytes(migrated.read_bytes())
    done = check(studies.run_alone(tmp_path / "x.yaml"))
    assert done.returncode == ExitCode.FINISHED, done.stdout
    begun = [trial for trials in studies.ledger("anywhere").values() for trial in trials if "key" in trial.user_attrs]
    assert len(begun) == 2 * (2 + 1)
    recorded = read_folder(tmp_path / "anywhere").frame
    assert len(recorded) == len(studies.runs("anywhere")) == len(begun)
    assert set(recorded["outcome"]) == {"finished"}
