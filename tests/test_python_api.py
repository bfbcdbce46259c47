"""The example of docs/python_api.md, as a script and in a notebook."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nbformat
import papermill
import pytest
import ray

import ass_tune
from tests.support.project import PROJECT
from trainables.mistakes import ExitCode, UserMistake

PAGE = (PROJECT / "docs/python_api.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
(FILE,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "smoke.yaml").write_text(FILE)
    (tmp_path / "studies").mkdir()
    shutil.copy(migrated, tmp_path / "studies/mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@pytest.mark.slow
def test_the_example_runs_in_a_notebook(folder: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(part) for part in EXAMPLE.split("\n\n")])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "example.ipynb")
    papermill.execute_notebook(folder / "example.ipynb", folder / "done.ipynb", cwd=folder, progress_bar=False)
    cells = nbformat.read(folder / "done.ipynb", 4).cells
    said = "".join(output.get("text", "") for cell in cells for output in cell.get("outputs", ()))
    assert "2 tuning trials and 6 replicates in 3 cells" in said
    assert f"FINISHED {folder / 'studies/smoke'}" in said
    assert "8 trials ended" in said
    assert "reports/smoke/report.html" in said
    assert (folder / "reports/smoke/report.html").is_file()

    again = ass_tune.run(
        ass_tune.load_space("smoke", ["train.iterations=40", "search.trials_per_cell=2"]), report=False
    )
    assert again.ended is ExitCode.FINISHED
    assert len(again.table) == 3


def test_what_a_user_can_mend_is_an_exception(folder: Path) -> None:
    space = ass_tune.load_space("smoke")
    with pytest.raises(UserMistake, match="another name"):
        ass_tune.run(space, ledger="sqlite:///ledger.db", fresh=True)
    assert not (folder / "studies/smoke").exists()


def test_the_readme_shows_lines_of_the_example() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert [line for line in block.splitlines() if line and line not in EXAMPLE] == []


def test_a_ray_that_already_runs_in_the_process_is_left_alone(folder: Path) -> None:
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
    try:
        with pytest.raises(UserMistake, match="Ray already runs in this process"):
            ass_tune.run(ass_tune.load_space("smoke"), report=False)
        assert ray.is_initialized()
    finally:
        ray.shutdown()
