from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[3] / "trainables"


def version(root: Path) -> str:
    code = "from trainables.ass.version import code_version; print(code_version())"
    return subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True).stdout


def test_the_version_changes_with_code_and_not_with_comments(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "trainables", ignore=shutil.ignore_patterns("__pycache__"))
    before = version(tmp_path)
    csa = tmp_path / "trainables" / "ass" / "csa.py"
    csa.write_text(csa.read_text() + "\n# a remark\n")
    assert version(tmp_path) == before
    csa.write_text(csa.read_text() + "\nSLOPE = 0.1\n")
    assert version(tmp_path) != before
