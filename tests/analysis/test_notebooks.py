"""The notebooks, as git has them and as they run."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest

from analysis.load import load_study
from analysis.statistics.gains import Judged
from analysis.table import as_people_read, table_rows

pytestmark = pytest.mark.costly

FOLDER = Path(__file__).parents[2] / "analysis/notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
FIGURES = {
    "01_ablation_table": 2,
    "02_hyperparameters": 1,
    "03_learning_and_pruning": 2,
    "04_predictions": 4,
    "05_paper_comparison": 0,
}
"""On the exported study, with its three numbers of labeled images."""


def test_there_are_five() -> None:
    assert [path.stem for path in NOTEBOOKS] == list(FIGURES)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_git_has_no_outputs_and_every_study_can_be_named(path: Path) -> None:
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    (parameters,) = [cell for cell in code if "parameters" in cell.metadata.get("tags", [])]
    assigned = {target.id: node.value.value for node in ast.parse(parameters.source).body for target in node.targets}  # type: ignore
    assert assigned == {"study": "table1_streets", "tracking_uri": None}


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_runs_by_itself(path: Path, tmp_path: Path) -> None:
    assert outputs_of(executed(path, tmp_path))


@pytest.mark.slow
def test_all_of_them_run_on_the_export_without_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    done = executed(all_in_one(tmp_path), tmp_path)
    figures = dict.fromkeys(FIGURES, 0)
    for path in NOTEBOOKS:
        cells = [cell for cell in done if cell.id.startswith(f"{path.stem[:2]}-")]
        figures[path.stem] = sum("image/png" in output.get("data", {}) for output in outputs_of(cells))
    assert figures == FIGURES


def test_all_of_them_run_on_a_study_in_mlflow(recorded, tmp_path: Path) -> None:
    """The table is the one of the study."""
    cells = executed(all_in_one(tmp_path), tmp_path, study=recorded.name, tracking_uri=recorded.uri)
    done = outputs_of(cells)
    texts = [output["data"]["text/html"] for output in done if "text/html" in output.get("data", {})]
    study = load_study(recorded.name, recorded.uri)
    table = as_people_read(study, table_rows(Judged(study)))
    assert any(all(f"<td>{miou}</td>" in text for miou in table["mIoU report"]) for text in texts)
    said = "".join(output.get("data", {}).get("text/markdown", "") for output in done)
    assert "ga+csa over joint: " in said
    assert "1 of 12 tuning trials was pruned" in said
    assert "No discriminator was trained." in said
    assert "not Cityscapes" in said


def all_in_one(folder: Path) -> Path:
    """A notebook of all notebooks' cells, for one kernel, since each costs seconds to start."""
    together = nbformat.v4.new_notebook(metadata=nbformat.read(NOTEBOOKS[0], 4).metadata)
    for path in NOTEBOOKS:
        cells = nbformat.read(path, 4).cells
        for cell in cells:
            cell.id = f"{path.stem[:2]}-{cell.id}"
        together.cells += [
            cell for cell in cells if path == NOTEBOOKS[0] or "parameters" not in cell.metadata.get("tags", [])
        ]
    nbformat.write(together, folder / "all.ipynb")
    return folder / "all.ipynb"


def executed(path: Path, folder: Path, **parameters: Any) -> list[Any]:
    """All cells after a run; papermill raises what a cell raises."""
    out = folder / f"{path.stem}_done.ipynb"
    papermill.execute_notebook(path, out, parameters, cwd=FOLDER, progress_bar=False)
    return nbformat.read(out, 4).cells


def outputs_of(cells: Iterable[Any]) -> list[dict[str, Any]]:
    return [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
