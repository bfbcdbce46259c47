"""A ledger that is read at once holds what Optuna makes of it line by line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, distribution_to_json
from optuna.storages.journal._storage import JournalOperation as Op
from optuna.trial import TrialState

from ass_tune.ledger import journal
from ass_tune.ledger.bulk_read import BulkReadStorage
from ass_tune.ledger.journal import Journal
from tests.support.journals import optunas, run_study, state

TIME = "2026-01-01T00:00:0{}.000001+00:00"
DISTRIBUTIONS = (
    FloatDistribution(0.1, 1.0, log=True),
    FloatDistribution(0.2, 0.9),
    CategoricalDistribution(("ga", "joint", None)),
    CategoricalDistribution(("ga", "csa", "fcsa")),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.journal"


def drawn(random: np.random.Generator) -> dict[str, Any]:
    """A line that Optuna may write, also of trials and studies that are not there, have ended or were deleted."""
    operation = Op(
        int(random.choice([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], p=[0.0244, 0.0006, *[0.03] * 2, 0.115, *[0.16] * 5]))
    )
    study, trial = {"study_id": int(random.integers(4))}, {"trial_id": int(random.integers(30))}
    attribute = {str(random.choice(["a", "b"])): [int(random.integers(9)), "é"]}
    ended = int(random.integers(5))
    kind = int(random.integers(len(DISTRIBUTIONS)))
    more: dict[Op, dict[str, Any]] = {
        Op.CREATE_STUDY: {"study_name": f"s{random.integers(3)}", "directions": [int(random.integers(1, 3))]},
        Op.DELETE_STUDY: study,
        Op.SET_STUDY_USER_ATTR: {**study, "user_attr": attribute},
        Op.SET_STUDY_SYSTEM_ATTR: {**study, "system_attr": attribute},
        Op.CREATE_TRIAL: {
            **study,
            "datetime_start": TIME.format(1),
            **({"state": int(TrialState.WAITING), "system_attrs": {"fixed": 1}} if random.random() < 0.3 else {}),
        },
        Op.SET_TRIAL_PARAM: {
            **trial,
            "param_name": str(random.choice(["x", "y"])),
            "param_value_internal": 0.5 if kind < 2 else int(random.integers(3)),
            "distribution": distribution_to_json(DISTRIBUTIONS[kind]),
        },
        Op.SET_TRIAL_STATE_VALUES: {
            **trial,
            "state": ended,
            "values": None if random.random() < 0.5 else [float(random.random())],
            ("datetime_start" if ended == TrialState.RUNNING else "datetime_complete"): TIME.format(2),
        },
        Op.SET_TRIAL_INTERMEDIATE_VALUE: {
            **trial,
            "step": int(random.integers(9)),
            "intermediate_value": float(random.choice([0.1, np.nan, np.inf])),
        },
        Op.SET_TRIAL_USER_ATTR: {**trial, "user_attr": attribute},
        Op.SET_TRIAL_SYSTEM_ATTR: {**trial, "system_attr": attribute},
    }
    return {"op_code": int(operation), "worker_id": str(random.choice(["v", "w"])), **more[operation]}


@pytest.mark.parametrize("seed", range(8))
def test_any_lines_mean_what_optuna_takes_them_for(path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_BULK", 1000)
    random = np.random.default_rng(seed)
    begin = {"op_code": int(Op.CREATE_STUDY), "worker_id": "w", "study_name": "s0", "directions": [2]}
    Journal(path).append_logs([begin, *(drawn(random) for _ in range(600))])
    ours, theirs = BulkReadStorage(Journal(path)), optunas(path)
    assert state(ours, times=True) == state(theirs, times=True)
    assert ours._replay_result.log_number_read == theirs._replay_result.log_number_read == 601
    assert len(repr(state(ours))) > 1000


def test_a_ledger_that_was_read_at_once_goes_on_as_any_other(path: Path) -> None:
    run_study(BulkReadStorage(Journal(path)))
    again = BulkReadStorage(Journal(path))
    trial = again.create_new_trial(0)
    again.set_trial_intermediate_value(trial, 1, 0.25)
    assert again.get_trial(trial).intermediate_values == {1: 0.25}
    assert state(again, times=True) == state(optunas(path), times=True)


def test_a_line_that_is_being_written_is_read_when_it_is_whole(path: Path) -> None:
    run_study(BulkReadStorage(Journal(path)))
    whole = path.read_bytes()
    half = whole.rfind(b"\n", 0, -1) + 20
    path.write_bytes(whole[:half])
    reader = BulkReadStorage(Journal(path, read_only=True))
    lines = whole.count(b"\n")
    assert reader._replay_result.log_number_read == lines - 1
    path.write_bytes(whole)
    assert state(reader, times=True) == state(optunas(path), times=True)


def test_a_changed_line_is_named_wherever_it_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_BULK", 500)
    run_study(BulkReadStorage(Journal(path)))
    lines = path.read_bytes().splitlines(keepends=True)
    for number in (0, 7, len(lines) - 1):
        changed = json.loads(lines[number]) | {"worker_id": "somebody"}
        path.write_bytes(b"".join([*lines[:number], json.dumps(changed).encode() + b"\n", *lines[number + 1 :]]))
        with pytest.raises(journal.LedgerDamaged, match=rf"line {number + 1}: damaged"):
            BulkReadStorage(Journal(path, read_only=True))
