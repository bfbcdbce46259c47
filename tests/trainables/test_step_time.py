"""What a trial costs, measured on real ones."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from trainables.ass.config import AssConfig
from trainables.ass_memory import trial_bytes
from trainables.ass_trainable import AssTrainable
from trainables.contract import TrialTask
from trainables.step_time import main, measure

pytestmark = pytest.mark.costly


def request(profile: str, domains: str, **changes: Any) -> dict[str, Any]:
    lengths = {"iterations": 6, "evaluate_every": 2}
    chosen = {"domains": domains, "profile": profile, "seed": 0, "adaptor": "ga+csa", "labeled_images": 5}
    return {**AssConfig.profiles()[profile], **chosen, **lengths, **changes}


def test_the_bytes_of_a_running_trial_are_those_of_one_checkpoint_of_which_it_has_two(tmp_path: Path) -> None:
    config = AssConfig(**request("laptop", "streets")).model_dump(mode="json")
    measured = measure("ass", config, threads=1, data_root=None)
    assert measured["device_bytes"] == trial_bytes(AssConfig(**config))
    task = TrialTask(trainable="ass", key="key", config=config, storage=str(tmp_path))
    trial = AssTrainable(config=task.model_dump())
    for _ in range(2):
        trial.train()
    sizes = [path.stat().st_size for path in (tmp_path / "checkpoints" / "key").iterdir()]
    assert sizes == [measured["running_bytes"]] * 2


def test_where_there_is_no_data_the_answer_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {"trainable": "ass", "config": request("laptop-real", "idda-camvid"), "threads": 1, "data_root": None}
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps([asked])))
    main()
    answer = json.loads(capsys.readouterr().out)
    assert answer.keys() == {"mistake"}
    assert "idda-camvid" in answer["mistake"]
    assert "--data-root" in answer["mistake"]
