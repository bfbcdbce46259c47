"""Which edits of the code give a trial another key: those that may change its outcome, and no others."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
TRIALS = ("streets", "idda-camvid", "gta5-cityscapes", "synthia-cityscapes", "curves")
METHOD, STREETS, CURVES = frozenset(TRIALS[:4]), frozenset({"streets"}), frozenset({"curves"})
FROM_IDDA, FROM_SYNTHIA = frozenset({"idda-camvid"}), frozenset({"synthia-cityscapes"})
FROM_GTA5 = frozenset({"gta5-cityscapes"})

Edit = Callable[[Path], None]

# one process for all trees: what is slow to import is imported once
PRINT_KEYS = """
import importlib, json, sys

def keys():
    from ass_tune.search.identity import trial_key
    from trainables.ass.config import AssConfig
    from trainables.curves import CurvesConfig
    study = {"profile": "p", "seed": 0, "iterations": 4, "evaluate_every": 2}
    method = {**study, **AssConfig.profiles()["laptop"], "adaptor": "ga+csa", "labeled_images": 5}
    found = {name: trial_key(AssConfig(**method, domains=name)) for name in sys.argv[1].split(",")[:-1]}
    return {**found, "curves": trial_key(CurvesConfig(**study, domains="synthetic"))}

printed = {}
for tree in sys.argv[2:]:
    for name in [name for name in sys.modules if name.partition(".")[0] in ("trainables", "ass_tune", "analysis")]:
        del sys.modules[name]
    sys.path.insert(0, tree)
    importlib.invalidate_caches()
    printed[tree] = keys()
    assert sys.modules["trainables"].__file__.startswith(tree), sys.modules["trainables"].__file__
    sys.path.remove(tree)
assert "torch" not in sys.modules
print(json.dumps(printed))
"""


def replace(file: str, old: str, new: str) -> Edit:
    """Replace one piece of a file's text; fails where the file does not have it."""

    def edit(tree: Path) -> None:
        path = tree / "trainables" / file
        text = path.read_text()
        assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
        path.write_text(text.replace(old, new))

    return edit


def append(file: str, text: str) -> Edit:
    """Add text to the end of a file, which may be a new one."""

    def edit(tree: Path) -> None:
        with (tree / "trainables" / file).open("a") as stream:
            stream.write(text)

    return edit


def move(name: str, folder: str, new_name: str) -> Edit:
    """Move a module of `trainables/domains` into a new folder, and mend every import and every mention of it."""

    def edit(tree: Path) -> None:
        domains = tree / "trainables" / "domains"
        (domains / folder).mkdir(exist_ok=True)
        (domains / folder / "__init__.py").touch()
        (domains / f"{name}.py").rename(domains / folder / f"{new_name}.py")
        for file in (tree / "trainables").rglob("*.py"):
            text = re.sub(rf"\bdomains\.{name}\b", f"domains.{folder}.{new_name}", file.read_text())
            file.write_text(re.sub(r"^from trainables\.domains import (.*)$", mended, text, flags=re.MULTILINE))

    def mended(statement: re.Match[str]) -> str:
        names = statement[1].split(", ")
        if name not in names:
            return statement[0]
        others = ", ".join(other for other in names if other != name)
        moved = f"from trainables.domains.{folder} import {new_name} as {name}"
        return f"from trainables.domains import {others}\n{moved}" if others else moved

    return edit


SAME = {
    "a file of the data is moved": move("image_files", "photographs", "pictures"),
    "the file of all draws is moved": move("sampling", "draws", "drawn"),
    "a file that only one pair reads is moved": move("synthia", "rendered", "unity"),
    "a comment": append("ass/csa.py", "\n# a remark\n"),
    "a docstring": replace("ass/csa.py", '"""D_s of two 1x1 convolutions', '"""The D_s of two 1x1 convolutions'),
    "an error's message": replace("domains/sampling.py", "no images to draw from in", "nothing to draw from in"),
    "a message about absent files": replace("domains/missing.py", "is not complete in", "lacks files in"),
    "a message about a wrong configuration": replace("ass/config.py", "there are no ImageNet weights", "no weights"),
    "what is said to be expected": replace("domains/expected_files.py", "their label maps, ids", "label maps, ids"),
    "a type hint": replace("ass/crops.py", "labels: Rows", "labels: Any"),
    "a comment in a pair file": append("domains/shipped/idda-camvid.yaml", "\n# a remark\n"),
    "a colour of pictures": replace("domains/shipped/idda-camvid.yaml", "sky: [128, 128, 128]", "sky: [9, 9, 9]"),
    "how many images were published": replace("domains/shipped/idda-camvid.yaml", "published: 600", "published: 599"),
    "a new module": append("domains/streets/weather.py", "RAIN = 0.5\n"),
    "a new module of the method": append("ass/mixing.py", "def mix(a, b):\n    return a + b\n"),
    "a new profile": replace("ass/profiles.py", '"laptop": LAPTOP,', '"small": LAPTOP, "laptop": LAPTOP,'),
    "another size of panels": replace("panel.py", "MIN_WIDTH = 256", "MIN_WIDTH = 128"),
}
OTHER: dict[str, tuple[Edit, frozenset[str]]] = {
    "the choice of the split is inverted": (
        replace("ass_trainable.py", '= settings.protocol == "paper"', '= settings.protocol != "paper"'),
        METHOD,
    ),
    "a crop": (replace("ass/crops.py", "offset : offset + self.width", "0 : self.width"), METHOD),
    "a loss": (replace("ass/segmentation.py", 'reduction="sum") / valid', 'reduction="mean")'), METHOD),
    "a network": (replace("ass/networks/small.py", "dilation=4", "dilation=2"), METHOD),
    "the mIoU": (replace("ass/metrics.py", "np.nanmean(iou)", "np.nanmedian(iou)"), METHOD),
    "which images are trained on": (replace("domains/sampling.py", "images - held_out", "images"), frozenset(TRIALS)),
    "which set is the report split": (
        replace("domains/domain_pair.py", '_open("target_report")', '_open("target_select")'),
        METHOD,
    ),
    "a mapping of SYNTHIA's labels": (
        replace("domains/shipped/synthia16-cityscapes.yaml", "rider: 17", "rider: [17, 22]"),
        FROM_SYNTHIA,
    ),
    "a mapping of IDDA's labels": (
        replace("domains/shipped/idda-camvid.yaml", "fence: 2\n", "fence: [2, 14]\n"),
        FROM_IDDA,
    ),
    "how many images are held out": (
        replace("domains/shipped/gta5-cityscapes.yaml", "last 359 of 2975", "last 300 of 2975"),
        FROM_GTA5,
    ),
    "how images are read": (
        replace("domains/image_files.py", "mask.paste(0,", "mask.paste(1,"),
        METHOD - STREETS,
    ),
    "how SYNTHIA's label maps are read": (
        replace("domains/synthia.py", "ids = channels[0]", "ids = channels[1]"),
        FROM_SYNTHIA,
    ),
    "how Streets is drawn": (
        replace("domains/streets/objects.py", "rng.random() < 0.7", "rng.random() < 0.8"),
        STREETS,
    ),
    "a parameter of Streets": (
        replace("domains/streets/recipe.py", "jitter=18.0", "jitter=19.0"),
        STREETS,
    ),
    "a synthetic curve": (replace("learning_curve.py", "30.0 +", "31.0 +"), CURVES),
}


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, frozenset[str]]:
    """For each edit, in a copy of the code, the trials that it gives another key."""
    folder = tmp_path_factory.mktemp("trees")
    edits: dict[str, Edit] = {"none": lambda tree: None, **SAME, **{name: edit for name, (edit, _) in OTHER.items()}}
    trees = {name: folder / str(number) for number, name in enumerate(edits)}
    for name, tree in trees.items():
        shutil.copytree(PROJECT / "trainables", tree / "trainables")  # with what Python compiled of it before
        for package in ("ass_tune", "analysis"):  # beside it, where both look for it
            (tree / package).symlink_to(PROJECT / package)
        edits[name](tree)
    command = [sys.executable, "-c", PRINT_KEYS, ",".join(TRIALS), *map(str, trees.values())]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    keys = json.loads(done.stdout)
    found = {name: keys[str(tree)] for name, tree in trees.items()}
    assert len(set(found["none"].values())) == len(TRIALS)
    return {name: frozenset(trial for trial in TRIALS if found[name][trial] != found["none"][trial]) for name in edits}


@pytest.mark.parametrize("edit", SAME)
def test_no_key_changes_with(edit: str, changed: dict[str, frozenset[str]]) -> None:
    assert changed[edit] == frozenset()


@pytest.mark.parametrize("edit", OTHER)
def test_the_keys_of_the_trials_concerned_change_with(edit: str, changed: dict[str, frozenset[str]]) -> None:
    assert changed[edit] == OTHER[edit][1]
