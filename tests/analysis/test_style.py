"""The look of figures, and where they may be drawn."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.project import PROJECT

WHILE_IMPORTED = """
import sys, threading, time
from analysis.style import new_figure
importing = threading.Thread(target=lambda: __import__("IPython"))
importing.start()
while "IPython" not in sys.modules:
    time.sleep(0.01)
new_figure()
importing.join()
"""


def test_a_figure_is_drawn_while_another_thread_imports_ipython(tmp_path: Path) -> None:
    (tmp_path / "IPython").mkdir()
    (tmp_path / "IPython/__init__.py").write_text("import time; time.sleep(0.5); version_info = (9, 0, 0)")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{PROJECT}"}
    done = subprocess.run(
        [sys.executable, "-c", WHILE_IMPORTED], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
