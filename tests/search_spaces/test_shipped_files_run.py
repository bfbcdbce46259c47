"""Every shipped search-space file, run from the command line for a few iterations of the real method.

Of those on generated data tests/test_readme.py and tests/test_python_api.py run one each in every test run.
"""

from __future__ import annotations

import csv

import pytest
from mlflow.tracking import MlflowClient

from trainables.confusions import confusions_from_parquet

ONE_SEED = ["--set", "replicate={seeds: [0], at_most: null, until: null}"]
FEW = ["--set", "train.iterations=4", "--set", "train.evaluate_every=2", *ONE_SEED]
ONE_SEARCHES = ["--set", "search.train_seeds=[1000]", "--set", "search.finalists=null"]
ONE_TRIAL = ["--set", "search.trials_per_cell=1", *ONE_SEARCHES]
ONE_BUDGET = ["--set", "ablate.labeled_images=[20]"]
SHIPPED = {
    "csa": [*ONE_TRIAL, *ONE_BUDGET],
    "fcsa": [*ONE_TRIAL, *ONE_BUDGET],
    "adaptors": [*ONE_TRIAL, *ONE_BUDGET],
    "lambda_sadv": [*ONE_BUDGET, "--set", "ablate.lambda_sadv=[1, 30]"],
    "precision": [],
    "beyond_ass": [*ONE_TRIAL, "--set", "prune=none"],
    "smoke": ["--set", "prune=none", "--set", "ablate.adaptor=[ga, fcsa, csa]", "--set", "replicate.seeds=[0, 1]"],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_file_runs_to_its_table(name, studies):
    done = studies.run(f"search_spaces/{name}.yaml", *FEW, *SHIPPED[name])
    assert done.returncode == 0, done.stdout + done.stderr
    check_table(studies, name, seeds=2 if name == "smoke" else 1)


@pytest.mark.slow
def test_the_real_pair_runs_to_its_table_and_its_record_is_whole(studies, data_root):
    pytest.importorskip("efficientnet_lite_pytorch", reason="extra `pretrained` is not installed")
    two_cells = ["--set", "ablate.labeled_images=[10]", "--set", "ablate.adaptor=[joint, ga+csa]"]
    no_control = ["--set", "ablate.lr_sd=[0.001]", "--set", "control=null"]
    few = [*FEW, *ONE_TRIAL, *two_cells, *no_control, "--data-root", str(data_root)]
    done = studies.run("search_spaces/real_csa.yaml", *few)
    assert done.returncode == 0, done.stdout + done.stderr
    check_table(studies, "real_csa", seeds=1)

    run = next(run for run in studies.runs("real_csa") if run.data.params["adaptor"] == "ga+csa")
    assert {
        "select/miou",
        "report/miou",
        "select/iou/road",
        "loss/sadv",
        "loss/gd",
        "discriminator/sd_accuracy",
    } <= set(run.data.metrics)
    assert {"adaptor", "labeled_images", "cell", "seed", "stage", "outcome"} <= set(run.data.tags)
    check_report_miou(studies.client, run.info.run_id, run.data.metrics["report/miou"])


@pytest.mark.slow
def test_the_rivals_run_on_the_real_pair(studies, data_root):
    pytest.importorskip("efficientnet_lite_pytorch", reason="extra `pretrained` is not installed")
    rivals = ["--set", "ablate.adaptor=[finetune, mean_teacher]", "--set", "compare=null"]
    few = [*FEW, *ONE_TRIAL, *rivals, "--data-root", str(data_root)]
    done = studies.run("search_spaces/real_beyond_ass.yaml", *few)
    assert done.returncode == 0, done.stdout + done.stderr
    check_table(studies, "real_beyond_ass", seeds=1)


def check_table(studies, name: str, seeds: int) -> None:
    with (studies.folder / name / "tables/table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert all(0 < float(row["report_miou"]) < 100 and row["seeds"] == str(seeds) for row in rows)


def check_report_miou(client: MlflowClient, run_id: str, miou: float) -> None:
    """The recorded mIoU follows from the recorded confusion matrices, and the panel is there."""
    from pathlib import Path

    artifacts = {item.path for item in client.list_artifacts(run_id)}
    assert artifacts == {"report_confusions.parquet", "panel.png", "predictions.parquet"}
    content = Path(client.download_artifacts(run_id, "report_confusions.parquet")).read_bytes()
    confusions, images, classes, *_ = confusions_from_parquet(content)
    assert confusions.shape == (len(images), len(classes), len(classes))
    total = confusions.sum(axis=0)
    union = total.sum(0) + total.sum(1) - total.diagonal()
    ious = [total[k, k] / union[k] for k in range(len(classes)) if union[k]]
    assert sum(ious) / len(ious) * 100 == pytest.approx(miou, rel=1e-12)
