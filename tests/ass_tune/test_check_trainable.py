"""What `ass-tune check-trainable` says of trainables that are wrong; a right one is in `tests/test_extending.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from ass_tune.check_trainable import _checked, _parse, main
from tests.support.packages import Packages
from tests.support.tiny_airsim import write_tiny_airsim
from tests.trainables.test_extensions import MINE, mine
from trainables.check_trial import results
from trainables.domains import pairs
from trainables.mistakes import ExitCode

KEEPS = (
    MINE.replace("def setup(self): self.at = 0.0", "seen = []\n    def setup(self): pass")
    .replace("self.at = float(until)", "self.seen.append(until); self.at = float(len(self.seen))")
    .replace('self.at = state["at"]', 'self.at = state["at"]; self.seen[:] = range(int(self.at))')
)
BROKEN = {
    "state is lost": (
        MINE.replace("def setup(self): self.at = 0.0", "def setup(self): self.at = 0.0; self.n = 0")
        .replace("self.at = float(until)", "self.n += 1; self.at = float(self.n)")
        .replace('self.at = state["at"]', "pass"),
        "killed after its first report and started again: select/accuracy at iteration 4 differs",
    ),
    "state is kept in the class": (KEEPS, "after another trial in its process: select/accuracy at iteration 2 differs"),
    "another metric": (
        MINE.replace("return self.at\n", 'return {"accurracy": self.at}\n'),
        "Mine.evaluate('select'): found accurracy; allowed: accuracy, alone or among other metrics",
    ),
    "it raises": (MINE.replace("self.at = 0.0", "1 / 0"), "ZeroDivisionError: division by zero"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN)
def test_the_first_thing_that_is_wrong_is_named(
    name: str, packages: Packages, capsys: pytest.CaptureFixture[str]
) -> None:
    text, said = BROKEN[name]
    mine(packages, text=text)
    assert main(["mine"]) is ExitCode.INCOMPLETE
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nine"], "trainable: found 'nine'; allowed: ass, curves, mine; did you mean 'mine'?"),
        (["mine", "--set", "rl=1"], "--set: found 'rl'; allowed: lr"),
        (["mine", "--set", "lr"], "--set: found lr; allowed: FIELD=VALUE"),
        (["mine", "--set", "lr=-1"], "lr: Input should be greater than 0; give a value with --set lr=VALUE"),
        (["mine", "--profile", "x"], "--profile: found 'x'; allowed: default"),
        (["mine", "--domains", "x"], "--domains: found 'x'; allowed: default"),
        (["ass", "--domains", "street"], "--domains: found 'street'; allowed: streets, "),
        (["ass", "--domains", "absent.yaml"], "absent.yaml: found no file 'absent.yaml'; allowed: a pair file"),
        (["ass", "--profile", "laptop"], "adaptor: Field required; give a value with --set adaptor=VALUE"),
        (
            ["ass", "--profile", "laptop", "--set", "adaptor=csa", "--set", "labeled_images=0"],
            "this combination means nothing: csa aligns classes",
        ),
    ],
)
def test_a_mistake_is_one_message(
    arguments: list[str], said: str, packages: Packages, capsys: pytest.CaptureFixture[str]
) -> None:
    mine(packages)
    assert main(arguments) is ExitCode.USER_MISTAKE
    assert said in capsys.readouterr().err


def test_a_pair_file_is_known_to_the_process_of_a_trial(tmp_path: Path) -> None:
    pair_file = write_tiny_airsim(tmp_path / "data")
    checks = ["ass", "--domains", str(pair_file), "--data-root", str(tmp_path / "data")]
    chosen = {"adaptor": "joint", "labeled_images": 4, "source_batch": 2, "labeled_batch": 2}
    checked = _checked(_parse([*checks, *(f"--set={name}={value}" for name, value in chosen.items())], "x"), tmp_path)
    task = checked.task("trial", iterations=1, evaluate_every=1)
    known = pairs._defined.pop(checked.config.domains)
    assert not pairs.is_known(checked.config.domains)
    (result,) = results([task])
    assert result["final"] and known.definition.pair == "airsim-photos"
