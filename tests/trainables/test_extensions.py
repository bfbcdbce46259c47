"""What installed packages add: found by name, imported only when it is used, and never in the way of anything else."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ass_tune.search.identity import trial_key
from tests.support.packages import Packages
from trainables.curves import CurvesConfig
from trainables.extensions import BrokenExtension, extensions
from trainables.registry import TRAINABLES

GROUP = "ass_tune.trainables"
MINE = """
from trainables.trainable import Field, Objective, Settings, Trainable

class Mine(Trainable):
    class Settings(Settings):
        objective = Objective(name="accuracy", metric="accuracy", unit="%")
        DECIDES = ("mine_helper",)
        lr: float = Field(default=0.1, gt=0)

    def setup(self): self.at = 0.0
    def train(self, until): self.at = float(until)
    def evaluate(self, split): return self.at
    def state_dict(self): return {"at": self.at}
    def load_state_dict(self, state): self.at = state["at"]
"""
STUDY = {"domains": "default", "profile": "default", "seed": 0, "iterations": 4, "evaluate_every": 2}
CURVES = CurvesConfig(**{**STUDY, "domains": "synthetic"})


def mine(packages: Packages, helper: str = "STEP = 1\n", text: str = MINE) -> None:
    packages.install("ass-mine", GROUP, {"mine": "mine:Mine"}, mine=text, mine_helper=helper)


def test_a_trainable_of_a_package_is_known_by_its_name(packages: Packages) -> None:
    mine(packages)
    assert list(TRAINABLES) == ["ass", "curves", "mine"]
    assert TRAINABLES["mine"].config.tunable() == ("lr",)
    extension = extensions(GROUP)["mine"]
    assert (extension.package, extension.version) == ("ass-mine", "1.0")
    config = TRAINABLES["mine"].config(**STUDY)
    assert TRAINABLES.name_of(type(config)) == "mine"


def test_looking_for_names_imports_nothing(packages: Packages) -> None:
    packages.install("ass-bad", GROUP, {"bad": "bad:Mine"}, bad="raise RuntimeError('imported')")
    assert "bad" in TRAINABLES and "bad" not in sys.modules


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise RuntimeError('no GPU\\nhere')", "importing bad:Mine fails with RuntimeError: no GPU here"),
        ("import nothing_of_this_name", "importing bad:Mine fails with ModuleNotFoundError"),
        ("x = 1", "importing bad:Mine fails with AttributeError"),
        ("Mine = 3", "bad:Mine is 3; allowed: a class that extends trainables.trainable.Trainable"),
        (MINE.replace("        objective =", "        another: object ="), "Mine.Settings.objective is missing"),
        (MINE.replace("def train", "def trains"), "Mine.train is missing"),
        ("raise SystemExit(3)", "fails with SystemExit: 3"),
    ],
)
def test_a_broken_package_is_one_error_that_names_it(packages: Packages, text: str, said: str) -> None:
    packages.install("ass-bad", GROUP, {"bad": "bad:Mine"}, bad=text)
    with pytest.raises(BrokenExtension) as broken:
        _ = TRAINABLES["bad"].config
    assert str(broken.value).startswith("trainable 'bad' of package ass-bad 1.0 cannot be used: ")
    assert said in str(broken.value)
    assert "\n" not in str(broken.value)


def test_two_packages_with_one_name_are_an_error_when_it_is_used(packages: Packages) -> None:
    mine(packages)
    packages.install("ass-other", GROUP, {"mine": "mine:Mine"})
    with pytest.raises(BrokenExtension, match="ass-other has a 'mine' as well; uninstall all but one of them"):
        _ = TRAINABLES["mine"].config


def test_a_package_takes_no_name_of_ours(packages: Packages) -> None:
    packages.install("ass-bad", GROUP, {"curves": "bad:Mine"}, bad="raise RuntimeError")
    assert list(TRAINABLES) == ["ass", "curves"]
    assert TRAINABLES["curves"].config is CurvesConfig


def test_what_is_installed_changes_no_key(packages: Packages) -> None:
    before = trial_key(CURVES)
    mine(packages)
    _ = TRAINABLES["mine"].config
    packages.install("ass-bad", GROUP, {"bad": "bad:Mine"}, bad="raise RuntimeError")
    assert trial_key(CURVES) == before


def key_elsewhere(packages: Packages) -> str:
    program = (
        "from trainables.registry import TRAINABLES; from ass_tune.search.identity import trial_key\n"
        f"print(trial_key(TRAINABLES['mine'].config(**{STUDY!r})))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_declared_modules_of_a_package_are_in_its_keys_and_no_comment_is(packages: Packages) -> None:
    mine(packages)
    before = key_elsewhere(packages)
    (packages.folder / "mine_helper.py").write_text("# a remark\nSTEP = 1\n")
    assert key_elsewhere(packages) == before
    (packages.folder / "mine_helper.py").write_text("STEP = 2\n")
    changed = key_elsewhere(packages)
    (packages.folder / "mine.py").write_text(MINE.replace("float(until)", "float(until) + 1"))
    assert len({before, changed, key_elsewhere(packages)}) == 3
